package reassembly

import "wirelag/reassembly/packet"

// tombstoneSegments is for how many segments of the capture a connection is
// remembered that was told to be over, to recognise repeats of its last segments.
const (
	tombstoneSegments = 1 << 15
	leastTombstones   = 64
)

// tombstone is what is remembered of a connection that was told to be over.
type tombstone struct {
	hash   uint32
	serial uint64     // of the segment when it was told; 0 where there is none
	ends   [2]remains // the lower endpoint's first
}

// remains is what is remembered of one of its ends.
type remains struct {
	endpoint packet.Endpoint
	started  bool
	next     uint32
	recent   [2]fingerprint
	many     *[manyRecent]fingerprint // in place of recent; nil where they are not so many
	silent   bool                     // no segment of it was seen
}

// latest are its latest segments, to know copies by.
func (r *remains) latest() []fingerprint {
	switch {
	case r.silent:
		return nil
	case r.many != nil:
		return r.many[:]
	}
	return r.recent[:]
}

// graveyard holds the tombstones of a table: a ring, which grows while its oldest
// counts, and where in it those of a 4-tuple are.
type graveyard struct {
	index *index
	ring  []tombstone
	next  int // the oldest
}

// find returns the tombstone of a connection between two endpoints, nil if there
// is none that still counts.
func (g *graveyard) find(k Key, src, dst *packet.Endpoint, serial uint64) *tombstone {
	r := g.named(k, src, dst)
	if r == 0 || !g.ring[r-1].counts(serial) {
		return nil
	}
	return &g.ring[r-1]
}

func (g *graveyard) named(k Key, src, dst *packet.Endpoint) ref {
	r, i := g.index.find(k.hash(), k.hash())
	for ; r != 0; r, i = g.index.find(k.hash(), i+1) {
		if ends := &g.ring[r-1].ends; ends[k.side].endpoint == *src && ends[k.side.Other()].endpoint == *dst {
			break
		}
	}
	return r
}

// bury remembers c, in place of an older one of its 4-tuple, and of the oldest of
// all if that does not count any more, or they are as many as can.
func (g *graveyard) bury(c *Connection, k Key, serial uint64) {
	if old := g.named(k, &c.ends[0].endpoint, &c.ends[1].endpoint); old != 0 {
		g.remove(old)
	}
	if len(g.ring) == 0 || len(g.ring) < tombstoneSegments && g.ring[g.next].counts(serial) {
		g.grow()
	}
	r := ref(g.next + 1)
	g.remove(r)
	g.next = (g.next + 1) % len(g.ring)
	stone := &g.ring[r-1] // zero, by remove
	stone.hash, stone.serial = k.hash(), serial
	for i := range c.ends {
		e, left := &c.ends[i], &stone.ends[i]
		left.endpoint, left.started, left.next, left.recent, left.silent = e.endpoint, e.started, e.next, e.recent, e.segments == 0
		if c.oddities != nil && c.oddities.copied {
			left.many = c.many(Side(i))
		}
	}
	g.index.put(k.hash(), r)
}

func (g *graveyard) remove(r ref) {
	stone := &g.ring[r-1]
	g.index.remove(stone.hash, r)
	*stone = tombstone{}
}

// grow makes room for more, with the oldest first.
func (g *graveyard) grow() {
	ring := make([]tombstone, max(2*len(g.ring), leastTombstones))
	n := copy(ring, g.ring[g.next:])
	n += copy(ring[n:], g.ring[:g.next])
	g.ring, g.next, g.index = ring, n, newIndex()
	for i := range ring[:n] {
		if ring[i].serial != 0 {
			g.index.put(ring[i].hash, ref(i+1))
		}
	}
}

// counts reports whether b is not too old at the segment of a serial.
func (b *tombstone) counts(serial uint64) bool {
	return b.serial != 0 && b.serial+tombstoneSegments >= serial
}

// owns reports whether s comes late from the connection, rather than from a new one.
func (b *tombstone) owns(side Side, s *packet.Segment) bool {
	if s.Flags.Has(packet.SYN) {
		return false
	}
	e := &b.ends[side]
	return s.Length == 0 || s.Flags.Has(packet.RST) || !e.started || near(s.Seq, e.next)
}
