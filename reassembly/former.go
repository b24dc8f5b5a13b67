package reassembly

import (
	"time"

	"wirelag/reassembly/capture"
)

// Bounds of the connections closed by FINs that are remembered, for those to come on
// the same 4-tuple.
const (
	formerTime = 2 * time.Minute // at least: the longest TIME_WAIT (RFC 9293 §3.4.2: 2 MSL)
	maxFormers = 1 << 18         // of a table, half of them of each generation
)

// former is how a connection was closed by FINs; zero if it was not.
type former struct {
	closedAt capture.Mark
	firstFIN Side // who began it
}

// formers are the latest such connections of 4-tuples, in two generations: when the
// younger is old, or full, the next begins, and the one before is forgotten.
type formers struct {
	slots      []formerSlot // open addressing with linear probing, over a power of two
	used       int          // slots, with what was forgotten
	generation uint32
	count      [2]int       // of a generation, by whether its number is odd
	since      capture.Time // when the younger began
}

// formerSlot is a former connection, in half a cache line.
type formerSlot struct {
	full       uint64 // Key.full, which nobody can make collide
	closedAt   capture.Mark
	generation uint32
	firstFIN   Side
}

const formerInitialSlots = 1 << 6

// note remembers a connection, and returns how many it forgets too early.
func (f *formers) note(k Key, closed former, now capture.Time) (forgotten int) {
	full, old := *f.younger() >= maxFormers/2, f.since < now.Add(-formerTime)
	if full || old || f.slots == nil {
		f.generation++
		f.since = now
		if !old {
			forgotten = *f.younger()
		}
		*f.younger() = 0
	}
	if f.used*4 >= len(f.slots)*3 {
		f.rebuild()
	}
	at := f.place(k.full)
	switch {
	case at.closedAt.IsZero():
		f.used++
	case f.remembers(at):
		f.count[at.generation%2]--
	}
	*at = formerSlot{k.full, closed.closedAt, f.generation, closed.firstFIN}
	*f.younger()++
	return forgotten
}

// forget forgets what is remembered of a key.
func (f *formers) forget(k Key) {
	if len(f.slots) == 0 {
		return
	}
	if at := f.place(k.full); at.full == k.full && f.remembers(at) {
		f.count[at.generation%2]--
		at.generation -= 2
	}
}

// younger is the count of the younger generation.
func (f *formers) younger() *int { return &f.count[f.generation%2] }

func (f *formers) find(k Key) former {
	if len(f.slots) == 0 {
		return former{}
	}
	if at := f.place(k.full); at.full == k.full && f.remembers(at) {
		return former{at.closedAt, at.firstFIN}
	}
	return former{}
}

// remembers reports whether a slot that is used was not forgotten.
func (f *formers) remembers(s *formerSlot) bool { return f.generation-s.generation < 2 }

// place is the slot of a key or, where it has none, one that it may take.
func (f *formers) place(full uint64) *formerSlot {
	var spare *formerSlot
	mask := len(f.slots) - 1
	for i := int(full>>32) & mask; ; i = (i + 1) & mask {
		switch s := &f.slots[i]; {
		case s.closedAt.IsZero():
			if spare == nil {
				spare = s
			}
			return spare
		case s.full == full:
			return s
		case spare == nil && !f.remembers(s):
			spare = s
		}
	}
}

// rebuild makes room for half as many again as are remembered.
func (f *formers) rebuild() {
	size := formerInitialSlots
	for size < 2*(f.count[0]+f.count[1]) {
		size *= 2
	}
	old := f.slots
	f.slots, f.used = make([]formerSlot, size), 0
	for i := range old {
		if s := &old[i]; !s.closedAt.IsZero() && f.remembers(s) {
			*f.place(s.full) = *s
			f.used++
		}
	}
}
