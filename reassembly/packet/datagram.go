package packet

import (
	"bytes"
	"slices"
	"sort"

	"wirelag/reassembly/capture"
)

// datagram is an incomplete datagram.
type datagram struct {
	key      datagramKey
	first    capture.Time // when its first fragment came
	pieces   []piece      // by offset, without overlaps
	data     []byte       // what was captured of the pieces, in the order they came
	received int          // length of the pieces
	length   int          // of the datagram, 0 as long as its last fragment is missing
	protocol uint8        // of its payload, by the fragment at offset 0
	dropped  bool         // it keeps its place, so that the fragments to come are dropped as well
}

// piece is what a fragment contributed: the bytes from offset up to end, of
// which the captured ones stand in data from at on.
type piece struct{ offset, end, at, captured uint32 }

const pieceBytes = 16

// verdict says how a fragment went with those before it.
type verdict uint8

const (
	fits        verdict = iota
	contradicts         // an IPv4 fragment differs from an earlier one, which stands
	hopeless            // the datagram is to be dropped
	crowded             // the same, because it has too many fragments
)

// whole reports whether all fragments are there.
func (g *datagram) whole() bool { return g.length != 0 && g.received == g.length }

// memory is the size of what g holds.
func (g *datagram) memory() int { return cap(g.data) + cap(g.pieces)*pieceBytes }

func (g *datagram) drop() {
	g.dropped, g.pieces, g.data, g.length = true, nil, nil, 0
}

// insert adds a fragment to g.
func (g *datagram) insert(fr fragment) verdict {
	end := fr.offset + fr.length
	if !g.endsAlike(fr, end) {
		return g.conflict()
	}
	if !fr.more {
		g.length = end
	}
	if fr.offset == 0 && (len(g.pieces) == 0 || g.pieces[0].offset != 0) {
		g.protocol = fr.protocol
	}
	i := sort.Search(len(g.pieces), func(i int) bool { return int(g.pieces[i].end) > fr.offset })
	if i < len(g.pieces) && int(g.pieces[i].offset) < end && g.key.ipv6 {
		if p := g.pieces[i]; int(p.offset) == fr.offset && int(p.end) == end && g.same(p, fr, fr.offset, end) {
			return fits
		}
		return hopeless
	}
	return g.fill(i, fr, end)
}

// endsAlike reports whether fr, which ends at end, agrees with the fragments
// before it on the datagram's length.
func (g *datagram) endsAlike(fr fragment, end int) bool {
	switch {
	case fr.more:
		return g.length == 0 || end < g.length
	case g.length != 0:
		return end == g.length
	case len(g.pieces) == 0:
		return true
	}
	return int(g.pieces[len(g.pieces)-1].end) <= end
}

func (g *datagram) conflict() verdict {
	if g.key.ipv6 {
		return hopeless
	}
	return contradicts
}

// fill adds what fr has between the pieces from number i on, which is the first
// that ends behind the begin of fr.
func (g *datagram) fill(i int, fr fragment, end int) verdict {
	result := fits
	for at := fr.offset; at < end; i++ {
		gap := end
		if i < len(g.pieces) {
			gap = min(end, int(g.pieces[i].offset))
		}
		if at < gap {
			if len(g.pieces) == maxPieces {
				return crowded
			}
			g.put(i, fr, at, gap)
			at = gap
			continue
		}
		p := g.pieces[i]
		overlap := min(end, int(p.end))
		if !g.same(p, fr, at, overlap) {
			result = contradicts
		}
		at = overlap
	}
	return result
}

// put inserts the bytes of fr between two offsets as piece number i.
func (g *datagram) put(i int, fr fragment, from, to int) {
	captured := part(fr.data, from-fr.offset, to-fr.offset)
	g.pieces = slices.Insert(g.pieces, i, piece{uint32(from), uint32(to), uint32(len(g.data)), uint32(len(captured))})
	g.data = append(g.data, captured...)
	g.received += to - from
}

// same reports whether p and fr have the same bytes between two offsets, as far
// as both were captured.
func (g *datagram) same(p piece, fr fragment, from, to int) bool {
	a := part(g.captured(p), from-int(p.offset), to-int(p.offset))
	b := part(fr.data, from-fr.offset, to-fr.offset)
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n])
}

func (g *datagram) captured(p piece) []byte { return g.data[p.at:][:p.captured] }

// assemble is the datagram's bytes, up to the first that was not captured.
func (g *datagram) assemble() []byte {
	b := make([]byte, 0, g.length)
	for _, p := range g.pieces {
		b = append(b, g.captured(p)...)
		if p.captured < p.end-p.offset {
			break
		}
	}
	return b
}

// part is b between two offsets, as far as it goes.
func part(b []byte, from, to int) []byte {
	return b[min(from, len(b)):min(to, len(b))]
}
