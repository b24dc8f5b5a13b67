package reassembly

import (
	"time"
	"unsafe"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// early holds back segments that acknowledge bytes which were not seen yet. A
// capture on several queues or interfaces may have an answer some packets before
// what it answers, and an acknowledgement before the bytes; in the order of the
// file, those would seem to be missing. Each is held until the bytes come, or
// patience ends.
type early struct {
	held  []heldSegment // in the order of the capture
	now   heldSegment   // the one being worked in
	spare [][]byte      // buffers for payload
	bytes int           // that are held
}

type heldSegment struct {
	connection *Connection // nil when that was told to be over
	side       Side
	segment    packet.Segment // its Payload is ours
	at         capture.Time   // by the clock of the table
	until      uint64         // how many packets of the connection, with what was held, patience lasts
}

// Patience with early segments ends with whichever is reached first. Queues that
// deliver out of order are a few packets apart. What happens on other connections
// does not count, so that it does not matter which of them share a table.
const (
	earlyPatience = time.Second
	earlySegments = 8       // of the connection, that are held as well or come meanwhile
	allEarly      = 4 << 20 // bytes of all
)

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

// early is how many segments of c are held back.
func (c *Connection) early() int {
	if c.oddities == nil {
		return 0
	}
	return c.oddities.early
}

// holdsEarly reports whether a segment of c, or of the connection before it, is held back.
func (c *Connection) holdsEarly() bool {
	p := c.previous()
	return c.early() > 0 || p != nil && p.holdsEarly()
}

// holdBack keeps a copy of s for later.
func (t *Table) holdBack(c *Connection, side Side, s *packet.Segment) {
	e := &t.early
	var buffer []byte
	if n := len(e.spare); n > 0 {
		buffer, e.spare = e.spare[n-1], e.spare[:n-1]
	}
	t.odd(c).early++
	h := heldSegment{connection: c, side: side, segment: *s, at: t.now, until: c.Packets() + uint64(c.early()) + earlySegments}
	h.segment.Payload = append(buffer[:0], s.Payload...)
	e.held = append(e.held, h)
	e.bytes += h.weight()
	t.reckon()
	for e.bytes > allEarly {
		t.takeBack(0)
	}
}

// weight is about how much memory h takes.
func (h *heldSegment) weight() int { return int(unsafe.Sizeof(*h)) + len(h.segment.Payload) }

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
	for i := 0; c.early() > 0 && i < len(t.early.held); i++ {
		if h := &t.early.held[i]; h.connection == c && (!c.comesEarly(h.side, &h.segment) || h.until <= c.Packets()+uint64(c.early())) {
			t.takeBack(i)
			i = -1 // it may be what another one waits for
		}
	}
}

// takeAllHeld works in the segments of c as they are.
func (t *Table) takeAllHeld(c *Connection) {
	for i := 0; c.early() > 0 && i < len(t.early.held); i++ {
		if t.early.held[i].connection == c {
			t.takeBack(i)
			i = -1
		}
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
	e.bytes -= h.weight()
	t.reckon()
	if h.connection != nil {
		h.connection.oddities.early--
	}
	switch p := fingerprintOf(&h.segment); {
	case h.connection == nil:
		t.stats.Late++
	case h.connection.copied(h.side, &h.segment, p):
		t.stats.Copies++
	default:
		t.receive(h.connection, h.side, &h.segment, p)
	}
	if len(e.spare) < earlySegments {
		e.spare = append(e.spare, h.segment.Payload)
	}
	*h = heldSegment{}
}
