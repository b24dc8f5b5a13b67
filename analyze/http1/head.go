package http1

import "bytes"

// lines takes lines of a head or trailer section up to the empty one. A line
// that lies whole in data, with the byte behind it, is read where it is; any
// other is held until it is known that the next one does not continue it.
func (p *Parser) lines(data []byte, at Span) []byte {
	for len(data) > 0 {
		if p.flags&lineDone != 0 && !isSpace(data[0]) {
			p.heldField()
		}
		if len(p.line) == 0 && p.state == inHead {
			data = p.plainFields(data)
		}
		end := bytes.IndexByte(data, '\n') + 1
		if len(p.line) == 0 && 0 < end && end <= lineMax {
			line := data[:end]
			if isBlank(line) {
				p.count(end)
				return p.endLines(line, data[end:], at)
			}
			if end < len(data) && !isSpace(data[end]) {
				p.count(end)
				p.field(p.lineEnd(line))
				data = data[end:]
				continue
			}
		}
		done := end > 0
		if !done {
			end = len(data)
		}
		p.count(end)
		p.holdField(data[:end])
		data = data[end:]
		if done && isBlank(p.line) {
			return p.endLines(p.line, data, at)
		}
		p.flags &^= lineDone
		if done {
			p.flags |= lineDone
		}
	}
	return nil
}

func isBlank(line []byte) bool {
	return len(line) == 1 && line[0] == '\n' || len(line) == 2 && line[0] == '\r' && line[1] == '\n'
}

// count notes n bytes of a head or trailer section.
func (p *Parser) count(n int) {
	p.message.WireBytes += int64(n)
	if p.state == inHead {
		p.message.HeaderBytes += int64(n)
	}
}

// holdField holds a part of a field's line.
func (p *Parser) holdField(b []byte) {
	if cut := p.hold(b, p.lineLimit()); cut > 0 {
		p.message.BytesCut += int64(cut)
		p.message.Problems |= HeadCut
	}
}

// lineEnd takes the line end off, noting what it was.
func (p *Parser) lineEnd(line []byte) []byte {
	n := len(line) - 1
	switch {
	case n < 0 || line[n] != '\n':
		return line
	case n > 0 && line[n-1] == '\r':
		p.flags |= sawCRLF
		return line[:n-1]
	}
	p.message.Problems |= BareLF
	return line[:n]
}

// heldField reads the field that was held, unfolding it (RFC 9112 §5.2).
func (p *Parser) heldField() {
	p.flags &^= lineDone
	held := p.line
	var field []byte
	for first := true; len(held) > 0; first = false {
		n := bytes.IndexByte(held, '\n') + 1
		if n == 0 {
			n = len(held)
		}
		line := p.lineEnd(held[:n])
		held = held[n:]
		if first {
			field = line
			continue
		}
		p.message.Problems |= ObsFold
		field = field[:trimmedLength(field)]
		if line = trimSpace(line); len(line) > 0 {
			// Unfolding only ever shortens: the field grows behind where it is read.
			field = append(append(field, ' '), line...)
		}
	}
	p.field(field)
	p.freeLine()
}

// field reads one unfolded line of a head or trailer section (RFC 9112 §5.1).
func (p *Parser) field(line []byte) {
	m := p.message
	m.Problems |= controls(line)
	colon := bytes.IndexByte(line, ':')
	switch {
	case len(line) > 0 && isSpace(line[0]):
		m.Problems |= SpaceBeforeField
		p.keepField(line, 0, 0)
		return
	case colon < 0:
		m.Problems |= NoColon
		n := trimmedLength(line)
		p.keepField(line[:n], n, n)
		return
	}
	name := trimmedLength(line[:colon])
	if name < colon {
		m.Problems |= SpaceBeforeColon
	}
	if name == 0 || tokenLength(line[:name]) < name {
		m.Problems |= InvalidFieldName
	}
	if p.state == inHead {
		p.frame(line[:name], trimSpace(line[colon+1:]))
	}
	p.keepField(line, name, colon+1)
}

// keepField keeps a field, the name of which ends and the value of which starts at
// the given offsets of line, as far as the limits allow.
func (p *Parser) keepField(line []byte, name, value int) {
	m := p.message
	list := &m.Fields
	if p.state == inTrailers {
		list = m.Trailers
	}
	end := trimmedLength(line)
	for value < end && isSpace(line[value]) {
		value++
	}
	value = min(value, end)
	kept := headMax - int(p.room)
	room := p.arena.limit(headMax, scarceBytes) - kept
	if list.Len() >= p.arena.limit(fieldsMax, scarceFields) || name >= room {
		m.FieldsCut++
		m.BytesCut += int64(len(line))
		m.Problems |= HeadCut
		return
	}
	if end > room {
		m.BytesCut += int64(end - room)
		m.Problems |= HeadCut
		end, value = room, min(value, room)
	}
	if list == nil {
		list = new(Fields)
		m.Trailers = list
	}
	weight := list.weight()
	p.arena.addField(list, line[:end], name, value)
	p.keep(list.weight() - weight)
	p.room -= int32(end)
	if p.state == inHead {
		m.noteFields(m.Fields.Len() - 1)
	}
}

// endLines ends a head or trailer section with its empty line.
func (p *Parser) endLines(blank, rest []byte, at Span) []byte {
	p.lineEnd(blank)
	p.freeLine()
	if p.state == inTrailers {
		p.end(true)
		return rest
	}
	m := p.message
	m.HeadEnd = at
	if m.Problems.Has(BareLF) && p.flags&sawCRLF == 0 {
		m.Problems |= LFOnly
	}
	p.endHeld()
	if p.flags&allPlain != 0 {
		p.learnHead()
	}
	p.endHead()
	return rest
}

// endHeld ends a section with the line that is held, if that is a whole one.
func (p *Parser) endHeld() {
	if p.flags&lineDone != 0 {
		p.heldField()
	}
	p.freeLine()
	switch m := p.message; p.state {
	case inHead:
		p.arena.closeFields(&m.Fields)
	case inTrailers:
		if m.Trailers != nil {
			p.arena.closeFields(m.Trailers)
		}
	}
}

// cutHead ends a message within its head, with what is known of it.
func (p *Parser) cutHead(why Problem) {
	m := p.message
	p.endHeld()
	m.Problems |= why
	m.Length = -1
	m.HeadEnd = m.End
	p.release()
	p.handler.Head(m)
	p.end(false)
}
