package reassembly

import (
	"math"
	"time"

	"wirelag/reassembly/capture"
)

// sampling is whether a round trip is being measured between the capture point
// and the receiver of an end's segments: from a segment to the first
// acknowledgement that covers it, one at a time, without segments sent more than
// once (Karn's algorithm, RFC 6298 §3).
type sampling uint8

const (
	notSampling sampling = iota
	samplingSegment
	samplingSYN // an acknowledgement of more is not the first
)

const sampleUnit = 100 * time.Nanosecond

// startSample starts a sample, which an acknowledgement of until completes.
func (e *end) startSample(of sampling, until uint32, at capture.Time) {
	if e.sampling == notSampling {
		e.sampling, e.sampleUntil, e.sampleSince = of, until, at
	}
}

// cancelSample gives up the running sample: one of its segments was sent again.
func (e *end) cancelSample() { e.sampling = notSampling }

// endSample ends the running sample if ack covers it.
func (e *end) endSample(ack uint32, at capture.Time) {
	of := e.sampling
	if of == notSampling || int32(ack-e.sampleUntil) < 0 {
		return
	}
	e.sampling = notSampling
	if of == samplingSYN && ack != e.sampleUntil {
		return
	}
	if d := at.Sub(e.sampleSince); d >= 0 { // the clock may go backwards
		e.addSample(d)
	}
}

func (e *end) addSample(d time.Duration) {
	units := int32(min(max(d/sampleUnit, 0), math.MaxInt32-1)) + 1
	if e.leastRTT == 0 || units < e.leastRTT {
		e.leastRTT = units
	}
}

// bestRTT is the least round trip; ok is false without any.
func (e *end) bestRTT() (rtt time.Duration, ok bool) {
	return time.Duration(max(e.leastRTT-1, 0)) * sampleUnit, e.leastRTT != 0
}
