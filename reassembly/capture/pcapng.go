package capture

import (
	"errors"
	"fmt"
)

// Block types (draft-ietf-opsawg-pcapng §11.1; Wireshark wiretap/pcapng_module.h).
const (
	blockInterface    = 1
	blockPacket       = 2 // obsolete
	blockSimplePacket = 3
	blockStatistics   = 5
	blockEnhanced     = 6
	blockJournal      = 9 // systemd
	blockSecrets      = 0x0000000a
	blockCustom       = 0x00000bad
	blockCustomLocal  = 0x40000bad // not to be copied by tools that do not know it
	blockSysdig       = 0x00000204
	blockSysdigV2     = 0x00000216
	blockSysdigLarge  = 0x00000221
	blockSection      = 0x0a0d0d0a // the same in both byte orders
)

const (
	sectionMagic    = 0x1a2b3c4d
	minSectionBytes = 28
	minBlockBytes   = 12

	// maxSecretsBytes bounds the secrets kept of an input.
	maxSecretsBytes = 4 << 20
	// secretsOverhead is what a secrets block costs besides its text.
	secretsOverhead = 64
	// maxBlockBytes is how much of a block is looked at: a packet of
	// maxPacketBytes or secrets of maxSecretsBytes, with what stands around them.
	maxBlockBytes = maxSecretsBytes + 4096
	// maxInterfaces bounds the interfaces of a section.
	maxInterfaces = 1 << 16
)

// pcapng frames the format of draft-ietf-opsawg-pcapng: a sequence of sections,
// each with a byte order, interfaces and packets of its own.
type pcapng struct {
	file  *File
	index int

	big          bigEndian
	interfaces   []pcapngInterface // of the section
	number       uint64            // of the latest packet
	now          Time              // of the latest packet
	secretsBytes int
	// trailer is the length that must be repeated here, at the end of a block
	// that was too long to be looked at whole. 0: none is due.
	trailer uint32
}

func newPcapng(file *File, index int) *pcapng {
	file.Format = Pcapng
	return &pcapng{file: file, index: index}
}

// sectionOrder reads the byte order of a section header block.
func sectionOrder(block []byte) (bigEndian, bool) {
	for _, big := range []bigEndian{false, true} {
		if big.uint32(block) == blockSection && big.uint32(block[8:]) == sectionMagic {
			return big, true
		}
	}
	return false, false
}

func (p *pcapng) frame(data []byte, packets []Packet) ([]Packet, int64, error) {
	at := int64(0)
	for at < int64(len(data)) {
		rest := data[at:]
		if p.trailer != 0 {
			if len(rest) < 4 {
				break
			}
			if err := p.checkTrailer(p.trailer, rest); err != nil {
				return packets, at, err
			}
			p.trailer = 0
			at += 4
			continue
		}
		if len(rest) < minBlockBytes {
			break
		}
		kind, length, err := p.header(rest)
		if err != nil {
			return packets, at, err
		}
		// Some writers leave the padding of the packet's data out of the length.
		size := (int64(length) + 3) &^ 3
		seen := min(size, maxBlockBytes)
		if int64(len(rest)) < seen {
			break
		}
		body := rest[8:min(seen, size-4)]
		if seen == size {
			if err := p.checkTrailer(length, rest[size-4:]); err != nil {
				return packets, at, err
			}
		} else {
			size -= 4
			p.trailer = length
		}
		if packets, err = p.block(kind, body, int64(length)-minBlockBytes, packets); err != nil {
			return packets, at, err
		}
		at += size
	}
	return packets, at, nil
}

// header reads type and length of a block, and the byte order of a section.
func (p *pcapng) header(block []byte) (kind, length uint32, err error) {
	kind = p.big.uint32(block)
	if kind == blockSection {
		var ok bool
		if p.big, ok = sectionOrder(block); !ok {
			return 0, 0, errors.New("a section header does not tell its byte order")
		}
	}
	length = p.big.uint32(block[4:])
	if length < minBlockBytes || kind == blockSection && length < minSectionBytes {
		return 0, 0, fmt.Errorf("a block of type %#x claims to be %d bytes long", kind, length)
	}
	return kind, length, nil
}

// checkTrailer checks the length that is repeated at the end of a block.
func (p *pcapng) checkTrailer(length uint32, trailer []byte) error {
	if again := p.big.uint32(trailer); again != length {
		return fmt.Errorf("a block's lengths differ: %d at its start, %d at its end", length, again)
	}
	return nil
}

// block deals with a block whose body is size bytes long; of a very long one
// only the start is there.
func (p *pcapng) block(kind uint32, body []byte, size int64, packets []Packet) ([]Packet, error) {
	cut := size > int64(len(body))
	if cut && (kind == blockInterface || kind == blockStatistics) {
		p.file.limited(limitBlockBytes)
	}
	switch kind {
	case blockEnhanced:
		return p.enhancedPacket(body, size, packets)
	case blockPacket:
		return p.obsoletePacket(body, size, packets)
	case blockSimplePacket:
		return p.simplePacket(body, size, packets)
	case blockSection:
		return packets, p.section(body)
	case blockInterface:
		return packets, p.describeInterface(body)
	case blockStatistics:
		p.statistics(body)
	case blockSecrets:
		return packets, p.secrets(body, size)
	case blockCustom, blockCustomLocal, blockJournal, blockSysdig, blockSysdigV2, blockSysdigLarge:
		// No packets, but Wireshark numbers them as frames, and numbers are
		// told to be looked up there.
		p.number++
	}
	return packets, nil
}

func (p *pcapng) section(body []byte) error {
	if major, minor := p.big.uint16(body[4:]), p.big.uint16(body[6:]); major != 1 {
		return fmt.Errorf("pcapng version %d.%d is not known", major, minor)
	}
	p.interfaces = p.interfaces[:0]
	return nil
}

// The bodies of the packet blocks, up to their data.
const (
	enhancedPacketBytes = 20 // also of the obsolete one
	simplePacketBytes   = 4
)

func (p *pcapng) enhancedPacket(body []byte, size int64, packets []Packet) ([]Packet, error) {
	if len(body) < enhancedPacketBytes {
		return packets, errShortBlock
	}
	in, err := p.interfaceOf(p.big.uint32(body))
	if err != nil {
		return packets, err
	}
	captured := p.big.uint32(body[12:])
	if packets, err = p.timedPacket(in, body, size, packets); err != nil {
		return packets, err
	}
	if options := enhancedPacketBytes + (int64(captured)+3)&^3; options < int64(len(body)) {
		p.packetOptions(in, body[options:], &packets[len(packets)-1])
	}
	return packets, nil
}

func (p *pcapng) obsoletePacket(body []byte, size int64, packets []Packet) ([]Packet, error) {
	if len(body) < enhancedPacketBytes {
		return packets, errShortBlock
	}
	in, err := p.interfaceOf(uint32(p.big.uint16(body)))
	if err != nil {
		return packets, err
	}
	packets, err = p.timedPacket(in, body, size, packets)
	const unknownDrops = 1<<16 - 1
	if drops := p.big.uint16(body[2:]); drops != unknownDrops && err == nil {
		in.addLost(p.file, &packets[len(packets)-1], uint64(drops))
	}
	return packets, err
}

// timedPacket adds the packet of an enhanced or obsolete packet block.
func (p *pcapng) timedPacket(in *pcapngInterface, body []byte, size int64, packets []Packet) ([]Packet, error) {
	captured := p.big.uint32(body[12:])
	if int64(captured) > size-enhancedPacketBytes {
		return packets, fmt.Errorf("a packet of %d bytes stands in a block of %d", captured, size+minBlockBytes)
	}
	p.now = in.clock.time(uint64(p.big.uint32(body[4:]))<<32 | uint64(p.big.uint32(body[8:])))
	return p.add(in, body[enhancedPacketBytes:], captured, p.big.uint32(body[16:]), packets), nil
}

// simplePacket adds the packet of a simple packet block, which has no time and
// no captured length: it is as late as the packet before it, and as long as the
// block and the first interface's snaplen let it be.
func (p *pcapng) simplePacket(body []byte, size int64, packets []Packet) ([]Packet, error) {
	if len(body) < simplePacketBytes {
		return packets, errShortBlock
	}
	in, err := p.interfaceOf(0)
	if err != nil {
		return packets, err
	}
	length := p.big.uint32(body)
	captured := min(int64(length), size-simplePacketBytes)
	if in.Snaplen != 0 {
		captured = min(captured, int64(in.Snaplen))
	}
	p.file.Timeless++
	return p.add(in, body[simplePacketBytes:], uint32(captured), length, packets), nil
}

func (p *pcapng) add(in *pcapngInterface, data []byte, captured, length uint32, packets []Packet) []Packet {
	kept := captured
	if kept > maxPacketBytes {
		kept = maxPacketBytes
		p.file.limited(limitPacketBytes)
	}
	p.number++
	in.packets++
	return append(packets, Packet{
		Mark:      Mark{p.now, NewFrame(p.index, p.number)},
		Data:      data[:kept:kept],
		Length:    max(length, captured),
		Interface: in.Interface,
	})
}
