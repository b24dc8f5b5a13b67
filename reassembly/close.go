package reassembly

import (
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// takeFIN notes the end of side's stream.
func (t *Table) takeFIN(c *Connection, side Side, s *packet.Segment) {
	e := &c.ends[side]
	if e.hasFIN {
		return
	}
	e.finSeq, e.hasFIN, e.fin = s.Seq+s.Length, true, s.Mark
	if int32(e.finSeq-e.next) < 0 {
		e.finSeq = e.next
	}
	if other := &c.ends[side.Other()]; !other.hasFIN {
		c.firstFIN = side
		if other.started && other.stretch == nil && s.Flags.Has(packet.ACK) && s.Ack == other.next+1 {
			c.firstFIN = side.Other() // it answers a FIN that the capture has late, or not at all
		}
	} else if s.Time < other.fin.Time {
		c.firstFIN = side // the capture has it late
	}
	t.finishStream(c, side, s.Mark)
}

// finUnseen reports whether the other side acknowledged a FIN of side that the
// capture has not seen: what it acknowledges is one number beyond the stream.
func (c *Connection) finUnseen(side Side) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	return e.started && !e.hasFIN && e.stretch == nil && other.sentACK && other.ack == e.next+1
}

// Ended is the first FIN or RST and its sender: who began to end the connection.
// ok is false while there is none, and where an acknowledgement shows that the
// capture misses a FIN.
func (c *Connection) Ended() (at capture.Mark, by Side, ok bool) {
	if c.finUnseen(0) || c.finUnseen(1) {
		return capture.Mark{}, 0, false
	}
	if fin := c.ends[c.firstFIN].fin; c.ends[c.firstFIN].hasFIN {
		return fin, c.firstFIN, true
	}
	return c.rst, c.rstSide, !c.rst.IsZero()
}

// finishStream tells that side finished, once all before its FIN was handed on.
func (t *Table) finishStream(c *Connection, side Side, at capture.Mark) {
	e := &c.ends[side]
	if !e.hasFIN || e.finInOrder || e.next != e.finSeq {
		return
	}
	e.finInOrder = true
	if t.consumer.Finished != nil {
		t.consumer.Finished(c, side, at)
	}
	if !c.ends[side.Other()].finInOrder || c.over {
		return
	}
	c.close, c.closedBy = ByFIN, c.firstFIN
	t.finish(c, at)
}

// acceptsRST reports whether the other side would act on a reset: its sequence
// number lies between what that side acknowledged and the end of its window
// (RFC 9293 §3.10.7.4), or, in answer to a SYN, it acknowledges the SYN.
func (c *Connection) acceptsRST(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	if !e.hasISN && other.hasISN && !c.synchronised {
		return s.Flags.Has(packet.ACK) && s.Ack-other.isn-1 <= other.top-other.isn
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
	if !c.rst.IsZero() {
		return
	}
	c.rst, c.rstSide, c.rstSeq = s.Mark, side, s.Seq
	if c.over {
		return
	}
	c.close, c.closedBy = ByRST, side
	t.finish(c, s.Mark)
}

// revive takes a reset back when its supposed sender goes on sending behind it:
// somebody else sent it, and the other side did not act on it.
func (t *Table) revive(c *Connection, side Side, seq uint32) {
	if c.close != ByRST || c.rstSide != side || int32(seq-c.rstSeq) < 0 {
		return
	}
	t.stats.ResetsRevoked++
	c.reopen()
}

// reopen forgets that the connection was reset.
func (c *Connection) reopen() {
	c.rst, c.close, c.over, c.closedAt = capture.Mark{}, StillOpen, false, capture.Mark{}
}

// giveUp ends side's stream with what is there: bytes behind holes are handed
// on, and what the other side acknowledged beyond is reported missing.
func (t *Table) giveUp(c *Connection, side Side) {
	e := &c.ends[side]
	for e.stretch != nil {
		t.closeHole(c, side, c.last, false)
	}
	if e.segments == 0 || !e.started || !c.ends[side.Other()].sentACK {
		return
	}
	end := c.ends[side.Other()].ack
	if e.hasFIN && end == e.finSeq+1 || !e.hasFIN && end == e.next+1 {
		end-- // the FIN's own number
	}
	if n := int32(end - e.next); n > 0 && n < 1<<30 {
		t.gap(c, side, end, c.last, true)
	}
	t.finishStream(c, side, c.last)
}
