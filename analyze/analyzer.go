package analyze

import (
	"wirelag/analyze/dns"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// Analyzer turns the connections and bytes of one [reassembly.Table] into
// exchanges. What it finds goes to a log, for the [teller] to put together with
// what other Analyzers found. It is driven by one goroutine at a time.
type Analyzer struct {
	log      *eventLog
	wanted   wanted
	arena    *http1.Arena
	stats    Stats
	ack      ackSeen
	host     string // of the latest request that named one
	stock    stock
	room     historyRoom
	trails   *trailRoom // nil when they are not wanted
	waiting  int        // exchanges that are not over, of all connections
	prefixes int        // bytes of streams of which it is not known what they are
	share    int        // how many analyzers share the bounds
	kept     *int64     // bytes of memory that is held for connections
	open     int        // connections of all analyzers, some chunks before
	few      int        // if they are more, they are many
	// awaitSilence lets silent be called when a connection is.
	awaitSilence func(c *reassembly.Connection)
}

// wanted says which events that most listeners have no use for are wanted.
type wanted struct {
	opened, requested bool
	trails            int64 // bytes for trails
}

// Stats counts what Analyzers met.
type Stats struct {
	Steps                                       steps
	Connections, Exchanges, Requests, Responses uint64
	Encrypted                                   uint64 // TLS connections, not decrypted
	HTTP2                                       uint64 // HTTP/2 connections, not decoded
	FailuresLimit                               uint64 // failed requests forgotten before a repeat of them could come
	UnansweredLimit                             uint64 // exchanges given up because too many waited on one connection
	PrefixLimit                                 uint64 // streams given up because too much waited to be told what it is
	InterimLimit                                uint64 // interim responses not kept because an exchange had too many
	HeadsCut                                    uint64 // messages of whose head not all was kept
	Forgotten                                   uint64 // segments and acknowledgements that histories had no room for
	HopsLimit                                   uint64 // exchanges whose other side of a proxy may have been missed because too many waited
	TrailsLimit                                 uint64 // connections whose segments are not kept because too many were
	QUIC                                        uint64 // datagrams that look like QUIC
	DNS                                         dns.Stats
}

// addLimits adds how often bounds of an analyzer bit.
func (s *Stats) addLimits(a *Analyzer) {
	s.UnansweredLimit += a.stats.UnansweredLimit
	s.PrefixLimit += a.stats.PrefixLimit
	s.InterimLimit += a.stats.InterimLimit
	s.Forgotten += a.room.refused
	if a.trails != nil {
		s.TrailsLimit += a.trails.refused
	}
}

// ackSeen is the acknowledgement number of the segment being worked in.
type ackSeen struct {
	frame capture.Frame
	side  reassembly.Side
	ack   uint32
	known bool
}

// newAnalyzer returns one of the given number of analyzers, which share the bounds.
func newAnalyzer(w wanted, of int) *Analyzer {
	a := &Analyzer{wanted: w, share: of, arena: &http1.Arena{Shares: of}, room: historyRoom{entries: maxHistories / of}}
	a.countIn(new(int64))
	if w.trails > 0 {
		a.trails = &trailRoom{limit: w.trails / int64(of)}
	}
	return a
}

// countIn makes kept the count of the memory that is held for connections.
func (a *Analyzer) countIn(kept *int64) {
	a.kept, a.arena.Kept, a.room.kept = kept, kept, kept
}

// consumer is what the table tells the analyzer through.
func (a *Analyzer) consumer() reassembly.Consumer {
	return reassembly.Consumer{
		Opened:   a.opened,
		Segment:  a.segment,
		Data:     a.data,
		Gap:      a.gap,
		Finished: a.finished,
		Ending:   a.ending,
		Dropped:  a.dropped,
		Closed:   a.closed,
		Silent:   a.silent,
		MaySleep: a.maySleep,
		Sleeps:   a.sleeps,
		Wakes:    a.wakes,
	}
}

// begin lets a log begin anew whose events are told, and uses again what was only
// there for them: the exchanges that nobody keeps, what stood for connections.
func (a *Analyzer) begin(log *eventLog) {
	for i := range log.events {
		switch e := &log.events[i]; e.kind {
		case exchangeOver:
			a.stock.takeBack(e.exchange, a.arena)
		case connectionClosed, connectionSleeps:
			a.stock.handles.Put(e.handle)
		}
	}
	log.reset()
	a.log = log
}

func (a *Analyzer) opened(c *reassembly.Connection, first *packet.Segment) {
	h := a.stock.handles.Get()
	c.Attached = h
	if a.trails != nil {
		h.trail = a.trails.begin()
	}
	e := a.log.under(connectionOpened, h)
	e.client, e.server = c.Endpoints()
	if first.Flags.Has(packet.SYN) && !first.Flags.Has(packet.ACK) {
		e.at.At = first.Mark
	}
	if a.wanted.opened {
		a.log.about(e, &Connection{Connection: c})
	}
}

// newNumber is the number of an exchange that begins now.
func (a *Analyzer) newNumber(h *handle) *number {
	n := a.stock.newNumber()
	a.log.add(exchangeBegan, h).number = n
	return n
}

func (a *Analyzer) segment(c *reassembly.Connection, side reassembly.Side, s *packet.Segment, class reassembly.Class) {
	a.ack = ackSeen{s.Frame, side, s.Ack, s.Flags.Has(packet.ACK)}
	if a.trails != nil {
		handleOf(c.Attached).trail.add(c, side, s, class)
	}
	_, began := c.Attached.(*conversation)
	if refusal := s.Flags.Has(packet.RST) && !c.Synchronised(); !began && s.Length == 0 && !refusal {
		return
	}
	v := a.conversation(c)
	v.follow(side, s, class)
	if s.Flags&(packet.FIN|packet.RST) != 0 {
		v.noteEnd(side, s, class)
	}
}

// conversation returns what is known of c beyond TCP.
func (a *Analyzer) conversation(c *reassembly.Connection) *conversation {
	if v, began := c.Attached.(*conversation); began {
		return v
	}
	v := a.stock.conversations.Get()
	v.analyzer, v.connection.Connection, v.handle = a, c, c.Attached.(*handle)
	c.Attached = v
	*a.kept += conversationWeight
	e := a.log.under(conversationBegan, v.handle)
	e.client, e.server = c.Endpoints()
	return v
}

func (a *Analyzer) data(c *reassembly.Connection, side reassembly.Side, data []byte, at capture.Span) {
	a.conversation(c).feed(side, data, at)
}

func (a *Analyzer) gap(c *reassembly.Connection, side reassembly.Side, n int64, at capture.Span) {
	a.conversation(c).gap(side, n, at)
}

func (a *Analyzer) finished(c *reassembly.Connection, side reassembly.Side, at capture.Mark) {
	if v, began := c.Attached.(*conversation); began {
		v.fail(at, side)
		v.finish(side, http1.Finished, at)
	}
}

// ending notes that c is no longer open, for those who have been told of it.
func (a *Analyzer) ending(c *reassembly.Connection) {
	if v, began := c.Attached.(*conversation); began && v.told {
		v.add(connectionEnding)
	}
}

// dropped notes that packets of c may be missing from the capture.
func (a *Analyzer) dropped(c *reassembly.Connection, at capture.Time) {
	if v, began := c.Attached.(*conversation); began {
		v.lostAt = max(v.lostAt, at)
	}
}

func (a *Analyzer) closed(c *reassembly.Connection) {
	if v, began := c.Attached.(*conversation); began {
		v.close()
		*a.kept -= conversationWeight
		a.tellClosed(v.handle, &v.connection)
		v.free()
	} else {
		a.tellClosed(c.Attached.(*handle), &Connection{Connection: c})
	}
	c.Attached = nil
}

func (a *Analyzer) tellClosed(h *handle, c *Connection) {
	c.Trail, h.trail = h.trail, nil
	a.log.about(a.log.add(connectionClosed, h), c)
}

// add adds an event. With the first, and the first since it slept, all that is known of
// the connection is told.
func (v *conversation) add(kind eventKind) *event {
	e := v.analyzer.log.add(kind, v.handle)
	if !v.told || v.asleep {
		v.tellOf(e)
	}
	return e
}

// hand hands on an exchange that is over.
func (v *conversation) hand(x *exchange) {
	e := v.analyzer.log.add(exchangeOver, v.handle)
	e.exchange = x
	v.tellOf(e)
}

// tellOf tells with e all that is known of the connection.
func (v *conversation) tellOf(e *event) {
	v.analyzer.log.about(e, &v.connection)
	v.told, v.asleep = true, false
}
