package generate

import (
	"strconv"
)

// message is what one side has to send: a head, then a body that repeats a
// pattern, then a tail.
type message struct {
	head    []byte
	pattern []byte
	period  int64 // after which the pattern repeats; the pattern has period+mss bytes
	body    int64 // bytes of the body as they are on the wire
	tail    string
}

func (m *message) size() int64 { return int64(len(m.head)) + m.body + int64(len(m.tail)) }

// fill writes the message from offset on into b.
func (m *message) fill(b []byte, offset int64) {
	if len(b) == 0 {
		return
	}
	if offset < int64(len(m.head)) {
		n := copy(b, m.head[offset:])
		b, offset = b[n:], offset+int64(n)
	}
	offset -= int64(len(m.head))
	if n := min(int64(len(b)), m.body-offset); n > 0 {
		from := offset % m.period
		copy(b, m.pattern[from:from+n])
		b, offset = b[n:], offset+n
	}
	if len(b) > 0 {
		copy(b, m.tail[offset-m.body:])
	}
}

const (
	plainPeriod = 1 << 14
	chunkData   = 4096
	chunkPeriod = int64(len("1000\r\n") + chunkData + len("\r\n"))
	lastChunk   = "0\r\n\r\n"
)

// patterns are what bodies are made of.
type patterns struct{ plain, chunked []byte }

func newPatterns() patterns {
	r := random(1) // the same for all seeds: only a body's length tells
	text := make([]byte, plainPeriod)
	for i := range text {
		text[i] = "etaoin shrdlu, cmfwyp vbgkjqxz. 0123456789"[r.below(42)]
	}
	chunk := append(append([]byte("1000\r\n"), text[:chunkData]...), "\r\n"...)
	return patterns{append(text, text[:mss]...), append(chunk, chunk[:mss]...)}
}

// setPlain gives the message a body of that many bytes.
func (m *message) setPlain(p *patterns, body int64) {
	m.pattern, m.period, m.body, m.tail = p.plain, plainPeriod, body, ""
}

// setChunked gives the message a body in that many chunks of 4,096 bytes.
func (m *message) setChunked(p *patterns, chunks int64) {
	m.pattern, m.period, m.body, m.tail = p.chunked, chunkPeriod, chunks*chunkPeriod, lastChunk
}

// request writes the request of exchange number of connection id.
func (m *message) request(p *patterns, id, number, body int64, closing bool) {
	head := m.head[:0]
	if body > 0 {
		head = append(head, "POST /"...)
	} else {
		head = append(head, "GET /"...)
	}
	head = strconv.AppendInt(head, id, 10)
	head = append(head, '/')
	head = strconv.AppendInt(head, number, 10)
	head = append(head, " HTTP/1.1\r\nHost: www.example\r\nUser-Agent: gencapture/1\r\nAccept: */*\r\n"...)
	if closing {
		head = append(head, "Connection: close\r\n"...)
	}
	if body > 0 {
		head = append(head, "Content-Type: text/plain\r\nContent-Length: "...)
		head = strconv.AppendInt(head, body, 10)
		head = append(head, "\r\n"...)
	}
	m.head = append(head, "\r\n"...)
	m.setPlain(p, body)
}

// answer is what a response is to be like.
type answer struct {
	notModified, chunked, closing bool
	body                          int64 // whole chunks if it is chunked
}

func (m *message) response(p *patterns, a answer) {
	head := m.head[:0]
	if a.notModified {
		head = append(head, "HTTP/1.1 304 Not Modified\r\n"...)
	} else {
		head = append(head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"...)
	}
	head = append(head, "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: gencapture/1\r\nETag: \"1\"\r\n"...)
	if a.closing {
		head = append(head, "Connection: close\r\n"...)
	}
	switch {
	case a.notModified:
		m.setPlain(p, 0)
	case a.chunked:
		head = append(head, "Transfer-Encoding: chunked\r\n"...)
		m.setChunked(p, a.body/chunkData)
	default:
		head = append(head, "Content-Length: "...)
		head = strconv.AppendInt(head, a.body, 10)
		head = append(head, "\r\n"...)
		m.setPlain(p, a.body)
	}
	m.head = append(head, "\r\n"...)
}

// opaque makes the message something that is not HTTP.
func (m *message) opaque(p *patterns, size int64) {
	m.head = m.head[:0]
	m.setPlain(p, size)
}

// The DNS messages of datagram flows: www.example, A, 192.0.2.1 (RFC 1035 §4).
const (
	dnsQuestion = "\x03www\x07example\x00\x00\x01\x00\x01"
	dnsQuery    = "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + dnsQuestion
	dnsAnswer   = "\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + dnsQuestion +
		"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
)

func (m *message) dns(p *patterns, id uint16, text string) {
	m.head = append(append(m.head[:0], byte(id>>8), byte(id)), text...)
	m.setPlain(p, 0)
}
