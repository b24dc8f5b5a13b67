package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
)

var retransmissionStall = &Rule{
	ID:         "retransmission-stall",
	Title:      "a lost segment held a message back",
	Group:      Waiting,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "A segment was lost on the way and sent again. Whatever came behind it waited in the receiver's kernel: TCP hands bytes on in order.",
		Measured: "A segment of the message was sent again that had not arrived: by the sender's timer, by duplicate or selective " +
			"acknowledgements, or by a tail loss probe. Cost = how long the stream stood still: from the lost copy (or, where only its hole is " +
			"seen, from what came behind it) to the repeat that got through, or to the end of the message that never did; overlapping stalls count once.",
		CapturePoint: "Behind the loss the hole is seen; before it the lost copy, and the acknowledgements of what came before the hole, of the hole and of its end. Both give the same time. " +
			"Where neither is in the capture (the last segment lost before the capture point) it is silent. Next to the receiver, a copy that was seen had arrived: its host did not take it.",
		Likely: "Where three repeats or more got no acknowledgement at all (one that tells of less, long after the first copy, makes it certain); where a hole was filled, but neither timestamps, DSACK nor the time of the acknowledgement tell whether the first copy had arrived; and where " +
			"that time is all that tells it of a copy that was seen: its acknowledgement may have been lost instead.",
		Limits:     "Silent where nothing tells that of a copy that was seen, and for spurious repeats: the first copy had arrived (DSACK, or acknowledged sooner than a round trip after the repeat).",
		Cure:       "Look for loss on the path (rate limits, full queues, bad links); for the end of messages, keep tail loss probes (RACK-TLP) on.",
		References: []string{"RFC 6298", "RFC 5681 §3.2", "RFC 8985", "RFC 2883"},
	},
	Signs: sentAgain,
	Listen: func(p *Pass) analyze.Listener {
		return eachTransfer(func(x *analyze.Exchange, t *analyze.Transfer, d sent) {
			cost, losses := t.Stalled()
			if len(losses) == 0 {
				return
			}
			worst := losses[0]
			for _, l := range losses {
				if l.Stall > worst.Stall {
					worst = l
				}
			}
			confidence, remark := Certain, ""
			if !worst.Decided {
				confidence, remark = Likely, " That the first copy had not arrived is inferred from the times alone."
			}
			i := Instance{Connection: x.Connection, Exchange: x, Severity: Warning, Confidence: confidence, Cost: cost, Evidence: []Evidence{{worst.Repeat, "sent again"}}}
			fate := "lost"
			switch {
			case worst.Original.IsZero():
			case atReceiver(x.Connection, d.receiver):
				fate = "not taken by the " + d.receiver + "'s host, where the capture has the first copy,"
				i.Advice = "Look at the " + d.receiver + "'s host, not at the path: a full accept queue (listen overflows), a firewall of its own, bad checksums."
				i.Evidence = []Evidence{{worst.Original, "the copy that was not taken"}, {worst.Repeat, "sent again"}}
			default:
				i.Evidence = []Evidence{{worst.Original, "the copy that was lost"}, {worst.Repeat, "sent again"}}
			}
			i.Detail = fmt.Sprintf("%s %s and sent again %s; the %s could not read on for %s.",
				count(len(losses), "segment of the "+d.message+" was", "segments of the "+d.message+" were"), fate, lossKinds[worst.Kind], d.receiver, ms(cost)) + remark
			p.Report(i)
		})
	},
}

// atReceiver reports whether the capture was taken on the receiver's host, or next to it.
func atReceiver(c *analyze.Connection, receiver string) bool {
	const here, away = 200 * time.Microsecond, time.Millisecond
	near, ok1 := c.RTTServer()
	far, ok2 := c.RTTClient()
	if receiver == "client" {
		near, far = far, near
	}
	return ok1 && ok2 && near <= here && far >= away
}

var lossKinds = map[analyze.LossKind]string{
	analyze.ByTimeout:  "by the retransmission timer",
	analyze.ByFastACKs: "after duplicate acknowledgements",
	analyze.ByProbe:    "by a tail loss probe",
}
