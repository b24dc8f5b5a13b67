package analyze

import (
	"slices"
	"strings"

	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// pairing holds the exchanges of a connection that are not over, in order, and
// what is known of their places in the streams.
type pairing struct {
	waiting     []*exchange
	settled     int          // of waiting, from the first on: they wait for no response any more
	unsafe      int          // of the others: their requests are not idempotent
	previousEnd capture.Time // when the response before could be read to its end; 0 without one
	// request and response are the numbers for messages that began and have no head yet.
	request, response *number
	ended             [2]ended // by direction
	progress          progress
	// requestHad and responseHad are what its sender had received of the other
	// stream when the message that is in progress began.
	requestHad, responseHad int64
	requestACK, responseACK acknowledgement // of the segment that began it
	order                   Order           // of the request that began last
	// refused is the place behind the head of a response after which the client may
	// withhold the body of its request; 0 without one, and once bytes follow.
	refused   int64
	ambiguous bool // what follows the latest request may be a part of its body
	finishing bool // a stream is being ended that may be cut within a message
}

// Bounds of the exchanges that are not over.
const (
	maxWaiting = 1 << 12 // of one connection
	fewWaiting = 1 << 5  // of one connection: as many may always wait
	allWaiting = 1 << 15 // of all connections
)

// exchange is an exchange that is not over.
type exchange struct {
	*Exchange
	start, end    int64  // place of the request in the client's stream; end is valid once it ended
	ack           uint32 // up to which sequence number the client had it all when it sent the request
	ackKnown      bool
	afterLoss     bool // requests before it may be missing from the capture
	requestEnded  bool
	responseEnded bool
	responseEnd   int64 // place behind the response in the server's stream
	abandoned     bool
	received      capture.Time // by when the server had the request, as its first acknowledgement shows
	sentUntil     capture.Time // the body of a request whose head was lost
	held          int          // bytes of the heads
	weight        int64        // what is accounted for beside them
	opens         bool         // the connection was opened for it
	failed        bool         // its connection ended under it
	sum           uint64       // of what a repeat of the request has in common with it
	number        *number

	// What the teller knows.
	failure, repeats *failure
	open             int32 // where hops noted the request; 0 where they did not

	told               Exchange
	sending, answering Transfer
}

// newExchange returns an exchange of the conversation with nothing known of it.
func (v *conversation) newExchange(n *number) *exchange {
	x := v.analyzer.stock.exchanges.Get()
	x.Exchange, x.number = &x.told, n
	return x
}

// waits reports whether the final response may still come.
func (x *exchange) waits() bool { return x.Response == nil && !x.abandoned }

// over reports whether nothing more can come of x: both messages ended, and the
// client acknowledged the response. Until then it may still have to be sent again.
func (v *conversation) over(x *exchange) bool {
	if x.abandoned {
		return true
	}
	if !x.responseEnded || x.Request != nil && !x.requestEnded {
		return false
	}
	s := v.streams[v.connection.ClientSide().Other()].sender
	return x.Response == nil || s == nil || v.gotAll(s, x.responseEnd)
}

// acknowledgement is a sequence number of the other side's stream.
type acknowledgement struct {
	number uint32
	known  bool
}

// acknowledged is what the segment being worked in acknowledges, when it is the
// one that carried the bytes at hand.
func (v *conversation) acknowledged(side reassembly.Side, at capture.Mark) acknowledgement {
	seen := v.analyzer.ack
	return acknowledgement{seen.ack, seen.known && seen.side == side && seen.frame == at.Frame}
}

// next is the first exchange that waits for its final response, nil if none
// does. All behind it wait as well, and none before it.
func (p *pairing) next() *exchange {
	p.settle()
	if p.settled < len(p.waiting) {
		return p.waiting[p.settled]
	}
	return nil
}

// settle notes which exchanges do not wait for their response any more.
func (p *pairing) settle() {
	for ; p.settled < len(p.waiting) && !p.waiting[p.settled].waits(); p.settled++ {
		if p.waiting[p.settled].isUnsafe() {
			p.unsafe--
		}
	}
}

// latest is the exchange whose response began last, nil if it is over.
func (p *pairing) latest() *exchange {
	if p.settle(); p.settled > 0 {
		return p.waiting[p.settled-1]
	}
	return nil
}

// isUnsafe reports whether the request may not be sent again unasked.
func (x *exchange) isUnsafe() bool { return x.Request != nil && !x.Request.Idempotent() }

// answered returns the exchange that response m answers: the first that waits,
// unless the server cannot have had its request by then. Where messages were
// lost, it is the one whose request acknowledged all up to the response.
func (v *conversation) answered(m *http1.Message) *exchange {
	client := v.connection.ClientSide()
	server := &v.streams[client.Other()]
	start := server.begin + m.Offset
	known := v.pairing.responseACK.known
	ack := v.connection.Offset(client, v.pairing.responseACK.number)
	if known && ack > v.streams[client].offset {
		v.streams[client].lost = true // the server had more than the capture
	}
	if !server.lost {
		v.passUnasked(known, ack)
	}
	x := v.pairing.next()
	if x != nil && !server.lost && !x.afterLoss {
		if known && ack <= x.start && len(x.Interim) == 0 {
			return nil
		}
		return x
	}
	if x != nil && len(x.Interim) > 0 && !server.lost {
		return x
	}
	for _, y := range v.pairing.waiting[v.pairing.settled:] {
		if y.ackKnown && v.connection.Offset(client.Other(), y.ack) == start && known && ack > y.start {
			server.lost, y.afterLoss = false, false
			v.abandonBefore(y)
			return y
		}
	}
	return nil
}

// passUnasked gives up interim responses that no request had asked for, which a client
// ignores (RFC 9110 §15.2), when what comes now answers the request behind them.
func (v *conversation) passUnasked(known bool, ack int64) {
	x, n := v.pairing.next(), v.pairing.settled+1
	if x == nil || x.Request != nil || n == len(v.pairing.waiting) {
		return
	}
	if y := v.pairing.waiting[n]; !y.afterLoss && (!known || ack > y.start) {
		v.abandonBefore(y)
	}
}

// abandonBefore gives up the exchanges before y that still wait: their
// responses are missing from the capture.
func (v *conversation) abandonBefore(y *exchange) {
	for _, x := range v.pairing.waiting[v.pairing.settled:] {
		if x == y {
			break
		}
		x.abandoned = true
	}
}

// begin counts x as begun on the connection.
func (v *conversation) begin(x *exchange) {
	if v.connection.Exchanges == 0 {
		x.opens = x.Request != nil && !v.connection.MidStream()
	}
	v.connection.Exchanges++
	if x.Request != nil {
		v.connection.Requests++
	}
	x.weight = exchangeWeight
	if n := v.connection.Waiting; n >= 2 && n <= fewWaiting {
		x.weight += pinnedWeight
	}
	v.connection.Waiting++
	*v.analyzer.kept += x.weight
}

// makeRoom gives up the first exchange that is not over when there are too many.
func (v *conversation) makeRoom() {
	n := len(v.pairing.waiting)
	if n < maxWaiting && (n < fewWaiting || v.analyzer.waiting < allWaiting/v.analyzer.share) {
		return
	}
	v.analyzer.stats.UnansweredLimit++
	if v.pairing.waiting[0].waits() {
		v.streams[v.connection.ClientSide().Other()].lost = true // its response may still come
	}
	v.connection.overrun = true
	v.pairing.waiting[0].abandoned = true
	v.tellFinished()
}

func (v *conversation) enqueue(x *exchange) {
	v.makeRoom()
	v.analyzer.waiting++
	p := &v.pairing
	p.waiting = append(p.waiting, x)
	if x.isUnsafe() {
		p.unsafe++
	}
}

// insertAnswered puts a response without a request where it came: before the
// exchanges that still wait.
func (v *conversation) insertAnswered(x *exchange) {
	v.makeRoom()
	p := &v.pairing
	p.settle()
	v.analyzer.waiting++
	p.waiting = slices.Insert(p.waiting, p.settled, x)
}

// tellFinished hands on the exchanges that are over, in order.
func (v *conversation) tellFinished() {
	p := &v.pairing
	n := 0
	for n < len(p.waiting) && v.over(p.waiting[n]) {
		v.tell(p.waiting[n])
		n++
	}
	if n == 0 {
		return
	}
	p.settle()
	p.settled -= n
	v.analyzer.waiting -= n
	if len(p.waiting) > fewWaiting { // to move many for each would take long
		clear(p.waiting[:n])
		p.waiting = p.waiting[n:]
		return
	}
	clear(p.waiting[copy(p.waiting, p.waiting[n:]):])
	p.waiting = p.waiting[:len(p.waiting)-n]
}

// tellAll hands on what is left when the conversation ends.
func (v *conversation) tellAll() {
	for _, x := range v.pairing.waiting {
		v.tell(x)
	}
	v.analyzer.waiting -= len(v.pairing.waiting)
	clear(v.pairing.waiting)
	v.pairing.waiting, v.pairing.settled, v.pairing.unsafe = v.pairing.waiting[:0], 0, 0
}

func (v *conversation) tell(x *exchange) {
	v.analyzer.arena.Hold(-x.held)
	*v.analyzer.kept -= x.weight
	v.repaired(v.connection.ClientSide(), x.Sending)
	v.repaired(v.connection.ClientSide().Other(), x.Answering)
	v.blocked(v.connection.ClientSide(), x.Request, x.Sending)
	v.cutAnswered(x.Exchange)
	v.blocked(v.connection.ClientSide().Other(), x.Response, x.Answering)
	x.Disturbed = v.lostAt != 0 && v.lostAt >= x.began()
	v.time(x)
	x.Timing.Causes = x.allCauses()
	if x.Response != nil {
		v.pairing.previousEnd = x.Response.End.Readable
	}
	v.connection.note(x)
	v.hand(x)
}

// began is when the first byte of the exchange was captured.
func (x *Exchange) began() capture.Time {
	switch {
	case x.Request != nil:
		return x.Request.Start.At.Time
	case len(x.Interim) > 0:
		return x.Interim[0].Start.At.Time
	}
	return x.Response.Start.At.Time
}

// describe takes protocol and server name from a request. The latest name is handed
// on: it is often that of the next connection.
func (c *Connection) describe(m *http1.Message, latest *string) {
	if c.Protocol == UnknownProtocol || c.Protocol < protocolOf(m.Version) {
		c.Protocol = protocolOf(m.Version)
	}
	if c.nameSource >= nameInHost {
		return
	}
	if host, _ := m.Get("Host"); host != *latest {
		*latest = strings.Clone(host) // the head's memory is shared with many others
	}
	c.name(*latest, nameInHost)
}

// note takes from an exchange that is over what is known of the connection by it.
func (c *Connection) note(x *exchange) {
	c.Waiting--
	if c.firstExchange == nil {
		c.firstExchange = x.number
	}
	if x.Request == nil {
		if c.Persistence == Persistent && x.Response != nil && !x.Response.Persistent() {
			c.Persistence = ClosedUnasked
		}
		return
	}
	c.Unanswered = x.Response == nil
	if !x.Request.Complete || x.Response == nil || !x.Response.Complete {
		c.Unfinished++
	}
	if x.Response == nil {
		if x.OtherAnswer && c.Persistence.Agreed() {
			c.Persistence = WithoutLength
		}
		return
	}
	if c.Persistence != ClosedByRequest && c.Persistence != ClosedByResponse {
		c.Persistence = persistence(x.Exchange)
	}
	c.Promise = PromiseOf(x.Response)
	c.LastAnswered = capture.Mark{}
	if x.Response.Complete && x.Response.Framing != http1.Tunnel {
		c.LastAnswered = x.Response.End.At
	}
	if c.Exchanges == 1 && !c.LastAnswered.IsZero() && x.Answering.heldUntil() == 0 {
		c.FirstAnswered, c.FirstArrived = x.Response.Last, x.Answering.arrived(x.Response.End.Readable, false)
	}
}

func protocolOf(v http1.Version) Protocol {
	switch {
	case v.Major == 0:
		return HTTP09
	case v == http1.HTTP10:
		return HTTP10
	}
	return HTTP11
}
