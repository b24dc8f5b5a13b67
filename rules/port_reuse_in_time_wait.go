package rules

import (
	"fmt"

	"wirelag/analyze"
)

var portReuseInTimeWait = &Rule{
	ID:         "port-reuse-in-time-wait",
	Title:      "a port was used again while its last connection was in TIME_WAIT",
	Group:      Ports,
	Severities: []Severity{Info, Warning},
	Doc: Doc{
		What: "The side that closes first keeps the connection's addresses and ports in TIME_WAIT for twice the maximum segment " +
			"lifetime, so that late segments cannot enter a new connection. A SYN for the same ports meanwhile is accepted at once when its " +
			"sequence number or timestamp proves it new; otherwise the server answers with an acknowledgement of the old " +
			"connection, and the client has to reset that and try again.",
		Measured: "A SYN on a 4-tuple whose connection before was closed by FINs less than two-msl earlier. " +
			"Info when it was answered with SYN/ACK at once; warning when it was answered by something else or had to be sent again: " +
			"cost = from the first SYN to the one that was answered.",
		CapturePoint: "The time between two SYNs of the client is the same everywhere on the path.",
		Limits:       "Silent when the connection before is not in the capture, or was reset (a reset leaves no TIME_WAIT).",
		Cure:         "Keep connections open so that ports are not used up; widen the client's ephemeral port range; let the client's side close last.",
		References:   []string{"HTTP-DG §4.2.7", "RFC 9293 §3.6.1", "RFC 6191"},
	},
	Options: []Option{{"two-msl", Milliseconds, 60_000, "how long TIME_WAIT lasts (twice the maximum segment lifetime)"}},
	Listen: func(p *Pass) analyze.Listener {
		twoMSL := p.Duration("two-msl")
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			former, _, ok := c.Former()
			if !ok || c.SYN().IsZero() || c.SYNACK().IsZero() || c.AnsweredSYN().IsZero() {
				return
			}
			since := c.SYN().Sub(former)
			if since < 0 || since >= twoMSL {
				return
			}
			i := Instance{
				Connection: c,
				Severity:   Info,
				Detail:     fmt.Sprintf("Client port %d was used again %s after its last connection to the server had closed, and accepted at once.", c.Client().Port(), ms(since)),
				Evidence:   append(make([]Evidence, 0, 4), Evidence{former, "end of the connection before"}, Evidence{c.SYN(), "SYN on the same ports"}),
			}
			if c.AnsweredSYN() != c.SYN() {
				i.Severity = Warning
				i.Cost = c.AnsweredSYN().Sub(c.SYN())
				i.Detail = fmt.Sprintf("Client port %d was used again %s after its last connection to the server had closed: the SYN was not accepted, and %s went by until one was.",
					c.Client().Port(), ms(since), ms(i.Cost))
			}
			if !c.Challenge().IsZero() {
				i.Evidence = append(i.Evidence, Evidence{c.Challenge(), "the old connection's acknowledgement in answer"})
			}
			i.Evidence = append(i.Evidence, Evidence{c.SYNACK(), "SYN/ACK"})
			p.Report(i)
		}}
	},
}
