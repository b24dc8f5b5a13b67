package reassembly

import (
	"wirelag/reassembly/packet"
)

// owner returns the connection that s belongs to, nil when it opens a new one. A
// segment that no connection is to see is known: a copy, or one that comes late.
func (t *Table) owner(s *packet.Segment, key Key, p fingerprint) (c *Connection, known bool) {
	if c = t.find(key, &s.Src, &s.Dst); c == nil {
		return nil, t.haunted(s, key, p)
	}
	if c.copied(key.side, s, p) || c.holds(s, p) || c.copiedLate(key.side, s) {
		t.stats.Copies++
		t.rememberMany(c)
		return nil, true
	}
	return c.owner(key.side, s), false
}

// haunted reports whether s belongs to a connection that was told to be over.
func (t *Table) haunted(s *packet.Segment, key Key, p fingerprint) bool {
	stone := t.graveyard.find(key, &s.Src, &s.Dst, t.serial)
	switch {
	case stone == nil:
		return false
	case p.isCopy(stone.ends[key.side].latest(), s):
		t.stats.Copies++
		return true
	case stone.owns(key.side, s):
		t.stats.Late++
		return true
	}
	return false
}

// find returns the connection between two endpoints, which is awake then; nil if none is
// followed.
func (t *Table) find(key Key, src, dst *packet.Endpoint) *Connection {
	for r, i := t.index.find(key.hash(), key.hash()); r != 0; r, i = t.index.find(key.hash(), i+1) {
		c := t.look(r)
		if c.ends[key.side].endpoint == *src && c.ends[key.side.Other()].endpoint == *dst {
			return t.awake(r)
		}
	}
	return nil
}

// owner returns the incarnation that s belongs to, nil when it opens a new one.
func (c *Connection) owner(side Side, s *packet.Segment) *Connection {
	if s.Flags.Has(packet.SYN) {
		if c.ownsSYN(side, s) {
			return c
		}
		return nil
	}
	if p := c.previous(); p != nil && !c.synchronised && !c.answers(side, s) && p.ends[side].near(s.Seq) {
		return p
	}
	return c
}

// ownsSYN reports whether a SYN or SYN/ACK belongs to c rather than to a new connection.
func (c *Connection) ownsSYN(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	behind := e.started && !e.hasISN && s.Seq+1 == e.begin() // captured behind its data
	switch {
	case e.hasISN && s.Seq+1 == e.begin(), c.isRefused(s):
		return true
	case s.Flags.Has(packet.ACK):
		// A second SYN/ACK may choose another ISN as long as none was acknowledged.
		answers := other.hasISN && other.opens(s.Ack)
		if c.synchronised && answers && !e.hasISN {
			return behind || !e.started // captured behind what acknowledges it
		}
		return !c.synchronised && (answers || e.sentACK && s.Ack == e.ack)
	case c.over():
		return false
	case e.hasISN:
		return false
	case other.hasISN && (!e.inferred || e.follows(s)):
		return !c.synchronised || behind // simultaneous open, or a handshake split in two
	}
	return behind
}

// follows reports whether the stream of e, of which only acknowledgements tell
// where it begins, begins behind the SYN s.
func (e *end) follows(s *packet.Segment) bool { return e.next-s.Seq-1 <= s.Length }

// nearby is how far from what is expected a segment of the same connection may be.
const nearby = 1 << 26

// near reports whether seq may come from e in the course of its connection.
func (e *end) near(seq uint32) bool {
	return !e.started || near(seq, e.next)
}

func near(seq, next uint32) bool { return seq-next+nearby <= 2*nearby }

// opens reports whether ack acknowledges e's SYN, and no more than e sent.
func (e *end) opens(ack uint32) bool { return ack-e.begin() <= e.top-e.begin()+1 }

// answers reports whether a segment without SYN follows the opening of c.
func (c *Connection) answers(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	if e.hasISN {
		return s.Seq+1-e.begin() <= nearby
	}
	return other.hasISN && s.Flags.Has(packet.ACK) && other.opens(s.Ack)
}
