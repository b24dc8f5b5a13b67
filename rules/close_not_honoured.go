package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// closeHonouredWithin is how soon whoever announced a close has to close (RULES: 5 s).
const closeHonouredWithin = 5 * time.Second

var closeNotHonoured = &Rule{
	ID:         "close-not-honoured",
	Title:      "a close was announced and did not come",
	Group:      Reuse,
	Severities: []Severity{Info, Warning},
	Doc: Doc{
		What: "A message said \"Connection: close\", which promises that its sender closes when the response is over. It kept the " +
			"connection: a port, a socket and memory at both ends, and a client that waits for the close hangs.",
		Measured: "A complete exchange with \"Connection: close\" (in the response, or else in the request), the last on its connection, and neither FIN nor RST " +
			"of any side within 5 s of its end; or, where the response said so and the client closed before, none of the server's. Cost = 0.",
		CapturePoint: "Thresholds of seconds: the round trip does not matter.",
		Likely:       "Where the capture ends with the connection still open, that its end was not missed cannot be proven: info.",
		Limits: "Silent where the capture lost bytes of the connection or a FIN, and where the announcing side shows no sign of life " +
			"afterwards (its close may have been missed).",
		Cure:       "Close the connection when the last response has been sent (half-close first, then read until the client's FIN), or do not announce it.",
		References: []string{"HTTP-DG §4.5.1", "RFC 9112 §9.6"},
	},
	Listen: func(p *Pass) analyze.Listener {
		closes := p.announcedCloses()
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			if a := closes.by[c.ID].last; a.exchange != 0 {
				if i, ok := a.kept(c); ok {
					p.Report(i)
				}
			}
		}}
	},
}

// closed returns when c was closed, or the end of the capture where it is open. A server that
// said that it closes is to do so where the client was first, too (RFC 9112 §9.6). ok is false
// where nothing shows that the announcing side was there.
func (a announcement) closed(c *analyze.Connection) (end capture.Mark, open, ok bool) {
	end, open, ok = endOf(c)
	_, by, _ := c.Ended()
	if !ok || open || by == a.side {
		return end, open, ok
	}
	fin := c.FIN(a.side)
	rst, reset := c.RST()
	switch {
	case a.side == c.ClientSide(), end.Sub(a.end) >= closeHonouredWithin:
		return end, false, !fin.IsZero()
	case !fin.IsZero():
		return fin, false, true
	case !rst.IsZero():
		return rst, false, reset == a.side
	}
	acknowledged, _ := c.Acknowledged(by)
	return capture.Mark{Time: c.WatchedUntil(), Frame: c.Last().Frame}, true, acknowledged > c.Bytes(c.Direction(by)) // a FIN counts as one
}

// kept judges how long c stayed open.
func (a announcement) kept(c *analyze.Connection) (Instance, bool) {
	end, open, ok := a.closed(c)
	kept := end.Sub(a.end)
	if !ok || !c.Intact() || kept < closeHonouredWithin {
		return Instance{}, false
	}
	who := "server"
	if a.side == c.ClientSide() {
		who = "client"
	}
	i := Instance{
		Connection: c,
		ExchangeID: a.exchange,
		Severity:   Warning,
		Detail:     fmt.Sprintf("The %s announced \"Connection: close\" and kept the connection open for another %s after the exchange.", who, ms(kept)),
		Evidence:   []Evidence{{a.said, "Connection: close"}, {a.end, "end of the exchange"}, {end, "the connection is closed"}},
	}
	if open {
		i.Severity, i.Confidence = Info, Likely
		i.Detail = fmt.Sprintf("The %s announced \"Connection: close\", and the capture ends %s after the exchange without a close.", who, ms(kept))
		i.Evidence = i.Evidence[:2]
	}
	return i, true
}
