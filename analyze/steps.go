package analyze

import (
	"time"

	"wirelag/reassembly/capture"
)

// A clock is coarse that stood still for so many packets and never went on by less:
// 1 ms where times were stored so, 4 or 10 ms where a system counts timer interrupts, 15.6 ms on
// Windows.
const (
	coarseStep  = 500 * time.Microsecond
	coarseTimes = 12
)

// steps watches by how much the capture's clock goes on at least.
type steps struct {
	fine   bool // by less than coarseStep: that will not change any more
	least  time.Duration
	still  uint64 // packets with the time of the one before
	latest capture.Mark
}

// take notes the time of the next packet, and reports whether by says something else now.
func (s *steps) take(m capture.Mark) bool {
	before, was := s.latest, s.by()
	s.latest = m
	if before.IsZero() || before.Frame.File() != m.Frame.File() {
		return false
	}
	switch by := m.Sub(before); {
	case by == 0:
		s.still++
	case by > 0 && (s.least == 0 || by < s.least):
		s.least, s.fine = by, by < coarseStep
	}
	return s.by() != was
}

// by is what a coarse clock goes on by at least; 0 for others.
func (s *steps) by() time.Duration {
	if s.fine || s.still < coarseTimes {
		return 0
	}
	return s.least
}
