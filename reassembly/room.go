package reassembly

import (
	"time"
)

// makeRoom closes the connection opened first that has been idle for a while, when
// there are too many. One that is busy and does not sleep is spared until it comes first
// again without having sent anything: connections that come in a flood are closed in their
// order then, and the slabs that they share become free.
func (t *Table) makeRoom() {
	const busy = 10 * time.Second
	for tries := 0; t.crowded() && t.oldest != 0; tries++ {
		slept := t.oldest&sleeps != 0
		c := t.awake(t.oldest)
		if !slept && c.synchronised && c.last.Time > t.now.Add(-busy) && !c.spared && tries < 64 {
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
	t.relink(c.older, c.newer, c.ref)
}

// detach takes c out of the order of opening.
func (t *Table) detach(c *Connection) {
	t.setNewer(c.older, c.newer)
	t.setOlder(c.newer, c.older)
}

// relink gives the neighbours of a place in the order of opening a name for who has it.
func (t *Table) relink(older, newer, name ref) {
	t.setNewer(older, name)
	t.setOlder(newer, name)
}

// setNewer makes one the next newer than another; 0 stands before the oldest.
func (t *Table) setNewer(than, newer ref) {
	if than == 0 {
		t.oldest = newer
	} else {
		t.links(than).newer = newer
	}
}

// setOlder makes one the next older than another; 0 stands behind the newest.
func (t *Table) setOlder(than, older ref) {
	if than == 0 {
		t.newest = older
	} else {
		t.links(than).older = older
	}
}

// links are the neighbours of a connection in an order.
type links struct{ older, newer ref }

// links are those of the one that r names.
func (t *Table) links(r ref) *links {
	if r&sleeps != 0 {
		return &t.sleeping.at(uint32(r &^ sleeps)).links
	}
	return &t.records.at(r).links
}

// crowded reports whether connections take more than they may.
func (t *Table) crowded() bool {
	return t.live > t.limits.Connections || t.weight() > t.limits.Memory && t.live > 1
}

// weight is about how many bytes connections take.
func (t *Table) weight() int64 {
	return int64(t.live-t.sleeping.count)*connectionWeight + t.sleeping.bytes + t.kept
}

// Kept is the count of the bytes that the consumer keeps for connections, which it
// keeps up to date.
func (t *Table) Kept() *int64 { return &t.kept }

func (t *Table) evict(c *Connection) {
	t.stats.EvictedConnections++
	t.timeOut(c)
}
