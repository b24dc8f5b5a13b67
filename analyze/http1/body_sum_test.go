package http1

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"wirelag/reassembly/capture"
)

// bodies notes what is told of the bodies of messages.
type bodies struct {
	sums   []uint32
	starts []capture.Frame
	ends   []int64
}

func (b *bodies) Began(*Message)         {}
func (b *bodies) Head(*Message) string   { return "" }
func (b *bodies) Body(*Message, []byte)  {}
func (b *bodies) Junk([]byte, Span)      {}
func (b *bodies) Tunnelled([]byte, Span) {}
func (b *bodies) Simple() bool           { return false }

func (b *bodies) End(m *Message) {
	b.sums = append(b.sums, m.BodySum)
	b.starts = append(b.starts, m.BodyStart.Frame)
	b.ends = append(b.ends, m.Offset+m.Extent())
}

// feedPackets parses a stream of requests in packets of n bytes, numbered from 1.
func feedPackets(stream string, n int) *bodies {
	b := &bodies{}
	p := NewParser(Request, b, new(Arena))
	for i := 0; i*n < len(stream); i++ {
		mark := capture.Mark{Frame: capture.NewFrame(0, uint64(i+1))}
		p.Feed([]byte(stream[i*n:min((i+1)*n, len(stream))]), Span{At: mark})
	}
	return b
}

// TestBodySum: a body has the same sum however it is framed and cut.
func TestBodySum(t *testing.T) {
	plain := "POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\namount=50"
	chunked := "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\namou\r\n5\r\nnt=50\r\n0\r\n\r\n"
	other := "POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\namount=51"
	none := "GET /a HTTP/1.1\r\n\r\n"
	stream := plain + chunked + other + none
	for _, n := range []int{1, 7, len(stream)} {
		got := feedPackets(stream, n).sums
		if len(got) != 4 || got[0] != got[1] || got[0] == got[2] || got[3] != 0 {
			t.Errorf("in packets of %d bytes: sums %x", n, got)
		}
	}
}

// TestBodySumOfLongResponses: that of a long body is the same however it is framed and
// cut, and another where what is summed of it differs.
func TestBodySumOfLongResponses(t *testing.T) {
	const size = 5*sumStretch + 100
	body := func(changed int) string {
		b := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		if changed >= 0 {
			b[changed] ^= 1
		}
		return string(b)
	}
	sum := func(body string, chunked bool, n int) uint32 {
		b := &bodies{}
		p := NewParser(Response, b, new(Arena))
		stream := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if chunked {
			stream = fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n",
				size/3, body[:size/3], size-size/3, body[size/3:])
		}
		for piece := range slices.Chunk([]byte(stream), n) {
			p.Feed(piece, packet(1))
		}
		return b.sums[0]
	}
	same := body(-1)
	want := sum(same, false, 1460)
	for _, n := range []int{1, 997, sumStretch, 10 * sumStretch} {
		if plain, chunked := sum(same, false, n), sum(same, true, n); plain != want || chunked != want {
			t.Errorf("in pieces of %d bytes: %x, in chunks %x, want %x", n, plain, chunked, want)
		}
	}
	for _, changed := range []int{0, sumPart - 1, sumShort - sumShortStretch, sumShort, 5*sumStretch + 99} {
		if sum(body(changed), false, 1460) == want {
			t.Errorf("byte %d does not count", changed)
		}
	}
}

// TestBodyStart: the packet with a body's first byte, and where messages end,
// empty lines before the next one left out.
func TestBodyStart(t *testing.T) {
	head := "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
	got := feedPackets(head+"abc"+"\r\n"+head+"abc", 1)
	want := []int64{int64(len(head)), int64(2*len(head) + 5)}
	for i, w := range want {
		if got.starts[i] != capture.NewFrame(0, uint64(w+1)) || got.ends[i] != w+3 {
			t.Errorf("message %d: body starts in packet %v, message ends at %d; want %d, %d", i, got.starts[i], got.ends[i], w+1, w+3)
		}
	}
}

func TestIdempotent(t *testing.T) {
	for method, want := range map[string]bool{
		"GET": true, "HEAD": true, "PUT": true, "DELETE": true, "OPTIONS": true, "TRACE": true, "PROPFIND": true,
		"POST": false, "PATCH": false, "CONNECT": false, "LOCK": false, "get": false, "X": false, "": false,
	} {
		if got := (&Message{Method: method}).Idempotent(); got != want {
			t.Errorf("%q: %v", method, got)
		}
	}
}
