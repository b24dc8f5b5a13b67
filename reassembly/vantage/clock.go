package vantage

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"wirelag/reassembly/capture"
)

// clocks is what is known of the differences between the points' clocks. An
// offset is by how much a clock is ahead, in nanoseconds.
type clocks struct {
	between map[[2]int32]*relation // of points, the lower number first
	offset  []int64                // by clock: ahead of the first clock of its cluster
	cluster []int32                // by clock: the first clock of those compared with it
	ahead   []int64                // by clock: ahead of the cluster's reference
}

// relation is what the connections that two clocks share say of their offset.
type relation struct {
	bounds []bounds
}

// bounds are those that one connection sets to the second clock's offset against
// the first: what flowed from the first point to the second arrived after it was
// sent, and what flowed back too.
type bounds struct{ low, high int64 }

// middle is the likeliest offset: the one with equal delays both ways.
func (b bounds) middle() int64 { return b.low + (b.high-b.low)>>1 }

func (b bounds) reversed() bounds { return bounds{-b.high, -b.low} }

// bounds returns those of a pair; ok is false without segments both ways.
func (p *pair) bounds() (b bounds, ok bool) {
	sign, ok := nearer(&p.by, 0)
	switch {
	case !ok:
		return bounds{}, false
	case sign < 0:
		return bounds{low: p.by[0].most, high: p.by[1].least}, true
	}
	return bounds{low: p.by[1].most, high: p.by[0].least}, true
}

// offset returns the second clock's offset against the first and how wrong that
// may be. Queues only widen the bounds that their connections set, so that the
// narrowest count; bounds that exclude each other (a clock drifted, or what
// looked like one segment was two) are averaged out.
func (r *relation) offset() (offset, uncertainty int64) {
	all := r.bounds[0]
	for _, b := range r.bounds[1:] {
		all = bounds{max(all.low, b.low), min(all.high, b.high)}
	}
	if all.low <= all.high {
		return all.middle(), (all.high - all.low) / 2
	}
	middles := make([]int64, len(r.bounds))
	for i, b := range r.bounds {
		middles[i] = b.middle()
	}
	slices.Sort(middles)
	return middles[len(middles)/2], all.low - all.high
}

// compareClocks relates the points that share connections.
func (v *survey) compareClocks() *clocks {
	c := &clocks{between: map[[2]int32]*relation{}}
	for _, e := range v.tuples {
		for i := range e.pairs {
			p := &e.pairs[i]
			b, ok := p.bounds()
			relate(c.between, e.seen[p.a].point, e.seen[p.b].point, b, ok)
		}
	}
	return c
}

// relate adds bounds to the relation of x and y; there is one without bounds too.
func relate(to map[[2]int32]*relation, x, y int32, b bounds, known bool) {
	if x > y {
		x, y, b = y, x, b.reversed()
	}
	r := to[[2]int32{x, y}]
	if r == nil {
		r = new(relation)
		to[[2]int32{x, y}] = r
	}
	if known {
		r.bounds = append(r.bounds, b)
	}
}

// tolerance is how much earlier than it was sent a packet may seem to arrive at
// another interface of the same host.
const tolerance = int64(time.Millisecond)

// settle finds which points have the same clock, and the offsets between clocks.
func (c *clocks) settle(points []point) {
	shareClocks(points, c.mixed(points))
	related := map[[2]int32]*relation{}
	for key, r := range c.between {
		x, y := points[key[0]].clock, points[key[1]].clock
		for _, b := range r.bounds {
			if x != y {
				relate(related, x, y, b, true)
			}
		}
	}
	c.spread(len(points), estimates(related))
}

// mixed finds the inputs whose interfaces have different clocks (captures of
// several hosts merged into one file): segments seem to arrive before they were sent.
func (c *clocks) mixed(points []point) map[int]bool {
	mixed := map[int]bool{}
	for key, r := range c.between {
		x, y := &points[key[0]], &points[key[1]]
		if x.file != y.file || len(r.bounds) == 0 {
			continue
		}
		if offset, uncertainty := r.offset(); max(offset, -offset) > uncertainty+tolerance {
			mixed[x.file] = true
		}
	}
	return mixed
}

// shareClocks gives a clock to the points of an input, and to those of a chain.
func shareClocks(points []point, mixed map[int]bool) {
	sets := newSets(len(points))
	for i := range points {
		p := &points[i]
		sets.join(i, int(p.chain))
		if i > 0 && points[i-1].file == p.file && !mixed[p.file] {
			sets.join(i, i-1)
		}
	}
	for i := range points {
		points[i].clock = int32(sets.first(i))
	}
}

// estimate is the offset of clock y against clock x.
type estimate struct {
	x, y                int32
	offset, uncertainty int64
}

// estimates returns what is known of clocks, the most certain first.
func estimates(related map[[2]int32]*relation) []estimate {
	var all []estimate
	for key, r := range related {
		offset, uncertainty := r.offset()
		all = append(all, estimate{key[0], key[1], offset, uncertainty})
	}
	slices.SortFunc(all, func(a, b estimate) int {
		return cmp.Or(cmp.Compare(a.uncertainty, b.uncertainty), cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y))
	})
	return all
}

// spread derives the offsets of all clocks of a cluster from the most certain
// estimates that connect them.
func (c *clocks) spread(n int, all []estimate) {
	c.offset, c.cluster = make([]int64, n), make([]int32, n)
	sets := newSets(n)
	next := map[int32][]estimate{}
	for _, e := range all {
		if sets.first(int(e.x)) != sets.first(int(e.y)) {
			sets.join(int(e.x), int(e.y))
			next[e.x] = append(next[e.x], e)
			next[e.y] = append(next[e.y], estimate{e.y, e.x, -e.offset, e.uncertainty})
		}
	}
	done := make([]bool, n)
	for i := range n {
		c.cluster[i] = int32(sets.first(i))
		if int(c.cluster[i]) != i {
			continue
		}
		done[i] = true
		for queue := []int32{int32(i)}; len(queue) > 0; queue = queue[1:] {
			for _, e := range next[queue[0]] {
				if !done[e.y] {
					done[e.y] = true
					c.offset[e.y] = c.offset[e.x] + e.offset
					queue = append(queue, e.y)
				}
			}
		}
	}
}

// from is by how much clock y is ahead of clock x; 0 where nothing is known.
func (c *clocks) from(x, y int32) int64 {
	if c.cluster[x] != c.cluster[y] {
		return 0
	}
	return c.offset[y] - c.offset[x]
}

// refer makes the clock of each cluster the reference that times most
// connections (as led counts them), of several the one with the earliest packet.
func (c *clocks) refer(points []point, led []int) {
	first := map[int32]int64{} // by clock, as the cluster's first clock has it
	for i := range points {
		p := &points[i]
		at := int64(p.first) - c.offset[p.clock]
		if known, ok := first[p.clock]; !ok || at < known {
			first[p.clock] = at
		}
	}
	reference := map[int32]int32{} // by cluster
	for _, k := range slices.Sorted(maps.Keys(first)) {
		best, ok := reference[c.cluster[k]]
		if !ok || cmp.Or(cmp.Compare(led[best], led[k]), cmp.Compare(first[k], first[best])) < 0 {
			reference[c.cluster[k]] = k
		}
	}
	c.ahead = make([]int64, len(points))
	for k := range first {
		c.ahead[k] = c.offset[k] - c.offset[reference[c.cluster[k]]]
	}
}

// corrections says which inputs are to be corrected.
func (c *clocks) corrections(points []point) []capture.Clock {
	var all []capture.Clock
	for len(points) > 0 {
		n, same := 1, true
		for n < len(points) && points[n].file == points[0].file {
			same = same && points[n].clock == points[0].clock
			n++
		}
		for i := range points[:n] {
			p := &points[i]
			clock := capture.Clock{File: p.file, Interface: p.number, Ahead: time.Duration(c.ahead[p.clock])}
			if same {
				clock.Interface = capture.AllInterfaces
			}
			if clock.Ahead != 0 && (i == 0 || !same) {
				all = append(all, clock)
			}
		}
		points = points[n:]
	}
	return all
}
