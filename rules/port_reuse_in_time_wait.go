package rules

import (
	"fmt"
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
			"Info when it was answered with SYN/ACK at once; warning when it was answered by something else, or had to be sent again where the server had closed first: " +
			"cost = from the first SYN to the one that was answered, or to the last packet where none was, of all connections of the client -> server pair.",
		CapturePoint: "The time between two SYNs of the client is the same everywhere on the path.",
		Likely:       "A SYN that got no answer at all may have been lost, rather than dropped.",
		Limits: "Silent when the connection before is not in the capture, or was reset (a reset leaves no TIME_WAIT), where the SYN/ACK is missing from the capture, and for a SYN that was sent again without an answer " +
			"where the client had closed first: the server kept no TIME_WAIT (syn-retransmission tells that).",
		Cure:       "Keep connections open so that ports are not used up; widen the client's ephemeral port range; let the client close first (RFC 9293 §3.6.1).",
		References: []string{"HTTP-DG §4.2.7", "RFC 9293 §3.6.1", "RFC 5961 §4.2", "RFC 6191"},
	},
	Options: []Option{{"two-msl", Milliseconds, 60_000, "how long TIME_WAIT lasts (twice the maximum segment lifetime)"}},
	Listen: func(p *Pass) analyze.Listener {
		twoMSL := p.Duration("two-msl")
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			former, first, ok := c.Former()
			if !ok || c.SYN().IsZero() {
				return
			}
			since := c.SYN().Sub(former)
			if since < 0 || since >= twoMSL {
				return
			}
			i := Instance{
				Connection: c,
				Severity:   Warning,
				Sums:       [8]time.Duration{since},
				Evidence:   []Evidence{{former, "end of the connection before"}, {c.SYN(), "SYN on the same ports"}},
			}
			accepted, challenged := !c.SYNACK().IsZero() && !c.AnsweredSYN().IsZero(), !c.Challenge().IsZero()
			if challenged {
				i.Evidence = append(i.Evidence, Evidence{c.Challenge(), "the old connection's acknowledgement in answer"})
			}
			switch {
			case !accepted && challenged && !c.Synchronised():
				i.Cost = c.Last().Sub(c.SYN())
				i.Sums[refusedSYNs], i.Sums[refusedForGood] = 1, 1
				i.Evidence = append(i.Evidence, Evidence{c.Last(), "the last packet of the attempt"})
			case !accepted:
				return
			case c.AnsweredSYN() == c.SYN():
				i.Severity, i.Harmless = Info, true
			case !challenged && first == c.ClientSide():
				return
			default:
				i.Cost = c.AnsweredSYN().Sub(c.SYN())
				i.Sums[refusedSYNs] = 1
				if !challenged {
					i.Confidence = Likely
				}
			}
			if accepted {
				i.Evidence = append(i.Evidence, Evidence{c.SYNACK(), "SYN/ACK"})
			}
			p.Report(i)
		}}
	},
	Conclude: func(f *Finding) {
		since, refused, never := f.Sums[0]/time.Duration(f.Count), int(f.Sums[refusedSYNs]), int(f.Sums[refusedForGood])
		again := fmt.Sprintf("Client port %d was used again %s after its last connection to the server had closed", f.Connection.Client().Port(), ms(since))
		if f.Count > 1 {
			again = fmt.Sprintf("Ports of the client were used again %d times, %s on average after their last connection to the server had closed", f.Count, ms(since))
		}
		switch {
		case refused == 0:
			f.Detail = again + ", and accepted at once."
		case f.Count == 1 && never == 1:
			f.Detail = fmt.Sprintf("%s: the SYN was not accepted, nor another one within %s.", again, ms(f.Cost))
		case refused == f.Count && never == 0:
			f.Detail = fmt.Sprintf("%s: the SYN was not accepted, and %s went by until one was.", again, ms(f.Cost))
		case never == 0:
			f.Detail = fmt.Sprintf("%s: the server did not accept %d of the SYNs, and %s went by until it accepted one.", again, refused, ms(f.Cost))
		default:
			f.Detail = fmt.Sprintf("%s: the server did not accept %d of the SYNs at first, and %d never; %s went by.", again, refused, never, ms(f.Cost))
		}
	},
}

// The places among the sums of how many SYNs were not accepted, and how many of these
// never.
const (
	refusedSYNs    = 1
	refusedForGood = 2
)
