package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
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
			"acknowledged. Cost = from the first SYN to the last one before that SYN/ACK.",
		CapturePoint: "The time between two SYNs of the client is the same everywhere on the path. " +
			"A SYN that was lost before the capture point leaves no trace there: silent.",
		Limits:     "Silent when the SYN came again sooner than any timer (200 ms): something asked for it that is not in the capture. Silent when the connection never came about (connect-failed tells that) or its first SYN is not in the capture.",
		Cure:       "Look for loss or a full accept queue at the server (listen overflows), and for firewalls that drop SYNs; nothing in HTTP can hide it but a connection that is already open.",
		References: []string{"HTTP-DG §4.2.3", "RFC 9293 §3.8.1", "RFC 6298 §5"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			first, answered := c.SYN(), c.AnsweredSYN()
			if first.IsZero() || answered.IsZero() || !c.Synchronised() || answered.Time <= first.Time {
				return
			}
			cost := answered.Sub(first)
			if cost < leastSYNTimer {
				return
			}
			p.Report(Instance{
				Connection: c,
				Severity:   Warning,
				Cost:       cost,
				Detail: fmt.Sprintf("The client's SYN had to be sent again: %s went by until the one that was answered.",
					ms(cost)),
				Evidence: []Evidence{
					{first, "first SYN"},
					{answered, "the SYN sent again that was answered"},
					{c.SYNACK(), "SYN/ACK"},
				},
			})
		}}
	},
}
