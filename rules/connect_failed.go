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

// givenUpMin is how many SYNs of a client to a server must have gone unanswered where it
// gave each up before the first repeat: one may have had its answer.
const givenUpMin = 3

var connectFailed = &Rule{
	ID:         "connect-failed",
	Title:      "a connection could not be opened",
	Group:      Opening,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "The server's host answered the SYN with a reset (nothing listens on the port), or nobody answered it at all " +
			"(host down, packets dropped on the way, a firewall that drops).",
		Measured: "Refused: an RST that acknowledges the SYN. Unreachable: a SYN that was repeated, and no segment of the server within 3 s of the first; " +
			"or 3 SYNs of a client to a server and none behind them answered, each given up before it was repeated. " +
			"Cost = from the first SYN to the last RST, or to the last packet of the attempt.",
		CapturePoint: "The refusal reaches the client half a round trip (capture point to client) after it is seen; the cost includes it. " +
			"At the server, SYNs lost before it are not seen and nothing is told of them.",
		Likely: "\"Nobody answered\" is likely, not certain: the capture may have been taken where the answers do not pass. " +
			"So is a refusal where no round trip to the client was seen: when it got there is not known then.",
		Limits:     "Silent when the capture (of several, the one that has the connection) ends sooner than 3 s after the first SYN, and for unanswered SYNs in captures of one direction only (for those given up, without any answer of a server), or while the capturing system lost packets.",
		Cure:       "Refused: check that the server runs, and the address and port the client uses. Unanswered: check routes, firewalls and security groups, and give the client a connect timeout shorter than its users' patience.",
		References: []string{"HTTP-DG §4.2.1", "RFC 9293 §3.5.2"},
	},
	Listen: func(p *Pass) analyze.Listener {
		w := &connects{pass: p, pairs: pairTable[givenUp]{pass: p}}
		return analyze.Listener{Closed: w.closed, Finish: func() {
			if w.answers && !w.oneSided {
				w.pairs.each(w.judge)
			}
		}}
	},
}

// connects follows the attempts to connect.
type connects struct {
	pass     *Pass
	oneSided bool // answers do not pass the capture point
	answers  bool // some do
	pairs    pairTable[givenUp]
}

// givenUp are the SYNs of a pair behind its last answer that were not answered either, and
// not sent again.
type givenUp struct {
	count       int
	first, last capture.Mark
	connection  *analyze.Connection // of the first
	answered    capture.Mark        // the last SYN that was answered
}

func (w *connects) closed(c *analyze.Connection) {
	w.oneSided = w.oneSided || c.OneSided() || acknowledgesUnseen(c)
	switch rst, side := c.RST(); {
	case c.SYN().IsZero() || !c.Challenge().IsZero():
	case c.Synchronised():
		w.answers = true
		w.pairs.of(c).answer(c)
	case !rst.IsZero() && side != c.ClientSide():
		w.answers = true
		if c.Closing == nil || !c.Closing.Reset.Unseen { // else it answers more than the SYN
			w.pass.Report(refused(c, rst))
		}
	case !c.SYNACK().IsZero() || c.Packets() != uint64(c.SYNRepeats())+1 || w.oneSided || !c.Intact() || c.WatchedUntil().Sub(c.SYN().Time) < unansweredMin:
	case c.SYNRepeats() > 0: // a client that waits repeats its SYN
		w.pass.Report(unanswered(c))
	default:
		w.pairs.of(c).add(c)
	}
}

// answer notes that the SYN of c was answered: those before it do not count.
func (s *givenUp) answer(c *analyze.Connection) {
	if c.SYN().Time > s.answered.Time {
		s.answered = c.SYN()
	}
	if s.count > 0 && s.first.Time < s.answered.Time {
		s.connection.Release()
		*s = givenUp{answered: s.answered}
	}
}

func (s *givenUp) add(c *analyze.Connection) {
	if c.SYN().Time < s.answered.Time {
		return
	}
	if s.count == 0 {
		s.first, s.connection = c.SYN(), c.Keep()
	}
	s.count++
	s.last = c.SYN()
}

func (w *connects) judge(s *givenUp) {
	if s.count < givenUpMin {
		return
	}
	w.pass.Report(Instance{
		Connection: s.connection,
		OfPair:     true,
		Severity:   Error,
		Confidence: Likely,
		Detail:     fmt.Sprintf("%s answered none of %d SYNs within %s; the client gave each up before it sent it again.", s.connection.Server(), s.count, ms(s.last.Sub(s.first))),
		Evidence:   []Evidence{{s.first, "the first of the SYNs"}, {s.last, "the last of them"}},
	})
}

// acknowledgesUnseen reports whether the client went on from a SYN whose answer
// is not in the capture.
func acknowledgesUnseen(c *analyze.Connection) bool {
	rst, _ := c.RST()
	return !c.Synchronised() && c.SYNACK().IsZero() && rst.IsZero() && c.Challenge().IsZero() && c.Packets() > uint64(c.SYNRepeats())+1
}

func refused(c *analyze.Connection, rst capture.Mark) Instance {
	toClient, known := c.RTTClient()
	i := Instance{
		Connection: c,
		Severity:   Error,
		Cost:       rst.Sub(c.SYN()) + toClient,
		Evidence:   []Evidence{{c.SYN(), "SYN"}, {rst, "RST in answer to it"}},
	}
	if n := c.SYNRepeats(); n > 0 && c.Packets() == 2*uint64(n+1) { // one for each
		i.Cost = c.Last().Sub(c.SYN()) + toClient
		i.Evidence = append(i.Evidence, Evidence{c.Last(), "the last RST"})
		i.Detail = fmt.Sprintf("%s refused the connection with an RST each time (%s over %s).", c.Server(), tries(c), ms(i.Cost))
	} else {
		i.Detail = fmt.Sprintf("%s refused the connection with an RST %s after the SYN (%s).", c.Server(), ms(i.Cost), tries(c))
	}
	if !known {
		i.Confidence = Likely
		i.Detail += " How much later the client had it does not show at the capture point."
	}
	return i
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
