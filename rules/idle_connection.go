package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

const (
	idleMin = 60 * time.Second // RULES; servers wait for 5 to 75 s
	// unusedWaiting bounds the unused connections of a pair that is not known to
	// speak HTTP.
	unusedWaiting = 32
)

var idleConnection = &Rule{
	ID:         "idle-connection",
	Title:      "a connection was open without being used",
	Group:      Reuse,
	Severities: []Severity{Info},
	Doc: Doc{
		What: "An open connection holds a port, a socket and memory at both ends. One that was opened in advance and never used has cost a " +
			"handshake besides; one that has been idle for long is often dropped by firewalls without a word.",
		Measured: "Either no byte was sent by the client on a connection to a server that it speaks HTTP with elsewhere, and it was closed, or open for >= 60 s; " +
			"or >= 60 s went by between the end of its last response and its close, or the end of the capture (of several, the one that has the connection). Cost = 0.",
		CapturePoint: "Thresholds of seconds: the round trip does not matter.",
		Limits:       "Silent for connections that were open before the capture began and carried nothing in it, for tunnels, and where bytes are missing from the capture. Keep-alive probes are no use.",
		Cure:         "Open connections when they are needed, and let client or server close those that have been idle for some seconds.",
		References:   []string{"HTTP-DG §4.5", "RFC 9112 §9.5"},
	},
	Signs: firstOfAll,
	Listen: func(p *Pass) analyze.Listener {
		pairs := pairTable[unused]{pass: p}
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				if x.Connection.FirstExchange != x.ID {
					return
				}
				u := pairs.of(x.Connection)
				u.http = true
				for _, i := range u.waiting {
					p.Report(i)
					i.release()
				}
				u.waiting = nil
			},
			Closed: func(c *analyze.Connection) {
				end, open, ok := endOf(c)
				if !ok || !c.Intact() {
					return
				}
				if i, ok := idleBehind(c, end, open); ok {
					p.Report(i)
				}
				i, ok := neverUsed(c, end, open)
				if !ok {
					return
				}
				switch u := pairs.of(c); {
				case u.http:
					p.Report(i)
				case len(u.waiting) < unusedWaiting:
					i.keep()
					u.waiting = append(u.waiting, i)
				}
			},
		}
	},
}

// unused are the connections of a pair that carried nothing.
type unused struct {
	http    bool // the pair has spoken HTTP
	waiting []Instance
}

// endOf returns when c was closed, or the end of the capture where it is open.
// ok is false where that is not known.
func endOf(c *analyze.Connection) (end capture.Mark, open, ok bool) {
	if at, _, ended := c.Ended(); ended {
		return at, false, true
	}
	open = c.Close() == reassembly.StillOpen && c.FIN(0).IsZero() && c.FIN(1).IsZero()
	return capture.Mark{Time: c.WatchedUntil(), Frame: c.Last().Frame}, open, open
}

// idleBehind judges the time behind the last exchange.
func idleBehind(c *analyze.Connection, end capture.Mark, open bool) (Instance, bool) {
	if c.LastAnswered.IsZero() || c.Unanswered {
		return Instance{}, false
	}
	idle := end.Sub(c.LastAnswered)
	if idle < idleMin {
		return Instance{}, false
	}
	i := Instance{
		Connection: c,
		Detail:     fmt.Sprintf("The connection was idle for %s after its last exchange, until it was closed.", ms(idle)),
		Evidence:   []Evidence{{c.LastAnswered, "end of the last response"}, {end, "the connection is closed"}},
	}
	if open {
		i.Detail = fmt.Sprintf("The connection has been idle for %s when the capture ends.", ms(idle))
		i.Evidence = i.Evidence[:1]
	}
	return i, true
}

// neverUsed judges a connection on which the client sent nothing.
func neverUsed(c *analyze.Connection, end capture.Mark, open bool) (Instance, bool) {
	if c.MidStream() || !c.Synchronised() || c.Established().IsZero() || c.Bytes(reassembly.ToServer) > 0 {
		return Instance{}, false
	}
	idle := end.Sub(c.Established())
	if open && idle < idleMin {
		return Instance{}, false
	}
	i := Instance{
		Connection: c,
		Detail:     fmt.Sprintf("The connection was opened, and closed after %s without a request.", ms(idle)),
		Advice:     "Open connections in advance only where the request that follows is certain.",
		Evidence:   []Evidence{{c.Established(), "the connection is open"}, {end, "it is closed"}},
	}
	if open {
		i.Detail = fmt.Sprintf("The connection has been open for %s without a request when the capture ends.", ms(idle))
		i.Evidence = i.Evidence[:1]
	}
	return i, true
}
