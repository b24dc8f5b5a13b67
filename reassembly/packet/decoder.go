package packet

import (
	"math"

	"wirelag/reassembly/capture"
)

// Decoder decodes captured frames, one after the other. It holds the fragments
// of IP datagrams that wait for their rest, within the limits named in
// fragment.go. The zero Decoder is ready for use; one goroutine uses it at a
// time, and the fragments of a datagram must all go to the same one.
type Decoder struct {
	counters  counters
	fragments fragments
	layers    int // headers walked in the current frame
	// firm says that the length of the current view stands in the header in
	// front, and that an IP datagram in it cannot be longer. Elsewhere the IP length
	// is the better one, because captures and mirror ports cut frames without saying so.
	firm bool
}

// maxLayers bounds the headers of one frame in front of TCP, tags, labels and
// extension headers included: above what networks nest (VXLAN over QinQ with a
// label stack inside has 10), low enough to make frames of nothing but headers cheap.
const maxLayers = 24

// Decode finds the innermost TCP segment or UDP datagram of p and fills s with
// it; what of s it fills depends on the Kind it returns. p.Interface must be
// set. VLAN tags and tunnels leave no trace in s: its addresses are the inner
// ones. A segment in a fragmented datagram is returned with the fragment that
// completes it, whose Mark and TTL it gets.
//
// s.Payload points into p.Data or, for a reassembled datagram, into memory of its own.
func (d *Decoder) Decode(p *capture.Packet, s *Segment) Kind {
	s.Mark, s.Interface = p.Mark, p.Interface
	kind := d.plain(p, s)
	if kind == notPlain {
		d.layers, d.firm = 0, false
		kind = d.link(p.Interface.LinkType, frameView(p), s)
	}
	d.counters.frames[kind]++
	return kind
}

// view is the rest of a frame behind the headers walked so far: what was
// captured of it, and its length on the wire, which is never less.
type view struct {
	data   []byte
	length int
}

func frameView(p *capture.Packet) view {
	// A few old sniffers wrote more bytes than they claim the frame had.
	return view{p.Data, max(len(p.Data), int(min(p.Length, math.MaxInt32)))}
}

// cut reports whether the snaplen took something of v.
func (v view) cut() bool { return len(v.data) < v.length }

// from returns v without its first n bytes, which must have been captured.
func (v view) from(n int) view { return view{v.data[n:], v.length - n} }

// limit returns v without what follows its first n bytes: padding, trailers.
func (v view) limit(n int) view {
	n = min(n, v.length)
	return view{v.data[:min(n, len(v.data))], n}
}

// datagram returns v as an IP datagram of n bytes. The bytes that the frame had
// no room for count as cut.
func (d *Decoder) datagram(v view, n int) view {
	if d.firm {
		n, d.firm = min(n, v.length), false
	}
	return view{v.data[:min(n, len(v.data))], n}
}

// deeper counts a header and reports whether the frame may have that many.
func (d *Decoder) deeper() bool {
	d.layers++
	return d.layers <= maxLayers
}
