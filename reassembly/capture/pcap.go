package capture

import (
	"fmt"
	"math"
)

const (
	pcapHeaderBytes         = 24
	pcapRecordBytes         = 16
	pcapModifiedRecordBytes = 24 // with the interface's index, protocol and packet type behind

	pcapMagicMicro    = 0xa1b2c3d4
	pcapMagicNano     = 0xa1b23c4d
	pcapMagicModified = 0xa1b2cd34 // A. Kuznetzov's patched libpcap, found on old Red Hat systems

	// maxRecordBytes is the largest packet that a record may claim: libpcap's
	// largest snaplen of any link type (MAX_SNAPLEN of D-Bus and USB captures).
	// A record that claims more is garbage, and so is what lies behind it.
	maxRecordBytes = 128 << 20
	// maxPacketBytes bounds the data of a packet. An IP packet with its headers
	// fits into 64 KiB, and into 512 KiB with jumbograms of segmentation offload.
	maxPacketBytes = 1 << 20
)

// pcapVariant is what the magic number of a file header says.
type pcapVariant struct {
	big         bigEndian
	recordBytes int
	nanos       uint64 // of one unit of a record's fraction of a second
}

// pcapVariantOf returns the variant of the file header that head begins with.
func pcapVariantOf(head []byte) (pcapVariant, bool) {
	if len(head) < 4 {
		return pcapVariant{}, false
	}
	for _, big := range []bigEndian{false, true} {
		switch big.uint32(head) {
		case pcapMagicMicro:
			return pcapVariant{big, pcapRecordBytes, 1000}, true
		case pcapMagicNano:
			return pcapVariant{big, pcapRecordBytes, 1}, true
		case pcapMagicModified:
			return pcapVariant{big, pcapModifiedRecordBytes, 1000}, true
		}
	}
	return pcapVariant{}, false
}

// pcap frames the classic file format (draft-ietf-opsawg-pcap).
type pcap struct {
	pcapVariant
	file   *File
	index  int
	minor  uint16     // of the version, 2.minor
	in     *Interface // nil until the file header was read
	number uint64     // of the latest packet
}

func newPcap(v pcapVariant, file *File, index int) *pcap {
	file.Format = Pcap
	if v.nanos == 1 {
		file.Format = PcapNanosecond
	}
	return &pcap{pcapVariant: v, file: file, index: index}
}

// begin reads a file header.
func (p *pcap) begin(header []byte) error {
	p.pcapVariant, _ = pcapVariantOf(header)
	major, minor := p.big.uint16(header[4:]), p.big.uint16(header[6:])
	if major != 2 {
		return fmt.Errorf("pcap version %d.%d is not known", major, minor)
	}
	p.minor = minor
	p.in = &Interface{
		File:     p.index,
		LinkType: LinkType(p.big.uint32(header[20:]) & linkTypeMask),
		Snaplen:  knownSnaplen(p.big.uint32(header[16:])),
	}
	p.file.AddInterface(p.in)
	return nil
}

// knownSnaplen reads absurd values as no limit, as libpcap does.
func knownSnaplen(field uint32) uint32 {
	if field > math.MaxInt32 {
		return 0
	}
	return field
}

func (p *pcap) frame(data []byte, packets []Packet) ([]Packet, int64, error) {
	at := 0
	for len(data)-at >= p.recordBytes {
		header := data[at:]
		captured, length := p.lengths(header)
		if p.in == nil || captured|length == 0 && isPcap(header) {
			// Also behind records: cat a.pcap b.pcap. A header's time zone and
			// accuracy, both 0, stand where a record has its lengths.
			if len(header) < pcapHeaderBytes {
				break
			}
			if err := p.begin(header); err != nil {
				return packets, int64(at), err
			}
			at += pcapHeaderBytes
			continue
		}
		if captured > maxRecordBytes {
			return packets, int64(at), fmt.Errorf("a record claims to hold %d bytes", captured)
		}
		kept := min(int(captured), maxPacketBytes)
		body := at + p.recordBytes
		if len(data)-body < kept {
			break
		}
		if kept < int(captured) {
			p.file.limited(limitPacketBytes)
		}
		p.number++
		packets = append(packets, Packet{}) // filled in place: a copy of each takes as long as all else here
		next := &packets[len(packets)-1]
		next.Time, next.Frame = p.time(header), NewFrame(p.index, p.number)
		next.Data, next.Length = data[body:body+kept:body+kept], max(length, captured)
		next.Interface = p.in
		at = body + int(captured)
	}
	return packets, int64(at), nil
}

func isPcap(head []byte) bool {
	_, ok := pcapVariantOf(head)
	return ok
}

// lengths returns the captured and the original length of a record. Before
// version 2.3 they were written the other way round, in 2.3 by some.
func (p *pcap) lengths(header []byte) (captured, length uint32) {
	captured, length = p.big.uint32(header[8:]), p.big.uint32(header[12:])
	if p.minor <= 3 && p.in != nil && (p.minor < 3 || captured > length) {
		return length, captured
	}
	return captured, length
}

// time returns the moment of a record. A fraction of a second or more, which
// broken writers leave, carries over into the seconds.
func (p *pcap) time(header []byte) Time {
	seconds, fraction := uint64(p.big.uint32(header)), uint64(p.big.uint32(header[4:]))
	return Time(seconds*nanosPerSecond + fraction*p.nanos)
}
