package reassembly

import (
	"math"
	"time"

	"wirelag/reassembly/capture"
)

// How long a connection that is over is kept for what comes late, until its Closed
// is told: what is reached first, in time and in segments of the capture.
const (
	lingerTime     = 2 * time.Second
	lingerSegments = 1 << 16
)

// Due is something that waits for a segment to come, or for the clock to pass a
// moment, whichever is first.
type Due struct {
	Serial uint64        // of the segment
	After  capture.Time  // the moment
	Frame  capture.Frame // of what waits
}

// Overdue is the segment that waits longest for the bytes that it acknowledges. ok
// is false when none does.
func (t *Table) Overdue() (due Due, ok bool) {
	if len(t.early.held) == 0 {
		return due, false
	}
	h := &t.early.held[0]
	return Due{math.MaxUint64, h.at.Add(earlyPatience), h.segment.Frame}, true
}

// TakeOverdue takes the segment that is Overdue as it is.
func (t *Table) TakeOverdue() { t.takeBack(0) }

// Over is the connection to be told next. ok is false when none is over.
func (t *Table) Over() (due Due, ok bool) {
	if t.lingering.len() == 0 {
		return due, false
	}
	next := t.lingering.first()
	return Due{next.serial + lingerSegments, next.at.Add(lingerTime), next.frame}, true
}

// EndOver tells the connection that is Over, at a moment when that is due.
func (t *Table) EndOver(now capture.Time) {
	t.now = max(t.now, now)
	t.endOver(t.lingering.pop())
}

// Waits reports whether anything is overdue or over when the clock is at a moment
// and the segment of a serial has come.
func (t *Table) Waits(now capture.Time, serial uint64) bool {
	return t.hasOverdue(now) || t.hasOver(now, serial)
}

func (t *Table) hasOverdue(now capture.Time) bool {
	return len(t.early.held) > 0 && t.early.held[0].at < now.Add(-earlyPatience)
}

func (t *Table) hasOver(now capture.Time, serial uint64) bool {
	if t.lingering.len() == 0 {
		return false
	}
	next := t.lingering.first()
	return next.at < now.Add(-lingerTime) || next.serial+lingerSegments <= serial
}

// settle takes what has been held back, and tells the connections that have been
// over, for long enough.
func (t *Table) settle() {
	for t.hasOverdue(t.now) {
		t.takeBack(0)
	}
	for t.hasOver(t.now, t.serial) {
		t.endOver(t.lingering.pop())
	}
}

// endOver ends a connection that was over, if it still is.
func (t *Table) endOver(q queued) {
	if q.c.ID == q.id && q.c.over() && !q.c.told {
		t.end(q.c)
	}
}

// queue holds connections with the time they were put in, in that order.
type queue struct {
	items []queued
	head  int
}

type queued struct {
	c      *Connection
	id     uint64 // c's: its record may be another's by now
	at     capture.Time
	serial uint64
	frame  capture.Frame
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) first() *queued { return &q.items[q.head] }

func (q *queue) push(next queued) {
	if q.head > 64 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, next)
}

func (q *queue) pop() queued {
	first := q.items[q.head]
	q.items[q.head].c = nil
	q.head++
	return first
}
