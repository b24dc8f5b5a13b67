package reassembly

import "wirelag/reassembly/packet"

// index finds connections by their 4-tuple: open addressing with linear probing
// over a power of two of slots.
type index struct {
	slots []*Connection
	used  int
}

const indexInitialSlots = 1 << 10

func newIndex() *index {
	return &index{slots: make([]*Connection, indexInitialSlots)}
}

// tuple is a 4-tuple in canonical order: the same for both directions.
type tuple [2]packet.Endpoint

// tuple is the 4-tuple of s, whose key k is.
func (k Key) tuple(s *packet.Segment) tuple {
	if k.side == 0 {
		return tuple{s.Src, s.Dst}
	}
	return tuple{s.Dst, s.Src}
}

func (c *Connection) is(t *tuple) bool {
	return c.ends[0].endpoint == t[0] && c.ends[1].endpoint == t[1]
}

func (x *index) find(t *tuple, hash uint32) *Connection {
	mask := uint32(len(x.slots) - 1)
	for i := hash & mask; x.slots[i] != nil; i = (i + 1) & mask {
		if c := x.slots[i]; c.hash == hash && c.is(t) {
			return c
		}
	}
	return nil
}

// put adds c, or replaces the connection of the same tuple.
func (x *index) put(c *Connection) {
	if x.used*4 >= len(x.slots)*3 {
		x.grow()
	}
	t := tuple{c.ends[0].endpoint, c.ends[1].endpoint}
	mask := uint32(len(x.slots) - 1)
	i := c.hash & mask
	for ; x.slots[i] != nil; i = (i + 1) & mask {
		if old := x.slots[i]; old.hash == c.hash && old.is(&t) {
			x.slots[i] = c
			return
		}
	}
	x.slots[i] = c
	x.used++
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]*Connection, 2*len(old))
	mask := uint32(len(x.slots) - 1)
	for _, c := range old {
		if c == nil {
			continue
		}
		i := c.hash & mask
		for x.slots[i] != nil {
			i = (i + 1) & mask
		}
		x.slots[i] = c
	}
}

// remove takes c out, if it is in, and closes the gap in the probe sequence.
func (x *index) remove(c *Connection) {
	mask := uint32(len(x.slots) - 1)
	i := c.hash & mask
	for x.slots[i] != c {
		if x.slots[i] == nil {
			return
		}
		i = (i + 1) & mask
	}
	x.used--
	for j := i; ; {
		j = (j + 1) & mask
		next := x.slots[j]
		if next == nil {
			break
		}
		if (j-next.hash)&mask >= (j-i)&mask {
			x.slots[i] = next
			i = j
		}
	}
	x.slots[i] = nil
}

// all calls f with every connection, in no particular order.
func (x *index) all(f func(*Connection)) {
	for _, c := range x.slots {
		if c != nil {
			f(c)
		}
	}
}
