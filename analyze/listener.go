// Package analyze attaches HTTP messages to their TCP connections: it pairs
// requests with responses into exchanges and works out where the client's time
// went. Connections and bytes come in from [reassembly.Table]; exchanges and
// closed connections go out to [Listener]s in capture order. It keeps the
// connections that are open and their exchanges that are not finished.
package analyze

import (
	"wirelag/reassembly/capture"
)

// Listener hears about the wire, in capture order. Functions that are nil are
// not called.
type Listener struct {
	// Opened is called at the first packet of a connection.
	Opened func(c *Connection)
	// Exchange is called when an exchange is over: its response is complete, or
	// can no more come. Exchanges of one connection come in order.
	Exchange func(x *Exchange)
	// Closed is called when a connection is over, after its last exchange, or at
	// the end of the capture.
	Closed func(c *Connection)
	// Tick is called from time to time as the capture's clock moves on, and with
	// its end when all was read.
	Tick func(now capture.Time)
	// Finish is called once, after everything else.
	Finish func()
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
	var opened []func(*Connection)
	var exchange []func(*Exchange)
	var closed []func(*Connection)
	var tick []func(capture.Time)
	var finish []func()
	for _, l := range listeners {
		opened = appendSet(opened, l.Opened)
		exchange = appendSet(exchange, l.Exchange)
		closed = appendSet(closed, l.Closed)
		tick = appendSet(tick, l.Tick)
		if l.Finish != nil {
			finish = append(finish, l.Finish)
		}
	}
	return Listener{callAll(opened), callAll(exchange), callAll(closed), callAll(tick), func() {
		for _, f := range finish {
			f()
		}
	}}
}

func appendSet[T any](list []func(T), f func(T)) []func(T) {
	if f == nil {
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
