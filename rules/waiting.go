package rules

import (
	"fmt"

	"wirelag/analyze"
)

// sent names what a transfer carried, and from whom to whom.
type sent struct{ message, sender, receiver string }

var (
	requestSent  = sent{"request", "client", "server"}
	responseSent = sent{"response", "server", "client"}
)

// eachTransfer calls f with the transfers of every exchange.
func eachTransfer(f func(x *analyze.Exchange, t *analyze.Transfer, d sent)) analyze.Listener {
	return analyze.Listener{Exchange: func(x *analyze.Exchange) {
		if x.Sending != nil && x.Request != nil {
			f(x, x.Sending, requestSent)
		}
		if x.Answering != nil && x.Response != nil {
			f(x, x.Answering, responseSent)
		}
	}}
}

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
