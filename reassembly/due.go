package reassembly

import (
	"math"
	"time"

	"wirelag/reassembly/capture"
)

// How long a connection that is over is kept for what comes late, until its Closed
// is told: what is reached first, in time and in segments of the capture.
const lingerTime = 2 * time.Second

var lingerSegments = [...]uint64{
	Over:         1 << 16,
	Acknowledged: 1 << 12, // nothing but repeats can come
	Silent:       1 << 14, // whatever time that takes
}

// Wait is what a table waits for time to pass with.
type Wait uint8

// The waits.
const (
	Overdue      Wait = iota // a segment, for the bytes that it acknowledges
	Acknowledged             // a connection whose ends acknowledged each other's FIN, to be told
	Over                     // any other connection that is over, to be told
	Silent                   // a connection that is to be told of when nothing came of it for a while
	Waits
)

// Due is when a wait is over: when a segment comes, or the clock passes a
// moment, whichever is first.
type Due struct {
	Serial uint64        // of the segment
	After  capture.Time  // the moment
	Frame  capture.Frame // of what waits
}

// never is the Due of what does not wait.
var never = Due{Serial: math.MaxUint64, After: math.MaxInt64}

// Due is when the first of those that wait with w is due. ok is false when none does.
func (t *Table) Due(w Wait) (due Due, ok bool) {
	if w == Overdue {
		if t.early.first == nil {
			return due, false
		}
		h := t.early.first
		return Due{math.MaxUint64, h.at.Add(earlyPatience), h.segment.Frame}, true
	}
	q := &t.lingering[w]
	if q.len() == 0 {
		return due, false
	}
	next := q.first()
	due = Due{next.serial + lingerSegments[w], next.at.Add(lingerTime), next.frame}
	if w == Silent {
		due.After = math.MaxInt64
	}
	return due, true
}

// Take ends the wait that Due tells of, at a moment when it is due: the segment is
// taken as it is, the connection is told to be over.
func (t *Table) Take(w Wait, now capture.Time) {
	t.now = max(t.now, now)
	if w == Overdue {
		t.takeBack(t.early.first)
		return
	}
	q := t.lingering[w].pop()
	defer t.reckon()
	switch over := q.c.over(); {
	case q.c.ID != q.id || q.c.told || over == (w == Silent):
	case over:
		t.end(q.c)
	case t.consumer.Silent(q.c, q.c.serial == uint32(q.serial)):
		q.serial += lingerSegments[Silent]
		t.lingering[Silent].push(q)
	}
}

// AwaitSilence lets Consumer.Silent be called when 16,384 segments of the capture have come
// behind the one at hand, which is the latest of c; but not where c is over by then.
func (t *Table) AwaitSilence(c *Connection) { t.linger(Silent, c, c.last) }

// IsDue reports whether anything may be due when the clock is at a moment and the
// segment of a serial has come.
func (t *Table) IsDue(now capture.Time, serial uint64) bool { return t.soonest.come(now, serial) }

// reckon works out anew when the first of what waits is due.
func (t *Table) reckon() {
	t.soonest = never
	for w := range Waits {
		if due, ok := t.Due(w); ok {
			t.soonest.After, t.soonest.Serial = min(t.soonest.After, due.After), min(t.soonest.Serial, due.Serial)
		}
	}
}

func (d Due) come(now capture.Time, serial uint64) bool { return d.After < now || d.Serial <= serial }

// settle takes what is due.
func (t *Table) settle() {
	if !t.IsDue(t.now, t.serial) {
		return
	}
	for w := range Waits {
		for due, ok := t.Due(w); ok && due.come(t.now, t.serial); due, ok = t.Due(w) {
			t.Take(w, t.now)
		}
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
