package http1

import (
	"fmt"
	"strings"
	"testing"
)

const (
	benchRequest = "GET /static/css/base.css?v=1234567 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\r\n" +
		"Accept: text/css,*/*;q=0.1\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n"
	benchResponse = "HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Type: text/css\r\nContent-Length: 300\r\n" +
		"Last-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"5f0c1a2b-12c\"\r\nAccept-Ranges: bytes\r\n\r\n"
	benchBrowser = "GET /cart/items?page=2 HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Referer: http://shop.example.com/cart\r\nDNT: 1\r\nConnection: keep-alive\r\n" +
		"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; _ga=GA1.2.1234567890.1700000000; consent=all; cart=eyJpdGVtcyI6W3siaWQiOjEyfV19\r\n" +
		"Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nPriority: u=0, i\r\n\r\n"
)

func BenchmarkHead(b *testing.B) {
	for _, c := range []struct {
		name string
		role Role
		data string
	}{
		{"request", Request, benchRequest},
		{"response", Response, benchResponse + strings.Repeat("x", 300)},
		{"small-request", Request, "GET /a HTTP/1.1\r\nHost: server\r\nUser-Agent: lab\r\nAccept: */*\r\n\r\n"},
		{"browser-request", Request, benchBrowser},
		{"lf-only-request", Request, strings.ReplaceAll(benchBrowser, "\r\n", "\n")}, // line by line
	} {
		b.Run(c.name, func(b *testing.B) {
			p := NewParser(c.role, &counter{}, new(Arena))
			data, at := []byte(c.data), packet(1)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				p.Feed(data, at)
			}
		})
	}
}

// BenchmarkHeadInPieces has a segment boundary in the middle of each head.
func BenchmarkHeadInPieces(b *testing.B) {
	p := NewParser(Request, &counter{}, new(Arena))
	data, at := []byte(benchRequest), packet(1)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		p.Feed(data[:100], at)
		p.Feed(data[100:], at)
	}
}

func BenchmarkBody(b *testing.B) {
	segment := []byte(strings.Repeat("x", 1460))
	for _, c := range []struct{ name, head, open, close string }{
		{"content-length", "Content-Length: 9000000000000000000", "", ""},
		{"chunked", "Transfer-Encoding: chunked", "5b4\r\n", "\r\n"},
		{"until-close", "A: b", "", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := NewParser(Response, &counter{}, new(Arena))
			at := packet(1)
			p.Feed(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", c.head), at)
			data := fmt.Appendf(nil, "%s%s%s", c.open, segment, c.close)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				p.Feed(data, at)
			}
		})
	}
}

// givingBack is a Handler that gives messages back at their end.
type givingBack struct {
	counter
	arena *Arena
}

func (g *givingBack) End(m *Message) { g.arena.Free(m) }

// TestAllocations: a keep-alive exchange of ordinary heads costs the arena's slabs and
// nothing else, and bodies cost nothing.
func TestAllocations(t *testing.T) {
	arena, at := new(Arena), packet(1)
	requests := NewParser(Request, &givingBack{arena: arena}, arena)
	responses := NewParser(Response, &givingBack{arena: arena}, arena)
	request, response := []byte(benchRequest), []byte(benchResponse+strings.Repeat("x", 300))
	const exchanges = 1000
	perRun := testing.AllocsPerRun(10, func() {
		for range exchanges {
			requests.Feed(request[:50], at)
			requests.Feed(request[50:], at)
			responses.Feed(response, at)
		}
	})
	if perExchange := perRun / exchanges; perExchange > 0.03 {
		t.Errorf("%.4f allocations per exchange", perExchange)
	}
	body := []byte(strings.Repeat("5b4\r\n"+strings.Repeat("x", 1460)+"\r\n", 4))
	responses.Feed([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), at)
	if n := testing.AllocsPerRun(100, func() { responses.Feed(body, at) }); n != 0 {
		t.Errorf("%v allocations for a segment of chunks", n)
	}
}
