package rules

import (
	"fmt"
	"slices"
	"time"

	"wirelag/analyze"
)

var portReuseInTimeWait = &Rule{
	ID:         "port-reuse-in-time-wait",
	Title:      "a port was used again while its last connection was in TIME_WAIT",
	Group:      Ports,
	Severities: []Severity{Info, Warning},
	Per:        PerPair,
	Doc: Doc{
		What: "The side that closes first keeps the connection's addresses and ports in TIME_WAIT for twice the maximum segment " +
			"lifetime, so that late segments cannot enter a new connection. A SYN for the same ports meanwhile is accepted at once when its " +
			"sequence number or timestamp proves it new; otherwise the server answers with an acknowledgement of the old " +
			"connection, and the client has to reset that and try again.",
		Measured: "A SYN on a 4-tuple whose connection before was closed by FINs less than two-msl earlier. " +
			"Info when it was answered with SYN/ACK at once; warning when it was answered by something else or had to be sent again: " +
			"cost = from the first SYN to the one that was answered, of all connections of the client -> server pair.",
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
				Harmless:   true,
				Sums:       [3]time.Duration{since},
				Evidence:   []Evidence{{former, "end of the connection before"}, {c.SYN(), "SYN on the same ports"}, {c.SYNACK(), "SYN/ACK"}},
			}
			if c.AnsweredSYN() != c.SYN() {
				i.Severity, i.Harmless = Warning, false
				i.Cost = c.AnsweredSYN().Sub(c.SYN())
				i.Sums[refusedSYNs] = 1
			}
			if !c.Challenge().IsZero() {
				i.Evidence = slices.Insert(i.Evidence, 2, Evidence{c.Challenge(), "the old connection's acknowledgement in answer"})
			}
			p.Report(i)
		}}
	},
	Conclude: func(f *Finding) {
		since, refused := f.Sums[0]/time.Duration(f.Count), int(f.Sums[refusedSYNs])
		again := fmt.Sprintf("Client port %d was used again %s after its last connection to the server had closed", f.Connection.Client().Port(), ms(since))
		if f.Count > 1 {
			again = fmt.Sprintf("Ports of the client were used again %d times, %s on average after their last connection to the server had closed", f.Count, ms(since))
		}
		switch {
		case refused == 0:
			f.Detail = again + ", and accepted at once."
		case refused == f.Count:
			f.Detail = fmt.Sprintf("%s: the SYN was not accepted, and %s went by until one was.", again, ms(f.Cost))
		default:
			f.Detail = fmt.Sprintf("%s: the server did not accept %d of the SYNs, and %s went by until it accepted one.", again, refused, ms(f.Cost))
		}
	},
}

// refusedSYNs is the place among the sums of how many SYNs were not accepted.
const refusedSYNs = 1
