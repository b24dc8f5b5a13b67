package analyze

import (
	"wirelag/analyze/dns"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/reuse"
)

// tell tells what was found in a chunk.
func (t *teller) tell(c *chunk) {
	var logs [shardCount][]event
	for i := range c.logs {
		logs[i] = c.logs[i].events
	}
	datagrams, ticks, steps, turns := c.datagrams, c.ticks, c.steps, c.turns
	for {
		first, place := earliest(&logs)
		for len(datagrams) > 0 && (first == nil || datagrams[0].at < place.packet) {
			t.lookups.Datagram(&datagrams[0].segment)
			datagrams = datagrams[1:]
		}
		for len(ticks) > 0 && (first == nil || ticks[0].at < place.packet) {
			t.tick(ticks[0].time)
			ticks = ticks[1:]
		}
		for len(steps) > 0 && (first == nil || steps[0].at <= place.packet) {
			if t.listener.Clock != nil {
				t.listener.Clock(steps[0].by)
			}
			steps = steps[1:]
		}
		for len(turns) > 0 && (first == nil || turns[0].at <= place.packet) {
			t.inputs.turn(turns[0], c.clock[turns[0].at])
			turns = turns[1:]
		}
		if first == nil {
			break
		}
		if int(place.packet) < len(c.clock) {
			t.now = c.clock[place.packet]
		}
		for len(*first) > 0 && (*first)[0].place == place {
			t.take(&(*first)[0])
			*first = (*first)[1:]
		}
	}
}

// earliest is the log whose next event comes first, and the place of that; nil
// when all are told.
func earliest(logs *[shardCount][]event) (first *[]event, place place) {
	for i := range logs {
		if log := &logs[i]; len(*log) > 0 && (first == nil || (*log)[0].place.before(place)) {
			first, place = log, (*log)[0].place
		}
	}
	return first, place
}

// teller puts together what the Analyzers found, in capture order, with what
// concerns several connections: numbers, lookups, requests sent again, hops. It
// tells the listener, and is driven by one goroutine at a time.
type teller struct {
	listener    Listener
	inputs      inputs
	lookups     *dns.Tracker
	repeats     repeats
	hops        *hops // nil when the listener does not want them
	others      others
	stats       Stats
	now         capture.Time // of the packet at which is told
	open        int          // connections
	connections uint64       // numbers given
	exchanges   uint64
	spare       reuse.Pool[told]
	resting     resting
}

// told is a connection as listeners know it: as it was at the latest event about it.
type told struct {
	Connection
	tcp     reassembly.Snapshot
	closing Closing // what Closing points to
	ended   bool    // Listener.Ending was called
	watched capture.Time
	spare   *reuse.Pool[told]
}

// begin is a connection of which nothing is told yet.
func (t *teller) begin() *told {
	c := t.spare.Get()
	c.told, c.spare = c, &t.spare
	return c
}

// free lets the memory of c be used again, if it is over and nobody keeps it.
func (c *told) free() {
	if c.Over && c.keepers == 0 {
		c.recycle()
	}
}

// recycle lets the memory of c be used again.
func (c *told) recycle() {
	c.tcp.Clear()
	spare := c.spare
	*c = told{tcp: c.tcp}
	spare.Return(c)
}

func newTeller(l Listener, files []*capture.File) *teller {
	t := &teller{listener: l, inputs: newInputs(files), lookups: dns.NewTracker(), resting: newResting()}
	if l.Hop != nil {
		t.hops = newHops(l.Hop)
	}
	return t
}

// take works in an event.
func (t *teller) take(e *event) {
	h := e.handle
	if e.facts != nil && e.kind != connectionOpened {
		t.learn(h, e.facts)
	}
	switch e.kind {
	case connectionOpened:
		t.opened(e)
	case conversationBegan:
		if t.hops != nil {
			t.hops.met(e.server.AddrPort())
		}
	case exchangeBegan:
		t.exchanges++
		e.number.value = t.exchanges
	case requestHeaded:
		h.told.Exchanges, h.told.Requests, h.told.Waiting = e.begun, e.requests, e.waiting
		t.listener.Requested(&h.told.Connection)
	case requestEnded:
		if f := t.repeats.match(&e.exchange.told, &h.told.Connection, e.exchange.sum); f != nil {
			e.exchange.repeats = f
		}
		if t.hops != nil {
			e.exchange.open = t.hops.begun(&e.exchange.told, &h.told.Connection)
		}
	case requestFailed:
		x := e.exchange
		x.failure = t.repeats.add(&x.told, &h.told.Connection, e.at)
	case exchangeOver:
		t.over(h, e.exchange)
	case connectionSleeps:
		t.letGo(h)
	case connectionEnding:
		h.told.ending = true
		t.ending(h.told)
	case connectionClosed:
		t.closed(h)
	case resolverBegan:
		if h.resolvers == nil {
			h.resolvers = new([2]*dns.Stream)
		}
		h.resolvers[e.side] = t.lookups.NewStream(e.client.AddrPort(), e.server.AddrPort(), e.at.At)
	case resolverData:
		h.resolvers[e.side].Feed(e.data, e.at)
	case resolverEnd:
		h.resolvers[e.side].Close()
	}
}

func (t *teller) opened(e *event) {
	t.open++
	t.connections++
	h := e.handle
	h.id = t.connections
	if !e.at.At.IsZero() && t.lookups.Knows() {
		lookup, name := t.lookups.Connect(e.client.Addr(), e.server.Addr(), e.at.At)
		if lookup != nil || name != "" {
			h.told = t.begin()
			h.told.Lookup = lookup
			h.told.name(name, nameLookedUp)
		}
	}
	if e.facts != nil {
		t.learn(h, e.facts)
		t.listener.Opened(&h.told.Connection)
	}
}

// learn takes over what is known of a connection now.
func (t *teller) learn(h *handle, f *facts) {
	if h.told == nil {
		h.told = t.resume(h)
	}
	c := h.told
	t.inputs.learn(&c.tcp.Connection, &f.tcp.Connection)
	lookup, keepers, excess := c.Lookup, c.keepers, c.Excess
	name, named := c.ServerName, c.nameSource
	c.tcp.Take(&f.tcp.Connection)
	c.tcp.ID = h.id
	c.Connection = f.connection
	c.Connection.Connection = &c.tcp.Connection
	c.Lookup, c.keepers, c.told = lookup, keepers, c
	if named == nameLookedUp {
		c.name(name, nameLookedUp)
	}
	if c.firstExchange != nil {
		c.FirstExchange, c.firstExchange = c.firstExchange.value, nil // it is one of many in one piece of memory
	}
	c.learnEnd(excess, f)
}

// learnEnd takes over what lies behind pointers; excess is the memory for that, if
// there was some before.
func (c *told) learnEnd(excess *[2]Excess, f *facts) {
	if c.Closing != nil {
		c.closing = f.closing
		c.closing.Reset.Response.learn()
		c.Closing = &c.closing
	}
	if c.Excess != nil {
		if c.Excess = excess; excess == nil {
			c.Excess = new([2]Excess)
		}
		*c.Excess = f.excess
		for i := range c.Excess {
			c.Excess[i].learn()
		}
	}
}

// name gives an exchange its number and its connection.
func (x *exchange) name(h *handle) {
	x.told.ID = x.number.value
	x.told.Connection = &h.told.Connection
}

// over tells an exchange.
func (t *teller) over(h *handle, x *exchange) {
	x.name(h)
	c := x.told.Connection
	if x.opens {
		if lookup, ok := c.LookupTime(); ok {
			x.told.Timing.DNS = lookup
		}
	}
	t.count(&x.told)
	if t.listener.Exchange != nil {
		t.listener.Exchange(&x.told)
	}
	if t.hops != nil {
		t.hops.over(&x.told, x.open)
		x.open = 0
	}
	t.settle(x)
}

func (t *teller) count(x *Exchange) {
	t.stats.Exchanges++
	if m := x.Request; m != nil {
		t.stats.Requests++
		if m.BytesCut > 0 {
			t.stats.HeadsCut++
		}
	}
	if m := x.Response; m != nil {
		t.stats.Responses++
		if m.BytesCut > 0 {
			t.stats.HeadsCut++
		}
	}
}

// ending tells that a connection is no longer open.
func (t *teller) ending(c *told) {
	if !c.ended && t.listener.Ending != nil {
		t.listener.Ending(&c.Connection, t.now)
	}
	c.ended = true
}

func (t *teller) closed(h *handle) {
	t.open--
	t.stats.Connections++
	c := h.told
	c.nameByAddress(t.lookups, c.Last().Time)
	switch c.Protocol {
	case TLS:
		t.stats.Encrypted++
	case HTTP2:
		t.stats.HTTP2++
	case UnknownProtocol:
		if c.Bytes(reassembly.ToServer)+c.Bytes(reassembly.ToClient) > 0 {
			t.others.add(c.Server().Port())
		}
	}
	c.watched = t.inputs.until(c.Last().Frame.File(), t.now)
	h.told, h.resolvers = nil, nil
	t.ending(c)
	if t.listener.Closed != nil {
		t.listener.Closed(&c.Connection)
	}
	c.Over = true
	c.free()
}

func (t *teller) tick(now capture.Time) {
	if t.hops != nil {
		t.hops.pass(now)
	}
	if t.listener.Tick != nil {
		t.listener.Tick(now)
	}
}

// finalStats are the counts when all was told.
func (t *teller) finalStats() Stats {
	s := t.stats
	s.FailuresLimit = t.repeats.dropped
	s.DNS = t.lookups.Stats()
	s.DNS.Evicted += t.resting.forgotten
	if t.hops != nil {
		s.HopsLimit = t.hops.dropped
	}
	return s
}

// finish ends what goes on when all was told.
func (t *teller) finish() {
	if t.hops != nil {
		t.hops.finish()
	}
	if t.listener.Finish != nil {
		t.listener.Finish()
	}
}
