package http1

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// gapCase has calls of the parser as steps: Feed for text, Gap for "~N", "!hunt",
// "!tunnel"; Finish comes last.
type gapCase struct {
	name  string
	steps []string
	want  []string
	stream
}

const pair = "GET / HTTP/1.1\r\n\r\n"

var gapCases = []gapCase{
	{name: "in a body of known length", steps: []string{"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab", "~5", "hij" + pair},
		want: []string{`POST / 1.1 Content-Length=10 | content-length 10 abhij | incomplete | lost 5 | 39+5`, `GET / 1.1 | none | 18+0`}},
	{name: "the rest of a body", steps: []string{"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab", "~8", "GET /uri a HTTP/1.1\r\n\r\n"},
		want: []string{`POST / 1.1 Content-Length=10 | content-length 10 ab | incomplete | lost 8 | 39+2`, `GET "/uri a" 1.1 | none | space-in-target | 23+0`}},
	{name: "beyond a body", steps: []string{"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab", "~9", "tail\r\n" + pair, pair},
		want: []string{`POST / 1.1 Content-Length=10 | content-length 10 ab | incomplete | lost 8 | 39+2`, `GET / 1.1 | none | 18+0`, `junk "tail\r\nGET / HTTP/1.1\r\n\r\n"`}},
	{name: "huge, in a body", steps: []string{"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab", fmt.Sprint("~", uint64(math.MaxUint64)), pair},
		want: []string{`POST / 1.1 Content-Length=10 | content-length 10 ab | incomplete | lost 8 | 39+2`, `GET / 1.1 | none | 18+0`}},
	{name: "until close", steps: []string{"HTTP/1.1 200 OK\r\n\r\nab", fmt.Sprint("~", uint64(math.MaxUint64)), "~7", "cd"},
		want: []string{`200 OK 1.1 | close abcd | incomplete | lost 18446744073709551615 | 19+4`}, stream: responses()},
	{name: "in a chunk", steps: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na", "~4", "\r\n0\r\n\r\n"},
		want: []string{`200 OK 1.1 Transfer-Encoding=chunked | chunked a | incomplete | lost 4 | 47+11`}, stream: responses()},
	{name: "beyond a chunk", steps: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na", "~5", "\n0\r\n\r\n", "HTTP/1.1 204 \r\n\r\n"},
		want: []string{`200 OK 1.1 Transfer-Encoding=chunked | chunked a | incomplete | lost 5 | 47+4`, `204 "" 1.1 | none | 17+0`, `junk "\n0\r\n\r\n"`}, stream: responses()},
	{name: "in the chunk framing", steps: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5", "~1", "\n"},
		want: []string{`200 OK 1.1 Transfer-Encoding=chunked | chunked | incomplete | lost 1 | 47+1`, `junk "\n"`}, stream: responses()},
	{name: "in the trailers", steps: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nC", "~1", "d\r\n\r\n"},
		want: []string{`200 OK 1.1 Transfer-Encoding=chunked | chunked +A=b | incomplete | lost 1 | 47+10`, `junk "d\r\n\r\n"`}, stream: responses()},
	{name: "in the head", steps: []string{"POST / HTTP/1.1\r\nContent-Length: 5\r\nA: b\r\nC: d", "~3", "E: f\r\n\r\nhello" + pair, pair},
		want: []string{`POST / 1.1 Content-Length=5 A=b | none | incomplete | lost 3 | head-lost | 46+0`, `GET / 1.1 | none | 18+0`, `junk "E: f\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n"`}},
	{name: "in the start line", steps: []string{"POST / HT", "~3", ".1\r\n\r\n", pair},
		want: []string{`GET / 1.1 | none | 18+0`, `junk "POST / HT.1\r\n\r\n"`}},
	{name: "between messages", steps: []string{pair, "~1", "GET /a b HTTP/1.1\r\n\r\n", pair},
		want: []string{`GET / 1.1 | none | 18+0`, `GET / 1.1 | none | 18+0`, `junk "GET /a b HTTP/1.1\r\n\r\n"`}},
	{name: "of nothing", steps: []string{"GET /", "~0", " HTTP/1.1\r\n\r\n"}, want: []string{`GET / 1.1 | none | 18+0`}},
	{name: "behind leading empty lines", steps: []string{"\r\n", "~1", pair}, want: []string{`GET / 1.1 | none | 18+0`, `junk "\r\n"`}},
	{name: "in a simple response", steps: []string{"HTTP/1", "~4", "x"},
		want: []string{`0 "" 0.9 | close HTTP/1x | incomplete | lost 4 | 0+7`}, stream: stream{role: Response, simple: true}},
	{name: "in a tunnel", steps: []string{"CONNECT h:1 HTTP/1.1\r\n\r\n", "!tunnel", "a", "~9", pair},
		want: []string{`CONNECT h:1 1.1 | none | 24+0`, `tunnelled "aGET / HTTP/1.1\r\n\r\n"`}},
	{name: "behind CONNECT", steps: []string{"CONNECT h:1 HTTP/1.1\r\n\r\n", "~9", pair, "GET", "~1", "x", pair},
		want: []string{`CONNECT h:1 1.1 | none | 24+0`, `GET / 1.1 | none | 18+0`, `GET / 1.1 | none | 18+0`, `junk "GETx"`}},
	{name: "behind CONNECT, in what may be a request", steps: []string{"CONNECT h:1 HTTP/1.1\r\n\r\n", "GET", "~1", "x", pair},
		want: []string{`CONNECT h:1 1.1 | none | 24+0`, `tunnelled "GETxGET / HTTP/1.1\r\n\r\n"`}},
	{name: "in the rest of a long request line", steps: []string{"GET /" + strings.Repeat("a", lineMax), "~5", pair},
		want: []string{fmt.Sprintf(`GET "/aaaaaaaaaaaaaaa"...(%d) 1.1 | none | incomplete | lost 5 | kept 0 cut 0 5 | bad-start-line head-cut head-lost | %d+0`, lineMax-4, lineMax+5), `GET / 1.1 | none | 18+0`}},

	{name: "hunt for a request", steps: []string{"!hunt", "body text\r\nGET /1 HTTP/1.1\r\n\r\n", "GET /2\r\n", "GET /3 x HTTP/1.1\r\n\r\n", "POST", " /4 HTTP/1.1\r\n", "\r\nGET /5 HTTP/1.1\r\n\r\n"},
		want: []string{`POST /4 1.1 | none | 20+0`, `GET /5 1.1 | none | 19+0`, `junk "body text\r\nGET /1 HTTP/1.1\r\n\r\nGET /2\r\nGET /3 x HTTP/1.1\r\n\r\n"`}},
	{name: "hunt past a tail that is a token", steps: []string{"!hunt", "tail", pair}, want: []string{`GET / 1.1 | none | 18+0`, `junk "tail"`}},
	{name: "hunt past the start of a method", steps: []string{"!hunt", "PO", "POST / HTTP/1.1\r\n\r\n"}, want: []string{`POST / 1.1 | none | 19+0`, `junk "PO"`}},
	{name: "hunt past a false start", steps: []string{"!hunt", "GET ", pair}, want: []string{`GET / 1.1 | none | 18+0`, `junk "GET "`}},
	{name: "hunt past the tail of a method", steps: []string{"!hunt", "OST / HTTP/1.1\r\n\r\n", "SUBSCRIBE / HTTP/1.1\r\n\r\n"},
		want: []string{`SUBSCRIBE / 1.1 | none | 24+0`, `junk "OST / HTTP/1.1\r\n\r\n"`}},
	{name: "hunt behind an empty line", steps: []string{"!hunt", "\r\n" + pair}, want: []string{`GET / 1.1 | none | 18+0`, `junk "\r\n"`}},
	{name: "hunt for a response", steps: []string{"!hunt", "x\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HT", "TP/1.1 204 \r\n\r\n", "HTTP/1.1 304 \r\n\r\n"},
		want: []string{`204 "" 1.1 | none | 17+0`, `304 "" 1.1 | none | 17+0`, `junk "x\r\nHTTP/1.1 200 OK\r\n\r\nHTTP/1.1 20 OK\r\n\r\n"`}, stream: responses()},
	{name: "hunt inside a message", steps: []string{"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab", "!hunt", "c", pair},
		want: []string{`POST / 1.1 Content-Length=10 | content-length 10 ab | incomplete | 39+2`, `GET / 1.1 | none | 18+0`, `junk "c"`}},
	{name: "a response where sync was lost", steps: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", "HTTP/1.1 204 \r\n\r\n"},
		want: []string{`200 OK 1.1 Transfer-Encoding=chunked | chunked a | incomplete | bad-chunk-end | 47+4`, `204 "" 1.1 | none | 17+0`}, stream: responses()},
	{name: "a body behind HEAD", steps: []string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		want:   []string{`200 OK 1.1 Content-Length=2 | none | 38+0`, `200 OK 1.1 Content-Length=0 | content-length 0 | 38+0`, `junk "ab"`},
		stream: responses("HEAD")},
	{name: "tunnel in a start line", steps: []string{"GET", "!tunnel", " / HTTP/1.1\r\n\r\n"}, want: []string{`tunnelled "GET / HTTP/1.1\r\n\r\n"`}},
	{name: "tunnel behind a body", steps: []string{"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na", "!tunnel", "b" + pair},
		want: []string{`POST / 1.1 Content-Length=2 | content-length 2 ab | 38+2`, `tunnelled "GET / HTTP/1.1\r\n\r\n"`}},
	{name: "tunnel after a hunt", steps: []string{"!hunt", "x", "!tunnel", pair}, want: []string{`junk "x"`, `tunnelled "GET / HTTP/1.1\r\n\r\n"`}},
}

// run does the steps of a gap test and finishes.
func (s stream) run(t testing.TB, steps []string) *recorder {
	r := &recorder{t: t, methods: s.methods, simple: s.simple}
	p := NewParser(s.role, r, new(Arena))
	total := 0
	for i, step := range steps {
		var n uint64
		switch {
		case step == "!hunt":
			p.Hunt()
		case step == "!tunnel":
			p.StartTunnel()
		case strings.HasPrefix(step, "~"):
			if _, err := fmt.Sscanf(step, "~%d", &n); err != nil {
				t.Fatal(err)
			}
			p.Gap(n, packet(i+1))
		default:
			p.Feed([]byte(step), packet(i+1))
			total += len(step)
		}
	}
	p.Finish(s.ending, packet(len(steps)+1))
	if n := r.accounted(); n != int64(total) {
		t.Errorf("%d bytes fed, %d accounted for", total, n)
	}
	return r
}

func TestGap(t *testing.T) {
	for _, c := range gapCases {
		t.Run(c.name, func(t *testing.T) {
			got := c.run(t, c.steps).lines()
			if !slices.Equal(got, c.want) {
				t.Errorf("%q\n got %s\nwant %s", c.steps, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
			}
		})
	}
}

// TestGapEverywhere loses 1 to 40 bytes at every place of a stream: bodies go on where their
// end is known, and the message behind, in a segment of its own, is always found.
func TestGapEverywhere(t *testing.T) {
	first := "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n" + strings.Repeat("x", 30) +
		"POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1e\r\n" + strings.Repeat("y", 30) + "\r\n0\r\nT: u\r\n\r\n"
	last := "GET /3 HTTP/1.1\r\n\r\n"
	for from := range len(first) {
		for n := 1; n <= 40 && from+n <= len(first); n++ {
			steps := []string{first[:from], fmt.Sprint("~", n), first[from+n:], last}
			r := stream{}.run(t, steps)
			lines := r.ended
			if len(lines) == 0 || lines[len(lines)-1] != `GET /3 1.1 | none | 19+0` {
				t.Fatalf("%d bytes lost at %d: %q", n, from, r.lines())
			}
			complete := 0
			for _, m := range r.messages {
				if m.Complete {
					complete++
				}
			}
			if complete > 2 {
				t.Fatalf("%d bytes lost at %d: every message complete: %q", n, from, r.lines())
			}
			if body := strings.Index(first, "xx"); from >= body && from+n <= body+30 && (complete != 2 || len(r.junk) > 0) {
				t.Fatalf("%d bytes lost in the body: %q", n, r.lines())
			}
		}
	}
}

// TestInSync also asks where in the stream the messages begin.
func TestInSync(t *testing.T) {
	r := &recorder{t: t}
	p := NewParser(Request, r, new(Arena))
	for i, c := range []struct {
		data   string // fed,
		lost   uint64 // then lost
		insync bool   // afterwards
	}{
		{"\r\nPOST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 6, true},
		{pair + "GE", 0, true},
		{"T / HTTP/1.1\r\n\r\n", 0, true},
		{"", 5, false},
		{"tail", 0, false},
		{pair, 0, true},
	} {
		p.Feed([]byte(c.data), packet(i+1))
		p.Gap(c.lost, packet(i+1))
		if p.InSync() != c.insync {
			t.Errorf("after %q and a hole of %d: in sync %v", c.data, c.lost, p.InSync())
		}
	}
	const post = 2 + 17 + 19 + 2 + 9
	for i, want := range []int64{2, post, post + 18, post + 2*18 + 5 + 4} {
		if got := r.messages[i].Offset; got != want {
			t.Errorf("message %d begins at %d, want %d", i, got, want)
		}
	}
}

func TestAfterFinish(t *testing.T) {
	r := &recorder{t: t}
	p := NewParser(Request, r, new(Arena))
	p.Finish(Finished, packet(1))
	p.Feed([]byte(pair), packet(2))
	p.Gap(1, packet(3))
	p.StartTunnel()
	p.Hunt()
	p.Feed([]byte(pair), packet(4))
	p.Finish(Reset, packet(5))
	if len(r.messages) > 0 || string(r.junk) != pair+pair {
		t.Errorf("after the end: %q", r.lines())
	}
}

func TestMarks(t *testing.T) {
	r := &recorder{t: t}
	p := NewParser(Request, r, new(Arena))
	p.Feed([]byte("\r\n"), packet(1))
	p.Feed([]byte("PO"), packet(2))
	p.Feed([]byte("ST / HTTP/1.1\r\nContent-Length: 4\r\n"), packet(7))
	p.Feed([]byte("\r\na"), packet(4))
	p.Gap(1, packet(9))
	p.Feed([]byte("b"), packet(1))
	p.Feed([]byte("cGET / HTTP/1.1\r\n\r\n"), packet(6))
	first, second := r.messages[0], r.messages[1]
	for _, c := range []struct {
		what      string
		got, want Span
	}{
		{"start", first.Start, packet(2)}, {"end of the head", first.HeadEnd, packet(4)}, {"end", first.End, packet(6)},
		{"first", Span{At: first.First}, Span{At: packet(1).At}}, {"last", Span{At: first.Last}, Span{At: packet(7).At}},
		{"start of the next", second.Start, packet(6)}, {"end of the next", second.End, packet(6)},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}
