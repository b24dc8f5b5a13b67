package reports

import (
	"cmp"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// phaseSpan is a phase of an exchange, or a part of it, by the client's clock.
type phaseSpan struct {
	class, name string
	from, to    capture.Time
}

// phasesOf are the phases of x as the client experienced them, in order.
func phasesOf(x *analyze.Exchange) (phases []phaseSpan) {
	t := &x.Timing
	add := func(class, name string, from capture.Time, d time.Duration) capture.Time {
		if d > 0 {
			phases = append(phases, phaseSpan{class, name, from, from.Add(d)})
		}
		return from.Add(max(d, 0))
	}
	toClient, _ := x.Connection.RTTClient()
	half := toClient / 2
	if x.Connection.Lookup != nil && t.DNS > 0 {
		add("dns", "DNS", x.Connection.Lookup.Start.Time.Add(-half), t.DNS)
	}
	if syn := x.Connection.SYN(); !syn.IsZero() && t.Connect > 0 {
		tls := max(t.SSL, 0)
		next := add("connect", "connect", syn.Time.Add(-half), t.Connect-tls)
		add("tls", "TLS", next, tls)
	}
	if x.Request == nil {
		if x.Response != nil {
			add("receive", "receive", x.Response.Start.Readable.Add(half), max(t.Receive, time.Nanosecond))
		}
		return phases
	}
	at := x.Request.First.Time.Add(-half)
	at = add("send", "send", at, max(t.Send, time.Nanosecond))
	switch {
	case x.Response == nil:
		until := cmp.Or(x.Connection.ClosedAt().Time, x.Connection.Last().Time)
		add("unanswered", "no answer", at, until.Sub(at))
	case t.Wait < 0:
		add("unknown", "wait", at, x.Response.Start.Readable.Add(half).Sub(at))
		add("receive", "receive", x.Response.Start.Readable.Add(half), t.Receive)
	default:
		at = add("blocked", "blocked", at, t.Blocked)
		at = add("wait", "wait", at, t.Wait)
		add("receive", "receive", at, t.Receive)
	}
	return phases
}

// heldUp are the times within x in which TCP held its messages up, by the client's clock.
func heldUp(x *analyze.Exchange) []phaseSpan {
	toClient, _ := x.Connection.RTTClient()
	return append(stallsOf(x.Sending, -toClient/2), stallsOf(x.Answering, toClient/2)...)
}

// stallsOf are the times in which TCP held a message up, by the capture's clock
// and so much later.
func stallsOf(t *analyze.Transfer, later time.Duration) (stalls []phaseSpan) {
	if t == nil {
		return nil
	}
	add := func(name string, from, to capture.Time) {
		stalls = append(stalls, phaseSpan{"cause", name, from.Add(later), to.Add(later)})
	}
	_, slow := t.SlowStart()
	for i := range t.Pauses {
		p := &t.Pauses[i]
		if name := pauseName(p, slow); name != "" {
			add(name, p.Before.Time, p.After.Time)
		}
	}
	_, windows := t.WindowStalls()
	for _, p := range windows {
		add("receive window used up", p.Before.Time, p.After.Time)
	}
	_, losses := t.Stalled()
	for i := range losses {
		from := losses[i].Since.Time
		add("waiting for a retransmission", from, from.Add(losses[i].Stall))
	}
	return stalls
}

// pauseName says what TCP did to cause a pause; "" where it did nothing of note.
func pauseName(p *analyze.Pause, slowStart bool) string {
	switch p.Cause {
	case analyze.ByNagle:
		if p.DelayedTime() > 0 {
			return "Nagle's algorithm and a delayed acknowledgement"
		}
		return "Nagle's algorithm"
	case analyze.ByACK:
		switch {
		case p.DelayedTime() > 0:
			return "delayed acknowledgement"
		case slowStart:
			return "slow start"
		}
	}
	return ""
}
