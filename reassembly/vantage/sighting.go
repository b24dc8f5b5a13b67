package vantage

import (
	"slices"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// tuple is a 4-tuple in canonical order: the same for both directions.
type tuple [2]packet.Endpoint

// canonical returns the tuple of a segment and which of its ends sent it.
func canonical(s *packet.Segment) (tuple, int) {
	if s.Src.Compare(s.Dst) <= 0 {
		return tuple{s.Src, s.Dst}, 0
	}
	return tuple{s.Dst, s.Src}, 1
}

// entry is all that was seen of a tuple.
type entry struct {
	seen  []*sighting // in the order of the inputs; those of one point in the order of their packets
	pairs []pair
	// newest are the latest sightings by point, where there are more than fewSeen.
	newest map[int32]*sighting
}

// fewSeen is how many sightings of a tuple are looked through.
const fewSeen = 8

// add adds a sighting.
func (e *entry) add(g *sighting) {
	switch e.seen = append(e.seen, g); {
	case e.newest != nil:
		e.newest[g.point] = g
	case len(e.seen) > fewSeen:
		e.newest = map[int32]*sighting{}
		for _, g := range e.seen {
			e.newest[g.point] = g
		}
	}
}

// latest returns the latest sighting at a point, nil without any.
func (e *entry) latest(point int32) *sighting {
	if e.newest != nil {
		return e.newest[point]
	}
	for i := len(e.seen) - 1; i >= 0; i-- {
		if e.seen[i].point == point {
			return e.seen[i]
		}
	}
	return nil
}

// sighting is what one point saw of one connection.
type sighting struct {
	point       int32
	number      int    // in the order of the survey
	opener      int8   // the end that sent the SYN; valid when opened
	opened      bool   // the SYN was seen
	isn         uint32 // of the SYN
	refused     bool   // the first segment answers a SYN that was not seen before it
	refusal     uint32 // by this acknowledgement
	first, last capture.Time
	packets     [2]uint64    // by sender, without copies that the point made
	bytes       [2]uint64    // of their payload
	samples     [2][]sample  // by sender
	top         [2]uint32    // by sender: the highest sequence number; valid with packets
	recent      [2][2]uint32 // by sender: the latest fingerprints, to know copies by

	pieces []*sighting // of a chain, that were merged into this one; nil if none were

	connection *Connection // nil when one point saw it
	copied     [2]bool     // by sender: another point's segments are told
}

// newSighting begins a sighting with segment s of side.
func newSighting(point int32, number int, s *packet.Segment) *sighting {
	n := &sighting{point: point, number: number, first: s.Time, last: s.Time}
	n.refused, n.refusal = s.Refuses(), s.Ack
	return n
}

func opens(s *packet.Segment) bool { return s.Flags&(packet.SYN|packet.ACK) == packet.SYN }

// endsAt reports whether s begins another connection of the tuple.
func (g *sighting) endsAt(s *packet.Segment) bool {
	switch {
	case !opens(s):
		return false
	case g.opened:
		return g.isn != s.Seq
	}
	return !g.refused || g.refusal != s.End()
}

// add notes segment s of side.
func (g *sighting) add(side int, s *packet.Segment) {
	g.first, g.last = min(g.first, s.Time), max(g.last, s.Time)
	if opens(s) && !g.opened {
		g.opener, g.opened, g.isn = int8(side), true, s.Seq
	}
	print, recent := fingerprint(s), &g.recent[side]
	if print == recent[0] || print == recent[1] {
		return
	}
	recent[0], recent[1] = print, recent[0]
	if end := s.End(); g.packets[side] == 0 || int32(end-g.top[side]) > 0 {
		g.top[side] = end
	}
	g.packets[side]++
	g.bytes[side] += uint64(s.Length)
	if distinct(s) {
		g.sample(side, sample{print, s.Time})
	}
}

// distinct reports whether s looks different from those that its sender sends
// before and after it. A reset that is sent again does not, but where it answers a SYN,
// whose sequence number is the connection's own.
func distinct(s *packet.Segment) bool {
	return s.Refuses() || s.IPID != 0 || s.Options.HasTimestamps || s.Length > 0 || s.Flags.Has(packet.SYN)
}

// goesOn reports whether piece may go on where g ends.
func (g *sighting) goesOn(piece *sighting) bool {
	for side := range 2 {
		if g.packets[side] > 0 && piece.packets[side] > 0 && int32(piece.top[side]-g.top[side]) < 0 {
			return false
		}
	}
	return true
}

// whole begins a sighting of a chain with its first piece.
func (g *sighting) whole(chain int32) *sighting {
	n := &sighting{point: chain, opener: g.opener, opened: g.opened, isn: g.isn, first: g.first, last: g.last}
	n.absorb(g)
	return n
}

// absorb adds a piece that goes on where g ends, as if one point had seen both.
func (g *sighting) absorb(piece *sighting) {
	g.pieces = append(g.pieces, piece)
	g.first, g.last = min(g.first, piece.first), max(g.last, piece.last)
	for side := range 2 {
		g.packets[side] += piece.packets[side]
		g.bytes[side] += piece.bytes[side]
		for _, s := range piece.samples[side] {
			g.sample(side, s)
		}
	}
}

// parts are the sightings that g was merged of.
func (g *sighting) parts() []*sighting {
	if g.pieces == nil {
		return []*sighting{g}
	}
	return g.pieces
}

// sample is when a point saw a segment.
type sample struct {
	print uint32
	at    capture.Time
}

const (
	// maxSamples is how many segments of an end are remembered: those with the
	// least fingerprints, so that all points remember the same ones.
	maxSamples = 16
	// maxTime bounds the times that are compared, so that their differences fit.
	maxTime = capture.Time(1) << 61
)

// sample remembers a segment, the first time that it is seen.
func (g *sighting) sample(side int, n sample) {
	have := g.samples[side]
	if len(have) == maxSamples && n.print >= have[maxSamples-1].print || n.at > maxTime || n.at < -maxTime {
		return
	}
	i := 0
	for i < len(have) && have[i].print < n.print {
		i++
	}
	switch {
	case i < len(have) && have[i].print == n.print:
	case len(have) < maxSamples:
		g.samples[side] = slices.Insert(have, i, n)
	default:
		copy(have[i+1:], have[i:])
		have[i] = n
	}
}

// fingerprint is the same wherever a segment is seen, and whether or not
// adapters split it or joined others to it: then the first part is meant. What
// follows from where it ends (length, FIN, PSH) and what routers change is not
// in it. A SYN has a low one, so that it is remembered.
func fingerprint(s *packet.Segment) uint32 {
	const prime = 0x9E3779B97F4A7C15
	h := uint64(s.Seq)<<32 | uint64(s.Ack)
	h = (h ^ h>>29) * prime
	h ^= uint64(s.IPID)<<48 | uint64(s.Window)<<32 | uint64(s.Flags&(packet.SYN|packet.RST))<<8
	if s.Length > 0 {
		h ^= 1
	}
	h = (h ^ h>>32) * prime
	h ^= uint64(s.Options.TSVal)<<32 | uint64(s.Options.TSEcr)
	h = (h ^ h>>29) * prime
	print := uint32(h >> 32)
	if s.Flags.Has(packet.SYN) {
		print >>= 12
	}
	return print
}
