package analyze

import (
	"wirelag/reassembly"
	"wirelag/reassembly/packet"
)

// stamp is the timestamp of an acknowledgement that whoever has it echoes in all that it
// sends from then on (RFC 7323 §4.3); 0 where there is none.
type stamp uint32

// echoed is the timestamp of s of side, where nothing was under way before it: the other
// end remembers none of a segment behind what it has acknowledged.
func echoed(c *Connection, side reassembly.Side, s *packet.Segment) stamp {
	if !s.Options.HasTimestamps {
		return 0
	}
	if acknowledged, ok := c.Acknowledged(side); !ok || c.Offset(side, s.Seq) > acknowledged {
		return 0
	}
	return stamp(s.Options.TSVal)
}

// echoed is behind the acknowledgement that s echoes, the latest that its sender had then;
// to where none before to is known that s echoes: it is missing from the capture.
func (h *history) echoed(to int, s *packet.Segment) int {
	n := to
	for n > h.acksLost && h.ack(n-1).stamp.laterThan(s) {
		n--
	}
	if n > h.acksLost && h.ack(n-1).stamp == stamp(s.Options.TSEcr) {
		return n
	}
	return to
}

// laterThan reports whether s left before its sender had what carried the timestamp.
func (t stamp) laterThan(s *packet.Segment) bool {
	return t != 0 && s.Options.HasTimestamps && s.Flags.Has(packet.ACK) && int32(uint32(t)-s.Options.TSEcr) > 0
}
