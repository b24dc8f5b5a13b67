package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// unnoticed is how long a client's host may have had the FIN before its
// application, which was just writing, can be expected to know.
const unnoticed = 2 * time.Millisecond

var idleCloseRace = &Rule{
	ID:         "idle-close-race",
	Title:      "a request and the server's close of the idle connection crossed",
	Group:      Ending,
	Severities: []Severity{Warning, Error},
	Doc: Doc{
		What: "The server gave up a connection that had been idle, and the client, which could not know yet, sent a request on it. The request meets a closed socket: " +
			"it is answered by a reset, or not at all. Behind a proxy users see a 502 now and then, for which no log has an explanation.",
		Measured: "The server's FIN (or RST) does not acknowledge the first byte of the request, the request does not acknowledge the FIN, the server had not announced to close, " +
			"and the request got no response. Error when the method is not idempotent. " +
			"Cost = from the request to the first byte of the response to its repeat; without one, to the reset or the last packet.",
		CapturePoint: "What both sides had received is told by their acknowledgement numbers, wherever the capture was taken. The cost is the client's: half a round trip to it is added on each side.",
		Likely:       "The client's host had acknowledged the FIN, but less than 2 ms before the request left: its application cannot have noticed. " + withoutHandshake,
		Limits: "Silent where the client had the FIN for longer, for requests that were pipelined, and where bytes of the connection are missing from the capture. Repeats are looked for until 30 s after the end. " +
			"It replaces the findings about the same request and the reset.",
		Cure:       "Let the client (or the proxy in front) give up idle connections some seconds before the server does; let it repeat idempotent requests at once; let the server announce its close, and wait for requests on their way.",
		References: []string{"HTTP-DG §4.7", "RFC 9112 §9.5", "RFC 9112 §9.3.1"},
	},
	Signs: incomplete,
	Listen: func(p *Pass) analyze.Listener {
		return failedListener(p,
			func(f *failedRequests) bool { _, ok := raceOf(f); return ok },
			func(f *failedRequests) {
				if r, ok := raceOf(f); ok {
					p.Report(r.instance(f.again[0]))
				}
			})
	},
}

// race is a request that crossed the close.
type race struct {
	request    *analyze.Exchange
	closing    capture.Mark // FIN or RST of the server
	byReset    bool
	noticed    time.Duration // how long the client's host had the FIN when the request left
	confidence Confidence
}

func raceOf(f *failedRequests) (r race, ok bool) {
	c, x := f.connection, f.requests[0]
	if c.Closing == nil || !c.Intact() || x.Order.Pipelined || len(x.Interim) > 0 || !c.Persistence.Agreed() {
		return r, false
	}
	r.request = x
	server := c.ClientSide().Other()
	if fin := c.FIN(server); !fin.IsZero() {
		r.closing = fin
		had := c.Closing.Received[server]
		return r, had >= 0 && had <= x.RequestPlace.Start && r.leftUnaware(c)
	}
	rst, side := c.RST()
	reset := c.Closing.Reset
	r.closing, r.byReset = rst, true
	return r, !rst.IsZero() && side == server && !reset.Answer && reset.Received >= 0 &&
		reset.Received <= x.RequestPlace.Start && r.onItsWay(c)
}

// leftUnaware reports whether the client did not know of the FIN when it sent
// the request.
func (r *race) leftUnaware(c *analyze.Connection) bool {
	x := r.request
	toClient, known := c.RTTClient()
	r.noticed = x.Request.Start.At.Sub(r.closing) - toClient
	switch place := x.RequestPlace.Received; {
	case place < 0:
		return known && r.noticed < 0
	case place <= c.Bytes(reassembly.ToClient) || r.closing.Time > x.Request.Start.At.Time:
		return true
	}
	r.confidence = Likely
	return known && r.noticed <= unnoticed
}

// onItsWay reports whether the request cannot have reached the server when the
// reset left it. A client sends nothing when it has one.
func (r *race) onItsWay(c *analyze.Connection) bool {
	toServer, known := c.RTTServer()
	return known && r.closing.Sub(r.request.Request.Start.At) <= toServer+unnoticed
}

func (r *race) instance(again *analyze.Exchange) Instance {
	x, c := r.request, r.request.Connection
	toClient, _ := c.RTTClient()
	sent := x.Request.Start.At.Time.Add(-toClient / 2)
	_, learned := c.Failed()
	i := Instance{
		Connection: c,
		Exchange:   x,
		Also:       again,
		Severity:   Warning,
		Confidence: r.confidence,
		Cost:       max(learned.Sub(sent), 0),
		Evidence:   []Evidence{{r.closing, "the server closes"}, {x.Request.Start.At, "the request"}},
	}
	if !x.Request.Idempotent() {
		i.Severity = Error
	}
	how := "FIN"
	if r.byReset {
		how = "RST"
	}
	i.Detail = fmt.Sprintf("The server closed the connection%s (%s) while a %s was on its way%s: it got no response",
		r.idle(), how, methodOf(x), r.reason())
	if !r.byReset {
		i.Detail += r.end(&i)
	}
	i.Detail += r.aftermath(&i, again, sent)
	if sure, remark := confidence(c); sure != Certain {
		i.Confidence = sure
		i.Detail += remark
	}
	return i
}

// end says what came of the request behind the server's FIN.
func (r *race) end(i *Instance) string {
	c := r.request.Connection
	switch rst, by := c.RST(); {
	case rst.IsZero():
		i.Evidence = append(i.Evidence, Evidence{c.Last(), "the last packet"})
		return ""
	case by == c.ClientSide():
		i.Evidence = append(i.Evidence, Evidence{rst, "the client resets"})
		return ", until the client gave up"
	default:
		i.Evidence = append(i.Evidence, Evidence{rst, "the reset"})
		return " but a reset"
	}
}

// idle says how long the connection had been idle.
func (r *race) idle() string {
	switch c := r.request.Connection; {
	case !c.LastAnswered.IsZero():
		return fmt.Sprintf(" after %s without a request", ms(r.closing.Sub(c.LastAnswered)))
	case c.MidStream():
		return ""
	}
	return ", which had carried nothing,"
}

// reason says why it is only likely.
func (r *race) reason() string {
	if r.confidence == Certain {
		return ""
	}
	return fmt.Sprintf(" (the client's host had the FIN for %s, too short for its application to notice)", ms(max(r.noticed, 0)))
}

// aftermath says what the client did, and sets the cost where it repeated the request.
func (r *race) aftermath(i *Instance, again *analyze.Exchange, sent capture.Time) string {
	if again == nil {
		return "; the capture does not show it sent again."
	}
	i.Evidence = append(i.Evidence, Evidence{again.Request.Start.At, "the request, sent again"})
	answered, ok := answeredAt(again)
	if !ok {
		return "; it was sent again, without a response."
	}
	i.Cost = answered.Sub(sent)
	i.Evidence = append(i.Evidence, Evidence{again.Response.Start.At, "the response to that"})
	return fmt.Sprintf("; it was sent again and answered %s after the first try.", ms(i.Cost))
}
