package analyze

import (
	"wirelag/reassembly/capture"
)

// timing works out where the client's time went in x. The capture point sees
// what the client sends half a round trip (capture point to client) after the
// client did, and what it receives as much before; the phases follow in the
// order blocked, dns, connect, send, wait, receive, and are cut where they
// would overlap, so that send + blocked + wait + receive is the time from the
// request's first byte to the response's last.
func (v *conversation) timing(x *Exchange) Timing {
	t := Timing{Unknown, Unknown, Unknown, Unknown, Unknown, Unknown, Unknown, Causes{}}
	if v.pairing.told == 0 && x.Request != nil && !v.connection.MidStream() {
		if setup, ok := v.connection.Setup(); ok {
			t.Connect = setup
		}
	}
	if x.Request == nil {
		if x.Response != nil {
			t.Receive = x.Response.End.Readable.Sub(x.Response.Start.Readable)
		}
		return t
	}
	sent := x.Request.End.At.Time
	if x.Response == nil {
		t.Send = max(sent.Sub(x.Request.Start.At.Time), 0)
		return t
	}
	toClient, known := v.connection.RTTClient()
	start := x.Request.Start.At.Time.Add(-toClient / 2)
	sent = max(sent.Add(-toClient/2), start)
	first := max(x.Response.Start.Readable.Add(toClient/2), start)
	last := max(x.Response.End.Readable.Add(toClient/2), first)
	sent = min(sent, first)
	t.Send = sent.Sub(start)
	t.Receive = last.Sub(first)
	if !known {
		return t
	}
	free := sent
	if previous := v.pairing.previousEnd; previous != 0 {
		free = clamp(previous.Add(toClient/2), sent, first)
	}
	t.Blocked = free.Sub(sent)
	t.Wait = first.Sub(free)
	return t
}

func clamp(t, low, high capture.Time) capture.Time { return min(max(t, low), high) }
