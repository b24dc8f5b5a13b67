package filter

import (
	"math"

	"wirelag/reassembly/capture"
)

// Apply returns a Source of the packets of src that e keeps, with the numbers and
// times they have. It takes the place of src. What is left out is counted in the
// [capture.File]s; the time that it takes is told by Batch.Now, and when it began
// by an empty batch before all others.
//
// Packets of link types for which e has no program are left out too.
func Apply(src capture.Source, e *Expression) capture.Source {
	s := &filtered{Source: src, expression: e, programs: map[capture.LinkType]*Program{}}
	if !e.tags && e.root != nil {
		s.tagged = tagged()
	}
	return s
}

type filtered struct {
	capture.Source
	expression *Expression
	// programs has nil for link types for which there is none.
	programs map[capture.LinkType]*Program
	tagged   *Program // keeps frames of Ethernet with a tag; nil if it is asked for

	of      *capture.Interface // of the latest packet
	program *Program           // for it

	begun   bool
	ahead   capture.Batch // read to learn when the capture began
	isAhead bool
	dropped uint32 // before packets that were left out since the latest one kept
}

func (s *filtered) Read(b *capture.Batch) error {
	if !s.begun {
		return s.begin(b)
	}
	if s.isAhead {
		*b, s.ahead, s.isAhead = s.ahead, capture.Batch{}, false
	} else if err := s.Source.Read(b); err != nil {
		return err
	}
	s.filter(b)
	return nil
}

func (s *filtered) begin(b *capture.Batch) error {
	s.begun = true
	if err := s.Source.Read(b); err != nil || len(b.Packets) == 0 {
		return err
	}
	s.ahead, s.isAhead = *b, true
	*b = capture.Batch{Now: b.Packets[0].Time}
	return nil
}

// filter removes packets from b.
func (s *filtered) filter(b *capture.Batch) {
	if len(b.Packets) == 0 {
		return
	}
	last := b.Packets[len(b.Packets)-1].Time
	kept := b.Packets[:0]
	files := s.Files()
	for i := range b.Packets {
		p := &b.Packets[i]
		lost := p.Dropped
		s.dropped = uint32(min(uint64(s.dropped)+uint64(lost), math.MaxUint32))
		if !s.keeps(p, files[p.Interface.File]) {
			continue
		}
		p.Dropped, s.dropped = s.dropped, 0
		kept = append(kept, *p)
	}
	b.Packets = kept
	b.Now = max(b.Now, last)
}

// keeps reports whether a packet of file is kept, and counts it if not.
func (s *filtered) keeps(p *capture.Packet, file *capture.File) bool {
	if p.Interface != s.of {
		s.of, s.program = p.Interface, s.programFor(p.Interface.LinkType, file)
	}
	switch {
	case s.program == nil:
		file.Unfilterable++
		return false
	case s.program.Match(p.Data, p.Length):
		return true
	}
	file.Filtered++
	if s.tagged != nil && p.Interface.LinkType == capture.LinkTypeEthernet && s.tagged.Match(p.Data, p.Length) {
		file.FilteredTags++
	}
	return false
}

// tagged returns a program that keeps frames of Ethernet with a VLAN tag.
func tagged() *Program {
	e := &Expression{root: &tag{id: -1}}
	p, err := e.Compile(capture.LinkTypeEthernet)
	if err != nil {
		panic("no program for a tag: " + err.Error())
	}
	return p
}

// programFor compiles once for each link type.
func (s *filtered) programFor(t capture.LinkType, file *capture.File) *Program {
	program, known := s.programs[t]
	if !known {
		var err error
		if program, err = s.expression.Compile(t); err != nil {
			file.UnfilterableWhy = err.Error()
		}
		s.programs[t] = program
	}
	return program
}
