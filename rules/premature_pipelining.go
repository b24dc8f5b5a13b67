package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

var prematurePipelining = &Rule{
	ID:         "premature-pipelining",
	Title:      "requests were pipelined before the server was known to keep connections",
	Group:      Pipelining,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "A server that closes after the first response drops all requests that were sent behind it, and its close may destroy that response, too. " +
			"Whether it keeps connections is known from the first response.",
		Measured: "A request is pipelined when its first segment acknowledges less than the whole final response to the request before it. Flagged when it acknowledges " +
			"less than the first response on its connection that lets it go on, and no response of an earlier connection of the pair did before it. Cost = 0.",
		CapturePoint: "Acknowledgement numbers say what the client had when it sent the request, wherever the capture was taken.",
		Limits: "Silent on connections whose first SYN is not in the capture, and where bytes of a connection of the pair are missing from the capture, or a request on another one had no response yet, " +
			"and where it is not clear where the message before ends (ambiguous-framing).",
		Cure:       "Wait for the first response on a connection to a server that is not known yet, then pipeline.",
		References: []string{"HTTP-DG §4.6", "RFC 9112 §9.3.2"},
	},
	Listen: func(p *Pass) analyze.Listener {
		w := &prematureWatch{pass: p, open: map[uint64]*premature{}, pairs: pairTable[serverKept]{pass: p}}
		return analyze.Listener{Requested: w.requested, Exchange: w.exchange, Closed: w.closed}
	},
}

// prematureWatch knows the servers that keep connections.
type prematureWatch struct {
	pass  *Pass
	pairs pairTable[serverKept]
	open  map[uint64]*premature // by connection
}

// serverKept is what is known of a server keeping connections of a client.
type serverKept struct {
	shown    capture.Mark // the end of the first response that showed it; zero: not known
	since    capture.Time // from when on requests seen may build on it
	doubtful bool         // a response that showed it may be missing from the capture
	pending  int          // connections whose first request has no response so far
}

// knownAt reports whether a request that was sent then may build on it. One that came
// later in the capture at an earlier time does: the clock was set back.
func (k *serverKept) knownAt(sent capture.Mark) bool {
	setBack := sent.Frame > k.shown.Frame && sent.Time < k.shown.Time
	return !k.shown.IsZero() && (k.since <= sent.Time || setBack)
}

// premature is what was pipelined too early on one connection.
type premature struct {
	exchange uint64 // the first
	sent     capture.Mark
	requests int
}

func (w *prematureWatch) requested(c *analyze.Connection) {
	if c.Exchanges == 1 {
		w.pairs.of(c).pending++
	}
}

func (w *prematureWatch) exchange(x *analyze.Exchange) {
	c := x.Connection
	if x.Request == nil {
		return
	}
	server := w.pairs.of(c)
	if x.ID == c.FirstExchange {
		server.pending--
		server.doubtful = server.doubtful || x.Response == nil && c.Close() == reassembly.StillOpen
	}
	sent := x.Request.Start.At
	if x.Order.Unconfirmed && !c.SYN().IsZero() && !server.knownAt(sent) {
		w.note(x, sent)
	}
	if x.Response == nil || !x.Response.Complete || c.Persistence != analyze.Persistent {
		return
	}
	if end := x.Response.End.At; server.shown.IsZero() || end.Frame < server.shown.Frame {
		toClient, _ := c.RTTClient()
		server.shown, server.since = end, end.Time.Add(toClient)
	}
}

func (w *prematureWatch) note(x *analyze.Exchange, sent capture.Mark) {
	m := w.open[x.Connection.ID]
	switch {
	case m == nil && len(w.open) >= maxNoted:
		w.pass.Forget()
		return
	case m == nil:
		m = &premature{exchange: x.ID, sent: sent}
		w.open[x.Connection.ID] = m
	}
	m.requests++
}

// closed reports what is still premature now that other connections' responses
// have been told.
func (w *prematureWatch) closed(c *analyze.Connection) {
	m := w.open[c.ID]
	unexplained := c.Exchanges == 0 && c.Close() != reassembly.ByRST
	doubtful := !c.Intact() || c.MidStream() || unexplained
	if m == nil && !doubtful {
		return
	}
	delete(w.open, c.ID)
	server := w.pairs.of(c)
	server.doubtful = server.doubtful || doubtful
	if m == nil || server.doubtful || server.pending > 0 || server.knownAt(m.sent) {
		return
	}
	w.pass.Report(Instance{
		Connection: c,
		ExchangeID: m.exchange,
		Severity:   Warning,
		Detail: fmt.Sprintf("The client pipelined %s before any response of %s had shown that it keeps connections.",
			count(m.requests, "request", "requests"), c.Server()),
		Evidence: []Evidence{{m.sent, "first request that was pipelined"}},
	})
}
