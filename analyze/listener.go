// Package analyze attaches HTTP messages to their TCP connections: it pairs
// requests with responses into exchanges and works out where the client's time
// went. Connections and bytes come in from [reassembly.Table]; exchanges and
// closed connections go out to [Listener]s in capture order. It keeps the
// connections that are open and their exchanges that are not finished.
package analyze

import (
	"time"

	"wirelag/reassembly/capture"
)

// Listener hears about the wire, in capture order. Functions that are nil are
// not called.
type Listener struct {
	// Opened is called at the first packet of a connection.
	Opened func(c *Connection)
	// Requested is called when the head of a request is there: c counts its exchange.
	// When it is the first of c, the packet that completed the head is the last of c.
	Requested func(c *Connection)
	// Exchange is called when an exchange is over: its response is complete, or
	// can no more come. Exchanges of one connection come in order.
	Exchange func(x *Exchange)
	// Repeated is called when a request whose connection ended without a complete
	// response to it was sent again, once both exchanges are over: the same method,
	// target, host and body from the same client, on whatever connection.
	Repeated func(first, again *Exchange)
	// Hop is called when the capture shows both sides of a proxy, once the two
	// exchanges are over.
	Hop func(h *Hop)
	// Ending is called when a connection ceases to be open, before Closed at the latest; at
	// is when that was captured.
	Ending func(c *Connection, at capture.Time)
	// Closed is called when a connection is over, after its last exchange, or at
	// the end of the capture.
	Closed func(c *Connection)
	// Tick is called as the capture's clock moves on, every second of it, and with
	// its end when all was read. In a long silence it is not called any more.
	Tick func(now capture.Time)
	// Clock is called when the capture's clock turns out to be coarse: it goes on by no less
	// than step at once. It is called again with another step, and with 0 if it is not coarse.
	Clock func(step time.Duration)
	// Finish is called once, after everything else.
	Finish func()
	// Health, asked for after Finish, tells which bounds of its own the listener
	// reached; items without a count are left out.
	Health func() []HealthItem
}

// Capture describes what was read, when all of it was.
type Capture struct {
	Files       []*capture.File
	Packets     uint64
	Bytes       uint64 // captured
	TCPPackets  uint64
	Start, End  capture.Time // of the earliest and latest packet; zero without packets
	Health      []HealthItem
	Interrupted bool

	Connections, Exchanges, Requests, Responses uint64
}

// HealthItem says what the capture lost, cut or could not show.
type HealthItem struct {
	Kind    string // a stable name: "acked-unseen", "snaplen", …
	Count   uint64
	Meaning string // what it means for the findings, one sentence
}

// Join returns a listener that calls each of the given ones in turn.
func Join(listeners ...Listener) Listener {
	var opened, requested, closed []func(*Connection)
	var ending []func(*Connection, capture.Time)
	var exchange []func(*Exchange)
	var repeated []func(first, again *Exchange)
	var hop []func(*Hop)
	var tick []func(capture.Time)
	var clock []func(time.Duration)
	var finish []func()
	var health []func() []HealthItem
	for _, l := range listeners {
		opened = appendIf(l.Opened != nil, opened, l.Opened)
		requested = appendIf(l.Requested != nil, requested, l.Requested)
		exchange = appendIf(l.Exchange != nil, exchange, l.Exchange)
		repeated = appendIf(l.Repeated != nil, repeated, l.Repeated)
		hop = appendIf(l.Hop != nil, hop, l.Hop)
		ending = appendIf(l.Ending != nil, ending, l.Ending)
		closed = appendIf(l.Closed != nil, closed, l.Closed)
		tick = appendIf(l.Tick != nil, tick, l.Tick)
		clock = appendIf(l.Clock != nil, clock, l.Clock)
		if l.Finish != nil {
			finish = append(finish, l.Finish)
		}
		if l.Health != nil {
			health = append(health, l.Health)
		}
	}
	return Listener{callAll(opened), callAll(requested), callAll(exchange), callBoth(repeated), callAll(hop), callBoth(ending), callAll(closed), callAll(tick), callAll(clock), func() {
		for _, f := range finish {
			f()
		}
	}, func() (items []HealthItem) {
		for _, f := range health {
			items = append(items, f()...)
		}
		return items
	}}
}

func callBoth[T, U any](list []func(T, U)) func(T, U) {
	if len(list) == 0 {
		return nil
	}
	return func(v T, w U) {
		for _, f := range list {
			f(v, w)
		}
	}
}

func appendIf[F any](is bool, list []F, f F) []F {
	if !is {
		return list
	}
	return append(list, f)
}

func callAll[T any](list []func(T)) func(T) {
	if len(list) == 0 {
		return nil
	}
	return func(v T) {
		for _, f := range list {
			f(v)
		}
	}
}
