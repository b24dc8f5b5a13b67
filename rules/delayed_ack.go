package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
)

var delayedACK = &Rule{
	ID:         "delayed-ack",
	Title:      "a delayed acknowledgement stopped the sender",
	Group:      Waiting,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "The sender had more of the message to send, but its congestion window, the receiver's window or its send buffer was used up. " +
			"The receiver delayed the acknowledgement that would have let it go on.",
		Measured: "Inside one message, the next segment leaves within max(2 ms, 10 % RTT) of an acknowledgement whose " +
			"ACK delay = (newest segment it covers seen -> acknowledgement seen) - round trip to the receiver >= 20 ms, and the segment was " +
			"not held by Nagle's algorithm. The acknowledgement covers all that was sent, and less than two full segments more than the one before it. " +
			"Cost = the ACK delays of the message.",
		CapturePoint: "Round trips between capture point and either end are taken off; the delay is the same at any point.",
		Likely:       withoutHandshake + withoutPrompt + coarseClock,
		Limits: "Silent " + leftBefore + "where nothing waited behind the acknowledgement, where the window was the limit, without a round trip sample or the request in the capture, where the acknowledgement came with data, more than 600 ms late or, " +
			"by the receiver's timestamps, was longer under way than earlier ones, by a clock that goes on by more than 1.1 ms at least, and where a " +
			"segment that was not full was the last before the stop, unless that happened twice in the message, and not as a timer of the application would have it: the sender may have had nothing more.",
		Cure: "Give the sender room: a larger initial congestion window (RFC 6928), larger send and receive buffers; " +
			"TCP_QUICKACK at the receiver helps on Linux.",
		References: []string{"HTTP-DG §4.2.4", "RFC 9293 §3.8.6.3", "RFC 6928"},
	},
	Signs: stoodStill,
	Listen: func(p *Pass) analyze.Listener {
		return eachTransfer(func(x *analyze.Exchange, t *analyze.Transfer, d sent) {
			cost, worst, stops := time.Duration(0), (*analyze.Pause)(nil), 0
			for i := range t.Pauses {
				pause := &t.Pauses[i]
				if pause.Cause != analyze.ByACK || pause.DelayedTime() == 0 {
					continue
				}
				stops += 1 + pause.More.Count
				cost += pause.DelayedTotal()
				if worst == nil || pause.DelayedTime() > worst.DelayedTime() {
					worst = pause
				}
			}
			if worst == nil || x.Request == nil {
				return
			}
			sure, remark := delayConfidence(x.Connection, t)
			reportReleased(p, Instance{
				Connection: x.Connection, Exchange: x, Severity: Warning, Confidence: sure, Cost: cost,
				Detail: fmt.Sprintf("The %s had more of the %s to send and stood still %s until the %s acknowledged what it had, up to %s late.",
					d.sender, d.message, times(stops), d.receiver, ms(worst.ACKDelay)) + remark,
				Evidence: pauseEvidence(worst, "the last segment before the stop", "its acknowledgement, delayed", "the next segment, released by it"),
			})
		})
	},
}
