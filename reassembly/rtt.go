package reassembly

import (
	"math"
	"time"

	"wirelag/reassembly/capture"
)

// sample measures round trips between the capture point and the receiver of an
// end's segments: from a segment to the first acknowledgement that covers it,
// one at a time, without segments sent more than once (Karn's algorithm,
// RFC 6298 §3).
type sample struct {
	until   uint32       // the acknowledgement that completes the sample
	running bool         // a sample is being taken
	exact   bool         // it is one of a SYN: an acknowledgement of more is not the first
	least   int32        // the least round trip in units of 100 ns, plus 1; 0 without any
	since   capture.Time // when the segment was seen
}

const sampleUnit = 100 * time.Nanosecond

func (s *sample) start(until uint32, at capture.Time) {
	if !s.running {
		s.running, s.exact, s.until, s.since = true, false, until, at
	}
}

// startSYN starts a sample with a SYN.
func (s *sample) startSYN(until uint32, at capture.Time) {
	if !s.running {
		s.start(until, at)
		s.exact = true
	}
}

// cancel gives up the running sample: one of its segments was sent again.
func (s *sample) cancel() { s.running = false }

// acknowledge ends the running sample if ack covers it.
func (s *sample) acknowledge(ack uint32, at capture.Time) {
	if !s.running || int32(ack-s.until) < 0 {
		return
	}
	s.running = false
	if s.exact && ack != s.until {
		return
	}
	if d := at.Sub(s.since); d >= 0 { // the clock may go backwards
		s.add(d)
	}
}

func (s *sample) add(d time.Duration) {
	units := int32(min(max(d/sampleUnit, 0), math.MaxInt32-1)) + 1
	if s.least == 0 || units < s.least {
		s.least = units
	}
}

func (s *sample) best() (time.Duration, bool) {
	return time.Duration(max(s.least-1, 0)) * sampleUnit, s.least != 0
}
