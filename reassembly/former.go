package reassembly

import (
	"time"

	"wirelag/reassembly/capture"
)

// Bounds of the connections closed by FINs that are remembered, for those to come on
// the same 4-tuple.
const (
	formerTime = 2 * time.Minute // at least: the longest TIME_WAIT (RFC 9293 §3.4.2: 2 MSL)
	maxFormers = 1 << 18         // of a table, half of them in each list
)

// former is how a connection was closed by FINs; zero if it was not.
type former struct {
	closedAt capture.Mark
	firstFIN Side // who began it
}

// formers are the latest such connections of 4-tuples. There are two lists, of
// which the older goes when the younger is old, or full.
type formers struct {
	younger, older map[uint64]former // by Key.full, which nobody can make collide
	since          capture.Time      // when the younger began
}

// note remembers a connection, and returns how many it forgets too early.
func (f *formers) note(k Key, closed former, now capture.Time) (forgotten int) {
	full, old := len(f.younger) >= maxFormers/2, f.since < now.Add(-formerTime)
	if full || old || f.younger == nil {
		if !old {
			forgotten = len(f.older)
		}
		f.older, f.younger, f.since = f.younger, make(map[uint64]former), now
	}
	f.younger[k.full] = closed
	return forgotten
}

func (f *formers) find(k Key) former {
	if closed, ok := f.younger[k.full]; ok {
		return closed
	}
	return f.older[k.full]
}
