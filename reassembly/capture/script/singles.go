package script

import "wirelag/reassembly/capture"

// Singles returns a source of the packets of another one that gives them one at a time.
// What is found in one is told before the next is looked at, and memory is used again
// as soon as it can be: who keeps what is not theirs, has another's then.
func Singles(src capture.Source) capture.Source { return &singles{Source: src} }

type singles struct {
	capture.Source
	batch capture.Batch
	rest  []capture.Packet
	err   error
}

func (s *singles) Read(b *capture.Batch) error {
	if len(s.rest) == 0 && s.err == nil {
		s.err = s.Source.Read(&s.batch)
		s.rest = s.batch.Packets
	}
	b.Packets, b.Now = b.Packets[:0], 0
	if len(s.rest) > 0 {
		b.Packets = append(b.Packets, s.rest[0])
		s.rest = s.rest[1:]
	}
	if len(s.rest) > 0 {
		return nil
	}
	b.Now = s.batch.Now
	return s.err
}
