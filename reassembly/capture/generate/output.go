package generate

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"wirelag/reassembly/capture"
)

// outputSize is how many bytes are written, or handed on as a batch, at once.
const outputSize = 256 << 10

// pcapSnaplen stands in the file header: what tcpdump has.
const pcapSnaplen = 262144

// WritePcap writes the capture that o describes as a pcap file with timestamps
// of microseconds or nanoseconds, and returns the truth about it.
func WritePcap(w io.Writer, o Options, nanoseconds bool) (Truth, error) {
	g, err := newGenerator(o)
	if err != nil {
		return Truth{}, err
	}
	magic, unit := uint32(0xa1b2c3d4), int64(time.Microsecond)
	if nanoseconds {
		magic, unit = 0xa1b23c4d, 1
	}
	b := make([]byte, 0, outputSize+recordSize+frameMax)
	b = binary.LittleEndian.AppendUint32(b, magic)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, pcapSnaplen)
	b = binary.LittleEndian.AppendUint32(b, uint32(capture.LinkTypeEthernet))
	for more := true; more; {
		var at int64
		var frame []byte
		record := len(b)
		if frame, at, more = g.next(b[:record+recordSize]); more {
			b = frame
			putRecord(b[record:], at, unit)
		}
		if !more || len(b) > outputSize {
			if _, err := w.Write(b); err != nil {
				return g.truth, fmt.Errorf("write a capture: %w", err)
			}
			b = b[:0]
		}
	}
	return g.truth, nil
}

const recordSize = 16

// putRecord fills in the record header that b begins with, for a time in
// nanoseconds that is written in units of as many.
func putRecord(b []byte, at, unit int64) {
	size := uint32(len(b) - recordSize)
	binary.LittleEndian.PutUint32(b, uint32(at/int64(time.Second)))
	binary.LittleEndian.PutUint32(b[4:], uint32(at%int64(time.Second)/unit))
	binary.LittleEndian.PutUint32(b[8:], size)
	binary.LittleEndian.PutUint32(b[12:], size)
}

// Source makes packets as they are read, as a [capture.Source] without a file.
type Source struct {
	generator *generator
	iface     *capture.Interface
	file      capture.File
	buffers   map[*capture.Batch][]byte
}

// NewSource returns a source of the capture that o describes.
func NewSource(o Options) (*Source, error) {
	g, err := newGenerator(o)
	if err != nil {
		return nil, err
	}
	return &Source{
		generator: g,
		iface:     &capture.Interface{LinkType: capture.LinkTypeEthernet},
		file: capture.File{
			Name:      "generated " + o.Kind.String(),
			Format:    capture.PcapNanosecond,
			LinkTypes: []capture.LinkType{capture.LinkTypeEthernet},
			First:     capture.Time(start),
		},
		buffers: map[*capture.Batch][]byte{},
	}, nil
}

// Read fills b with the next packets; see [capture.Source]. Reading into the
// same batches again allocates nothing.
func (s *Source) Read(b *capture.Batch) error {
	b.Packets, b.Now = b.Packets[:0], 0
	buffer := s.buffers[b][:0]
	if buffer == nil {
		buffer = make([]byte, 0, outputSize+frameMax)
		s.buffers[b] = buffer
	}
	for len(buffer) <= outputSize {
		frame, at, more := s.generator.next(buffer)
		if !more {
			break
		}
		data := frame[len(buffer):len(frame):len(frame)]
		buffer = frame
		s.file.Packets++
		b.Packets = append(b.Packets, capture.Packet{
			Mark:      capture.Mark{Time: capture.Time(at), Frame: capture.NewFrame(0, s.file.Packets)},
			Data:      data,
			Length:    uint32(len(data)),
			Interface: s.iface,
		})
		s.file.Last = capture.Time(at)
		s.file.Bytes += uint64(len(data))
	}
	if len(b.Packets) == 0 {
		return io.EOF
	}
	return nil
}

// Files describes the capture as an input; see [capture.Source].
func (s *Source) Files() []*capture.File { return []*capture.File{&s.file} }

// Close does nothing.
func (s *Source) Close() error { return nil }

// Truth is the truth about the packets made so far.
func (s *Source) Truth() Truth { return s.generator.truth }
