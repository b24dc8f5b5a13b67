package reassembly

import (
	"bytes"
	"slices"

	"wirelag/reassembly/capture"
)

// stretch is a part of one side's stream in which order is lost: it begins with
// a hole and ends when nothing waits any more. The pieces that wait are held in
// order and do not overlap. What is in order again, [orderer] tells.
type stretch struct {
	key    uint64 // names the stretch to the orderer
	base   uint32 // the sequence number where it began
	pieces []piece
	bytes  int          // memory for the pieces
	since  capture.Time // when the present hole opened
}

// piece is a run of payload. data is shorter than length where the snaplen cut it.
type piece struct {
	start  uint32
	length uint32
	data   []byte
	mark   capture.Mark
}

func (p *piece) end() uint32 { return p.start + p.length }

// Waiting pieces cost a page of the orderer each, besides their copy here; a
// direction may hold few small ones, so that none can be made slow by
// one-byte segments.
const (
	pieceOverhead = 2048
	freePieces    = 512
	meanPiece     = 256
)

// after returns the index of the first piece that ends behind seq.
func (st *stretch) after(seq uint32) int {
	i, _ := slices.BinarySearchFunc(st.pieces, seq, func(p piece, seq uint32) int {
		if int32(p.end()-seq) <= 0 {
			return -1
		}
		return 1
	})
	return i
}

// holds reports whether a byte between start and end is waiting.
func (st *stretch) holds(start, end uint32) bool {
	i := st.after(start)
	return i < len(st.pieces) && int32(end-st.pieces[i].start) > 0
}

// await takes a piece that is not next in order, or that fills a hole.
func (t *Table) await(c *Connection, side Side, p piece) {
	st := c.stretch(side)
	if st == nil {
		st = t.order().begin(c.ends[side].next)
		st.since = p.mark.Time
		t.odd(c).stretch[side] = st
	}
	if p.end()-st.base > maxStretch {
		t.rebase(c, side)
	}
	t.insert(c, side, p)
	t.limitPending(c, side, p.mark)
	t.closeAcknowledged(c, side, p.mark)
}

// insert adds the parts of p that no waiting piece covers: the first copy wins.
// A part that is next in order goes out at once, and all that it releases.
func (t *Table) insert(c *Connection, side Side, p piece) {
	e := &c.ends[side]
	for st := c.stretch(side); st != nil; st = c.stretch(side) {
		if p = t.trimStart(p, e.next); p.length == 0 {
			return
		}
		i := st.after(p.start)
		part := p
		if i < len(st.pieces) {
			there := &st.pieces[i]
			if int32(there.start-p.start) <= 0 {
				n := min(there.end()-p.start, p.length)
				t.compare(there, p, n)
				p = t.trimStart(p, p.start+n)
				continue
			}
			part.length = min(p.length, there.start-p.start)
			part.data = p.data[:min(int(part.length), len(p.data))]
		}
		p.start, p.length = part.end(), p.length-part.length
		p.data = p.data[len(part.data):]
		t.place(c, side, i, part)
	}
	if p = t.trimStart(p, e.next); p.length > 0 { // the hole closed before the last part
		t.deliver(c, side, &p, p.mark.Time)
	}
}

// compare counts the bytes in which the first n bytes of p differ from the copy there.
func (t *Table) compare(there *piece, p piece, n uint32) {
	from := p.start - there.start
	if int(from) >= len(there.data) {
		return
	}
	a, b := there.data[from:], p.data
	m := min(len(a), len(b), int(n))
	if bytes.Equal(a[:m], b[:m]) {
		return
	}
	for i := range m {
		if a[i] != b[i] {
			t.stats.OverlapConflicts++
		}
	}
}

// place hands part to the orderer and keeps it at index i, or delivers it and
// what follows it when the orderer says that it is next.
func (t *Table) place(c *Connection, side Side, i int, part piece) {
	st := c.stretch(side)
	ready := t.order().push(st, part)
	if ready == 0 {
		part.data = bytes.Clone(part.data)
		st.pieces = slices.Insert(st.pieces, i, part)
		t.hold(st, pieceOverhead+len(part.data))
		return
	}
	readable := part.mark.Time
	ready -= part.length
	t.deliver(c, side, &part, readable)
	t.release(c, side, ready, readable)
}

// release delivers the next n bytes that waited.
func (t *Table) release(c *Connection, side Side, n uint32, readable capture.Time) {
	st := c.stretch(side)
	done := 0
	for n > 0 {
		p := st.pieces[done]
		done++
		n -= p.length
		t.hold(st, -pieceOverhead-len(p.data))
		t.deliver(c, side, &p, max(readable, p.mark.Time))
	}
	st.pieces = slices.Delete(st.pieces, 0, done)
	if len(st.pieces) == 0 {
		t.order().done()
		c.oddities.stretch[side] = nil
		return
	}
	st.since = st.pieces[0].mark.Time
}

func (t *Table) hold(st *stretch, n int) {
	st.bytes += n
	t.pending += n
	t.gauges.PendingBytes.Add(int64(n))
}

// closeAcknowledged gives up the holes that the receiver acknowledged: their
// bytes arrived there and are missing from the capture alone.
func (t *Table) closeAcknowledged(c *Connection, side Side, at capture.Mark) {
	other := &c.ends[side.Other()]
	for c.stretch(side) != nil && other.acknowledges(c.stretch(side).pieces[0].start) {
		t.closeHole(c, side, at, true)
	}
	if c.awaitsFIN(side) && c.stretch(side) == nil && other.acknowledges(c.ending.finSeq[side]+1) {
		t.gap(c, side, c.ending.finSeq[side], at, true)
		t.finishStream(c, side, at)
	}
}

// closeHole moves the stream over the hole to the first piece that waits.
func (t *Table) closeHole(c *Connection, side Side, at capture.Mark, acknowledged bool) {
	st, next := c.stretch(side), c.ends[side].next
	to := st.pieces[0].start
	ready := t.order().fill(st, next, to)
	n := ready - (to - next)
	t.gap(c, side, to, at, acknowledged)
	t.release(c, side, n, at.Time)
}

// limitPending gives up holes while more waits behind them than may, or for too long.
func (t *Table) limitPending(c *Connection, side Side, at capture.Mark) {
	for c.stretch(side) != nil && t.overfull(c.stretch(side), at.Time) {
		t.stats.EvictedHoles++
		t.closeHole(c, side, at, false)
	}
}

func (t *Table) overfull(st *stretch, now capture.Time) bool {
	many := len(st.pieces) > freePieces && len(st.pieces) > freePieces+(st.bytes-len(st.pieces)*pieceOverhead)/meanPiece
	return many || st.bytes > t.limits.PendingPerDirection || t.pending > t.limits.PendingBytes ||
		now.Sub(st.since) > t.limits.HoleAge
}

// rebase begins the stretch anew at the present place, before the orderer's own
// numbers could wrap.
func (t *Table) rebase(c *Connection, side Side) {
	old, next := c.stretch(side), c.ends[side].next
	t.order().fill(old, next, old.pieces[len(old.pieces)-1].end())
	t.order().done()
	st := t.order().begin(next)
	st.pieces, st.bytes, st.since = old.pieces, old.bytes, old.since
	for _, p := range old.pieces {
		t.order().push(st, p)
	}
	c.oddities.stretch[side] = st
}

func (t *Table) order() *orderer {
	if t.orderer == nil {
		t.orderer = newOrderer()
	}
	return t.orderer
}
