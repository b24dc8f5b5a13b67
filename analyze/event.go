package analyze

import (
	"slices"

	"wirelag/analyze/dns"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// eventKind is what an Analyzer found.
type eventKind uint8

const (
	connectionOpened  eventKind = iota
	conversationBegan           // the first bytes of a connection came
	exchangeBegan               // the first byte of an exchange came: it gets its number
	requestHeaded               // Listener.Requested
	requestEnded                // a complete request: it may be one that is sent again
	requestFailed               // the connection of a complete request ended under it
	exchangeOver                // Listener.Exchange
	connectionSleeps            // nothing goes on, and it may be long until something does
	connectionEnding            // it is no longer open: what else is known of it now comes with the next event
	connectionClosed            // Listener.Closed
	resolverBegan               // a side's stream of a connection to a resolver
	resolverData                // bytes of it
	resolverEnd
)

// event is what an Analyzer found at a packet, for the [teller].
type event struct {
	place    place
	kind     eventKind
	side     reassembly.Side // whose stream to a resolver it is
	handle   *handle
	exchange *exchange
	number   *number
	facts    *facts // what is known of the connection now; nil where nobody asks
	begun    int    // of requestHeaded: exchanges of the connection
	requests int32  // of requestHeaded: those of them that began with a request
	waiting  int32  // of requestHeaded: those of them that are not over
	*circumstances
}

// circumstances are what few kinds of events come with; nil with the others.
type circumstances struct {
	// client and server are the ends of the connection as it opened or began; of
	// resolverBegan, who sends and who receives.
	client, server packet.Endpoint
	at             capture.Span // the packet; of requestFailed, Readable is when the client can have known
	data           []byte       // of resolverData
}

// place is where in a chunk an event belongs: at a packet, or just before it
// where that packet shows that the time has come, earlier ones first.
type place struct {
	packet int32
	within bool // caused by the packet itself
	due    capture.Mark
}

// before reports whether p comes before q.
func (p place) before(q place) bool {
	switch {
	case p.packet != q.packet:
		return p.packet < q.packet
	case p.within != q.within:
		return !p.within
	}
	return p.due.Time < q.due.Time || p.due.Time == q.due.Time && p.due.Frame < q.due.Frame
}

// number is the number of an exchange. It is given when all that comes before it
// in the capture is known.
type number struct{ value uint64 }

// handle is what stands for a connection between the Analyzer that follows it and
// the teller, which alone looks into it, but for the trail.
type handle struct {
	trail     *Trail // the Analyzer's, until the connection is closed
	id        uint64
	told      *told           // nil until something is known of it beyond its ends
	resolvers *[2]*dns.Stream // nil but for connections to resolvers
}

// handleOf is the handle of a connection that is followed, by what is attached to it.
func handleOf(attached any) *handle {
	if v, began := attached.(*conversation); began {
		return v.handle
	}
	return attached.(*handle)
}

// facts is what an Analyzer knew of a connection at an event. Nothing in it
// changes when the Analyzer goes on.
type facts struct {
	connection Connection
	tcp        reassembly.Snapshot
	closing    Closing
	excess     [2]Excess
}

// take notes what is known of c.
func (f *facts) take(c *Connection) {
	f.tcp.Take(c.Connection)
	f.connection = *c
	if c.Closing != nil {
		f.closing = *c.Closing
	}
	if c.Excess != nil {
		f.excess = *c.Excess
	}
}

// eventLog is what an Analyzer finds in a chunk, in order.
type eventLog struct {
	place         place
	events        []event
	facts         spares[facts]
	circumstances spares[circumstances]
}

// logRoom is how many events, and as many things that come with them, a log keeps
// memory for.
const logRoom = 1 << 10

func (l *eventLog) reset() {
	for i := range l.events {
		if e := &l.events[i]; e.kind == resolverData {
			e.data = nil
		}
	}
	clear(l.events)
	l.events, l.place = l.events[:0], place{}
	if cap(l.events) > logRoom {
		l.events = nil
	}
	l.facts.reset()
	l.circumstances.reset()
}

// spares are things in use, and behind them others for reuse.
type spares[T any] struct {
	all  []*T
	used int
}

// next is one to use, as it was left.
func (s *spares[T]) next() *T {
	if s.used == len(s.all) {
		s.all = append(s.all, new(T))
	}
	s.used++
	return s.all[s.used-1]
}

// reset takes all out of use.
func (s *spares[T]) reset() {
	if s.used = 0; len(s.all) > logRoom {
		s.all = append([]*T(nil), s.all[:logRoom]...) // an array that holds no others
	}
}

// add appends an event about the connection of h.
func (l *eventLog) add(kind eventKind, h *handle) *event {
	n := len(l.events)
	l.events = slices.Grow(l.events, 1)[:n+1] // what lies behind the last is zero
	e := &l.events[n]
	e.place, e.kind, e.handle = l.place, kind, h
	return e
}

// about notes in e what is known of c.
func (l *eventLog) about(e *event, c *Connection) {
	e.facts = l.facts.next()
	e.facts.take(c)
}

// under appends an event about the connection of h that comes with circumstances,
// which are zero.
func (l *eventLog) under(kind eventKind, h *handle) *event {
	e := l.add(kind, h)
	e.circumstances = l.circumstances.next()
	*e.circumstances = circumstances{}
	return e
}
