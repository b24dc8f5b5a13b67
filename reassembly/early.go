package reassembly

import (
	"wirelag/reassembly/packet"
)

// early holds back segments that acknowledge bytes which were not seen yet. A
// capture on several queues or interfaces may have an answer some packets before
// what it answers, and an acknowledgement before the bytes; in the order of the
// file, those would seem to be missing. Each is held until the bytes come, or
// for earlyPatience segments of the capture, so there are never more of them.
type early struct {
	held  []heldSegment // in the order of the capture
	now   heldSegment   // the one being worked in
	spare [][]byte      // buffers for payload
	taken uint64        // segments of the capture so far, without copies and late ones
}

type heldSegment struct {
	connection *Connection // nil when that was told to be over
	side       Side
	segment    packet.Segment // its Payload is ours
	until      uint64         // early.taken when patience ends
}

// earlyPatience is how many segments of the capture an early one waits: queues
// that deliver out of order are a few packets apart.
const earlyPatience = 8

// comesEarly reports whether s acknowledges what the capture may still have to show.
func (c *Connection) comesEarly(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	switch {
	case !s.Flags.Has(packet.ACK) || s.Flags.Has(packet.RST):
		return false
	case !c.synchronised && !(e.hasISN && other.hasISN): // a SYN is to come
		return !s.Flags.Has(packet.SYN) && (other.segments == 0 || s.Length > 0 || s.Flags.Has(packet.FIN))
	case !other.started || other.segments == 0:
		return false
	}
	seen := other.next
	if c.finInOrder(side.Other()) {
		seen++
	}
	ahead := int32(s.Ack - seen)
	return ahead > 0 && ahead < farAhead
}

// holdBack keeps a copy of s for later.
func (t *Table) holdBack(c *Connection, side Side, s *packet.Segment) {
	e := &t.early
	var buffer []byte
	if n := len(e.spare); n > 0 {
		buffer, e.spare = e.spare[n-1], e.spare[:n-1]
	}
	e.held = append(e.held, heldSegment{c, side, *s, e.taken + earlyPatience})
	e.held[len(e.held)-1].segment.Payload = append(buffer[:0], s.Payload...)
}

// holds reports whether s, with fingerprint p, is a copy of a segment that is held back.
func (e *early) holds(s *packet.Segment, p fingerprint) bool {
	for i := range e.held {
		h := &e.held[i]
		if h.segment.Src == s.Src && h.segment.Dst == s.Dst && p.copies(fingerprintOf(&h.segment), s) {
			return true
		}
	}
	return false
}

// takeHeld works in the segments of c whose time has come.
func (t *Table) takeHeld(c *Connection) {
	for i := 0; i < len(t.early.held); i++ {
		if h := &t.early.held[i]; h.connection == c && !c.comesEarly(h.side, &h.segment) {
			t.takeBack(i)
			i = -1 // it may be what another one waits for
		}
	}
}

// takeOverdue works in the segments that waited for patience segments in vain,
// or all of them.
func (t *Table) takeOverdue(all bool) {
	for len(t.early.held) > 0 && (all || t.early.held[0].until <= t.early.taken) {
		t.takeBack(0)
	}
}

// forget notes that c was told to be over.
func (e *early) forget(c *Connection) {
	for i := range e.held {
		if h := &e.held[i]; h.connection == c {
			h.connection = nil
		}
	}
}

// takeBack works in the segment held at index i.
func (t *Table) takeBack(i int) {
	e := &t.early
	e.now = e.held[i]
	h := &e.now
	copy(e.held[i:], e.held[i+1:])
	e.held[len(e.held)-1] = heldSegment{}
	e.held = e.held[:len(e.held)-1]
	switch p := fingerprintOf(&h.segment); {
	case h.connection == nil:
		t.stats.Late++
	case h.connection.copied(h.side, &h.segment, p):
		t.stats.Copies++
	default:
		t.receive(h.connection, h.side, &h.segment, p)
	}
	e.spare = append(e.spare, h.segment.Payload)
	*h = heldSegment{}
}
