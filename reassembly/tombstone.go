package reassembly

import (
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// How many connections are remembered that were told to be over, and for how
// long: to recognise repeats of their last segments, and what comes next on their
// 4-tuple.
const (
	tombstoneTime = 2 * time.Minute // the longest TIME_WAIT (RFC 9293 §3.4.2: 2 MSL)
	maxTombstones = 1 << 13         // of all tables
)

// tombstone is what is remembered of a connection that was told to be over.
type tombstone struct {
	hash   uint32
	at     capture.Time // when it was told
	ends   [2]remains   // the lower endpoint's first
	former former
}

// remains is what is remembered of one of its ends.
type remains struct {
	endpoint packet.Endpoint
	started  bool
	next     uint32
	latest   fingerprints
}

// former is how a connection was closed by FINs; zero if it was not.
type former struct {
	closedAt capture.Mark
	firstFIN Side // who began it
}

// graveyard holds the tombstones of a table: a ring, and where in it those of a
// 4-tuple are.
type graveyard struct {
	index *index
	ring  []tombstone
	next  int
}

// find returns the tombstone of a connection between two endpoints, nil if there
// is none that still counts.
func (g *graveyard) find(k Key, src, dst *packet.Endpoint, now capture.Time) *tombstone {
	r := g.named(k, src, dst)
	if r == 0 || g.ring[r-1].at < now.Add(-tombstoneTime) {
		return nil
	}
	return &g.ring[r-1]
}

func (g *graveyard) named(k Key, src, dst *packet.Endpoint) ref {
	r, i := g.index.find(k.hash, k.hash)
	for ; r != 0; r, i = g.index.find(k.hash, i+1) {
		if ends := &g.ring[r-1].ends; ends[k.side].endpoint == *src && ends[k.side.Other()].endpoint == *dst {
			break
		}
	}
	return r
}

// bury remembers c, in place of an older one of its 4-tuple, and of the oldest of
// all where there would be too many.
func (g *graveyard) bury(c *Connection, k Key, now capture.Time, most int) {
	if old := g.named(k, &c.ends[0].endpoint, &c.ends[1].endpoint); old != 0 {
		g.index.remove(k.hash, old)
	}
	if len(g.ring) < most {
		g.ring = append(g.ring, tombstone{})
		g.next = len(g.ring) - 1
	} else {
		g.next = (g.next + 1) % len(g.ring)
	}
	stone := &g.ring[g.next]
	r := ref(g.next + 1)
	g.index.remove(stone.hash, r)
	*stone = tombstone{hash: k.hash, at: now, former: c.closed()}
	for i := range c.ends {
		e := &c.ends[i]
		stone.ends[i] = remains{e.endpoint, e.started, e.next, c.fingerprints(Side(i))}
	}
	g.index.put(k.hash, r)
}

// owns reports whether s comes late from the connection, rather than from a new one.
func (b *tombstone) owns(side Side, s *packet.Segment) bool {
	if s.Flags.Has(packet.SYN) {
		return false
	}
	e := &b.ends[side]
	return s.Length == 0 || s.Flags.Has(packet.RST) || !e.started || near(s.Seq, e.next)
}
