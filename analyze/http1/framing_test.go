package http1

import (
	"slices"
	"strings"
	"testing"
)

// TestMayLackBody: the answer to an unseen request may be one to a HEAD, which has no
// body, whatever its head says. It is, if another response begins where the body would.
func TestMayLackBody(t *testing.T) {
	const next = "HTTP/1.1 404 no\r\nContent-Length: 2\r\n\r\nab"
	const nextRead = `404 no 1.1 Content-Length=2 | content-length 2 ab | 38+2`
	for _, c := range []struct {
		name   string
		method string // of the request that the first response answers
		steps  []string
		want   []string
	}{
		{"length", "", []string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", next},
			[]string{`200 OK 1.1 Content-Length=9 | none | 38+0`, nextRead}},
		{"chunks", "", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", next},
			[]string{`200 OK 1.1 Transfer-Encoding=chunked | none | 47+0`, nextRead}},
		{"until the end", "", []string{"\r\nHTTP/1.1 200 OK\r\n\r\n", next},
			[]string{`200 OK 1.1 | none | leading-crlf | 19+2`, nextRead}},
		{"twice", "", []string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", next},
			[]string{`200 OK 1.1 Content-Length=9 | none | 38+0`, `200 OK 1.1 Content-Length=9 | content-length 9 "HTTP/1.1 " | 38+9`,
				`junk "404 no\r\nContent-Length: 2\r\n\r\nab"`}},
		{"a body", "", []string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 ", next},
			[]string{`200 OK 1.1 Content-Length=9 | content-length 9 "HTTP/1.1 " | 38+9`, nextRead}},
		{"a body that goes on like a response", "", []string{"HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\na", next},
			[]string{`200 OK 1.1 Content-Length=41 | content-length 41 ` + shorten("a"+next) + ` | 39+41`}},
		{"a body like a response", "GET", []string{"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n", next},
			[]string{`200 OK 1.1 Content-Length=40 | content-length 40 ` + shorten(next) + ` | 39+40`}},
		{"a hole", "", []string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "~3", next},
			[]string{`200 OK 1.1 Content-Length=9 | none | incomplete | lost 3 | 38+0`, nextRead}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := responses(c.method).run(t, c.steps)
			if got := r.lines(); !slices.Equal(got, c.want) {
				t.Errorf("%q\n got %s\nwant %s", c.steps, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
			}
			if end := r.messages[0].End; c.method == "" && r.messages[0].BodyBytes == 0 && end != packet(1) {
				t.Errorf("the first response ends with %v", end)
			}
		})
	}
}

// TestRefusedBody: where the client may leave the body out, the next request may begin in
// its place.
func TestRefusedBody(t *testing.T) {
	const next = "GET / HTTP/1.1\r\n\r\n"
	for _, c := range []struct {
		name        string
		first, then string
		want        []string
	}{
		{"length", "PUT / HTTP/1.1\r\nContent-Length: 90\r\n\r\n", next, []string{`PUT / 1.1 Content-Length=90 | none | 38+0`, `GET / 1.1 | none | 18+0`}},
		{"chunks", "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", next,
			[]string{`PUT / 1.1 Transfer-Encoding=chunked | none | 46+0`, `GET / 1.1 | none | 18+0`}},
		{"a body", "PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "GET /" + next,
			[]string{`PUT / 1.1 Content-Length=5 | content-length 5 "GET /" | 37+5`, `GET / 1.1 | none | 18+0`}},
		{"of another method", "PUT / HTTP/1.1\r\nContent-Length: 19\r\n\r\n", "X" + next,
			[]string{`PUT / 1.1 Content-Length=19 | content-length 19 "XGET / HTTP/1.1\r\n\r\n" | 38+19`}},
		{"a part was sent", "PUT / HTTP/1.1\r\nContent-Length: 19\r\n\r\na", next,
			[]string{`PUT / 1.1 Content-Length=19 | content-length 19 "aGET / HTTP/1.1\r\n\r\n" | 38+19`}},
		{"not in a head", "PUT / HTTP/1.1\r\nContent-Length: 18\r\n", "\r\n" + next,
			[]string{`PUT / 1.1 Content-Length=18 | content-length 18 "GET / HTTP/1.1\r\n\r\n" | 38+18`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{t: t}
			p := NewParser(Request, r, new(Arena))
			p.Feed([]byte(c.first), packet(1))
			p.MayLackBody()
			p.Feed([]byte(c.then), packet(2))
			p.Finish(Finished, packet(3))
			if got := r.lines(); !slices.Equal(got, c.want) {
				t.Errorf("got %s\nwant %s", strings.Join(got, "\n    "), strings.Join(c.want, "\n     "))
			}
		})
	}
}

// TestExcess: what came with the end of a body and looks like a method is none when the next
// bytes begin a request by themselves.
func TestExcess(t *testing.T) {
	const first = "PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\na"
	const firstRead = `PUT / 1.1 Content-Length=1 | content-length 1 a | 37+1`
	const next = "GET / HTTP/1.1\r\n\r\n"
	const nextRead = `GET / 1.1 | none | 18+0`
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
		holds bool // what is too much, at the end
	}{
		{"a letter", []string{first + "n", next}, []string{firstRead, nextRead, `junk "n"`}, false},
		{"a letter that begins a method", []string{first + "P", next}, []string{firstRead, nextRead, `junk "P"`}, false},
		{"words", []string{first + "n o p", next}, []string{firstRead, nextRead, `junk "n o p"`}, false},
		{"in pieces", []string{first + "n", "o", next}, []string{firstRead, nextRead, `junk "no"`}, false},
		{"the start line has no end yet", []string{first + "n", "GET /", " HTTP/1.1\r\n\r\n"}, []string{firstRead, nextRead, `junk "n"`}, false},
		{"behind empty lines", []string{first + "\r\nn", next}, []string{firstRead, nextRead, `junk "\r\nn"`}, false},
		{"a known method in two", []string{first + "UN", "LINK / HTTP/1.1\r\n\r\n"}, []string{firstRead, `UNLINK / 1.1 | none | 21+0`}, false},
		{"no whole start line follows", []string{first + "n", "GET x\r\n\r\n"}, []string{firstRead, `junk "nGET x\r\n\r\n"`}, false},
		{"in a packet of its own", []string{first, "n", next}, []string{firstRead, nextRead, `junk "n"`}, false},
		{"at the beginning of the stream", []string{"n", next}, []string{`nGET / 1.1 | none | 19+0`}, false},
		{"in one with what follows", []string{first + "n" + next}, []string{firstRead, `nGET / 1.1 | none | 19+0`}, false},
		{"nothing follows", []string{first + "n"}, []string{firstRead, `junk "n"`}, true},
		{"nothing follows the start of a method", []string{first + "P"}, []string{firstRead, `junk "P"`}, false},
		{"nothing follows a packet of its own", []string{first, "n"}, []string{firstRead, `junk "n"`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{t: t}
			p := NewParser(Request, r, new(Arena))
			for i, step := range c.steps {
				p.Feed([]byte(step), packet(i+1))
			}
			if holds := p.HoldsExcess(); holds != c.holds {
				t.Errorf("holds excess: %v", holds)
			}
			p.Finish(Finished, packet(9))
			if got := r.lines(); !slices.Equal(got, c.want) {
				t.Errorf("got %s\nwant %s", strings.Join(got, "\n    "), strings.Join(c.want, "\n     "))
			}
		})
	}
}
