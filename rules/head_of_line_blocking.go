package rules

import (
	"fmt"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

const (
	blockedMin    = 50 * time.Millisecond // RULES; less is the order of a few small responses
	blockedFollow = 2 * time.Millisecond  // or 10 % of the round trip: what follows without a pause
	maxRuns       = 1 << 13               // connections with requests waiting that are followed at once
)

var headOfLineBlocking = &Rule{
	ID:         "head-of-line-blocking",
	Title:      "responses waited behind a slow one in a pipeline",
	Group:      Pipelining,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "Responses on an HTTP/1.1 connection come in the order of the requests. A slow one holds back all behind it, though the " +
			"server may have finished them long ago.",
		Measured: "A response begins <= max(2 ms, 10 % of the round trip) after the end of the one before it, and its request was at the server, with all before it, >= 50 ms before that end. " +
			"Time for which that one stood still for losses does not count: that is retransmission-stall. " +
			"Cost = the time in which at least one response was held back (their waits overlap and count once).",
		CapturePoint: "Waits are those at the server: the round trip between capture point and server is taken off.",
		Limits:       "Silent where that round trip is not known, and where a response is not complete. Whether the server had finished earlier is not visible: the cost is what it could have saved at most.",
		Cure:         "Send slow requests over connections of their own, open several connections, or use HTTP/2.",
		References:   []string{"HTTP-DG §4.6", "RFC 9112 §9.3.2", "RFC 9113 §1"},
	},
	Listen: func(p *Pass) analyze.Listener {
		runs := map[uint64]*responseRun{} // by connection, while requests wait on it
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				id := x.Connection.ID
				r := runs[id]
				if r != nil && r.add(x) {
					return
				}
				r.tell(p, x.Connection)
				delete(runs, id)
				switch {
				case x.Connection.Waiting == 0 || x.Request == nil || x.Response == nil || !x.Response.Complete:
				case len(runs) < maxRuns:
					runs[id] = newResponseRun(x)
				default:
					p.Forget()
				}
			},
			Closed: func(c *analyze.Connection) {
				runs[c.ID].tell(p, c)
				delete(runs, c.ID)
			},
		}
	},
}

// responseRun is a number of responses on one connection that followed each
// other without a pause: the first, and those that waited for it.
type responseRun struct {
	end       capture.Time // of the latest response
	unstalled capture.Time // the same, without what losses cost
	through   capture.Time // when the requests so far had got through to the server
	blocker   blocker
	took      time.Duration // by the blocker
	blocked   int
	cost      time.Duration
	heldSince capture.Time // what cost covers
	heldUntil capture.Time
	evidence  []Evidence
}

// blocker is the exchange that held back others.
type blocker struct {
	named
	method                string
	request, start, ended capture.Mark
}

func blockerOf(x *analyze.Exchange) blocker {
	return blocker{nameOf(x), strings.Clone(methodOf(x)), x.Request.Start.At, x.Response.Start.At, x.Response.End.At}
}

func newResponseRun(x *analyze.Exchange) *responseRun {
	r := &responseRun{blocker: blockerOf(x), through: x.RequestThrough()}
	r.endWith(x)
	r.took = r.end.Sub(x.Request.End.At.Time)
	return r
}

// endWith notes where the response to x, the latest of the run, ends.
func (r *responseRun) endWith(x *analyze.Exchange) {
	r.end, r.unstalled = x.Response.End.Readable, x.ResponseUnstalled()
}

// add takes the next exchange of the connection into the run; false when it
// does not belong to it.
func (r *responseRun) add(x *analyze.Exchange) bool {
	c := x.Connection
	toServer, known := c.RTTServer()
	if x.Request == nil || x.Response == nil || !x.Response.Complete || !known || !c.Intact() {
		return false
	}
	rtt, _ := c.RTT()
	through := max(r.through, x.RequestThrough())
	delivered := through.Add(toServer)
	if x.Response.Start.Readable.Sub(r.end) > max(blockedFollow, rtt/10) || r.unstalled.Sub(delivered) < blockedMin {
		return false
	}
	r.hold(delivered, r.unstalled)
	r.blocked++
	r.evidence = append(r.evidence, Evidence{x.Request.End.At, "end of a request behind it"}, Evidence{x.Response.Start.At, "its response begins"})
	r.evidence = r.evidence[:min(len(r.evidence), maxListed)]
	if took := x.Response.End.Readable.Sub(max(r.end, delivered)); took > r.took {
		r.blocker, r.took = blockerOf(x), took
	}
	r.through = through
	r.endWith(x)
	return true
}

// hold adds a time in which a response was held back.
func (r *responseRun) hold(from, to capture.Time) {
	if r.blocked == 0 || from >= r.heldUntil {
		r.cost += to.Sub(from)
		r.heldSince, r.heldUntil = from, to
		return
	}
	if from < r.heldSince {
		r.cost += r.heldSince.Sub(from)
		r.heldSince = from
	}
	r.cost += max(to.Sub(r.heldUntil), 0)
	r.heldUntil = max(r.heldUntil, to)
}

// tell reports the run, on c, if something waited in it. r may be nil.
func (r *responseRun) tell(p *Pass, c *analyze.Connection) {
	if r == nil || r.blocked == 0 {
		return
	}
	toClient, _ := c.RTTClient()
	p.Report(Instance{
		Connection: c,
		Severity:   Warning,
		Cost:       r.cost,
		Detail: fmt.Sprintf("%s on one connection waited up to %s behind the response to a %s, which took %s.",
			upperFirst(count(r.blocked, "response", "responses")), ms(r.cost), r.blocker.method, ms(r.took+toClient)),
		Evidence: append([]Evidence{
			{r.blocker.request, "the request in front"},
			{r.blocker.start, "its response begins"},
			{r.blocker.ended, "and ends"},
		}, r.evidence...),
	}.about(r.blocker.named))
}
