package http1

import (
	"bytes"
	"math"
)

// frame notes what a field of the head says about the message's end, and
// whether it asks for another protocol.
func (p *Parser) frame(name, value []byte) {
	switch len(name) {
	case len("upgrade"):
		if p.role == Request && equalFold(name, "upgrade") {
			p.flags |= maySwitch
		}
	case len("content-length"):
		if equalFold(name, "content-length") {
			p.contentLength(value)
		}
	case len("transfer-encoding"):
		if equalFold(name, "transfer-encoding") {
			p.transferEncoding(value)
		}
	}
}

// contentLength notes a Content-Length (RFC 9110 §8.6), which may be a list
// where an intermediary joined several.
func (p *Parser) contentLength(value []byte) {
	m := p.message
	p.flags |= lengthSeen
	for more := true; more; {
		var item []byte
		item, value, more = bytes.Cut(value, []byte{','})
		n, ok := parseLength(trimSpace(item))
		switch {
		case !ok:
			m.Problems |= InvalidLength
		case m.Length < 0:
			m.Length = n
		case m.Length == n:
			m.Problems |= RepeatedLength
		default:
			m.Problems |= ConflictingLengths
		}
	}
}

func parseLength(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if !isDigit(c) || n > (math.MaxInt64-int64(c-'0'))/10 {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(b) > 0
}

// transferEncoding notes the codings of a Transfer-Encoding field (RFC 9112
// §6.1), which go on where those of the field before ended.
func (p *Parser) transferEncoding(value []byte) {
	empty := true
	for more := true; more; {
		var item []byte
		item, value, more = bytes.Cut(value, []byte{','})
		if item = trimSpace(item); len(item) > 0 {
			empty = false
			p.coding(item)
		}
	}
	if empty {
		p.message.Problems |= UnknownTransferEncoding
	}
}

func (p *Parser) coding(item []byte) {
	m := p.message
	name, _, parameters := bytes.Cut(item, []byte{';'})
	name = trimSpace(name)
	switch {
	case equalFold(name, "identity"):
		m.Problems |= UnknownTransferEncoding // removed by RFC 7230; it never changed anything
		return
	case equalFold(name, "chunked"):
		if parameters || p.flags&chunkedSeen != 0 {
			m.Problems |= UnknownTransferEncoding
		}
		p.flags |= codingSeen | chunkedSeen | chunkedLast
		return
	case p.flags&chunkedLast != 0 || !isRegisteredCoding(name):
		m.Problems |= UnknownTransferEncoding
	}
	p.flags = p.flags&^chunkedLast | codingSeen
}

// isRegisteredCoding knows the codings beside chunked of the HTTP Transfer
// Coding Registry (RFC 9112 §7).
func isRegisteredCoding(name []byte) bool {
	return equalFold(name, "gzip") || equalFold(name, "deflate") || equalFold(name, "compress") ||
		equalFold(name, "x-gzip") || equalFold(name, "x-compress")
}

// endHead hands on the head and settles how the body ends.
func (p *Parser) endHead() {
	m := p.message
	if p.flags&codingSeen != 0 {
		switch {
		case m.Version.before11():
			m.Problems |= TransferEncodingInHTTP10
		case p.role == Request && p.flags&chunkedLast == 0:
			m.Problems |= UnknownTransferEncoding
		}
		if p.flags&lengthSeen != 0 {
			m.Problems |= LengthWithTransferEncoding
		}
	}
	p.release()
	method := p.handler.Head(m)
	if method == "" && p.role == Response {
		p.flags |= mayLackBody // what it answers is not known: after a HEAD, no body follows
	}
	m.Framing = p.framing(method)
	if m.Framing != ContentLength {
		m.Length = -1
	}
	switch m.Framing {
	case Chunked:
		p.state = atChunkSize
	case UntilClose:
		p.state = inUnlimited
	case ContentLength:
		p.left = uint64(m.Length)
		p.state = inBody
		if p.left == 0 {
			p.end(true)
		}
	default:
		p.end(true)
	}
}

// lacksBody ends the message in progress, which mayLackBody, if data, the next bytes
// of the stream, is another message where its body would begin.
func (p *Parser) lacksBody(data []byte) bool {
	p.flags &^= mayLackBody
	m := p.message
	if m.WireBytes > m.HeaderBytes+int64(m.blanks) || !p.beginsMessage(data) {
		return false
	}
	m.Framing, m.Length = NoBody, -1
	p.end(true)
	return true
}

// beginsMessage reports whether data begins with a provable start line.
func (p *Parser) beginsMessage(data []byte) bool {
	line := data[:bytes.IndexByte(data, '\n')+1]
	s, ok := parseStartLine(p.role, withoutLineEnd(line))
	return ok && p.proves(&s, line)
}

// framing is the message body length algorithm of RFC 9112 §6.3; method is that
// of the request which a response answers. Problem says how faults are taken.
func (p *Parser) framing(method string) Framing {
	m := p.message
	if p.role == Response {
		switch {
		case m.Status == 101, method == "CONNECT" && m.Status/100 == 2:
			return Tunnel
		case method == "HEAD", m.Status/100 == 1, m.Status == 204, m.Status == 304:
			return NoBody
		}
	}
	coded := p.flags&codingSeen != 0 && !m.Version.before11()
	switch {
	case coded && p.flags&chunkedLast != 0:
		return Chunked
	case coded && p.role == Response:
		return UntilClose
	case m.Length >= 0:
		return ContentLength
	case p.role == Response:
		return UntilClose
	}
	return NoBody
}

// before11 reports whether v does not know Transfer-Encoding.
func (v Version) before11() bool { return v.Major == 0 || v == HTTP10 }
