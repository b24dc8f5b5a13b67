package http1

import (
	"math"

	"wirelag/reassembly/capture"
)

// Limits of what is kept; reaching one is told in the Message.
const (
	// lineMax is how much of one line is looked at. What exceeds it is counted in
	// BytesCut; a request line that does must have a known method.
	lineMax = 64 << 10
	// headMax is how many bytes of fields and trailers one message keeps, beside
	// its start line. Servers take 8 to 64 KiB.
	headMax = 64 << 10
	// fieldsMax is how many fields, and how many trailers, one message keeps.
	fieldsMax = 2048
	// chunkLineMax is how much of a chunk's size line is looked at; extensions
	// are skipped.
	chunkLineMax = 64
	// blankMax is how many bytes of empty lines between messages are held until
	// the next message shows whether they led it in.
	blankMax = 8
)

type state uint8

const (
	atStart    state = iota // between messages, or in a start line
	inLongLine              // in the rest of a start line longer than lineMax
	inHead
	inBody // of known length
	atChunkSize
	inChunk
	atChunkEnd
	inTrailers
	inUnlimited // a body that ends with the connection
	inTunnel
	afterEnd
)

type flags uint16

const (
	hunting     flags = 1 << iota // only a provable start line begins a message
	begun                         // a message began on this stream
	mayTunnel                     // a CONNECT or upgrade is on its way: other bytes than a request are tunnelled
	tunnelNext                    // StartTunnel was called inside a message
	simpleNext                    // the response to come answers an HTTP/0.9 request
	lineDone                      // the line in progress has its line end and may be folded
	sawCR                         // the last byte of the line in progress was CR
	sawCRLF                       // a line of this head ended with CRLF
	lengthSeen                    // Content-Length, valid or not
	codingSeen                    // a coding in Transfer-Encoding
	chunkedLast                   // the last coding so far is chunked
	chunkedSeen                   // one of the codings so far is chunked
	maySwitch                     // this request is a CONNECT or asks for an upgrade
	allPlain                      // the fields are those of a plainHead
	mayLackBody                   // another message may follow instead of this one's body
	cameWithEnd                   // the line in progress began in the packet with the end of the message before
	perMessage  = cameWithEnd | mayLackBody | allPlain | maySwitch | lineDone | sawCR | sawCRLF | lengthSeen | codingSeen | chunkedLast | chunkedSeen
)

// Parser reads the messages of one direction of one connection. It takes the
// bytes in order, in any segmentation, and calls its Handler. Between messages
// it holds nothing but itself. Use NewParser.
type Parser struct {
	handler Handler
	arena   *Arena
	message *Message // in progress; nil otherwise
	line    []byte   // the line in progress with its line ends, borrowed from arena
	left    uint64   // bytes of the body or chunk still to come
	total   int64    // bytes fed or missing so far
	begins  int64    // where in the stream the message that may begin now does
	room    int32    // bytes of the head that may still be kept
	held    int32    // bytes of the head that the arena counts, without the line
	flags   flags
	role    Role
	state   state
	blanks  uint8 // bytes of empty lines held in blank; blankMax+1: they were too many
	blank   [blankMax]byte
}

// NewParser returns a parser for a stream that starts with a message of role.
// The messages' memory comes from a.
func NewParser(role Role, h Handler, a *Arena) *Parser {
	return &Parser{handler: h, arena: a, role: role}
}

// Idle reports whether no message is in progress.
func (p *Parser) Idle() bool { return p.message == nil }

// InSync reports whether the parser knows where in the stream it is: that no
// message was passed over unseen since the latest one.
func (p *Parser) InSync() bool { return p.flags&hunting == 0 }

// Feed takes the next bytes of the stream and the packet that carried them.
// data is borrowed. Where a message may begin is independent of how the bytes
// are cut into calls, except after sync was lost, behind the head of a message that
// may lack its body, and behind bytes that may be too many for the body before: then
// a message begins only at the start of a call, or behind a message that did.
func (p *Parser) Feed(data []byte, at Span) {
	p.total += int64(len(data))
	if p.message != nil && len(data) > 0 && (p.flags&mayLackBody == 0 || !p.lacksBody(data)) {
		p.message.touch(at)
	}
	size := len(data)
	for len(data) > 0 {
		switch p.state {
		case atStart:
			data = p.start(data, at, len(data) == size)
		case inLongLine:
			data = p.skipLine(data)
		case inHead, inTrailers:
			data = p.lines(data, at)
		case inBody:
			data = p.body(data)
		case atChunkSize:
			data = p.chunkSize(data)
		case inChunk:
			data = p.chunk(data)
		case atChunkEnd:
			data = p.chunkEnd(data)
		case inUnlimited:
			p.deliver(data)
			return
		case inTunnel:
			p.handler.Tunnelled(data, at)
			return
		case afterEnd:
			p.handler.Junk(data, at)
			return
		}
	}
}

// Gap tells that n bytes of the stream are missing from the capture here. A
// body goes on where its end can still be found: when n does not reach beyond
// a body of known length or beyond one chunk's data, or the body ends with the
// connection. Otherwise the message ends and the parser hunts for the next one.
func (p *Parser) Gap(n uint64, at Span) {
	if n == 0 {
		return
	}
	p.total += int64(n)
	switch p.state {
	case atStart:
		p.settle(at)
		if p.state == atStart {
			p.hunt()
		}
	case inLongLine, inHead:
		p.message.lose(n)
		p.cutHead(HeadLost)
		p.hunt()
	case inBody:
		p.gapInBody(n)
		return
	case inChunk:
		p.gapInChunk(n)
		return
	case atChunkSize, atChunkEnd, inTrailers:
		p.message.lose(n)
		p.loseSync(0)
	}
	if p.state == inUnlimited {
		p.message.lose(n)
	}
}

func (p *Parser) gapInBody(n uint64) {
	lost := min(n, p.left)
	p.message.lose(lost)
	p.left -= lost
	if p.left == 0 {
		p.end(false)
	}
	if n > lost {
		p.hunt()
	}
}

func (p *Parser) gapInChunk(n uint64) {
	p.message.lose(n)
	if n > p.left {
		p.loseSync(0)
		return
	}
	p.left -= n
	if p.left == 0 {
		p.state = atChunkEnd
	}
}

// Finish tells that the stream ends, and ends the message in progress. It is
// complete only if it ends with the connection and e is Finished. What comes
// afterwards is Junk.
func (p *Parser) Finish(e Ending, at Span) {
	switch p.state {
	case atStart:
		p.settle(at)
	case inLongLine, inHead:
		p.cutHead(HeadUnfinished)
	case inTrailers:
		p.message.Problems |= TrailersUnfinished
		p.end(false)
	case inBody, atChunkSize, inChunk, atChunkEnd:
		p.end(false)
	}
	if p.state == inUnlimited {
		p.end(e == Finished)
	}
	p.state = afterEnd
}

// StartTunnel tells that the other direction switched protocols: all bytes
// from here on are tunnelled. A message whose start line is complete ends first.
func (p *Parser) StartTunnel() {
	switch p.state {
	case inTunnel, afterEnd:
	case atStart:
		p.flags |= mayTunnel
		p.drop(Span{})
		p.state = inTunnel
	default:
		p.flags |= tunnelNext
	}
}

// MayLackBody tells that what follows the head of the message in progress may be the
// next message instead of the body.
func (p *Parser) MayLackBody() {
	if p.state == inBody || p.state == atChunkSize {
		p.flags |= mayLackBody
	}
}

// Hunt tells that the stream goes on somewhere in the middle: a message in
// progress ends, and the next one must have a provable start line.
func (p *Parser) Hunt() {
	switch p.state {
	case atStart:
		p.drop(Span{})
	case inLongLine, inHead:
		p.cutHead(HeadLost)
	case inTunnel, afterEnd:
		return
	default:
		p.end(false)
	}
	p.hunt()
}

func (p *Parser) hunt() { p.flags |= hunting }

// begin starts a message with its first byte.
func (p *Parser) begin(at Span) {
	m := p.arena.messages.Get()
	m.Role, m.Length, m.Offset = p.role, -1, p.begins
	m.Start, m.End, m.First, m.Last = at, at, at.At, at.At
	p.message = m
	p.room = headMax
	p.flags &^= perMessage
	p.handler.Began(m)
}

// end ends the message in progress at a place where the next one may begin.
func (p *Parser) end(complete bool) {
	m := p.message
	m.Complete = complete && m.Lost == 0
	if p.state == inTrailers {
		p.endHeld()
	}
	p.freeLine()
	p.release()
	p.message = nil
	p.state = atStart
	if p.flags&maySwitch != 0 {
		p.flags |= mayTunnel
	}
	if p.flags&tunnelNext != 0 || m.Framing == Tunnel {
		p.state = inTunnel
	}
	p.handler.End(m)
}

// loseSync ends the message in progress where its end can no longer be found.
func (p *Parser) loseSync(why Problem) {
	p.message.Problems |= why
	p.end(false)
	p.hunt()
}

// freeLine forgets the line in progress.
func (p *Parser) freeLine() {
	if p.line != nil {
		p.arena.Hold(-cap(p.line))
		p.arena.freeLine(p.line)
		p.line = nil
	}
}

// release notes that the head is not the parser's any more.
func (p *Parser) release() {
	p.arena.Hold(-int(p.held))
	p.held = 0
}

// keep notes that n bytes of the head are kept.
func (p *Parser) keep(n int) {
	p.arena.Hold(n)
	p.held += int32(n)
}

// hold appends to the line in progress and returns how many bytes did not fit.
func (p *Parser) hold(b []byte, limit int) (cut int) {
	n := max(0, min(len(b), limit-len(p.line)))
	p.line = p.join(b[:n])
	return len(b) - n
}

// join returns the line in progress with b behind it, in the line's memory.
func (p *Parser) join(b []byte) []byte {
	before := cap(p.line)
	if p.line == nil {
		p.line = p.arena.line()
	}
	joined := append(p.line, b...)
	p.line = joined[:len(p.line)]
	p.arena.Hold(cap(joined) - before)
	return joined
}

// lineLimit is how much of a line of the head may be held.
func (p *Parser) lineLimit() int { return p.arena.limit(lineMax, scarceBytes) }

// touch notes that a packet carried bytes of the message.
func (m *Message) touch(at Span) {
	m.End = at
	if earlier(at.At, m.First) {
		m.First = at.At
	}
	if earlier(m.Last, at.At) {
		m.Last = at.At
	}
}

// earlier reports whether m was captured before n.
func earlier(m, n capture.Mark) bool {
	return m.Time < n.Time || m.Time == n.Time && m.Frame < n.Frame
}

func (m *Message) lose(n uint64) {
	if m.Lost > math.MaxUint64-n {
		n = math.MaxUint64 - m.Lost
	}
	m.Lost += n
}
