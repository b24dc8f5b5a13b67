package analyze

import (
	"bytes"
	"unsafe"

	"wirelag/analyze/http1"
	"wirelag/analyze/tls"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// conversation is what goes on over one connection: a stream each way, and the
// exchanges that are not over.
type conversation struct {
	analyzer   *Analyzer
	connection Connection
	closing    Closing // what connection.Closing points to
	handle     *handle
	told       bool      // the teller heard of the connection
	awaits     bool      // acknowledgements are awaited: see awaitACK
	asleep     bool      // it slept since: the teller knows nothing of it any more
	streams    [2]stream // by side
	pairing    pairing
	lostAt     capture.Time // when the capture last lost bytes of the connection, or may have
}

// What is held for a connection with a conversation, and for each exchange that is
// not over besides its heads, in bytes: the size of the structures, and what the
// allocator adds.
const (
	conversationWeight = int64(unsafe.Sizeof(conversation{})+unsafe.Sizeof(told{})+
		2*unsafe.Sizeof(sender{})+2*unsafe.Sizeof(http1.Parser{})) * 5 / 4
	exchangeWeight = int64(unsafe.Sizeof(exchange{})) * 5 / 4
	// pinnedWeight is for the first exchanges that wait on one connection: the slabs that
	// the texts of their heads are in are full of others that are over.
	pinnedWeight = 8 << 10
)

// mode is what is done with the bytes of a stream.
type mode uint8

const (
	sniffing  mode = iota // at its start: what is it?
	hunting               // in its middle: where does a message begin?
	parsing               // HTTP/1
	resolving             // DNS
	greeting              // TLS, whose ClientHello is not whole
	ignoring              // something else
	over                  // HTTP/1 that has ended: nothing but repeats can come
)

// stream is one side's bytes.
type stream struct {
	mode   mode
	wanted int32 // bytes of the prefix with which a ClientHello is looked at again
	parser *http1.Parser
	prefix []byte  // the beginning, while it is too short to tell
	pieces []piece // what the prefix came in
	offset int64   // bytes of the stream so far
	begin  int64   // where the parser was begun
	// lost: messages may be missing from the capture behind the latest one. What
	// comes then is paired only where acknowledgements prove it.
	lost   bool
	sender *sender // nil before the first payload
}

// Bounds of what is kept to tell what a stream is.
const (
	maxPrefix   = 16 << 10 // of one: a PROXY protocol header and a long request target fit in
	allPrefixes = 32 << 20 // of all
)

// piece is a part of a prefix: so many bytes, and the packet that carried them.
type piece struct {
	length int
	at     capture.Span
}

// maxPieces is how many pieces of a prefix are told apart.
const maxPieces = 64

// setPrefix holds b as the prefix; nil holds none.
func (v *conversation) setPrefix(s *stream, b []byte) {
	v.analyzer.prefixes += cap(b) - cap(s.prefix)
	*v.analyzer.kept += int64(cap(b) - cap(s.prefix))
	s.prefix = b
}

// extend notes that the prefix ends with n bytes that at carried.
func (s *stream) extend(n int, at capture.Span) {
	if len(s.pieces) < maxPieces {
		s.pieces = append(s.pieces, piece{n, at})
	} else {
		s.pieces[maxPieces-1].length += n
	}
}

// replay feeds the parser data from skip on, each byte with the packet that
// carried it: the pieces of the prefix, and behind them what came at last.
func (s *stream) replay(data []byte, skip int, at capture.Span) {
	end := 0
	for _, p := range s.pieces {
		begin := max(end, skip)
		end += p.length
		if begin < end {
			s.parser.Feed(data[begin:end], p.at)
		}
	}
	s.pieces = nil
	s.parser.Feed(data[max(end, skip):], at)
}

// feed takes the next bytes that side sent.
func (v *conversation) feed(side reassembly.Side, data []byte, at capture.Span) {
	s := &v.streams[side]
	if s.offset == 0 && !v.connection.Begun(side) {
		s.beginMissing()
	}
	s.offset += int64(len(data))
	if c := &v.connection; c.Closing != nil && !c.FIN(side.Other()).IsZero() {
		c.Closing.LastData[side] = at.At.Time
	}
	switch s.mode {
	case ignoring, over:
		return
	case parsing:
		if v.pairing.refused > 0 && side == v.connection.ClientSide() {
			v.heedRefusal(at.At)
		}
		s.parser.Feed(data, at)
		return
	case resolving:
		v.resolve(side, data, at)
		return
	case greeting:
		v.setPrefix(s, append(s.prefix, data...))
		if len(s.prefix) >= int(s.wanted) {
			v.greet(side, s.prefix)
		} else if !v.mayExtend(s.prefix) {
			v.endGreeting(side)
		}
		return
	}
	n := len(data)
	if len(s.prefix) > 0 {
		v.setPrefix(s, append(s.prefix, data...))
		data = s.prefix
	} else {
		s.pieces = nil
	}
	p, skip := v.sniff(side, data)
	if p == undecided && v.mayExtend(data) {
		if len(s.prefix) == 0 {
			v.setPrefix(s, bytes.Clone(data))
		}
		s.extend(n, at)
		return
	}
	v.setPrefix(s, nil)
	switch p {
	case undecided:
		p = somethingElse
	case isRequest, isResponse:
		v.start(side, p)
		s.begin = s.offset - int64(len(data)-skip)
		s.replay(data, skip, at)
		return
	}
	if p == somethingElse && s.mode == sniffing && v.resolves(side) {
		v.resolve(side, data, at)
		return
	}
	v.reject(side, p)
	if p == isTLS {
		v.greet(side, data[skip:])
	}
}

// greet looks for the server's name in what side's stream of TLS begins with.
func (v *conversation) greet(side reassembly.Side, data []byte) {
	s := &v.streams[side]
	name, missing := tls.ServerName(data)
	v.connection.name(name, nameInHello)
	if missing == 0 || !v.mayExtend(data) {
		s.mode, s.wanted = ignoring, 0
		v.setPrefix(s, nil)
		return
	}
	if s.mode != greeting {
		s.mode = greeting
		v.setPrefix(s, bytes.Clone(data))
	}
	s.wanted = int32(min(len(data)+min(missing, len(data)), maxPrefix)) // the name may come before the end
}

// endGreeting looks for the name in what there is of a ClientHello that will not be whole.
func (v *conversation) endGreeting(side reassembly.Side) {
	s := &v.streams[side]
	name, _ := tls.ServerName(s.prefix)
	v.connection.name(name, nameInHello)
	s.mode, s.wanted = ignoring, 0
	v.setPrefix(s, nil)
}

// mayExtend reports whether data may be kept until it can be told what it begins.
func (v *conversation) mayExtend(data []byte) bool {
	a := v.analyzer
	if a.prefixes > allPrefixes/a.share {
		a.stats.PrefixLimit++
		return false
	}
	return len(data) < maxPrefix
}

// start begins to parse side's stream. The other side's follows: what answers
// HTTP is HTTP.
func (v *conversation) start(side reassembly.Side, p protocol) {
	client := side
	if p == isResponse {
		client = side.Other()
	}
	v.connection.SetClient(client)
	v.parserFor(side)
	other := &v.streams[side.Other()]
	if other.mode == sniffing && len(other.prefix) == 0 {
		v.parserFor(side.Other())
	}
}

func (v *conversation) parserFor(side reassembly.Side) {
	s := &v.streams[side]
	if s.parser != nil {
		return
	}
	s.mode, s.begin, s.parser = parsing, s.offset, v.analyzer.stock.parsers.Get()
	*s.parser = *v.newParser(side)
}

func (v *conversation) newParser(side reassembly.Side) *http1.Parser {
	if side == v.connection.ClientSide() {
		return http1.NewParser(http1.Request, (*requests)(v), v.analyzer.arena)
	}
	return http1.NewParser(http1.Response, (*responses)(v), v.analyzer.arena)
}

// reject notes that side's stream is not HTTP/1, as far as can be told now.
func (v *conversation) reject(side reassembly.Side, p protocol) {
	s := &v.streams[side]
	switch p {
	case isTLS:
		v.connection.Protocol = TLS
		v.connection.SetClient(side)
		v.ignore()
	case isHTTP2:
		v.connection.Protocol = HTTP2
		v.connection.SetClient(side)
		v.ignore()
	case somethingElse:
		if s.mode == sniffing {
			s.mode = ignoring
		}
	}
}

func (v *conversation) ignore() {
	for i := range v.streams {
		v.streams[i].mode = ignoring
		v.setPrefix(&v.streams[i], nil)
	}
}

// gap notes that n bytes of side's stream are missing.
func (v *conversation) gap(side reassembly.Side, n int64, at capture.Span) {
	s := &v.streams[side]
	s.offset += n
	v.lostAt = max(v.lostAt, at.At.Time)
	switch s.mode {
	case sniffing, hunting:
		s.mode, s.lost = hunting, true
		v.setPrefix(s, nil)
	case resolving:
		v.endResolving(side)
	case greeting:
		v.endGreeting(side)
	case parsing:
		s.parser.Gap(uint64(n), at)
		s.lost = s.lost || !s.parser.InSync()
	}
}

// beginMissing notes that the stream was under way before the capture saw it.
func (s *stream) beginMissing() {
	s.lost = true
	switch s.mode {
	case sniffing:
		s.mode = hunting
	case parsing:
		s.parser.Hunt()
	}
}

// finish ends side's stream.
func (v *conversation) finish(side reassembly.Side, e http1.Ending, at capture.Mark) {
	s := &v.streams[side]
	if s.parser != nil {
		v.pairing.finishing = e != http1.Finished || !s.parser.HoldsExcess()
		s.parser.Finish(e, capture.Span{At: at, Readable: at.Time})
		v.pairing.finishing = false
		v.analyzer.stock.parsers.Put(s.parser)
		s.parser, s.mode = nil, over
	}
	switch s.mode {
	case resolving:
		v.endResolving(side)
	case greeting:
		v.endGreeting(side)
	}
	if s.mode != over {
		s.mode = ignoring
	}
	v.setPrefix(s, nil)
}

// close ends the conversation.
func (v *conversation) close() {
	c := &v.connection
	ending, at := http1.CaptureEnd, c.Last()
	if rst, _ := c.RST(); !rst.IsZero() {
		ending, at = http1.Reset, rst
	}
	client := c.ClientSide()
	v.finish(client, ending, at)
	v.finish(client.Other(), ending, at)
	v.tellAll()
}

// free gives all memory of a conversation that is closed back.
func (v *conversation) free() {
	stock := &v.analyzer.stock
	for i := range v.streams {
		if from := v.streams[i].sender; from != nil {
			if from.history != nil {
				v.analyzer.freeHistory(from.history)
			}
			stock.senders.Put(from)
		}
		if p := v.streams[i].parser; p != nil {
			stock.parsers.Put(p)
		}
	}
	waiting := v.pairing.waiting[:0]
	*v = conversation{}
	if cap(waiting) <= fewWaiting {
		v.pairing.waiting = waiting
	}
	stock.conversations.Return(v)
}
