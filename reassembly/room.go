package reassembly

import (
	"time"
)

// makeRoom closes the connection opened first that has been idle for a while, when
// there are too many. One that is busy is spared until it comes first again without
// having sent anything: connections that come in a flood are closed in their
// order then, and the slabs that they share become free.
func (t *Table) makeRoom() {
	const busy = 10 * time.Second
	for tries := 0; t.crowded() && t.oldest != 0; tries++ {
		c := t.records.at(t.oldest)
		if c.synchronised && c.last.Time > t.now.Add(-busy) && !c.spared && tries < 64 {
			c.spared = true
			t.detach(c)
			t.append(c)
			continue
		}
		t.evict(c)
	}
}

// append puts c at the end of the order of opening.
func (t *Table) append(c *Connection) {
	c.older, c.newer = t.newest, 0
	if t.newest == 0 {
		t.oldest = c.ref
	} else {
		t.records.at(t.newest).newer = c.ref
	}
	t.newest = c.ref
}

// detach takes c out of the order of opening.
func (t *Table) detach(c *Connection) {
	if c.older == 0 {
		t.oldest = c.newer
	} else {
		t.records.at(c.older).newer = c.newer
	}
	if c.newer == 0 {
		t.newest = c.older
	} else {
		t.records.at(c.newer).older = c.older
	}
}

// crowded reports whether connections take more than they may.
func (t *Table) crowded() bool {
	return t.live > t.limits.Connections || int64(t.live)*connectionWeight+t.kept > t.limits.Memory && t.live > 1
}

// Kept is the count of the bytes that the consumer keeps for connections, which it
// keeps up to date.
func (t *Table) Kept() *int64 { return &t.kept }

func (t *Table) evict(c *Connection) {
	t.stats.EvictedConnections++
	t.timeOut(c)
}
