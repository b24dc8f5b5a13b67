package http1

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// sameHeads are fields that differ in what they say, some by little.
var sameHeads = []string{
	"Host: a\r\n",
	"Host: b\r\n",
	"Host: a\r\nConnection: close\r\n",
	"Host: a\r\nConnection: keep-alive\r\n",
	"Content-Length: 2\r\n",
	"Content-Length: 2\r\nHost: a\r\n",
	"Content-Length: 2\r\nContent-Length: 2\r\n",
	"Content-Length: 2\r\nContent-Length: 3\r\n",
	"Content-Length: x\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Transfer-Encoding: gzip, chunked\r\nContent-Length: 2\r\n",
	"Transfer-Encoding: gzip\r\n",
	"Upgrade: websocket\r\nConnection: upgrade\r\n",
	"Host: a\r\n folded\r\n",
	"Host : a\r\n",
	"Host: a\n",
	"Host: a \r\n",
	"",
}

// TestSameHeads: a message whose fields are those of the one before says the same as if
// it were the first, and shares their memory.
func TestSameHeads(t *testing.T) {
	startLines := [...][]string{
		Request:  {"GET / HTTP/1.1\r\n", "CONNECT a:1 HTTP/1.1\r\n", "POST /b HTTP/1.0\r\n", "GET / HTTP/1.1\n"},
		Response: {"HTTP/1.1 200 OK\r\n", "HTTP/1.0 404 No\r\n", "HTTP/1.1 304 OK\r\n", "HTTP/1.1 100 Continue\r\n"},
	}
	r := rand.New(rand.NewPCG(1, 2))
	arena := new(Arena)
	read := func(a *Arena, role Role, text string) (string, *Message) {
		rec := &recorder{t: t}
		p := NewParser(role, rec, a)
		p.Feed([]byte(text), packet(1))
		p.Finish(Finished, packet(2))
		if len(rec.messages) == 0 {
			return strings.Join(rec.lines(), "; "), nil
		}
		m := rec.messages[0]
		return fmt.Sprint(rec.lines(), m.HasToken("Connection", "close"), m.HasToken("Connection", "keep-alive"), m.Nominates(), m.MayHave(NamesOf("Host"))), m
	}
	shared := 0
	var latest [2]*Message
	var fields string
	for range 4000 {
		if r.IntN(2) == 0 {
			fields = sameHeads[r.IntN(len(sameHeads))]
		}
		role := Role(r.IntN(2))
		text := startLines[role][r.IntN(4)] + fields + []string{"\r\n", "\r\n", "\n"}[r.IntN(3)] + "2\r\nok\r\n0\r\n\r\n"[r.IntN(2)*3:]
		want, _ := read(new(Arena), role, text)
		got, m := read(arena, role, text)
		if got != want {
			t.Fatalf("%q:\n%s\nwant\n%s", text, got, want)
		}
		if m == nil {
			continue
		}
		if before := latest[role]; before != nil && len(m.Fields.text) > 0 && unsafe.SliceData(before.Fields.text) == unsafe.SliceData(m.Fields.text) {
			shared++
		}
		latest[role] = m
	}
	if shared < 200 {
		t.Errorf("%d messages shared their fields", shared)
	}
}
