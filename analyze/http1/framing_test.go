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
