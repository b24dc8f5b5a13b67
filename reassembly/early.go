package reassembly

import (
	"slices"
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
	first, last *heldSegment   // in the order of the capture
	spare       []*heldSegment // to be used again
	bytes       int            // that are held
}

type heldSegment struct {
	older, newer *heldSegment
	connection   *Connection // nil when that was told to be over
	side         Side
	segment      packet.Segment // its Payload is ours
	at           capture.Time   // by the clock of the table
	since        uint64         // how many packets the connection had, with what was held
}

// Patience with early segments ends with whichever is reached first. Queues that
// deliver out of order are a few packets apart, and clocks of two interfaces less than
// earlyBurst, in which many segments may come. What happens on other connections does not
// count, so that it does not matter which of them share a table.
const (
	earlyPatience = time.Second
	earlySegments = 8                // of the connection, that are held as well or come meanwhile,
	earlyBurst    = time.Millisecond // but for this time
	earlyMost     = 64               // only so many are
	allEarly      = 4 << 20          // bytes of all
)

// comesEarly reports whether s acknowledges what the capture may still have to show.
func (c *Connection) comesEarly(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	switch {
	case s.Refuses():
		return !c.synchronised && !e.started && other.segments == 0 // the SYN is to come
	case !s.Flags.Has(packet.ACK) || s.Flags.Has(packet.RST):
		return false
	case !c.synchronised && !(e.hasISN && other.hasISN): // a SYN is to come; where it does not, all is taken in order
		return !s.Flags.Has(packet.SYN) && (other.segments == 0 || s.Length > 0 || s.Flags.Has(packet.FIN) || len(c.held()) > 0)
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

// held are the segments of c that are held back, in the order of the capture: few, since
// each counts for the patience with those before it.
func (c *Connection) held() []*heldSegment {
	if c.oddities == nil {
		return nil
	}
	return c.oddities.held
}

// isRefused reports whether a reset is held back that answers the SYN s.
func (c *Connection) isRefused(s *packet.Segment) bool {
	for _, h := range c.held() {
		if h.segment.Refuses() && h.segment.Src == s.Dst && h.segment.Ack == s.End() {
			return true
		}
	}
	return false
}

// holds reports whether s, with fingerprint p, is a copy of a segment that is held back
// of c, or of the connection before it.
func (c *Connection) holds(s *packet.Segment, p fingerprint) bool {
	if c.oddities == nil {
		return false
	}
	for _, h := range c.oddities.held {
		if h.segment.Src == s.Src && p.copies(fingerprintOf(&h.segment), s) {
			return true
		}
	}
	before := c.oddities.previous
	return before != nil && before.holds(s, p)
}

// holdBack keeps a copy of s for later.
func (t *Table) holdBack(c *Connection, side Side, s *packet.Segment) {
	e, o := &t.early, t.odd(c)
	var h *heldSegment
	if n := len(e.spare); n > 0 {
		h, e.spare = e.spare[n-1], e.spare[:n-1]
	} else {
		h = new(heldSegment)
	}
	payload := append(h.segment.Payload[:0], s.Payload...)
	*h = heldSegment{connection: c, side: side, segment: *s, at: t.now}
	h.segment.Payload = payload
	o.held = append(o.held, h)
	h.since = c.Packets() + uint64(len(o.held))
	e.append(h)
	t.reckon()
	for e.bytes > allEarly {
		t.takeBack(e.first)
	}
}

func (e *early) append(h *heldSegment) {
	if h.older = e.last; h.older != nil {
		h.older.newer = h
	} else {
		e.first = h
	}
	e.last = h
	e.bytes += h.weight()
}

func (e *early) remove(h *heldSegment) {
	if h.older != nil {
		h.older.newer = h.newer
	} else {
		e.first = h.newer
	}
	if h.newer != nil {
		h.newer.older = h.older
	} else {
		e.last = h.older
	}
	e.bytes -= h.weight()
}

// weight is about how much memory h takes.
func (h *heldSegment) weight() int { return int(unsafe.Sizeof(*h)) + len(h.segment.Payload) }

// takeHeld works in the segments of c whose time has come.
func (t *Table) takeHeld(c *Connection) {
	for i := 0; i < len(c.held()); i++ {
		if h := c.held()[i]; !c.comesEarly(h.side, &h.segment) || t.isOverdue(h) {
			t.takeBack(h)
			i = -1 // it may be what another one waits for
		}
	}
}

// isOverdue reports whether so many segments came since h that what it waits for should have.
func (t *Table) isOverdue(h *heldSegment) bool {
	came := h.connection.Packets() + uint64(len(h.connection.held())) - h.since
	return came >= earlyMost || came >= earlySegments && t.now.Sub(h.at) >= earlyBurst
}

// takeAllHeld works in the segments of c as they are.
func (t *Table) takeAllHeld(c *Connection) {
	for len(c.held()) > 0 {
		t.takeBack(c.held()[0])
	}
}

// forgetHeld notes that c was told to be over.
func (c *Connection) forgetHeld() {
	for _, h := range c.held() {
		h.connection = nil
	}
}

// takeBack works in a segment that is held.
func (t *Table) takeBack(h *heldSegment) {
	e, c := &t.early, h.connection
	e.remove(h)
	t.reckon()
	if c != nil {
		i := slices.Index(c.oddities.held, h)
		c.oddities.held = slices.Delete(c.oddities.held, i, i+1)
	}
	switch p := fingerprintOf(&h.segment); {
	case c == nil:
		t.stats.Late++
	case c.copied(h.side, &h.segment, p):
		t.stats.Copies++
	default:
		t.receive(c, h.side, &h.segment, p)
	}
	if len(e.spare) < earlySegments {
		*h = heldSegment{segment: packet.Segment{Payload: h.segment.Payload}}
		e.spare = append(e.spare, h)
	}
}
