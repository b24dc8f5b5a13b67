package reassembly

import (
	"time"

	"wirelag/reassembly/packet"
)

// Class says what a segment is, seen in the course of its connection.
type Class uint16

// The classes of segments; several may apply.
const (
	// New: it carries bytes beyond all that its sender sent before.
	New Class = 1 << iota
	// Retransmitted: it carries bytes again that its sender sent before, whether
	// or not the capture saw them.
	Retransmitted
	// Reordered: it carries bytes late that were sent earlier than others seen before.
	Reordered
	// OutOfOrder: bytes before it have not been seen yet.
	OutOfOrder
	// KeepAlive: a probe of an idle connection (RFC 9293 §3.8.4), or of a zero window.
	KeepAlive
	// DuplicateACK: it acknowledges once more what was acknowledged, and carries nothing.
	DuplicateACK
	// Spurious: its selective acknowledgement reports bytes received twice (DSACK, RFC 2883).
	Spurious
	// Ignored: no endpoint would act on it (a reset outside the window, a segment of an older connection).
	Ignored
)

// Has reports whether c contains all of d.
func (c Class) Has(d Class) bool { return c&d == d }

// fingerprint recognises a copy of a segment that the capture made.
type fingerprint struct {
	hash uint32
	at   uint32 // microseconds, modulo 2^32
}

// How late a copy made by the capture may come. A retransmission carries a new IP
// identification and, where timestamps are on and their clock has ticked since (most
// have every 1 to 10 ms), a new TSval; a copy made by a mirror port, a router's second
// interface or the second capture point carries the same. IPv6 has no identification,
// and IPv4 may leave it 0.
const (
	copyAgeBoth = time.Second            // equal IPv4 identification and timestamps
	copyAgeOne  = 100 * time.Millisecond // one of them: less than any retransmission timer
	copyAgeBare = 2 * time.Millisecond   // nothing to tell them apart by
)

func copyAge(s *packet.Segment) time.Duration {
	switch {
	case s.IPID != 0 && s.Options.HasTimestamps:
		return copyAgeBoth
	case s.IPID != 0 || s.Options.HasTimestamps:
		return copyAgeOne
	}
	return copyAgeBare
}

// fingerprintOf returns the fingerprint of s.
func fingerprintOf(s *packet.Segment) fingerprint {
	const prime = 0x9E3779B97F4A7C15
	h := uint64(s.Seq)<<32 | uint64(s.Ack)
	h = (h ^ h>>29) * prime
	h ^= uint64(s.IPID)<<48 | uint64(s.Window)<<32 | uint64(s.Length)
	h = (h ^ h>>32) * prime
	h ^= uint64(s.Options.TSVal)<<32 | uint64(s.Options.TSEcr) ^ uint64(s.Flags)
	h = (h ^ h>>29) * prime
	for _, b := range s.Options.SACK[:s.Options.SACKCount] {
		h = (h ^ uint64(b.Left)<<32 ^ uint64(b.Right)) * prime
	}
	return fingerprint{uint32(h >> 32), uint32(s.Time / 1000)}
}

// manyRecent is how many segments of an end are remembered once the capture is
// known to hold copies of the connection's: a copy behind a queue comes after others.
const manyRecent = 64

// latest are the latest segments of side, to know copies by.
func (c *Connection) latest(side Side) []fingerprint {
	e := &c.ends[side]
	switch {
	case e.segments == 0:
		return nil
	case c.oddities != nil && c.oddities.copied:
		return c.many(side)[:]
	}
	return e.recent[:]
}

// many are the latest segments of side of a connection of which there are copies.
func (c *Connection) many(side Side) *[manyRecent]fingerprint {
	if many := c.oddities.many[side]; many != nil {
		return many
	}
	return &forgotten
}

// forgotten are many segments that are remembered no more.
var forgotten [manyRecent]fingerprint

// remember notes a segment of side, to know copies of it by.
func (t *Table) remember(c *Connection, side Side, p fingerprint) {
	e := &c.ends[side]
	if c.oddities != nil && c.oddities.copied {
		t.rememberMany(c)
		c.oddities.many[side][e.segments%manyRecent] = p
	} else {
		e.recent[e.segments%uint32(len(e.recent))] = p
	}
	e.segments++
}

// rememberMany lets many segments of c be remembered from now on.
func (t *Table) rememberMany(c *Connection) {
	o := t.odd(c)
	o.copied = true
	for i := range o.many {
		if o.many[i] == nil {
			o.many[i] = new([manyRecent]fingerprint)
			copy(o.many[i][:], c.ends[i].recent[:])
		}
	}
}

// copies reports whether p, the fingerprint of s, is that of a copy of the segment with r.
func (p fingerprint) copies(r fingerprint, s *packet.Segment) bool {
	return r.hash == p.hash && p.at-r.at <= uint32(copyAge(s)/time.Microsecond)
}

// isCopy reports whether s, which has fingerprint p, is a copy of one of the latest
// segments. The resets of a closed socket are all the same, one for each segment that they
// answer: they are copies only where others were, so that many are remembered.
func (p fingerprint) isCopy(latest []fingerprint, s *packet.Segment) bool {
	if s.Flags.Has(packet.RST) && copyAge(s) == copyAgeBare && len(latest) < manyRecent {
		return false
	}
	for _, r := range latest {
		if p.copies(r, s) {
			return true
		}
	}
	return false
}

// copiedLate reports whether s is a copy of a segment of side that is forgotten, as where
// a mirror port sends all of a burst again behind it: its bytes were seen, and by IP
// identification and timestamp it was sent before the segment that reached the top, or by
// timestamp not after it, where others were copied. Once anything was sent again, it may be
// what came late, behind its own repeat.
func (c *Connection) copiedLate(side Side, s *packet.Segment) bool {
	e := &c.ends[side]
	if s.Length == 0 || !e.started || int32(s.Seq+s.Length-e.next) > 0 {
		return false
	}
	return (c.oddities == nil || c.oddities.retransmissions == 0) && int32(s.Seq-e.begin()) >= 0 &&
		(e.sentBefore(s) || s.IPID == 0 && c.oddities != nil && c.oddities.copied) &&
		e.hasTimestamps && s.Options.HasTimestamps && int32(s.Options.TSVal-e.topTSVal) <= 0
}

// copied reports whether s, with fingerprint p, is a copy of a segment of side seen
// shortly before.
func (c *Connection) copied(side Side, s *packet.Segment, p fingerprint) bool {
	if p.isCopy(c.latest(side), s) {
		return true
	}
	before := c.previous()
	return before != nil && before.copied(side, s, p)
}
