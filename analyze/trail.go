package analyze

import (
	"sync/atomic"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// Trail is what is kept of a connection's segments, to draw them by: all of a
// short connection; of a long one its beginning, its end and what lies around
// stalls and losses, and of the rest ever fewer. It takes room until it is
// forgotten, so who does not need it calls Forget.
type Trail struct {
	Segments []TrailSegment // in capture order
	Total    int            // segments of the connection, those included that were not kept

	room   *trailRoom
	limit  int // segments that there is room for
	places [2]unwrapped
}

// TrailSegment is one segment of a Trail.
type TrailSegment struct {
	capture.Mark
	// Offset is the place of its first byte in the stream of its sender: 0 behind
	// the SYN or, where the capture does not show that, at the first segment.
	Offset int64
	Ack    int64  // how much of the other stream it acknowledges; −1 without ACK
	Length uint32 // payload
	// Window is the receive window that it announces, in bytes; −1 when its scale is not known.
	Window  int32
	Skipped uint32 // segments before it that were not kept
	Class   reassembly.Class
	Flags   packet.Flags
	Side    reassembly.Side // sender
}

// End is the place behind its last byte.
func (s *TrailSegment) End() int64 { return s.Offset + int64(s.Length) }

// TrailPause is from when on the segments around a silence are kept.
const TrailPause = DelayedACKMin

const (
	trailSegmentBytes = 48
	firstTrail        = 16  // segments that a trail has room for at first,
	longestTrail      = 512 // and at most
	trailEnds         = 8   // the first and the last limit/trailEnds segments are always kept
)

// trailRoom is the memory that the trails of an analyzer share. Who forgets a
// trail need not be the analyzer's goroutine.
type trailRoom struct {
	limit   int64
	used    atomic.Int64
	refused uint64
}

func (r *trailRoom) take(segments int) bool {
	if r.used.Add(int64(segments)*trailSegmentBytes) <= r.limit {
		return true
	}
	r.used.Add(-int64(segments) * trailSegmentBytes)
	return false
}

// begin returns the trail of a new connection, nil where there is no room for one.
func (r *trailRoom) begin() *Trail {
	if !r.take(firstTrail) {
		r.refused++
		return nil
	}
	return &Trail{room: r, limit: firstTrail, Segments: make([]TrailSegment, 0, firstTrail)}
}

// Forget gives the memory of a trail back whose connection is closed. It has no
// segments then.
func (t *Trail) Forget() {
	if t != nil {
		t.room.used.Add(-int64(t.limit) * trailSegmentBytes)
		t.Segments, t.limit = nil, 0
	}
}

// add takes the next segment of c. Without a trail it does nothing.
func (t *Trail) add(c *reassembly.Connection, side reassembly.Side, s *packet.Segment, class reassembly.Class) {
	if t == nil {
		return
	}
	t.Total++
	kept := TrailSegment{Mark: s.Mark, Length: s.Length, Window: -1, Ack: -1, Class: class, Flags: s.Flags, Side: side}
	kept.Offset = t.places[side].of(s.Seq, s.Flags.Has(packet.SYN))
	if s.Flags.Has(packet.ACK) {
		kept.Ack = t.places[side.Other()].of(s.Ack, false)
	}
	if window, ok := c.ReceiveWindow(side, s); ok {
		kept.Window = int32(window)
	}
	if len(t.Segments) == t.limit && !t.grow() {
		t.thin()
	}
	t.Segments = append(t.Segments, kept)
}

// grow makes room for more segments.
func (t *Trail) grow() bool {
	more := min(2*t.limit, longestTrail)
	if more == t.limit || !t.room.take(more-t.limit) {
		return false
	}
	t.Segments = append(make([]TrailSegment, 0, more), t.Segments...)
	t.limit = more
	return true
}

// thin drops every other segment between beginning and end that tells little. If
// there are few of those, it drops every other of all.
func (t *Trail) thin() {
	few := t.limit / trailEnds
	if t.drop(t.tellsLittle) < few {
		t.drop(func(int) bool { return true })
	}
}

// drop drops every other of the segments that may go, of those with payload and
// of those without from each side, and returns how many that were.
func (t *Trail) drop(mayGo func(i int) bool) (dropped int) {
	ends := t.limit / trailEnds
	going := make([]bool, len(t.Segments))
	var odd [4]bool
	for i := ends; i < len(t.Segments)-ends; i++ {
		if kind := t.Segments[i].kind(); mayGo(i) {
			going[i], odd[kind] = odd[kind], !odd[kind]
		}
	}
	kept, skipped := t.Segments[:0], uint32(0)
	for i, s := range t.Segments {
		if going[i] {
			skipped += s.Skipped + 1
			dropped++
			continue
		}
		s.Skipped += skipped
		skipped = 0
		kept = append(kept, s)
	}
	t.Segments = kept
	return dropped
}

// kind tells data and acknowledgements of the two sides apart.
func (s *TrailSegment) kind() int {
	kind := int(s.Side) << 1
	if s.Length > 0 {
		kind++
	}
	return kind
}

// tellsLittle reports whether segment i is one of many of its like: in the midst
// of others, with nothing lost or held up.
func (t *Trail) tellsLittle(i int) bool {
	const (
		telling  = reassembly.Retransmitted | reassembly.Reordered | reassembly.KeepAlive | reassembly.Spurious | reassembly.Ignored
		controls = packet.SYN | packet.FIN | packet.RST
	)
	s := &t.Segments[i]
	return s.Class&telling == 0 && s.Flags&controls == 0 && s.Window != 0 &&
		t.silence(i) < TrailPause && t.silence(i+1) < TrailPause
}

// silence is the time before segment i, from the one that is kept before it.
func (t *Trail) silence(i int) time.Duration {
	if i == 0 || i >= len(t.Segments) || t.Segments[i].Skipped > 0 {
		return 0
	}
	return t.Segments[i].Sub(t.Segments[i-1].Mark)
}

// unwrapped follows the sequence numbers of a stream beyond 32 bits.
type unwrapped struct {
	begun  bool
	seq    uint32
	offset int64
}

// of is the place of sequence number seq; that of a SYN begins the stream.
func (p *unwrapped) of(seq uint32, syn bool) int64 {
	if syn {
		*p = unwrapped{begun: true, seq: seq + 1}
		return 0
	}
	if !p.begun {
		*p = unwrapped{begun: true, seq: seq}
	}
	offset := p.offset + int64(int32(seq-p.seq))
	if offset > p.offset {
		p.seq, p.offset = seq, offset
	}
	return offset
}
