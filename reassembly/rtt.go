package reassembly

import (
	"math"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
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
	if d := at.Sub(e.sampleSince); d > -earlyBurst { // else the clock was set back
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

// measure takes round trip samples from segments of side.
func (t *Table) measure(c *Connection, side Side, s *packet.Segment, class Class) {
	e, other := &c.ends[side], &c.ends[side.Other()]
	switch {
	case !s.Flags.Has(packet.ACK):
	case other.sampling == samplingSYN && side == c.client && !s.Flags.Has(packet.SYN) && s.Frame != c.established.Frame:
		other.cancelSample() // the capture misses the answer to the SYN/ACK
	default:
		other.endSample(s.Ack, s.Time)
	}
	if c.SYNRepeats() > 0 {
		c.measureRepeated(side, s)
	}
	switch {
	case class.Has(Retransmitted):
		e.cancelSample()
	case s.Flags.Has(packet.SYN) && other.acknowledges(s.Seq+1):
		if answer := c.synAck; side == c.client && !answer.IsZero() && answer.Sub(s.Mark) > -earlyBurst { // the capture has it behind its answer
			e.addSample(answer.Time.Sub(s.Time))
		}
	case s.Flags.Has(packet.SYN):
		e.startSample(samplingSYN, s.Seq+1, s.Time)
	case class.Has(New) && s.Length > 0:
		if !other.acknowledges(s.End()) {
			e.startSample(samplingSegment, s.End(), s.Time)
		}
	}
}

// measureRepeated takes the sample of a handshake in which a SYN or SYN/ACK was
// repeated: the timestamp echoed tells which of them is answered (RFC 7323 §4.1).
func (c *Connection) measureRepeated(side Side, s *packet.Segment) {
	other, latest := &c.ends[side.Other()], c.syns().latest
	if !s.Options.HasTimestamps || !other.hasTimestamps || s.Options.TSEcr != other.topTSVal {
		return
	}
	switch {
	case s.Flags.Has(packet.SYN|packet.ACK) && side != c.client && !latest.IsZero():
		other.addSample(s.Time.Sub(latest.Time))
	case c.established.Frame == s.Frame && !c.synAck.IsZero():
		other.addSample(s.Time.Sub(c.synAck.Time))
	}
}
