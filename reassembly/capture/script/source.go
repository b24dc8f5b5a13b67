package script

import (
	"io"
	"slices"

	"wirelag/reassembly/capture"
)

// batchSize is how many packets a Source reads at once: few, so that short
// scripts have several batches.
const batchSize = 4

// Source reads the packets of a script as a [capture.Source]. Data is borrowed
// for real: reading into a batch again overwrites what it held, so that a
// consumer which keeps bytes without copying them fails its test.
type Source struct {
	rest    []capture.Packet
	file    capture.File
	latest  capture.Time // of the packet before
	buffers map[*capture.Batch][]byte
}

// Source returns a source that reads the script from its first packet.
func (s *Script) Source() *Source {
	return &Source{
		rest: s.Packets,
		file: capture.File{
			Name:      "script",
			Format:    capture.PcapNanosecond,
			LinkTypes: []capture.LinkType{s.Interface.LinkType},
			Snaplen:   s.Interface.Snaplen,
		},
		buffers: map[*capture.Batch][]byte{},
	}
}

// Read fills b with the next packets; see [capture.Source].
func (s *Source) Read(b *capture.Batch) error {
	buffer := s.buffers[b]
	for i := range buffer {
		buffer[i] = 0xdb
	}
	b.Packets, b.Now = b.Packets[:0], 0
	if len(s.rest) == 0 {
		return io.EOF
	}
	next := s.rest[:min(batchSize, len(s.rest))]
	size := 0
	for i := range next {
		size += len(next[i].Data)
	}
	buffer = slices.Grow(buffer[:0], size)
	for _, p := range next {
		s.count(&p)
		start := len(buffer)
		buffer = append(buffer, p.Data...)
		p.Data = buffer[start:len(buffer):len(buffer)]
		b.Packets = append(b.Packets, p)
	}
	s.buffers[b] = buffer
	s.rest = s.rest[len(next):]
	return nil
}

// count adds p to what the file says of its packets.
func (s *Source) count(p *capture.Packet) {
	f := &s.file
	if f.Packets == 0 {
		f.First, f.Last, s.latest = p.Time, p.Time, p.Time
	}
	if p.Time < s.latest {
		f.ClockBackward++
	}
	s.latest = p.Time
	f.First, f.Last = min(f.First, p.Time), max(f.Last, p.Time)
	f.Packets++
	f.Bytes += uint64(len(p.Data))
	if p.Length > uint32(len(p.Data)) {
		f.CutPackets++
	}
}

// Files describes the script as an input; see [capture.Source].
func (s *Source) Files() []*capture.File { return []*capture.File{&s.file} }

// Close does nothing.
func (s *Source) Close() error { return nil }
