package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
)

// sent names what a transfer carried, and from whom to whom.
type sent struct{ message, sender, receiver string }

var (
	requestSent  = sent{"request", "client", "server"}
	responseSent = sent{"response", "server", "client"}
)

// eachTransfer calls f with the transfers of every exchange of which the capture
// lost nothing: what is missing may be what explains a wait.
func eachTransfer(f func(x *analyze.Exchange, t *analyze.Transfer, d sent)) analyze.Listener {
	return analyze.Listener{Exchange: func(x *analyze.Exchange) {
		if x.Disturbed {
			return
		}
		if x.Sending != nil && x.Request != nil {
			f(x, x.Sending, requestSent)
		}
		if x.Answering != nil && x.Response != nil {
			f(x, x.Answering, responseSent)
		}
	}}
}

// roundTripKnown reports whether the handshake of a connection is in the capture:
// without it, a round trip is the least time that an acknowledgement took, which
// may have been delayed itself.
func roundTripKnown(c *analyze.Connection) bool {
	return !c.SYNACK().IsZero() && !c.Established().IsZero()
}

// confidence is how sure a finding is that needs the round trip, with what there
// is to say about it.
func confidence(c *analyze.Connection) (Confidence, string) {
	if roundTripKnown(c) {
		return Certain, ""
	}
	return Likely, " The handshake is not in the capture: the round trip was inferred from later acknowledgements."
}

// delayConfidence is how sure a finding is that an acknowledgement was delayed.
func delayConfidence(c *analyze.Connection, t *analyze.Transfer) (Confidence, string) {
	sure, remark := confidence(c)
	if sure == Certain && !t.Prompt {
		return Likely, " No acknowledgement came faster except in the handshake: the path may have become slower instead."
	}
	return sure, remark
}

// mostStep is the largest step of a coarse clock by which waits are told at all: what a sender
// needs to go on is no more than a few of them.
const mostStep = 1100 * time.Microsecond

// reportReleased reports what rests on a segment having left as soon as an acknowledgement
// came: by a coarse clock, it may have left a while before or behind.
func reportReleased(p *Pass, i Instance) {
	switch step := p.ledger.step; {
	case step > mostStep:
		return
	case step > 0:
		i.Confidence = Likely
		i.Detail += fmt.Sprintf(" The capture's clock goes on by %s at least: something else may have come at that time.", ms(step))
	}
	p.Report(i)
}

const coarseClock = " Where the capture's clock goes on by 0.5 to 1.1 ms at least."

const withoutPrompt = " And where no acknowledgement came less than 20 ms after the round trip, away from the receiver: the path may have become slower."

// leftBefore is a limit of all rules about what an acknowledgement released.
const leftBefore = "when the segment echoes an older timestamp than the acknowledgement has, from a sender that echoes those (it left before that had come, RFC 7323 §4.3), "

const withoutHandshake = "Where the handshake is not in the capture: the round trip is then the least time that an acknowledgement took."

// pauseEvidence shows a pause by what was sent before, what released it and
// what was sent then.
func pauseEvidence(p *analyze.Pause, before, ack, after string) []Evidence {
	first := p.Before
	if !p.Held.IsZero() {
		first = p.Held
	}
	return []Evidence{{first, before}, {p.ACK, ack}, {p.After, after}}
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}
