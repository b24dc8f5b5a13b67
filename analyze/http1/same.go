package http1

import "bytes"

// plainHead is a head whose fields came whole in one piece and had nothing odd, with
// what was learned of it. Programs send the same fields over and over: the next
// message that has them shares them.
type plainHead struct {
	fields  Fields // the text is as on the wire, with the line ends
	names   nameSet
	options options
	length  int64
	flags   flags
	kept    int // bytes that count against headMax
}

// framingFlags are what fields say about the end of the message.
const framingFlags = lengthSeen | codingSeen | chunkedLast | chunkedSeen

// isAtStartOf reports whether data starts with the fields and the empty line.
func (h *plainHead) isAtStartOf(data []byte) bool {
	n := len(h.fields.text)
	return 0 < n && n+2 <= len(data) && data[n] == '\r' && data[n+1] == '\n' && bytes.Equal(data[:n], h.fields.text)
}

// sameFields takes the fields at the start of data if they are those of the latest plain
// head of the role.
func (p *Parser) sameFields(data []byte) (rest []byte, same bool) {
	m, h := p.message, &p.arena.latest[p.role]
	if m.Fields.Len() > 0 || p.flags&framingFlags != 0 || !h.isAtStartOf(data) {
		return data, false
	}
	m.Fields, m.names, m.options, m.Length = h.fields, h.names, h.options, h.length
	p.room -= int32(h.kept)
	p.flags |= h.flags | sawCRLF
	n := len(h.fields.text)
	p.count(n)
	return data[n:], true
}

// learnHead takes the fields of the message, all of them plain, for the next one.
func (p *Parser) learnHead() {
	m := p.message
	p.arena.latest[p.role] = plainHead{m.Fields, m.names, m.options, m.Length, p.flags & framingFlags, headMax - int(p.room)}
}
