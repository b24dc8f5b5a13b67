package capture

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
)

// Option codes (draft-ietf-opsawg-pcapng §3.5, 4.2, 4.3, 4.6).
const (
	optionEnd = 0

	optionInterfaceName       = 2
	optionInterfaceResolution = 9
	optionInterfaceOffset     = 14

	optionPacketDropCount = 4

	optionStatisticsStart         = 2
	optionStatisticsEnd           = 3
	optionStatisticsReceived      = 4
	optionStatisticsInterfaceDrop = 5
	optionStatisticsSystemDrop    = 7
)

const (
	interfaceBytes  = 8  // body of an interface description, up to its options
	statisticsBytes = 12 // body of interface statistics, up to their options
	secretsBytes    = 8  // body of a secrets block, up to the secrets

	// secretsTLSKeyLog is the secrets type of the SSLKEYLOGFILE format.
	secretsTLSKeyLog = 0x544c534b

	// defaultResolution is the if_tsresol of an interface that has none: 10^-6 s.
	defaultResolution = 6
	// maxNameBytes bounds an interface's name.
	maxNameBytes = 256
)

var errShortBlock = errors.New("a block is too short for what it must hold")

// pcapngInterface is an interface with what its packets need to be read.
type pcapngInterface struct {
	*Interface
	clock clock

	packets  uint64 // so far
	dropped  uint64 // the latest statistics
	lost     uint64 // sum of what its packets say was lost before them
	reported uint64 // the share of it in File.Dropped
}

// setDropped takes the drop count of statistics, which count from the start.
func (in *pcapngInterface) setDropped(f *File, n uint64) {
	in.dropped = n
	in.report(f)
}

// addLost adds packets lost between p and the one before.
func (in *pcapngInterface) addLost(f *File, p *Packet, n uint64) {
	p.Dropped = uint32(min(n, math.MaxUint32))
	in.lost += n
	in.report(f)
}

// report replaces the interface's share of the file's count. Both sources count
// the same packets, so the larger one is it.
func (in *pcapngInterface) report(f *File) {
	share := max(in.dropped, in.lost)
	f.Dropped += share - in.reported
	in.reported = share
}

// interfaceOf returns an interface of the section by its number.
func (p *pcapng) interfaceOf(id uint32) (*pcapngInterface, error) {
	if uint64(id) >= uint64(len(p.interfaces)) {
		return nil, fmt.Errorf("a packet is of interface %d, of %d described", id, len(p.interfaces))
	}
	return &p.interfaces[id], nil
}

func (p *pcapng) describeInterface(body []byte) error {
	if len(body) < interfaceBytes {
		return errShortBlock
	}
	if len(p.interfaces) == maxInterfaces {
		p.file.limited(limitInterfaces)
		return nil
	}
	in := &Interface{
		File:     p.index,
		Index:    len(p.interfaces),
		LinkType: LinkType(p.big.uint16(body)),
		Snaplen:  knownSnaplen(p.big.uint32(body[4:])),
	}
	resolution, offset := uint8(defaultResolution), int64(0)
	for code, value := range p.options(body[interfaceBytes:]) {
		switch {
		case code == optionInterfaceName:
			in.Name = string(value[:min(len(value), maxNameBytes)])
		case code == optionInterfaceResolution && len(value) > 0:
			resolution = value[0]
		case code == optionInterfaceOffset && len(value) >= 8:
			offset = int64(p.big.uint64(value))
		}
	}
	p.file.AddInterface(in)
	p.interfaces = append(p.interfaces, pcapngInterface{Interface: in, clock: newClock(resolution, offset)})
	return nil
}

// statistics takes the drop counts of an interface, and when its recording ended.
// What its filter did not accept is no loss.
func (p *pcapng) statistics(body []byte) {
	if len(body) < statisticsBytes {
		return
	}
	in, err := p.interfaceOf(p.big.uint32(body))
	if err != nil {
		return
	}
	var dropped, received uint64
	var start, end Time
	for code, value := range p.options(body[statisticsBytes:]) {
		if len(value) < 8 {
			continue
		}
		switch code {
		case optionStatisticsInterfaceDrop, optionStatisticsSystemDrop:
			dropped += p.knownCount(value)
		case optionStatisticsReceived:
			received = p.knownCount(value)
		case optionStatisticsStart:
			start = p.splitTime(in, value)
		case optionStatisticsEnd:
			end = p.splitTime(in, value)
		}
	}
	in.setDropped(p.file, dropped)
	if received != in.packets+dropped {
		p.file.excerpt = true
	}
	p.file.noteSpan(start, end)
}

// splitTime reads a time of statistics, the upper half first.
func (p *pcapng) splitTime(in *pcapngInterface, value []byte) Time {
	return in.clock.time(uint64(p.big.uint32(value))<<32 | uint64(p.big.uint32(value[4:])))
}

func (p *pcapng) packetOptions(in *pcapngInterface, options []byte, of *Packet) {
	for code, value := range p.options(options) {
		if code == optionPacketDropCount && len(value) >= 8 {
			in.addLost(p.file, of, p.knownCount(value))
		}
	}
}

// knownCount reads a counter, whose largest value stands for an unknown one.
func (p *pcapng) knownCount(value []byte) uint64 {
	if n := p.big.uint64(value); n != math.MaxUint64 {
		return n
	}
	return 0
}

// options yields the options in b, up to the end mark or the first that does
// not fit.
func (p *pcapng) options(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, length := p.big.uint16(b), int(p.big.uint16(b[2:]))
			if code == optionEnd || len(b)-4 < length || !yield(code, b[4:4+length]) {
				return
			}
			b = b[min(4+(length+3)&^3, len(b)):]
		}
	}
}

// secrets keeps the text of a TLS key log. The body's size is that of the
// block, of which only the start may be there.
func (p *pcapng) secrets(body []byte, size int64) error {
	if len(body) < secretsBytes {
		return errShortBlock
	}
	kind, length := p.big.uint32(body), int64(p.big.uint32(body[4:]))
	text := body[secretsBytes:]
	switch {
	case length > size-secretsBytes:
		return errShortBlock
	case kind != secretsTLSKeyLog || length == 0:
		return nil
	case int64(p.secretsBytes)+length+secretsOverhead > maxSecretsBytes:
		p.file.limited(limitSecrets)
		return nil
	}
	p.secretsBytes += int(length) + secretsOverhead
	p.file.Secrets = append(p.file.Secrets, bytes.Clone(text[:length]))
	return nil
}
