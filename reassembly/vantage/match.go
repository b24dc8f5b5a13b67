package vantage

import (
	"cmp"
	"slices"

	"wirelag/reassembly/capture"
)

// pair is two sightings that share segments, so by two points of one connection.
type pair struct {
	a, b int           // in entry.seen
	by   [2]difference // by sender
}

// difference is how much later b saw the same segments than a, by their clocks,
// in nanoseconds.
type difference struct {
	n           int
	sum         float64
	least, most int64
}

func (d *difference) add(v int64) {
	d.join(difference{1, float64(v), v, v})
}

func (d *difference) join(o difference) {
	switch {
	case o.n == 0:
	case d.n == 0:
		*d = o
	default:
		*d = difference{d.n + o.n, d.sum + o.sum, min(d.least, o.least), max(d.most, o.most)}
	}
}

// mean is the average; d must not be empty.
func (d *difference) mean() float64 { return d.sum / float64(d.n) }

// reversed is how much later a saw them than b.
func (d *difference) reversed() difference {
	return difference{d.n, -d.sum, -d.most, -d.least}
}

// nearer tells which of the two is nearer the sender of side: positive if it is
// a, negative if it is b. It needs no clocks: b is later by delay + offset one
// way and by offset − delay the other. ok is false without segments both ways.
func nearer(by *[2]difference, side int) (sign int, ok bool) {
	there, back := &by[side], &by[1-side]
	if there.n == 0 || back.n == 0 {
		return 0, false
	}
	return cmp.Compare(there.mean(), back.mean()), true
}

// seenAt is a sample with where it is from.
type seenAt struct {
	print uint32
	side  uint8
	of    int32 // in entry.seen
	at    capture.Time
}

// maxVantages is how many points are compared that saw the same segment.
const maxVantages = 16

// matcher finds pairs. It keeps its memory from entry to entry.
type matcher struct {
	all []seenAt
	// touching are the points whose sightings make no pairs, the lower number first.
	touching map[[2]int32]bool
	index    map[[2]int32]int // in the pairs of the entry
	skipped  uint64           // samples beyond maxVantages
}

// match finds the pairs of e.
func (m *matcher) match(e *entry) {
	e.pairs = nil
	if !e.severalPoints() {
		return
	}
	m.all = m.all[:0]
	for i, g := range e.seen {
		for side, samples := range g.samples {
			for _, s := range samples {
				m.all = append(m.all, seenAt{s.print, uint8(side), int32(i), s.at})
			}
		}
	}
	slices.SortFunc(m.all, func(a, b seenAt) int {
		return cmp.Or(cmp.Compare(a.print, b.print), cmp.Compare(a.side, b.side), cmp.Compare(a.of, b.of))
	})
	clear(m.index)
	for rest := m.all; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].print == rest[0].print && rest[n].side == rest[0].side {
			n++
		}
		m.compare(e, rest[:n])
		rest = rest[n:]
	}
}

func (e *entry) severalPoints() bool {
	for _, g := range e.seen[1:] {
		if g.point != e.seen[0].point {
			return true
		}
	}
	return false
}

// compare notes the differences between sightings of one segment.
func (m *matcher) compare(e *entry, same []seenAt) {
	if len(same) > maxVantages {
		m.skipped += uint64(len(same) - maxVantages)
		same = same[:maxVantages]
	}
	for i, a := range same {
		for _, b := range same[i+1:] {
			if x, y := e.seen[a.of].point, e.seen[b.of].point; x != y && !m.touching[[2]int32{min(x, y), max(x, y)}] {
				p := m.pairOf(e, a.of, b.of)
				p.by[a.side].add(int64(b.at - a.at))
			}
		}
	}
}

func (m *matcher) pairOf(e *entry, a, b int32) *pair {
	i, known := m.index[[2]int32{a, b}]
	if !known {
		i = len(e.pairs)
		m.index[[2]int32{a, b}] = i
		e.pairs = append(e.pairs, pair{a: int(a), b: int(b)})
	}
	return &e.pairs[i]
}
