package http1

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// counter is a Handler that keeps nothing but the last message.
type counter struct {
	last       *Message
	ended      int
	junk, body int64
	method     string
}

func (c *counter) Began(*Message)               {}
func (c *counter) Head(*Message) string         { return c.method }
func (c *counter) Body(_ *Message, data []byte) { c.body += int64(len(data)) }
func (c *counter) End(m *Message)               { c.last = m; c.ended++ }
func (c *counter) Junk(data []byte, _ Span)     { c.junk += int64(len(data)) }
func (c *counter) Tunnelled([]byte, Span)       {}
func (c *counter) Simple() bool                 { return false }

// TestBounded feeds what never ends, a line of 100 MB or a million short ones, and allows
// 4 MB of memory for everything that is allocated meanwhile, garbage included.
func TestBounded(t *testing.T) {
	const allowed, long, lines = 4 << 20, 100 << 20, 1_000_000
	head := "POST / HTTP/1.1\r\n"
	chunked := head + "Transfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name, start, unit, end string
		// want describes the message that ends, "" if none does.
		want func(m *Message, n int64) error
	}{
		{"fields", head, "ab: c\r\n", "Content-Length: 0\r\n\r\n", func(m *Message, n int64) error {
			if m.Fields.Len() != fieldsMax || m.FieldsCut != int(n)+1-fieldsMax || m.BytesCut != 5*int64(m.FieldsCut-1)+17 || m.Framing != ContentLength {
				return fmt.Errorf("kept %d, cut %d, %d bytes, framing %v", m.Fields.Len(), m.FieldsCut, m.BytesCut, m.Framing)
			}
			return nil
		}},
		{"one field", head + "A: ", "abcdefgh", "\r\nContent-Length: 0\r\n\r\n", func(m *Message, n int64) error {
			// The line is cut at lineMax, and that takes all room, so that the length is not kept.
			if m.Fields.Len() != 1 || len(m.Fields.At(0).Value) != lineMax-3 || m.FieldsCut != 1 || m.BytesCut != 3+8*n+2-lineMax+17 || !m.Complete {
				return fmt.Errorf("kept %d, cut %d, %d bytes", m.Fields.Len(), m.FieldsCut, m.BytesCut)
			}
			return nil
		}},
		{"one long field behind another", head + "A: bc\r\nD: ", "abcdefgh", "\r\n\r\n", func(m *Message, n int64) error {
			// The line is cut at lineMax, then again for want of room.
			if m.Fields.Len() != 2 || len(m.Fields.At(1).Value) != lineMax-5-3 || m.BytesCut != 3+8*n+2-lineMax+5 {
				return fmt.Errorf("kept %d, cut %d bytes", len(m.Fields.At(1).Value), m.BytesCut)
			}
			return nil
		}},
		{"folds", head + "A: b\r\n", " c\r\n", "\r\n", nil},
		{"a field name", head, "abcdefgh", "\r\n\r\n", nil},
		{"empty values", head, ":\n", "\r\n", nil},
		{"request line", "GET /", "abcdefgh", " HTTP/1.1\r\nHost: a\r\n\r\n", func(m *Message, n int64) error {
			if len(m.Target) != lineMax-4 || m.BytesCut != 5+8*n+11-lineMax || m.Fields.Len() != 1 || !m.Problems.Has(HeadCut) {
				return fmt.Errorf("kept %d, cut %d bytes, %d fields", len(m.Target), m.BytesCut, m.Fields.Len())
			}
			return nil
		}},
		{"chunks", chunked, "1\r\na\r\n", "0\r\n\r\n", nil},
		{"chunk extensions", chunked, "1;abcdefghijklmn\r\na\r\n", "0\r\n\r\n", nil},
		{"one chunk extension", chunked + "1;", "abcdefgh", "\r\na\r\n0\r\n\r\n", nil},
		{"a chunk size", chunked, "00000000", "\r\n", nil},
		{"trailers", chunked + "0\r\n", "ab: c\r\n", "\r\n", func(m *Message, n int64) error {
			if m.Trailers.Len() != fieldsMax || m.FieldsCut != int(n)-fieldsMax || m.Fields.Len() != 1 {
				return fmt.Errorf("kept %d, cut %d", m.Trailers.Len(), m.FieldsCut)
			}
			return nil
		}},
		{"unknown requests", "", "hello world ", "\r\n", nil},
		{"empty lines", "", "\r\n\r\n", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			count := &counter{}
			p := NewParser(Request, count, new(Arena))
			segment := []byte(strings.Repeat(c.unit, 16000/len(c.unit)))
			size := int64(long)
			if strings.Contains(c.unit, "\n") {
				size = int64(lines * len(c.unit))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p.Feed([]byte(c.start), packet(1))
			fed := int64(len(c.start) + len(c.end))
			for fed < size {
				p.Feed(segment, packet(2))
				fed += int64(len(segment))
			}
			p.Feed([]byte(c.end), packet(3))
			p.Finish(Finished, packet(4))
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > allowed {
				t.Errorf("%d bytes allocated", n)
			}
			accounted := count.junk
			if count.last != nil {
				accounted += count.last.WireBytes
			}
			if accounted != fed {
				t.Errorf("%d bytes fed, %d accounted for", fed, accounted)
			}
			if c.want != nil {
				if err := c.want(count.last, (fed-int64(len(c.start)+len(c.end)))/int64(len(c.unit))); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestSpaceIsNotKept: white space behind values, which does not count as kept, takes no memory.
func TestSpaceIsNotKept(t *testing.T) {
	count := &counter{}
	p := NewParser(Request, count, new(Arena))
	p.Feed([]byte("GET / HTTP/1.1\r\n"), packet(1))
	fields := []byte(strings.Repeat("a: b"+strings.Repeat(" ", 3000)+"\r\n", fieldsMax))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p.Feed(fields, packet(1))
	p.Feed([]byte("\r\n"), packet(1))
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 || count.last.Fields.Len() != fieldsMax || count.last.Problems != 0 {
		t.Errorf("%d bytes for %d fields, %v", n, count.last.Fields.Len(), count.last.Problems)
	}
}

func TestLargeHeadIsKept(t *testing.T) {
	var head strings.Builder
	head.WriteString("GET /" + strings.Repeat("u", 20<<10) + " HTTP/1.1\r\n")
	for i := range 100 {
		fmt.Fprintf(&head, "X-%d: %s\r\n", i, strings.Repeat("v", 600))
	}
	head.WriteString("\r\n")
	for _, pieces := range [][][]byte{{[]byte(head.String())}, singleBytes([]byte(head.String()))} {
		m := stream{}.read(t, pieces...).messages[0]
		if len(m.Target) != 20<<10+1 || m.Fields.Len() != 100 || len(m.Fields.At(99).Value) != 600 || m.Problems != 0 {
			t.Errorf("target of %d bytes, %d fields, %v", len(m.Target), m.Fields.Len(), m.Problems)
		}
	}
}

// TestIdle: between messages nothing is held, and the parser itself is small.
func TestIdle(t *testing.T) {
	p := NewParser(Request, &counter{}, new(Arena))
	for _, piece := range []string{"GET / HT", "TP/1.1\r\nA: ", "b\r\n", "\r\n"} {
		if p.Feed([]byte(piece), packet(1)); p.Idle() != (piece == "\r\n") {
			t.Errorf("after %q: idle %v", piece, p.Idle())
		}
	}
	if p.line != nil || p.message != nil {
		t.Error("an idle parser holds a line or a message")
	}
}

// TestFieldsOfManyParsers interleaves heads on one arena: none overwrites another's.
func TestFieldsOfManyParsers(t *testing.T) {
	arena := new(Arena)
	var parsers [7]*Parser
	var counts [7]counter
	for i := range parsers {
		parsers[i] = NewParser(Request, &counts[i], arena)
		parsers[i].Feed(fmt.Appendf(nil, "GET /%d HTTP/1.1\r\n", i), packet(1))
	}
	const fields = 300
	for n := range fields {
		for i, p := range parsers {
			if n < fields>>i {
				p.Feed(fmt.Appendf(nil, "N%d: %d-%d\r\n", n, i, n), packet(2))
			}
		}
	}
	for i, p := range parsers {
		p.Feed([]byte("\r\n"), packet(3))
		m := counts[i].last
		if m.Target != fmt.Sprintf("/%d", i) || m.Fields.Len() != fields>>i {
			t.Fatalf("%s has %d fields", m.Target, m.Fields.Len())
		}
		for n, f := range m.Fields.All() {
			if f.Name != fmt.Sprintf("N%d", n) || f.Value != fmt.Sprintf("%d-%d", i, n) {
				t.Fatalf("%s: field %d is %v", m.Target, n, f)
			}
		}
	}
}
