package analyze_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// heard is what a Run told its listener, in that order.
type heard struct {
	connections []*analyze.Connection // by their Closed
	exchanges   []*analyze.Exchange
	capture     *analyze.Capture
	broken      []string // promises of the Listener that were broken

	opened map[uint64]bool
	closed map[uint64]bool
	told   map[uint64]bool
	count  map[uint64]int
	atMost map[*analyze.Exchange]time.Duration
}

// listen runs src and notes what it tells.
func listen(t testing.TB, src capture.Source) *heard {
	t.Helper()
	return listenWithin(t, reassembly.Limits{}, src)
}

// asleep are limits with which every connection is packed whenever nothing is under way
// on it, and that changes nothing.
var asleep = reassembly.Limits{Ready: -1}

// listenWithin is listen where connections are kept within limits.
func listenWithin(t testing.TB, limits reassembly.Limits, src capture.Source) *heard {
	t.Helper()
	h := &heard{
		opened: map[uint64]bool{}, closed: map[uint64]bool{},
		told: map[uint64]bool{}, count: map[uint64]int{}, atMost: map[*analyze.Exchange]time.Duration{},
	}
	c, err := analyze.Run(context.Background(), src, h.listener(), analyze.Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	h.capture = c
	h.finish()
	return h
}

func (h *heard) breaks(format string, a ...any) {
	h.broken = append(h.broken, fmt.Sprintf(format, a...))
}

func (h *heard) listener() analyze.Listener {
	return analyze.Listener{
		Opened: func(c *analyze.Connection) {
			if h.opened[c.ID] {
				h.breaks("connection %d was opened twice", c.ID)
			}
			h.opened[c.ID] = true
		},
		Exchange: func(x *analyze.Exchange) {
			h.exchange(x)
			h.exchanges = append(h.exchanges, x.Keep())
		},
		Closed: func(c *analyze.Connection) {
			if h.closed[c.ID] || !h.opened[c.ID] {
				h.breaks("connection %d was closed %v before, opened %v", c.ID, h.closed[c.ID], h.opened[c.ID])
			}
			h.closed[c.ID] = true
			h.connections = append(h.connections, c.Keep())
		},
	}
}

// exchange checks what holds of every exchange, whatever the capture.
func (h *heard) exchange(x *analyze.Exchange) {
	name := fmt.Sprintf("exchange %d", x.ID)
	switch {
	case x.Request == nil && x.Response == nil && len(x.Interim) == 0:
		h.breaks("%s has no message", name)
	case h.told[x.ID] || x.ID == 0:
		h.breaks("%s is told twice, or has no number", name)
	case !h.opened[x.Connection.ID] || h.closed[x.Connection.ID]:
		h.breaks("%s is told outside the life of connection %d", name, x.Connection.ID)
	}
	h.told[x.ID] = true
	h.count[x.Connection.ID]++
	if m := x.Request; m != nil && m.Role != http1.Request {
		h.breaks("%s has a response for its request", name)
	}
	if m := x.Response; m != nil && (m.Role != http1.Response || m.Interim()) {
		h.breaks("%s has for its final response a %d", name, m.Status)
	}
	for _, m := range x.Interim {
		if !m.Interim() {
			h.breaks("%s has %d among its interim responses", name, m.Status)
		}
	}
	h.phases(name, x)
	if x.Request != nil {
		h.atMost[x] = mostTime(x)
	}
}

// phases checks that each phase is unknown or not negative.
func (h *heard) phases(name string, x *analyze.Exchange) {
	t := x.Timing
	sum := time.Duration(0)
	for i, d := range []time.Duration{t.Blocked, t.DNS, t.Connect, t.Send, t.Wait, t.Receive} {
		if d < 0 && d != analyze.Unknown {
			h.breaks("%s: phase %d is %v", name, i, d)
		}
		sum += max(d, 0)
	}
	if t.Total() != sum {
		h.breaks("%s: total %v, the sum of the phases is %v", name, t.Total(), sum)
	}
	if t.SSL > max(t.Connect, 0) {
		h.breaks("%s: ssl %v is more than connect %v", name, t.SSL, t.Connect)
	}
}

// mostTime is what the client can have waited at most for x: from its SYN, or
// its request, to the last byte of the response.
func mostTime(x *analyze.Exchange) time.Duration {
	from, to := x.Request.First.Time, x.Request.End.At.Time
	if x.Sending != nil {
		for _, l := range x.Sending.Losses {
			if !l.Since.IsZero() {
				from = min(from, l.Since.Time)
			}
		}
	}
	if x.Timing.Connect > 0 {
		from = min(from, x.Connection.SYN().Time)
	}
	if x.Response != nil {
		// A repeat of what was lost behind the capture point may come later still.
		to = max(to, x.Response.End.Readable, x.Response.Start.Readable, x.Connection.Last().Time)
	}
	if gaveUp(x.Sending) {
		to = max(to, x.Connection.Last().Time)
	}
	toClient, _ := x.Connection.RTTClient()
	return max(to.Sub(from)+toClient, 0)
}

// gaveUp reports whether a sender went on trying until the end, in vain.
func gaveUp(t *analyze.Transfer) bool {
	return t != nil && (slices.ContainsFunc(t.Losses, func(l analyze.Loss) bool { return l.Lasting }) ||
		slices.ContainsFunc(t.Pauses, func(p analyze.Pause) bool { return p.Final }))
}

// finish checks the counts at the end.
func (h *heard) finish() {
	var requests, responses uint64
	for _, x := range h.exchanges {
		if x.Request != nil {
			requests++
		}
		if x.Response != nil {
			responses++
		}
	}
	c := h.capture
	if c.Requests != requests || c.Responses != responses || c.Exchanges != uint64(len(h.exchanges)) {
		h.breaks("counted %d exchanges, %d requests, %d responses; told %d, %d, %d",
			c.Exchanges, c.Requests, c.Responses, len(h.exchanges), requests, responses)
	}
	if c.Connections != uint64(len(h.connections)) || len(h.opened) != len(h.connections) {
		h.breaks("counted %d connections, opened %d, closed %d", c.Connections, len(h.opened), len(h.connections))
	}
	for _, x := range h.connections {
		if x.Exchanges != h.count[x.ID] {
			h.breaks("connection %d counts %d exchanges, told %d", x.ID, x.Exchanges, h.count[x.ID])
		}
	}
	h.order()
	if h.health("clock-backwards") > 0 {
		return // times around it are not reliable
	}
	for x, most := range h.atMost {
		if total := x.Timing.Total(); total > most {
			h.breaks("exchange %d: the phases %s take %v, the client waited %v at most", x.ID, describePhases(x.Timing), total, most)
		}
	}
}

// order checks that the exchanges of a connection come in the order of their
// requests.
func (h *heard) order() {
	latest := map[*analyze.Connection]*http1.Message{}
	for _, x := range h.exchanges {
		if x.Request == nil {
			continue
		}
		if m := latest[x.Connection]; m != nil && m.Offset >= x.Request.Offset {
			h.breaks("exchange %d is told after one whose request came later", x.ID)
		}
		latest[x.Connection] = x.Request
	}
}

// keepsPromises fails the test where the Listener's promises were broken.
func (h *heard) keepsPromises(t testing.TB) {
	t.Helper()
	for _, b := range h.broken {
		t.Error(b)
	}
	for _, x := range h.exchanges {
		checkSpent(t, x)
	}
}
