package reassembly

import (
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// takeFIN notes the end of side's stream.
func (t *Table) takeFIN(c *Connection, side Side, s *packet.Segment) {
	if c.hasFIN(side) {
		return
	}
	e, other := &c.ends[side], &c.ends[side.Other()]
	end := t.toEnd(c)
	end.fin[side], end.finSeq[side] = s.Mark, s.Seq+s.Length
	if int32(end.finSeq[side]-e.next) < 0 {
		end.finSeq[side] = e.next
	}
	if !c.hasFIN(side.Other()) {
		end.firstFIN = side
		if other.started && c.stretch(side.Other()) == nil && s.Flags.Has(packet.ACK) && s.Ack == other.next+1 {
			end.firstFIN = side.Other() // it answers a FIN that the capture has late, or not at all
		}
	} else if !(s.Flags.Has(packet.ACK) && s.Ack == end.finSeq[side.Other()]+1) {
		end.crossed = !other.acknowledges(end.finSeq[side] + 1)
		if c.left(side, s.Mark) < c.left(side.Other(), end.fin[side.Other()]) {
			end.firstFIN = side
		}
	}
	t.finishStream(c, side, s.Mark)
}

// left is when side sent a segment that was seen at a moment, as far as round trips are known.
func (c *Connection) left(side Side, seen capture.Mark) capture.Time {
	toSide, _ := c.ends[side.Other()].bestRTT()
	return seen.Time.Add(-toSide / 2)
}

// finUnseen reports whether the other side acknowledged a FIN of side that the
// capture has not seen: what it acknowledges is one number beyond the stream.
func (c *Connection) finUnseen(side Side) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	return e.started && !c.hasFIN(side) && c.stretch(side) == nil && other.sentACK && other.ack == e.next+1
}

// Ended is the first FIN or RST and its sender: who began to end the connection.
// ok is false while there is none, and where an acknowledgement shows that the
// capture misses a FIN.
func (c *Connection) Ended() (at capture.Mark, by Side, ok bool) {
	side, ok := c.FirstCloser()
	if !ok || c.finUnseen(0) || c.finUnseen(1) {
		return capture.Mark{}, 0, false
	}
	if c.hasFIN(side) {
		return c.ending.fin[side], side, true
	}
	return c.ending.rst, c.ending.rstSide, !c.ending.rst.IsZero()
}

// FirstCloser is the side that began to close the connection, though the other's FIN, or its
// own, may be missing from the capture: what the other acknowledged with its FIN tells of
// that. ok is false where no side sent a FIN or an RST that was seen.
func (c *Connection) FirstCloser() (side Side, ok bool) {
	switch e := c.ending; {
	case e == nil:
		return 0, false
	case c.hasFIN(0) || c.hasFIN(1):
		return e.firstFIN, true
	default:
		return e.rstSide, !e.rst.IsZero()
	}
}

// finishStream tells that side finished, once all before its FIN was handed on.
func (t *Table) finishStream(c *Connection, side Side, at capture.Mark) {
	if !c.awaitsFIN(side) || c.ends[side].next != c.ending.finSeq[side] {
		return
	}
	c.ending.finInOrder[side] = true
	if t.consumer.Finished != nil {
		t.consumer.Finished(c, side, at)
	}
	if !c.finInOrder(side.Other()) || c.over() {
		return
	}
	c.close = ByFIN
	c.ending.closedBy = c.ending.firstFIN
	t.finish(c, at)
}

// finsAcknowledged reports whether each end acknowledged the other's FIN, so that
// nothing but repeats of c can be under way.
func (c *Connection) finsAcknowledged() bool {
	a, b := &c.ends[0], &c.ends[1]
	return c.hasFIN(0) && c.hasFIN(1) && b.acknowledges(c.ending.finSeq[0]+1) && a.acknowledges(c.ending.finSeq[1]+1) &&
		len(c.held()) == 0
}

// acceptsRST reports whether the other side would act on a reset: its sequence
// number lies between what that side acknowledged and the end of its window
// (RFC 9293 §3.10.7.4), or, in answer to a SYN, it acknowledges the SYN.
func (c *Connection) acceptsRST(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	if !e.hasISN && other.hasISN && !c.synchronised {
		return s.Flags.Has(packet.ACK) && other.opens(s.Ack)
	}
	if !e.started {
		return true
	}
	low := e.next
	if other.sentACK && int32(other.ack-low) < 0 {
		low = other.ack
	}
	const leastWindow = 1 << 16
	high := e.top + max(other.window, leastWindow)
	return s.Seq-(low-1) <= high-(low-1)
}

// takeRST notes that side reset the connection.
func (t *Table) takeRST(c *Connection, side Side, s *packet.Segment) {
	if rst, _ := c.RST(); !rst.IsZero() {
		return
	}
	end := t.toEnd(c)
	end.rst, end.rstSide, end.rstSeq = s.Mark, side, s.Seq
	if c.over() {
		return
	}
	c.close, end.closedBy = ByRST, side
	t.finish(c, s.Mark)
}

// revive takes a reset back when its supposed sender goes on sending behind it:
// somebody else sent it, and the other side did not act on it.
func (t *Table) revive(c *Connection, side Side, seq uint32) {
	if c.close != ByRST || c.ending.rstSide != side || int32(seq-c.ending.rstSeq) < 0 {
		return
	}
	t.stats.ResetsRevoked++
	c.reopen()
}

// reopen forgets that the connection was reset.
func (c *Connection) reopen() {
	c.ending.rst, c.ending.closedAt = capture.Mark{}, capture.Mark{}
	c.close = StillOpen
}

// giveUp ends side's stream with what is there: bytes behind holes are handed
// on, and what the other side acknowledged beyond is reported missing.
func (t *Table) giveUp(c *Connection, side Side) {
	for c.stretch(side) != nil {
		t.closeHole(c, side, c.last, false)
	}
	e, other := &c.ends[side], &c.ends[side.Other()]
	if e.segments == 0 || !e.started || !other.sentACK {
		return
	}
	end := other.ack
	if hasFIN := c.hasFIN(side); hasFIN && end == c.ending.finSeq[side]+1 || !hasFIN && end == e.next+1 {
		end-- // the FIN's own number
	}
	if n := int32(end - e.next); n > 0 && n < 1<<30 {
		t.gap(c, side, end, c.last, true)
	}
	t.finishStream(c, side, c.last)
}
