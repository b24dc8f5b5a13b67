package vantage

import (
	"cmp"
	"slices"
	"time"
)

// leads chooses who leads the connections that several points captured.
type leads struct {
	points []point
	clocks *clocks
	count  []int // of connections led, by clock
	shared []shared
}

// shared is a connection whose vantages are not described yet.
type shared struct {
	*Connection
	seen []*sighting
	lead int32 // a point of the leading chain
}

// party is a chain that captured a connection.
type party struct {
	chain   int32
	members []int // in entry.seen
	packets [2]uint64
	bytes   [2]uint64
	opened  bool // it saw the SYN
}

// choose decides on the connections of an entry, and reports whether one of
// them was captured by several points.
func (l *leads) choose(t tuple, e *entry) bool {
	if len(e.seen) == 1 {
		l.count[l.points[e.seen[0].point].clock]++
		return false
	}
	several := false
	for _, connection := range connections(e) {
		parties := l.parties(e, connection)
		lead := 0
		if len(parties) > 1 {
			several = true
			between := l.between(e, parties)
			client := clientOf(t, e, connection)
			lead = between.lead(client)
			l.follow(e, connection, between, lead)
		}
		l.count[l.points[parties[lead].chain].clock]++
	}
	return several
}

// connections groups the sightings of a tuple that share segments.
func connections(e *entry) [][]int {
	same := newSets(len(e.seen))
	for i := range e.pairs {
		same.join(e.pairs[i].a, e.pairs[i].b)
	}
	var all [][]int
	number := map[int]int{}
	for i := range e.seen {
		first := same.first(i)
		if first == i {
			number[i] = len(all)
			all = append(all, nil)
		}
		all[number[first]] = append(all[number[first]], i)
	}
	return all
}

// parties groups the sightings of a connection by chain.
func (l *leads) parties(e *entry, connection []int) []party {
	var all []party
	for _, i := range connection {
		g := e.seen[i]
		chain := l.points[g.point].chain
		at, known := slices.BinarySearchFunc(all, chain, func(p party, chain int32) int { return cmp.Compare(p.chain, chain) })
		if !known {
			all = slices.Insert(all, at, party{chain: chain})
		}
		p := &all[at]
		p.members = append(p.members, i)
		p.opened = p.opened || g.opened
		for side := range 2 {
			p.packets[side] += g.packets[side]
			p.bytes[side] += g.bytes[side]
		}
	}
	return all
}

// clientOf is the end that opened the connection, or else that with the higher port.
func clientOf(t tuple, e *entry, connection []int) int {
	for _, i := range connection {
		if e.seen[i].opened {
			return int(e.seen[i].opener)
		}
	}
	if t[0].Port() < t[1].Port() {
		return 1
	}
	return 0
}

// comparison is what the segments say that parties of one connection share.
type comparison struct {
	parties []party
	by      map[[2]int]*[2]difference // of parties, the lower number first
	clocks  *clocks
	points  []point
}

func (l *leads) between(e *entry, parties []party) *comparison {
	c := &comparison{parties, map[[2]int]*[2]difference{}, l.clocks, l.points}
	of := map[int]int{}
	for n := range parties {
		for _, i := range parties[n].members {
			of[i] = n
		}
	}
	for i := range e.pairs {
		p := &e.pairs[i]
		x, known := of[p.a]
		y := of[p.b]
		if !known || x == y {
			continue
		}
		by := p.by
		if x > y {
			x, y, by = y, x, [2]difference{by[0].reversed(), by[1].reversed()}
		}
		if c.by[[2]int{x, y}] == nil {
			c.by[[2]int{x, y}] = new([2]difference)
		}
		for side := range by {
			c.by[[2]int{x, y}][side].join(by[side])
		}
	}
	return c
}

// lead returns the party that tells the connection: of those that saw most of
// it, the nearest to the client, and of those that are as near, the one that saw more.
func (c *comparison) lead(client int) int {
	able := c.able()
	best, fewest := 0, len(c.parties)
	for _, x := range able {
		before := 0
		for _, y := range able {
			if c.nearer(y, x, client) {
				before++
			}
		}
		if before < fewest || before == fewest && c.parties[x].amount() > c.parties[best].amount() {
			best, fewest = x, before
		}
	}
	return best
}

// able returns the parties that saw the connection whole enough to tell it: its
// opening if one did, and not much less than the one that saw most.
func (c *comparison) able() []int {
	opened := slices.ContainsFunc(c.parties, func(p party) bool { return p.opened })
	most := uint64(0)
	for i := range c.parties {
		if p := &c.parties[i]; p.opened == opened {
			most = max(most, p.amount())
		}
	}
	var able []int
	for i := range c.parties {
		if p := &c.parties[i]; p.opened == opened && p.amount() >= most/4*3 {
			able = append(able, i)
		}
	}
	return able
}

// amount is how much of a connection was seen: payload rather than packets,
// which adapters split and join, and packets where there is hardly any.
func (p *party) amount() uint64 {
	return p.bytes[0] + p.bytes[1] + min(p.packets[0]+p.packets[1], 16)
}

// nearer reports whether party x is nearer the client than y.
func (c *comparison) nearer(x, y, client int) bool {
	by := c.by[[2]int{min(x, y), max(x, y)}]
	if by == nil {
		return false
	}
	sign, ok := nearer(by, client)
	if !ok {
		sign = c.nearerByClock(by, x, y, client)
	}
	return x < y && sign > 0 || x > y && sign < 0
}

// nearerByClock compares two parties that share segments of one sender only.
func (c *comparison) nearerByClock(by *[2]difference, x, y, client int) int {
	low, high := c.points[c.parties[min(x, y)].chain].clock, c.points[c.parties[max(x, y)].chain].clock
	offset := float64(c.clocks.from(low, high))
	if there := &by[client]; there.n > 0 {
		return cmp.Compare(there.mean(), offset)
	}
	return cmp.Compare(offset, by[1-client].mean())
}

// follow makes copies of what the parties saw that share segments with the
// leading one. A direction that the leading one hardly saw is told by them.
func (l *leads) follow(e *entry, connection []int, c *comparison, lead int) {
	s := shared{Connection: &Connection{}, lead: c.parties[lead].chain}
	for _, i := range connection {
		e.seen[i].connection = s.Connection
		s.seen = append(s.seen, e.seen[i].parts()...)
	}
	for n := range c.parties {
		if n == lead || c.by[[2]int{min(n, lead), max(n, lead)}] == nil {
			continue
		}
		p := &c.parties[n]
		for side := range 2 {
			for _, i := range p.members {
				e.seen[i].copied[side] = c.parties[lead].replaces(p, side)
			}
		}
	}
	l.shared = append(l.shared, s)
}

// replaces reports whether p saw enough of a direction to tell it in place of q.
func (p *party) replaces(q *party, side int) bool {
	if q.bytes[side] > 0 {
		return p.bytes[side] >= q.bytes[side]/2
	}
	return p.packets[side] >= q.packets[side]/4
}

// describe fills in the connections, when the reference of the clocks is known.
func (l *leads) describe() {
	for _, s := range l.shared {
		s.ClockOffset = l.ahead(s.lead)
		slices.SortFunc(s.seen, func(g, h *sighting) int {
			p, q := &l.points[g.point], &l.points[h.point]
			return cmp.Or(cmp.Compare(p.file, q.file), cmp.Compare(p.number, q.number))
		})
		last := int32(-1)
		for _, g := range s.seen {
			if g.point != last {
				last = g.point
				p := &l.points[last]
				s.Vantages = append(s.Vantages, Vantage{File: p.file, Interface: p.label(), ClockOffset: l.ahead(last)})
			}
			v := &s.Vantages[len(s.Vantages)-1]
			v.Packets += g.packets[0] + g.packets[1]
			v.Leads = v.Leads || !g.copied[0] || !g.copied[1]
		}
	}
}

func (l *leads) ahead(point int32) time.Duration {
	return time.Duration(l.clocks.ahead[l.points[point].clock])
}
