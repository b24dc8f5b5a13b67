package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// unansweredMin is how long a SYN must have gone unanswered: the client's first
// two repeats (after 1 s and 3 s, RFC 6298 §2) have then been lost too.
const unansweredMin = 3 * time.Second

var connectFailed = &Rule{
	ID:         "connect-failed",
	Title:      "a connection could not be opened",
	Group:      Opening,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "The server's host answered the SYN with a reset (nothing listens on the port), or nobody answered it at all " +
			"(host down, packets dropped on the way, a firewall that drops).",
		Measured: "Refused: an RST that acknowledges the SYN. Unreachable: a SYN that was repeated, and no segment of the server within 3 s of the first. " +
			"Cost = from the first SYN to the RST, or to the last packet of the attempt.",
		CapturePoint: "The refusal reaches the client half a round trip (capture point to client) after it is seen; the cost includes it. " +
			"At the server, SYNs lost before it are not seen and nothing is told of them.",
		Likely:     "\"Nobody answered\" is likely, not certain: the capture may have been taken where the answers do not pass.",
		Limits:     "Silent when the capture ends sooner than 3 s after the first SYN, and for unanswered SYNs in captures of one direction only, or while the capturing system lost packets.",
		Cure:       "Refused: check that the server runs, and the address and port the client uses. Unanswered: check routes, firewalls and security groups, and give the client a connect timeout shorter than its users' patience.",
		References: []string{"HTTP-DG §4.2.1", "RFC 9293 §3.5.2"},
	},
	Listen: func(p *Pass) analyze.Listener {
		oneSided := false
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			oneSided = oneSided || c.OneSided() || acknowledgesUnseen(c)
			if c.SYN().IsZero() || c.Synchronised() || !c.Challenge().IsZero() {
				return
			}
			if rst, side := c.RST(); !rst.IsZero() && side != c.ClientSide() {
				if c.Closing == nil || !c.Closing.Reset.Unseen { // else it answers more than the SYN
					p.Report(refused(c, rst))
				}
				return
			}
			// A client that waits repeats its SYN: one that did not may have had its answer.
			if c.SYNACK().IsZero() && c.SYNRepeats() > 0 && c.Packets() == uint64(c.SYNRepeats())+1 && !oneSided && c.Intact() && p.Now().Sub(c.SYN().Time) >= unansweredMin {
				p.Report(unanswered(c))
			}
		}}
	},
}

// acknowledgesUnseen reports whether the client went on from a SYN whose answer
// is not in the capture.
func acknowledgesUnseen(c *analyze.Connection) bool {
	rst, _ := c.RST()
	return !c.Synchronised() && c.SYNACK().IsZero() && rst.IsZero() && c.Challenge().IsZero() && c.Packets() > uint64(c.SYNRepeats())+1
}

func refused(c *analyze.Connection, rst capture.Mark) Instance {
	toClient, _ := c.RTTClient()
	cost := rst.Sub(c.SYN()) + toClient
	return Instance{
		Connection: c,
		Severity:   Error,
		Cost:       cost,
		Detail:     fmt.Sprintf("%s refused the connection with an RST %s after the SYN (%s).", c.Server(), ms(cost), tries(c)),
		Evidence:   []Evidence{{c.SYN(), "SYN"}, {rst, "RST in answer to it"}},
	}
}

func unanswered(c *analyze.Connection) Instance {
	cost := c.Last().Sub(c.SYN())
	return Instance{
		Connection: c,
		Severity:   Error,
		Confidence: Likely,
		Cost:       cost,
		Detail:     fmt.Sprintf("%s never answered the SYN (%s over %s).", c.Server(), tries(c), ms(cost)),
		Evidence:   []Evidence{{c.SYN(), "first SYN"}, {c.Last(), "the last one"}},
	}
}

func tries(c *analyze.Connection) string {
	if n := c.SYNRepeats() + 1; n > 1 {
		return fmt.Sprintf("%d tries", n)
	}
	return "1 try"
}
