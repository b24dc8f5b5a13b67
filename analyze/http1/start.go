package http1

import "bytes"

// start looks for a start line. first tells that data is where a call of Feed
// starts, the only place where a hunting parser takes one.
func (p *Parser) start(data []byte, at Span, first bool) []byte {
	if p.flags&hunting != 0 && !first {
		p.handler.Junk(data, at)
		return nil
	}
	if p.message == nil {
		p.askSimple()
		if data = p.skipBlank(data, at); len(data) == 0 {
			return nil
		}
		p.begins = p.total - int64(len(data))
	} else if first && p.followsExcess(data) {
		return p.reject(data, at)
	}
	end := bytes.IndexByte(data, '\n') + 1
	limit := p.lineLimit()
	switch {
	case len(p.line)+len(data) > limit && (end == 0 || len(p.line)+end > limit):
		return p.startLong(data, at, limit)
	case end == 0:
		return p.startPart(data, at, first)
	}
	line := data[:end]
	if len(p.line) > 0 {
		line = p.join(line)
	}
	s, ok := parseStartLine(p.role, withoutLineEnd(line))
	if !ok || !p.takes(&s, line) {
		return p.reject(data, at)
	}
	p.accept(&s, line, at)
	return data[end:]
}

// askSimple asks whether the next response is one of HTTP/0.9.
func (p *Parser) askSimple() {
	p.flags &^= simpleNext
	if p.role == Response && p.flags&hunting == 0 && p.handler.Simple() {
		p.flags |= simpleNext
	}
}

// skipBlank holds back the empty lines before a start line (RFC 9112 §2.2)
// until there is one.
func (p *Parser) skipBlank(data []byte, at Span) []byte {
	if p.flags&(mayTunnel|simpleNext) != 0 {
		return data
	}
	n := leadingLineEnds(data)
	switch {
	case n == 0:
	case p.flags&hunting != 0 || p.blanks > blankMax:
		p.handler.Junk(data[:n], at)
	case int(p.blanks)+n > blankMax:
		p.dropBlank(at)
		p.handler.Junk(data[:n], at)
		p.blanks = blankMax + 1
	default:
		p.blanks += uint8(copy(p.blank[p.blanks:], data[:n]))
	}
	return data[n:]
}

// dropBlank gives up the empty lines that led in no message.
func (p *Parser) dropBlank(at Span) {
	if 0 < p.blanks && p.blanks <= blankMax {
		p.handler.Junk(p.blank[:p.blanks], at)
	}
	p.blanks = 0
}

// startPart takes the beginning of a start line.
func (p *Parser) startPart(data []byte, at Span, first bool) []byte {
	var buffer [probeMax + 1]byte
	n := copy(buffer[:], p.line)
	n += copy(buffer[n:], data)
	if !p.canStart(buffer[:n]) {
		return p.reject(data, at)
	}
	if p.message == nil {
		p.begin(at)
		if !first {
			p.flags |= cameWithEnd
		}
	}
	p.hold(data, lineMax)
	return nil
}

// followsExcess reports whether what is held is no message but bytes too many for the
// body before: data, the next bytes of the stream, begins a request by itself, and none
// of a known method with them before it. Who counts a body's characters, not its
// bytes, sends such as look like the start of a method.
func (p *Parser) followsExcess(data []byte) bool {
	if p.role == Response || p.flags&begun == 0 || !startsKnownMethod(data) || bytes.IndexByte(data[:min(len(data), probeMax)], ' ') < 0 {
		return false
	}
	var buffer [probeMax]byte
	n := copy(buffer[:], p.line)
	n += copy(buffer[n:], data)
	return !startsKnownMethod(buffer[:n]) && (bytes.IndexByte(data, '\n') < 0 || p.beginsMessage(data))
}

// HoldsExcess reports whether the stream so far ends with bytes too many for the body
// before, unless they begin a message of an unknown method: they came with its end.
func (p *Parser) HoldsExcess() bool {
	return p.role == Request && p.state == atStart && p.message != nil && p.flags&cameWithEnd != 0 && !startsKnownMethod(p.line)
}

// canStart reports whether the first bytes of a line allow a message to begin.
func (p *Parser) canStart(probe []byte) bool {
	if p.role == Response {
		return canBeResponse(probe)
	}
	if p.flags&hunting != 0 {
		return startsKnownMethod(probe)
	}
	return canBeRequest(probe)
}

// startLong takes a start line that exceeds limit.
func (p *Parser) startLong(data []byte, at Span, limit int) []byte {
	n := max(0, limit-len(p.line))
	line := data[:n]
	if len(p.line) > 0 {
		line = p.join(line)
	}
	s, ok := parseLongLine(p.role, line)
	if !ok || p.flags&(hunting|mayTunnel) != 0 {
		return p.reject(data, at)
	}
	p.accept(&s, line, at)
	p.flags |= sawCRLF // how the line ends is not looked at: the head is not called LF-only for it
	p.state = inLongLine
	return data[n:]
}

// parseLongLine reads the beginning of a start line whose end is out of
// reach. A request is taken to be of HTTP/1.1.
func parseLongLine(role Role, line []byte) (s startLine, ok bool) {
	if role == Response {
		return parseStatusLine(line)
	}
	if !startsKnownMethod(line) {
		return s, false
	}
	s.method = tokenLength(line)
	s.textStart, s.textEnd = s.method+1, len(line)
	s.version = HTTP11
	s.problems = controls(line) | BadStartLine
	return s, true
}

// takes reports whether a start line may begin a message here.
func (p *Parser) takes(s *startLine, line []byte) bool {
	switch {
	case p.flags&hunting != 0:
		return p.proves(s, line)
	case p.flags&mayTunnel != 0:
		return s.provable()
	}
	return !s.simple || p.flags&begun == 0
}

// proves reports whether a start line proves that a message begins where any bytes may be.
func (p *Parser) proves(s *startLine, line []byte) bool {
	return s.provable() && (p.role == Response || startsKnownMethod(line))
}

// accept begins the message of a start line.
func (p *Parser) accept(s *startLine, line []byte, at Span) {
	if p.message == nil {
		p.begin(at)
	}
	m := p.message
	p.lineEnd(line)
	m.Version, m.Status = s.version, s.status
	m.Problems |= s.problems
	m.HeaderBytes = int64(len(line))
	m.WireBytes = int64(len(line))
	if p.blanks > 0 {
		m.Problems |= LeadingCRLF
		if p.blanks <= blankMax {
			m.WireBytes += int64(p.blanks)
			m.blanks = p.blanks
		}
		p.blanks = 0
	}
	text := p.arena.keep(line[:s.textEnd])
	p.keep(s.textEnd)
	if p.role == Request {
		m.Method, m.Target = text[:s.method], text[s.textStart:]
		if m.Method == "CONNECT" {
			p.flags |= maySwitch
		}
	} else {
		m.Reason = text[s.textStart:]
	}
	p.flags = p.flags&^(hunting|mayTunnel|simpleNext) | begun
	p.freeLine()
	p.state = inHead
	if s.simple {
		m.HeadEnd = at
		p.handler.Head(m)
		p.end(true)
	}
}

// skipLine skips the rest of a start line.
func (p *Parser) skipLine(data []byte) []byte {
	n := bytes.IndexByte(data, '\n') + 1
	if n > 0 {
		p.state = inHead
	} else {
		n = len(data)
	}
	m := p.message
	m.Problems |= HeadCut
	m.BytesCut += int64(n)
	m.HeaderBytes += int64(n)
	m.WireBytes += int64(n)
	return data[n:]
}

// reject settles that no message begins with the bytes held and data.
func (p *Parser) reject(data []byte, at Span) []byte {
	held := len(p.line) > 0
	switch {
	case p.flags&simpleNext != 0:
		p.startSimple(at)
		return data
	case p.flags&mayTunnel != 0:
		p.drop(at)
		p.state = inTunnel
		return data
	}
	p.drop(at)
	p.hunt()
	if held {
		return p.start(data, at, true)
	}
	p.handler.Junk(data, at)
	return nil
}

// startSimple begins a response of HTTP/0.9: a body and nothing else.
func (p *Parser) startSimple(at Span) {
	if p.message == nil {
		p.begin(at)
	}
	m := p.message
	m.Version, m.Framing, m.HeadEnd = HTTP09, UntilClose, m.Start
	p.flags = p.flags&^simpleNext | begun
	p.handler.Head(m)
	p.state = inUnlimited
	if len(p.line) > 0 {
		p.deliver(p.line)
	}
	p.freeLine()
}

// settle settles what a started line is when no more of it comes.
func (p *Parser) settle(at Span) {
	if p.flags&simpleNext != 0 && p.message != nil {
		p.startSimple(at)
		return
	}
	p.drop(at)
}

// drop gives up a message that did not get beyond its start line.
func (p *Parser) drop(at Span) {
	p.dropBlank(at)
	if p.message != nil {
		at = p.message.Start
	}
	held := p.line
	p.message = nil
	switch {
	case len(held) == 0:
	case p.flags&mayTunnel != 0:
		p.handler.Tunnelled(held, at)
	default:
		p.handler.Junk(held, at)
	}
	p.freeLine()
}
