package vantage

import "time"

// longestCopy is how long after a segment its copy may come, or a repeat that
// looks the same.
const longestCopy = int64(20 * time.Millisecond)

// contact is what two points share, of which the second may be the piece of a
// capture after the first.
type contact struct {
	shared      int    // segments
	remembered  [2]int // segments, of the connections in which they share some
	least, most int64  // by how much later the second saw them
}

// touching finds points that share segments though they are pieces of one
// capture, one after the other, which holds its packets twice (mirror ports do
// that): then the copies stand across the cut between the pieces. There are few
// of them, unlike what two points share that saw the same at the same time.
func (v *survey) touching() map[[2]int32]bool {
	contacts := map[[2]int32]*contact{}
	for _, e := range v.tuples {
		for i := range e.pairs {
			v.touch(e, &e.pairs[i], contacts)
		}
	}
	touching := map[[2]int32]bool{}
	for key, t := range contacts {
		if t.least >= 0 && t.most <= longestCopy && 2*t.shared <= max(t.remembered[0], t.remembered[1]) {
			touching[key] = true
		}
	}
	return touching
}

// touch adds a pair to the contact of its points, if they may be pieces.
func (v *survey) touch(e *entry, p *pair, contacts map[[2]int32]*contact) {
	a, b, by := e.seen[p.a], e.seen[p.b], p.by
	if v.points[a.point].first > v.points[b.point].first {
		a, b, by = b, a, [2]difference{by[0].reversed(), by[1].reversed()}
	}
	if !v.points[a.point].precedes(&v.points[b.point]) {
		return
	}
	key := [2]int32{min(a.point, b.point), max(a.point, b.point)}
	t := contacts[key]
	if t == nil {
		t = &contact{}
		contacts[key] = t
	}
	for side := range by {
		if by[side].n > 0 {
			t.shared += by[side].n
			t.least, t.most = min(t.least, by[side].least), max(t.most, by[side].most)
		}
		t.remembered[0] += len(a.samples[side])
		t.remembered[1] += len(b.samples[side])
	}
}

// precedes reports whether q may be the piece of a capture after p.
func (p *point) precedes(q *point) bool {
	return p.last <= q.first && p.number == q.number && p.name == q.name && p.linkType == q.linkType
}
