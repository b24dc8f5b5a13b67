package http1

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"wirelag/reassembly/capture"
)

// recorder is a Handler that writes down what it hears and counts every byte.
type recorder struct {
	t       testing.TB
	methods []string // of the requests that the responses answer, in order; GET when used up
	simple  bool

	ended     []string // a line for each message
	safe      int      // messages that ended before the first Junk
	junk      []byte
	tunnelled []byte
	body      []byte
	messages  []*Message
	open      *Message
	headed    bool
	// lost: sync was lost inside a message, it may lack a body, or its method may begin with the
	// end of the body before: what follows depends on the pieces.
	lost bool
}

func (r *recorder) Began(m *Message) { r.open, r.headed, r.body = m, false, nil }

func (r *recorder) Head(m *Message) (method string) {
	if m != r.open || r.headed {
		r.t.Errorf("Head of another message, or twice")
	}
	r.headed = true
	r.lost = r.lost || m.Role == Request && len(r.ended) > 0 && !startsKnownMethod([]byte(m.Method+" "))
	if m.Role == Request || m.Interim() || len(r.methods) == 0 {
		return "GET"
	}
	method, r.methods = r.methods[0], r.methods[1:]
	r.lost = r.lost || method == ""
	return method
}

func (r *recorder) Body(m *Message, data []byte) {
	if m != r.open || !r.headed || len(data) == 0 {
		r.t.Errorf("Body of another message, before its Head, or empty")
	}
	r.body = append(r.body, data...)
}

func (r *recorder) End(m *Message) {
	if m != r.open || !r.headed {
		r.t.Errorf("End of another message, or before its Head")
	}
	if int64(len(r.body)) != m.BodyBytes {
		r.t.Errorf("BodyBytes = %d, but %d came", m.BodyBytes, len(r.body))
	}
	r.open = nil
	r.messages = append(r.messages, m)
	r.ended = append(r.ended, describe(m, r.body))
	if len(r.junk) == 0 && !r.lost {
		r.safe = len(r.ended)
	}
	r.lost = r.lost || m.Problems&(BadChunkSize|BadChunkEnd) != 0
}

func (r *recorder) Junk(data []byte, _ Span) {
	if len(data) == 0 {
		r.t.Errorf("empty Junk")
	}
	r.open = nil
	r.junk = append(r.junk, data...)
}

func (r *recorder) Tunnelled(data []byte, _ Span) {
	r.open = nil
	r.tunnelled = append(r.tunnelled, data...)
}

func (r *recorder) Simple() bool { return r.simple }

// lines are the messages, then the junk and what was tunnelled, if any.
func (r *recorder) lines() []string {
	lines := append([]string(nil), r.ended...)
	if len(r.junk) > 0 {
		lines = append(lines, fmt.Sprintf("junk %q", r.junk))
	}
	if len(r.tunnelled) > 0 {
		lines = append(lines, fmt.Sprintf("tunnelled %q", r.tunnelled))
	}
	return lines
}

// accounted is how many bytes were told of.
func (r *recorder) accounted() (n int64) {
	for _, m := range r.messages {
		n += m.WireBytes
	}
	return n + int64(len(r.junk)+len(r.tunnelled))
}

// describe shows a message: start line, fields, framing and body, trailers, faults.
func describe(m *Message, body []byte) string {
	var b strings.Builder
	if m.Role == Request {
		fmt.Fprintf(&b, "%s %s", m.Method, shorten(m.Target))
	} else {
		fmt.Fprintf(&b, "%d %s", m.Status, shorten(m.Reason))
	}
	fmt.Fprintf(&b, " %d.%d", m.Version.Major, m.Version.Minor)
	for i := range min(m.Fields.Len(), 12) {
		fmt.Fprintf(&b, " %s=%s", shorten(m.Fields.At(i).Name), shorten(m.Fields.At(i).Value))
	}
	fmt.Fprintf(&b, " | %v", m.Framing)
	if m.Length >= 0 {
		fmt.Fprintf(&b, " %d", m.Length)
	}
	if m.BodyBytes > 0 {
		fmt.Fprintf(&b, " %s", shorten(string(body)))
	}
	for i := range min(m.Trailers.Len(), 12) {
		fmt.Fprintf(&b, " +%s=%s", shorten(m.Trailers.At(i).Name), shorten(m.Trailers.At(i).Value))
	}
	if !m.Complete {
		b.WriteString(" | incomplete")
	}
	if m.Lost > 0 {
		fmt.Fprintf(&b, " | lost %d", m.Lost)
	}
	if m.FieldsCut > 0 || m.BytesCut > 0 {
		fmt.Fprintf(&b, " | kept %d cut %d %d", m.Fields.Len(), m.FieldsCut, m.BytesCut)
	}
	if m.Problems != 0 {
		fmt.Fprintf(&b, " | %v", m.Problems)
	}
	fmt.Fprintf(&b, " | %d+%d", m.HeaderBytes, m.WireBytes-m.HeaderBytes)
	return b.String()
}

func shorten(s string) string {
	if len(s) > 80 {
		return fmt.Sprintf("%q...(%d)", s[:16], len(s))
	}
	if s == "" || strings.ContainsAny(s, " |=\t\r\n\x00") {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// packet is the span of the n-th packet, from 1.
func packet(n int) Span {
	at := capture.Mark{Time: capture.Time(n) * 1000, Frame: capture.NewFrame(0, uint64(n))}
	return Span{At: at, Readable: at.Time}
}

// stream says how to read an input.
type stream struct {
	role    Role
	methods []string
	simple  bool
	ending  Ending
}

// read feeds the pieces of an input to a new parser and finishes.
func (s stream) read(t testing.TB, pieces ...[]byte) *recorder {
	r := &recorder{t: t, methods: s.methods, simple: s.simple}
	p := NewParser(s.role, r, new(Arena))
	total := 0
	for i, piece := range pieces {
		// A copy that is scribbled over shows what kept borrowed bytes.
		borrowed := append([]byte(nil), piece...)
		p.Feed(borrowed, packet(i+1))
		for j := range borrowed {
			borrowed[j] = '!'
		}
		total += len(piece)
	}
	p.Finish(s.ending, packet(len(pieces)+1))
	if !p.Idle() {
		t.Errorf("not idle after Finish")
	}
	if n := r.accounted(); n != int64(total) {
		t.Errorf("%d bytes fed, %d accounted for: %v", total, n, r.lines())
	}
	return r
}

func singleBytes(input []byte) (pieces [][]byte) {
	for i := range input {
		pieces = append(pieces, input[i:i+1])
	}
	return pieces
}

func randomPieces(input []byte, random *rand.Rand) (pieces [][]byte) {
	for len(input) > 0 {
		n := 1 + random.IntN(min(len(input), 1+random.IntN(40)))
		pieces = append(pieces, input[:n])
		input = input[n:]
	}
	return pieces
}
