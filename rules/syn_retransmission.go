package rules

import (
	"fmt"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// leastSYNTimer is the least time after which systems repeat a SYN unasked: they
// start from a second (RFC 6298 §2), but may know the path better.
const leastSYNTimer = 200 * time.Millisecond

var synRetransmission = &Rule{
	ID:         "syn-retransmission",
	Title:      "a SYN or SYN/ACK was lost and sent again",
	Group:      Opening,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "The first packets of a connection have no acknowledgements behind them that would show a loss: the client waits " +
			"for a timer (one second, then two, then four) before it sends the SYN again.",
		Measured: "The client sent its SYN (same initial sequence number) more than once before the SYN/ACK that it then " +
			"acknowledged, or the server that SYN/ACK. Cost = from the first SYN to the last one before the SYN/ACK, and from the first SYN/ACK in answer to that to the " +
			"one that was acknowledged.",
		CapturePoint: "The time between two SYNs of the client, or SYN/ACKs of the server, is the same everywhere on the path. " +
			"A SYN or SYN/ACK that was lost before the capture point leaves no trace there: silent.",
		Likely:     "Without timestamps, which SYN/ACK the client acknowledged is inferred from its round trip.",
		Limits:     "Silent when the SYN or SYN/ACK came again sooner than any timer (200 ms): something asked for it that is not in the capture. Silent where a SYN was refused before another one was accepted (none was lost), when the connection never came about (connect-failed tells that) or its first SYN is not in the capture.",
		Cure:       "Look for loss or a full accept queue at the server (listen overflows), and for firewalls that drop SYNs; nothing in HTTP can hide it but a connection that is already open.",
		References: []string{"HTTP-DG §4.2.3", "RFC 9293 §3.8.1", "RFC 6298 §5", "RFC 7323 §4.1"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			if c.SYN().IsZero() || c.AnsweredSYN().IsZero() || !c.Synchronised() || c.RefusedAtFirst() {
				return
			}
			lostSYN := max(c.AnsweredSYN().Sub(c.SYN()), 0)
			first, lostAnswer, confidence := lostSYNACK(c)
			if max(lostSYN, lostAnswer) >= leastSYNTimer {
				p.Report(repeatedOpening(c, lostSYN, first, lostAnswer, confidence))
			}
		}}
	},
}

// repeatedOpening tells of what was sent again on c: its SYN, its first SYN/ACK or both.
func repeatedOpening(c *analyze.Connection, lostSYN time.Duration, first capture.Mark, lostAnswer time.Duration, confidence Confidence) Instance {
	i := Instance{Connection: c, Severity: Warning, Evidence: []Evidence{{c.SYN(), "first SYN"}}}
	var details []string
	if lostSYN >= leastSYNTimer {
		i.Cost = lostSYN
		details = append(details, fmt.Sprintf("The client's SYN had to be sent again: %s went by until the one that was answered.", ms(lostSYN)))
		i.Evidence = append(i.Evidence, Evidence{c.AnsweredSYN(), "the SYN sent again that was answered"})
	}
	if lostAnswer >= leastSYNTimer {
		i.Cost += lostAnswer
		i.Confidence = confidence
		details = append(details, fmt.Sprintf("The server's SYN/ACK had to be sent again: %s went by until the one that the client acknowledged.", ms(lostAnswer)))
		i.Evidence = append(i.Evidence, Evidence{first, "first SYN/ACK"})
	}
	i.Detail = strings.Join(details, " ")
	i.Evidence = append(i.Evidence, Evidence{c.SYNACK(), "SYN/ACK"})
	return i
}

// lostSYNACK is the first SYN/ACK where the client acknowledged a repeat of it, and how
// much later that was sent; 0 where it did not.
func lostSYNACK(c *analyze.Connection) (first capture.Mark, lost time.Duration, confidence Confidence) {
	first, certain := c.FirstSYNACK()
	if first == c.SYNACK() {
		return first, 0, Certain
	}
	if lost = c.SYNACK().Sub(first); certain {
		return first, lost, Certain
	}
	toClient, known := c.RTTClient()
	if !known || c.Established().IsZero() || c.Established().Sub(c.SYNACK()) < toClient-max(toClient/10, time.Millisecond) {
		lost = 0 // it answers the first, which was only late
	}
	return first, lost, Likely
}
