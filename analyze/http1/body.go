package http1

import (
	"bytes"
	"hash/crc32"
	"math"
)

// Of a response's body, a part of each stretch is summed: to read all of it would cost
// more than its head does. Stretches are short at first, since most bodies are.
const (
	sumPart         = 256
	sumShortStretch = 4 << 10
	sumStretch      = 16 << 10
	sumShort        = 16 << 10 // so much of the body is in short stretches
)

// sum adds to the message's sum those of the body's next bytes that count.
func (p *Parser) sum(b []byte) {
	m := p.message
	if p.role == Request {
		m.BodySum = crc32.Update(m.BodySum, crc32.IEEETable, b)
		return
	}
	for at := m.BodyBytes; len(b) > 0; {
		stretch := int64(sumStretch)
		if at < sumShort {
			stretch = sumShortStretch
		}
		within := at % stretch
		n := min(stretch-within, int64(len(b)))
		if within < sumPart {
			n = min(sumPart-within, int64(len(b)))
			m.BodySum = crc32.Update(m.BodySum, crc32.IEEETable, b[:n])
		}
		at, b = at+n, b[n:]
	}
}

// deliver hands on bytes of the body.
func (p *Parser) deliver(b []byte) {
	m := p.message
	if m.BodyBytes == 0 && len(b) > 0 {
		m.BodyStart = m.End.At
	}
	p.sum(b)
	m.BodyBytes += int64(len(b))
	m.WireBytes += int64(len(b))
	p.handler.Body(m, b)
}

// take delivers what data holds of the left bytes.
func (p *Parser) take(data []byte) (rest []byte) {
	n := min(p.left, uint64(len(data)))
	p.left -= n
	p.deliver(data[:n])
	return data[n:]
}

// body takes bytes of a body of known length.
func (p *Parser) body(data []byte) []byte {
	rest := p.take(data)
	if p.left == 0 {
		p.end(true)
	}
	return rest
}

// chunk takes bytes of a chunk's data.
func (p *Parser) chunk(data []byte) []byte {
	rest := p.take(data)
	if p.left == 0 {
		p.state = atChunkEnd
	}
	return rest
}

// chunkSize takes a line with a chunk's size (RFC 9112 §7.1).
func (p *Parser) chunkSize(data []byte) []byte {
	end := bytes.IndexByte(data, '\n') + 1
	if end == 0 {
		p.hold(data, chunkLineMax)
		p.message.WireBytes += int64(len(data))
		p.noteCR(data)
		return nil
	}
	p.message.WireBytes += int64(end)
	p.noteCR(data[:end-1])
	p.chunkLineEnd()
	line := data[:min(end, chunkLineMax)]
	if len(p.line) > 0 {
		p.hold(line, chunkLineMax)
		line = p.line
	}
	size, why, ok := parseChunkSize(line)
	p.freeLine()
	p.message.Problems |= why
	switch {
	case !ok:
		p.loseSync(0)
	case size == 0:
		p.state = inTrailers
	default:
		p.left, p.state = size, inChunk
	}
	return data[end:]
}

// chunkEnd takes the line end behind a chunk's data.
func (p *Parser) chunkEnd(data []byte) []byte {
	switch {
	case data[0] == '\r' && p.flags&sawCR == 0:
		p.flags |= sawCR
	case data[0] == '\n':
		p.chunkLineEnd()
		p.state = atChunkSize
	default:
		p.loseSync(BadChunkEnd)
		return data
	}
	p.message.WireBytes++
	return data[1:]
}

// noteCR notes whether part, which may be empty, leaves a line at a CR.
func (p *Parser) noteCR(part []byte) {
	if len(part) == 0 {
		return
	}
	p.flags &^= sawCR
	if part[len(part)-1] == '\r' {
		p.flags |= sawCR
	}
}

// chunkLineEnd takes the LF of a line of the chunk framing.
func (p *Parser) chunkLineEnd() {
	if p.flags&sawCR == 0 {
		p.message.Problems |= BareLFInChunk
	}
	p.flags &^= sawCR
}

// parseChunkSize reads the size at the start of a line of the chunk framing. What
// follows it must be the line's end or an extension; white space between is
// common and forgiven.
func parseChunkSize(line []byte) (size uint64, why Problem, ok bool) {
	text := withoutLineEnd(line)
	digits := trimSpace(text)
	if len(text) > 0 && isSpace(text[0]) {
		why = BadChunkSize
	}
	n := 0
	for n < len(digits) && isHex(digits[n]) {
		if size > math.MaxInt64>>4 {
			return 0, BadChunkSize, false
		}
		size = size<<4 | uint64(hexValue(digits[n]))
		n++
	}
	rest := trimSpace(digits[n:])
	whole := len(text) < len(line) && len(rest) == 0
	if n == 0 || !whole && (len(rest) == 0 || rest[0] != ';') {
		return 0, BadChunkSize, false
	}
	return size, why, true
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func hexValue(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
