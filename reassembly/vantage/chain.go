package vantage

import (
	"cmp"
	"slices"
)

// link is a guess that a point's capture goes on in another: that they are
// pieces of one capture, as rotating writers make them. Of the connections that
// both saw, the first first, some speak for it and some against.
type link struct {
	from, to int32
	onward   int // connections that go on in the second
	backward int // those that seem to go back, which repeats can make them
	apart    int // those that were seen near one end first, then near the other
	// agree says that the clocks agree as far as a third point can tell, which
	// shares connections with both; disagree, that one can tell that they do not.
	agree, disagree bool
	// named says that the names of the inputs differ in numbers alone, as writers
	// name the pieces, and that the second is the next of that name.
	named bool
}

// doubt weighs what speaks against the link: 0 is none, hopeless the most.
func (l *link) doubt() int {
	switch {
	case l.agree && l.onward+l.backward >= l.apart:
		return 0
	case l.onward > l.backward+l.apart:
		return 1
	case l.onward+l.backward > l.apart, l.named && l.apart == 0 && !l.disagree:
		return 2
	}
	return hopeless
}

const hopeless = 3

// compare orders links by how likely they are. In a rotation no time is lost.
func (v *survey) compare(a, b *link) int {
	if a.named != b.named {
		if a.named {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.doubt(), b.doubt()), cmp.Compare(v.gap(a), v.gap(b)),
		cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
}

// gap is the time between the pieces.
func (v *survey) gap(l *link) int64 { return int64(v.points[l.to].first - v.points[l.from].last) }

const (
	// lookBack is how many earlier sightings of a connection are looked at for
	// the piece before.
	lookBack = 8
	// maxNeighbours is how many points are compared that share connections with
	// the same point.
	maxNeighbours = 1 << 8
)

// chain finds the points that are pieces of one capture, and reports whether
// there are any.
func (v *survey) chain(c *clocks) bool {
	links := map[[2]int32]*link{}
	for _, e := range v.tuples {
		v.linkContinued(e, c, links)
	}
	v.linkAgreeing(c, links)
	v.linkNamed(c, links)
	all := make([]*link, 0, len(links))
	for _, l := range links {
		if l.doubt() < hopeless {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, v.compare)
	v.join(all, c)
	return len(all) > 0
}

// merge puts together what the pieces of a chain saw of a connection, in place of
// the pieces.
func (e *entry) merge(points []point) {
	if len(e.seen) < 2 {
		return
	}
	slices.SortStableFunc(e.seen, func(a, b *sighting) int { return cmp.Compare(a.first, b.first) })
	latest := map[int32]int{} // by chain, in merged
	var merged []*sighting
	for _, g := range e.seen {
		chain := points[g.point].chain
		i, known := latest[chain]
		if !known || g.opened && !(merged[i].opened && merged[i].isn == g.isn) {
			latest[chain] = len(merged)
			merged = append(merged, g)
			continue
		}
		if merged[i].pieces == nil {
			merged[i] = merged[i].whole(chain)
		}
		merged[i].absorb(g)
	}
	e.seen = merged
}

// join makes chains of the links, so that a piece follows one and is followed by
// one, and no two pieces share segments.
func (v *survey) join(links []*link, c *clocks) {
	followed, follows := map[int32]bool{}, map[int32]bool{}
	chains := newSets(len(v.points))
	members := make([][]int32, len(v.points)) // by the first point of a chain
	for i := range members {
		members[i] = []int32{int32(i)}
	}
	for _, l := range links {
		x, y := chains.first(int(l.from)), chains.first(int(l.to))
		if followed[l.from] || follows[l.to] || x == y || c.share(members[x], members[y]) {
			continue
		}
		followed[l.from], follows[l.to] = true, true
		chains.join(x, y)
		members[min(x, y)] = append(members[x], members[y]...)
	}
	for i := range v.points {
		v.points[i].chain = int32(chains.first(i))
	}
}

// share reports whether a point of a and one of b share connections.
func (c *clocks) share(a, b []int32) bool {
	for _, x := range a {
		for _, y := range b {
			if c.between[[2]int32{min(x, y), max(x, y)}] != nil {
				return true
			}
		}
	}
	return false
}

// continues reports whether point to may be the piece after from.
func (v *survey) continues(from, to int32, c *clocks) bool {
	if from == to || !v.points[from].precedes(&v.points[to]) {
		return false
	}
	return c.between[[2]int32{min(from, to), max(from, to)}] == nil
}

// linkContinued looks for connections that go on where they were not opened.
func (v *survey) linkContinued(e *entry, c *clocks, links map[[2]int32]*link) {
	if len(e.seen) < 2 {
		return
	}
	order := slices.Clone(e.seen)
	slices.SortStableFunc(order, func(a, b *sighting) int { return cmp.Compare(a.first, b.first) })
	for i, b := range order {
		if b.opened {
			continue
		}
		for _, a := range order[max(i-lookBack, 0):i] {
			if a.last > b.first || !v.continues(a.point, b.point, c) {
				continue
			}
			l := linkOf(links, a.point, b.point)
			switch {
			case e.apart(a, b):
				l.apart++
			case a.goesOn(b):
				l.onward++
			default:
				l.backward++
			}
		}
	}
}

func linkOf(links map[[2]int32]*link, from, to int32) *link {
	l := links[[2]int32{from, to}]
	if l == nil {
		l = &link{from: from, to: to}
		links[[2]int32{from, to}] = l
	}
	return l
}

// apart reports whether of the points that saw the connection at the same times,
// one sighting is by that nearest one end and the other by that nearest the other.
func (e *entry) apart(a, b *sighting) bool {
	before, behind := e.neighbours(a)
	before2, behind2 := e.neighbours(b)
	return before != behind && before2 != behind2 && before != before2
}

// neighbours reports whether other points saw the connection nearer to its first
// end than g, and nearer to its second.
func (e *entry) neighbours(g *sighting) (before, behind bool) {
	for i := range e.pairs {
		p := &e.pairs[i]
		sign, ok := nearer(&p.by, 0)
		switch {
		case !ok || sign == 0 || e.seen[p.a] != g && e.seen[p.b] != g:
		case (e.seen[p.a] == g) == (sign > 0):
			behind = true
		default:
			before = true
		}
	}
	return before, behind
}

// linkAgreeing looks for points whose clocks agree as far as a third, which
// shares connections with both, can tell.
func (v *survey) linkAgreeing(c *clocks, links map[[2]int32]*link) {
	around := map[int32][]estimate{}
	for key, r := range c.between {
		if len(r.bounds) == 0 {
			continue
		}
		offset, uncertainty := r.offset()
		around[key[0]] = append(around[key[0]], estimate{key[0], key[1], offset, uncertainty})
		around[key[1]] = append(around[key[1]], estimate{key[1], key[0], -offset, uncertainty})
	}
	for _, near := range around {
		slices.SortFunc(near, func(a, b estimate) int { return cmp.Compare(a.y, b.y) })
		near = near[:min(len(near), maxNeighbours)]
		for _, a := range near {
			for _, b := range near {
				if !v.continues(a.y, b.y, c) {
					continue
				}
				apart := max(a.offset-b.offset, b.offset-a.offset)
				if apart <= a.uncertainty+b.uncertainty {
					linkOf(links, a.y, b.y).agree = true
				} else {
					linkOf(links, a.y, b.y).disagree = true
				}
			}
		}
	}
}

// linkNamed links each point to the next one whose input is named like its own,
// where names tell apart the points that share connections.
func (v *survey) linkNamed(c *clocks, links map[[2]int32]*link) {
	common := map[string]bool{}
	for key := range c.between {
		if p, q := &v.points[key[0]], &v.points[key[1]]; p.file != q.file && p.stem == q.stem {
			common[p.stem] = true
		}
	}
	order := make([]int32, len(v.points))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		p, q := &v.points[i], &v.points[j]
		return cmp.Or(cmp.Compare(p.stem, q.stem), cmp.Compare(p.number, q.number), cmp.Compare(p.first, q.first), cmp.Compare(i, j))
	})
	for i := 1; i < len(order); i++ {
		from, to := order[i-1], order[i]
		stem := v.points[from].stem
		if stem == v.points[to].stem && !common[stem] && v.continues(from, to, c) {
			linkOf(links, from, to).named = true
		}
	}
}
