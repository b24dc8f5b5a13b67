package main

import (
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	get      = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	okEmpty  = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	toServer = "GET / HTTP/1.1\r\nHost: a\r\n"
)

// What connections keep, as long as they are open.
const (
	bareConnection = 800
	conversation   = 6 << 10
	packed         = 400 // where nothing goes on any more
)

// eachConnection opens connections and sends the same on each, without an end.
func eachConnection(text string) func(w *wire, items int) {
	return func(w *wire, items int) {
		for i := range items {
			c, s := client(i), server()
			w.open(c, s)
			w.write(c, s, text)
		}
	}
}

// inTurn opens connections, and sends the same on one after the other, over and over.
func inTurn(connections int, send func(w *wire, c, s *end)) func(w *wire, items int) {
	return func(w *wire, items int) {
		type pair struct{ c, s *end }
		var open []pair
		for i := range items {
			if len(open) < connections {
				open = append(open, pair{client(i), server()})
				w.open(open[i].c, open[i].s)
			}
			p := open[i%len(open)]
			send(w, p.c, p.s)
		}
	}
}

// oneConnection sends text by text on one connection.
func oneConnection(begin, text, end string) func(w *wire, items int) {
	return func(w *wire, items int) {
		c, s := client(0), server()
		w.open(c, s)
		w.write(c, s, begin)
		for range items {
			w.write(c, s, text)
		}
		w.write(c, s, end)
	}
}

var connectionFloods = []flood{
	{name: "half-open connections", items: 10_000_000, perItem: bareConnection, full: []string{"limit-connections"},
		send: func(w *wire, items int) {
			for i := range items {
				w.send(client(i), server(), syn, "")
			}
		}},
	{name: "open connections", items: 2_000_000, perItem: bareConnection, full: []string{"limit-connections"}, send: eachConnection("")},
	{name: "requests without an answer, each on its connection", items: 2_000_000, perItem: conversation, full: []string{"limit-connections"}, send: eachConnection(get)},
	{name: "answered requests, each on its connection", items: 2_000_000, least: 100_000, perItem: packed, full: []string{"limit-connections"},
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.write(c, s, get)
				w.write(s, c, okEmpty)
			}
		}},
	{name: "exchanges on many connections in turn", items: 3_000_000, least: 200_000,
		send: inTurn(30_000, func(w *wire, c, s *end) {
			w.write(c, s, get)
			w.write(s, c, okEmpty)
			w.send(c, s, ack, "")
		})},
	{name: "connections with the same sums and XORs of addresses and ports", items: 4_000_000, perItem: bareConnection, full: []string{"limit-connections"},
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(0), server()
				c.addr, c.port = 10<<24+uint32(i/2), uint16(-(i / 2))
				if i%2 == 1 {
					c.addr, s.addr, c.port = 10<<24^uint32(i/2), 192<<24^uint32(i/2), 40_000
				}
				w.send(c, s, syn, "")
			}
		}},
	{name: "connections that begin anew on the same ports", items: 2_000_000,
		send: func(w *wire, items int) {
			for i := range items {
				c := client(i % 100)
				c.seq += uint32(i) * 77_777_777
				w.open(c, server())
			}
		}},
	{name: "handshakes that are torn down at once", items: 2_000_000,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.send(c, s, syn, "")
				w.send(s, c, rst|ack, "")
				w.now += 100 * time.Millisecond
			}
		}},
	{name: "answers to what nobody saw, on many connections", items: 2_000_000, perItem: conversation,
		send: inTurn(20_000, func(w *wire, c, s *end) {
			c.seq += 1000
			w.send(s, c, ack, "x")
		})},
	{name: "acknowledgements of what nobody saw", items: 5_000_000,
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			for range items {
				s.seq += 1000
				w.send(c, s, ack, "x")
			}
		}},
}

var reassemblyFloods = []flood{
	{name: "a hole on each connection", items: 2_000_000, least: 20_000, perItem: conversation, limits: []string{"limit-reassembly"},
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.sendAt(c, s, c.seq+1000, ack, "behind a hole")
			}
		}},
	{name: "one-byte segments in reverse", items: 10_000_000, limits: []string{"limit-reassembly"},
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			for i := range items {
				w.sendAt(c, s, c.seq+2*uint32(items-i), ack, "x")
			}
		}},
	{name: "one-byte segments in disorder", items: 10_000_000, limits: []string{"limit-reassembly"},
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			for i := range items {
				w.sendAt(c, s, c.seq+uint32(i&^0xffff)+uint32(uint16(i*40503))+1, ack, "x")
			}
		}},
	{name: "one-byte segments in order", items: 10_000_000,
		send: oneConnection("", "x", "")},
	{name: "bytes behind a hole that change", items: 2_000_000, limits: []string{"limit-reassembly", "overlap-conflict"},
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			for i := range items {
				w.sendAt(c, s, c.seq+10+uint32(i%1000)+uint32(i/50_000)*4000, ack, strings.Repeat(string(rune('a'+i%26)), 100))
			}
			w.now += time.Hour
			w.sendAt(c, s, c.seq+1<<20, ack, "x")
		}},
	{name: "bytes sent again that change", items: 2_000_000,
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			for i := range items {
				w.send(c, s, ack, "ten bytes.")
				w.sendAt(c, s, c.seq-10, ack, strings.Repeat(string(rune('a'+i%26)), 10))
			}
		}},
	{name: "holes of 2^30 bytes", items: 2_000_000,
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			for range items {
				c.seq += 1 << 29
				w.send(c, s, ack, get)
				w.send(s, c, ack, "")
			}
		}},
}

var headFloods = []flood{
	{name: "a head that never ends", items: 100_000, send: oneConnection(toServer, strings.Repeat("X-Header: y\r\n", 100), "")},
	{name: "a million fields", items: 10_000, limits: []string{"limit-head"},
		send: oneConnection(toServer, strings.Repeat("X-Header: y\r\n", 100), "\r\n")},
	{name: "a field of 100 MB", items: 100 << 20 / 1400, limits: []string{"limit-head"},
		send: oneConnection(toServer+"X: ", strings.Repeat("x", 1400), "\r\n\r\n")},
	{name: "half a line on each connection", items: 100_000, least: 8000, perItem: conversation + 8<<10, limits: []string{"limit-head"},
		send: eachConnection(toServer + "X: " + strings.Repeat("x", 16<<10))},
	{name: "half a head on each connection", items: 100_000, least: 1800, perItem: conversation + 8<<10, limits: []string{"limit-head"},
		send: eachConnection(toServer + strings.Repeat("A: "+strings.Repeat("b", 20)+"\r\n", 2500))},
	{name: "bytes that may become something on each connection", items: 100_000, least: 8000, perItem: conversation, limits: []string{"limit-prefix"},
		send: eachConnection("\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff" + strings.Repeat("x", 15<<10))},
	{name: "one-byte segments that may become something", items: 5_000_000,
		send: func(w *wire, items int) {
			var c, s *end
			for i := range items {
				if i%10_000 == 0 {
					c, s = client(i), server()
					w.open(c, s)
					w.write(c, s, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff")
				}
				w.send(c, s, ack, "x")
			}
		}},
	{name: "one-byte segments of a ClientHello", items: 5_000_000,
		send: func(w *wire, items int) {
			var c, s *end
			for i := range items {
				if i%10_000 == 0 {
					c, s = client(i), server()
					w.open(c, s)
					w.write(c, s, "\x16\x03\x01\x3f\xff\x01\x00\x3f\xf0\x03\x03"+strings.Repeat("x", 32)+"\x00\x00\x02\x13\x01\x01\x00\x3f\x00")
				}
				w.send(c, s, ack, "\x01")
			}
		}},
	{name: "chunks of 2^63 bytes", items: 1_000_000,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.write(c, s, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\nx")
				w.send(c, s, rst, "")
				w.now += 50 * time.Millisecond
			}
		}},
	{name: "bodies of 2^63-1 bytes", items: 1_000_000,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.write(c, s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\nx")
				w.sendAt(c, s, c.seq+1<<30, ack, "x")
				w.send(c, s, rst, "")
				w.now += 50 * time.Millisecond
			}
		}},
	{name: "chunks of one byte", items: 10_000,
		send: oneConnection("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\nx\r\n", 200), "")},
}

var exchangeFloods = []flood{
	{name: "pipelined requests without an answer", items: 1_000_000 / 50, least: 1000, limits: []string{"limit-unanswered"},
		send: oneConnection("", strings.Repeat(get, 50), "")},
	{name: "pipelined requests of 60 KB without an answer", items: 40_000, least: 1800, perItem: 4 << 10, limits: []string{"limit-head"},
		send: oneConnection(get, toServer+strings.Repeat("A: b\r\n", 10<<10)+"\r\n", "")},
	{name: "pipelined requests on each connection", items: 2_000, least: 60, perItem: 64 * conversation, limits: []string{"limit-unanswered"}, full: []string{"limit-connections"},
		send: eachConnection(strings.Repeat(get, 2000))},
	{name: "responses that nobody asked for", items: 1_000_000 / 50, least: 300, limits: []string{"limit-unanswered"},
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			for range items {
				w.write(s, c, strings.Repeat(okEmpty, 50))
			}
		}},
	{name: "responses that nobody acknowledges", items: 1_000_000, least: 20_000, limits: []string{"limit-unanswered"},
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			first := s.seq
			for range items {
				last := s.seq
				s.seq = first
				w.write(c, s, get)
				s.seq = last
				w.write(s, c, okEmpty)
			}
		}},
	{name: "interim responses without an end", items: 1_000_000 / 50, limits: []string{"limit-interim"},
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			w.write(c, s, get)
			for range items {
				w.write(s, c, strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 50))
			}
		}},
	{name: "responses that match no request behind a hole", items: 1_000_000 / 50, least: 300, limits: []string{"limit-unanswered"},
		send: func(w *wire, items int) {
			c, s := client(0), server()
			w.open(c, s)
			for range 60 {
				w.write(c, s, strings.Repeat(get, 50))
			}
			s.seq += 100
			w.send(c, s, ack, "")
			for range items {
				w.write(s, c, strings.Repeat(okEmpty, 30))
			}
		}},
}

// fat is a head with much that rules look at, and much besides.
func fat(i int) string {
	return fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: h%d\r\nConnection: keep-alive, x-a\r\nX-A: b\r\nProxy-Connection: keep-alive\r\nExpect: 100-continue\r\n"+
		"Content-Length: 1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n%s\r\n", i, i, strings.Repeat("Field: value\r\n", 4000))
}

var ruleFloods = []flood{
	{name: "exchanges of many hosts and paths", items: 1_000_000, least: 10_000,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.write(c, s, fmt.Sprintf("GET /%d?token=%d HTTP/1.0\r\nHost: h%d\r\nConnection: keep-alive\r\n\r\n", i, i, i))
				w.write(s, c, okEmpty)
				w.close(c, s)
				w.now += 20 * time.Millisecond
			}
		}},
	{name: "many clients and servers", items: 1_000_000, perItem: 6 << 10, full: []string{"limit-rules"},
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i*60_000), server()
				s.addr += uint32(i)
				for range 2 {
					w.open(c, s)
					w.write(c, s, get)
					w.write(s, c, okEmpty)
					w.close(c, s)
					c.port++
				}
				w.now += 20 * time.Millisecond
			}
		}},
	{name: "requests of 56 KB with much to say about", items: 100_000, least: 1600, perItem: 24 << 10,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				s.addr += uint32(i % 1000)
				w.open(c, s)
				w.write(c, s, fat(i))
				w.write(s, c, "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n")
				w.send(s, c, rst|ack, "")
				w.now += time.Millisecond
			}
		}},
	{name: "findings on connections that stay", items: 100_000, perItem: conversation + 4<<10,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.send(c, s, syn, "")
				c.seq--
				w.now += 20 * time.Millisecond
				w.open(c, s)
				w.write(c, s, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx")
				w.write(s, c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx")
				w.send(c, s, ack, "")
			}
		}},
}

// large is a request with a head of 60 KB.
func large(begin string) string { return begin + strings.Repeat("A: b\r\n", 10<<10) + "\r\n" }

// keptFloods leave connections open of which rules keep something.
var keptFloods = []flood{
	{name: "responses that nobody asked for on each connection", items: 10_000, least: 1000, perItem: 16 << 10, limits: []string{"limit-rules"},
		send: func(w *wire, items int) {
			const ok = "HTTP/1.1 204 N\r\n\r\n"
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				for range 2 {
					w.write(s, c, strings.Repeat(ok, 70))
					w.send(c, s, ack, "")
				}
			}
		}},
	{name: "pipelined requests of 60 KB on each connection", items: 1500, perItem: 256 << 10,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				for range 9 {
					w.write(c, s, large(toServer))
				}
				w.write(s, c, strings.Repeat(okEmpty, 8))
				w.send(c, s, ack, "")
			}
		}},
	{name: "connections kept by requests of 60 KB", items: 15_000, least: 1000, perItem: 1 << 10,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.write(c, s, large("GET / HTTP/1.0\r\nConnection: keep-alive\r\n"))
				w.write(s, c, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
				w.send(c, s, ack, "")
			}
		}},
	{name: "kept connections between requests of 60 KB", items: 15_000, least: 1000, perItem: 1 << 10,
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.write(c, s, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
				w.write(s, c, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
				w.send(c, s, ack, "")
				c, s = client(1<<21+i), server()
				w.open(c, s)
				w.write(c, s, large(toServer))
				w.write(s, c, okEmpty)
				w.close(c, s)
			}
		}},
	{name: "requests of 60 KB that fail", items: 20_000, least: 1000, perItem: 64 << 10, full: []string{"limit-failed-requests"},
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.write(c, s, large(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: a\r\n", i)))
				w.send(s, c, rst|ack, "")
				w.now += 100 * time.Microsecond
			}
		}},
	{name: "failed requests between others of 60 KB", items: 20_000, least: 1000, perItem: 20 << 10, full: []string{"limit-failed-requests"},
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				w.open(c, s)
				w.write(c, s, get)
				w.send(s, c, rst|ack, "")
				c, s = client(1<<21+i), server()
				w.open(c, s)
				w.write(c, s, large(toServer))
				w.write(s, c, okEmpty)
				w.close(c, s)
				w.now += 100 * time.Microsecond
			}
		}},
}

var packetFloods = []flood{
	{name: "fragments of datagrams that never become whole", items: 5_000_000, limits: []string{"ip-fragments", "limit-fragments"},
		send: func(w *wire, items int) {
			var b [20 + 64]byte
			for i := range items {
				w.ip(b[:], 6, uint32(i), 1)
				b[6] = 0x20
				w.packet(b[:])
			}
		}},
	{name: "fragments of one datagram that overlap", items: 5_000_000, limits: []string{"ip-fragments"},
		send: func(w *wire, items int) {
			var b [20 + 64]byte
			for i := range items {
				w.ip(b[:], 6, 1, 2)
				binary.BigEndian.PutUint16(b[4:], 1)
				binary.BigEndian.PutUint16(b[6:], 0x2000|uint16(i*7%8000))
				w.packet(b[:])
			}
		}},
	{name: "DNS queries without an answer", items: 5_000_000, least: 50_000, limits: []string{"limit-lookups"},
		send: func(w *wire, items int) {
			s := &end{addr: 1, port: 53}
			for i := range items {
				name := fmt.Sprintf("%08x", i)
				w.datagram(client(i), s, string([]byte{byte(i >> 8), byte(i), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 8})+name+"\x00\x00\x01\x00\x01")
			}
		}},
	{name: "half a DNS message on each connection", items: 500_000, least: 3000, perItem: conversation, limits: []string{"limit-dns-streams"},
		send: func(w *wire, items int) {
			for i := range items {
				c, s := client(i), server()
				s.port = 53
				w.open(c, s)
				w.write(c, s, "\xff\xff\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"+strings.Repeat("x", 2000))
			}
		}},
	{name: "IP in IP", items: 2_000_000, limits: []string{"undecodable"},
		send: func(w *wire, items int) {
			var b [1400]byte
			for n := 0; n+20 <= len(b); n += 20 {
				w.ip(b[n:], 4, 1, 2)
			}
			for range items {
				w.packet(b[:])
			}
		}},
}

// block writes a pcapng block.
func block(w io.Writer, kind uint32, body []byte) {
	size := uint32(12 + len(body))
	b := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, kind), size)
	w.Write(binary.LittleEndian.AppendUint32(append(b, body...), size))
}

func section(w io.Writer) {
	block(w, 0x0a0d0d0a, []byte{0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
}

// endless writes kilobytes of zeros.
func endless(w io.Writer, kilobytes int) {
	zeros := make([]byte, 1<<10)
	for range kilobytes {
		w.Write(zeros)
	}
}

var streamFloods = []flood{
	{name: "interfaces", items: 1_000_000, least: 140_000, limits: []string{"limit-interfaces"},
		raw: func(w io.Writer, items int) {
			section(w)
			for range items {
				block(w, 1, []byte{1, 0, 0, 0, 0, 0, 4, 0})
			}
		}},
	{name: "sections", items: 1_000_000,
		raw: func(w io.Writer, items int) {
			for range items {
				section(w)
				block(w, 1, []byte{1, 0, 0, 0, 0, 0, 4, 0})
			}
		}},
	{name: "a block that claims 4 GiB", items: 1_000_000, limits: []string{"cut-record"},
		raw: func(w io.Writer, items int) {
			section(w)
			w.Write([]byte{6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff})
			endless(w, items)
		}},
	{name: "a packet that claims 4 GiB", items: 1_000_000, limits: []string{"cut-record"},
		raw: func(w io.Writer, items int) {
			w.Write(pcapHeader)
			w.Write([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
			endless(w, items)
		}},
	{name: "secrets", items: 100_000, least: 10_000, limits: []string{"limit-secrets"},
		raw: func(w io.Writer, items int) {
			section(w)
			body := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 0x544c534b), 1<<10)
			body = append(body, make([]byte, 1<<10)...)
			for range items {
				block(w, 10, body)
			}
		}},
	{name: "a gzip bomb", items: 10_000_000,
		raw: func(w io.Writer, items int) {
			z := gzip.NewWriter(w)
			z.Write(pcapHeader)
			endless(z, items)
			z.Close()
		}},
	{name: "a zstd bomb", items: 80_000,
		raw: func(w io.Writer, items int) {
			w.Write([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x38}) // a window of 128 KiB
			w.Write(append([]byte{byte(len(pcapHeader) << 3), 0, 0}, pcapHeader...))
			const size = 128 << 10 // of a block that has one byte
			for i := range items {
				header := uint32(size<<3 | 1<<1)
				if i == items-1 {
					header |= 1
				}
				w.Write([]byte{byte(header), byte(header >> 8), byte(header >> 16), 0})
			}
		}},
}
