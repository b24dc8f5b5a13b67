package analyze

import (
	"wirelag/analyze/dns"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// Analyzer turns the connections and bytes of one [reassembly.Table] into
// exchanges. It is driven by one goroutine.
type Analyzer struct {
	listener  Listener
	arena     *http1.Arena
	lookups   *dns.Tracker
	others    others
	stats     Stats
	repeats   repeats
	hops      *hops // nil when the listener does not want them
	ack       ackSeen
	lastID    uint64     // of exchanges
	spare     []*history // not in use
	room      historyRoom
	exchanges []exchange // not handed out yet
	waiting   int        // exchanges that are not over, of all connections
	prefixes  int        // bytes of streams of which it is not known what they are
}

// Stats counts what an Analyzer met.
type Stats struct {
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
	QUIC                                        uint64 // datagrams that look like QUIC
	DNS                                         dns.Stats
}

// ackSeen is the acknowledgement number of the segment being worked in.
type ackSeen struct {
	frame capture.Frame
	side  reassembly.Side
	ack   uint32
	known bool
}

// NewAnalyzer returns an analyzer that tells listener what it finds.
func NewAnalyzer(listener Listener) *Analyzer {
	a := &Analyzer{listener: listener, arena: new(http1.Arena), lookups: dns.NewTracker(), room: historyRoom{entries: maxHistories}}
	if listener.Hop != nil {
		a.hops = newHops(listener.Hop)
	}
	return a
}

// Consumer is what the table tells the analyzer through.
func (a *Analyzer) Consumer() reassembly.Consumer {
	return reassembly.Consumer{
		Segment:  a.segment,
		Data:     a.data,
		Gap:      a.gap,
		Finished: a.finished,
		Dropped:  a.dropped,
		Closed:   a.closed,
	}
}

func (a *Analyzer) segment(c *reassembly.Connection, side reassembly.Side, s *packet.Segment, class reassembly.Class) {
	a.ack = ackSeen{s.Frame, side, s.Ack, s.Flags.Has(packet.ACK)}
	if c.Attached == nil && a.listener.Opened != nil {
		a.listener.Opened(a.conversation(c).connection)
	}
	if c.Attached != nil || s.Length > 0 || a.lookups.Knows() {
		a.conversation(c).follow(side, s, class)
	}
	refusal := s.Flags.Has(packet.RST) && !c.Synchronised()
	if refusal || c.Attached != nil && s.Flags&(packet.FIN|packet.RST) != 0 {
		a.conversation(c).noteEnd(side, s, class)
	}
}

// conversation returns what is known of c beyond TCP.
func (a *Analyzer) conversation(c *reassembly.Connection) *conversation {
	if c.Attached == nil {
		v := &conversation{analyzer: a, connection: &Connection{Connection: c}}
		v.connection.lookUp(a.lookups)
		c.Attached = v
		if a.hops != nil {
			a.hops.met(v.connection)
		}
	}
	return c.Attached.(*conversation)
}

func (a *Analyzer) data(c *reassembly.Connection, side reassembly.Side, data []byte, at capture.Span) {
	a.conversation(c).feed(side, data, at)
}

func (a *Analyzer) gap(c *reassembly.Connection, side reassembly.Side, n int64, at capture.Span) {
	a.conversation(c).gap(side, n, at)
}

func (a *Analyzer) finished(c *reassembly.Connection, side reassembly.Side, at capture.Mark) {
	if c.Attached != nil {
		v := a.conversation(c)
		v.fail(at, side)
		v.finish(side, http1.Finished, at)
	}
}

// dropped notes that packets of c may be missing from the capture.
func (a *Analyzer) dropped(c *reassembly.Connection, at capture.Time) {
	if c.Attached != nil {
		v := a.conversation(c)
		v.lostAt = max(v.lostAt, at)
	}
}

func (a *Analyzer) closed(c *reassembly.Connection) {
	a.stats.Connections++
	v := a.conversation(c)
	v.close()
	v.connection.nameByAddress(a.lookups, c.Last().Time)
	switch v.connection.Protocol {
	case TLS:
		a.stats.Encrypted++
	case HTTP2:
		a.stats.HTTP2++
	case UnknownProtocol:
		if c.Bytes(reassembly.ToServer)+c.Bytes(reassembly.ToClient) > 0 {
			a.others.add(c.Server().Port())
		}
	}
	c.Attached = nil
	if a.listener.Closed != nil {
		a.listener.Closed(v.connection)
	}
}

// tell hands on a finished exchange.
func (a *Analyzer) tell(x *Exchange) {
	a.stats.Exchanges++
	for _, m := range []*http1.Message{x.Request, x.Response} {
		if m != nil && m.BytesCut > 0 {
			a.stats.HeadsCut++
		}
	}
	if x.Request != nil {
		a.stats.Requests++
	}
	if x.Response != nil {
		a.stats.Responses++
	}
	x.Connection.note(x)
	if a.listener.Exchange != nil {
		a.listener.Exchange(x)
	}
	if a.hops != nil {
		a.hops.over(x)
	}
}
