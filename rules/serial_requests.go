package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

const (
	serialMin    = 6                      // exchanges, of one page load
	serialMaxGap = 100 * time.Millisecond // between them
	// serialMinRTT is the least round trip by which waiting for each answer is told
	// from noise.
	serialMinRTT = time.Millisecond
)

var serialRequests = &Rule{
	ID:         "serial-requests",
	Title:      "requests that could go together waited for each other",
	Group:      Reuse,
	Severities: []Severity{Info},
	Per:        PerPair,
	Doc: Doc{
		What: "The client sent each request when it had the answer to the one before, so that every one of them took a round trip of its " +
			"own. Requests that do not depend on each other can go at the same time: over a few parallel connections, or multiplexed over one with HTTP/2.",
		Measured: "At least 6 GET or HEAD exchanges of one client -> server pair, each begun after the end of the one before and < 100 ms later, " +
			"where receiving took less time than waiting (the path had room) and the round trip is >= 1 ms. Cost = a round trip for each but the first.",
		CapturePoint: "What the client sends and receives is reckoned there, by the round trip between capture point and client.",
		Likely:       "Whether a request could have been sent sooner, or depended on an answer, is not to be seen in the packets.",
		Limits:       "Silent where the handshake is not in the capture, where requests overlapped or were further apart, where each follows a redirect or asks for the same again (polling), where the transfers filled the path, and where messages are not whole in the capture.",
		Cure:         "Let the client fetch in parallel (browsers use 6 connections a host) or over HTTP/2, or bundle small files.",
		References:   []string{"HTTP-DG §4.4", "RFC 9112 §9.4", "RFC 9113 §5"},
	},
	Listen: func(p *Pass) analyze.Listener {
		runs := pairTable[serialRun]{pass: p}
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			if x.Request == nil || x.Response == nil {
				return
			}
			runs.of(x.Connection).add(p, x)
		}}
	},
	Conclude: func(f *Finding) {
		f.Detail = fmt.Sprintf("%d requests to %s went one at a time, each after the answer to the one before; sent together they would have saved a round trip each, up to %s.",
			f.Count, f.Connection.Server(), ms(f.Cost))
	},
}

// serialRun is a run of exchanges that came one after the other.
type serialRun struct {
	length        int
	end           capture.Time // of the latest response, at the client; 0 before the first
	leads         bool         // it was a redirect
	target, part  string       // of the latest request, and its Range
	wait, receive time.Duration
	waiting       []serialRequest // those not reported yet
}

type serialRequest struct {
	connection *analyze.Connection
	exchange   uint64
	cost       time.Duration
	sent, end  capture.Mark
}

func (r *serialRun) add(p *Pass, x *analyze.Exchange) {
	part, _ := x.Request.Get("Range")
	if r.leads || x.Request.Target == r.target && part == r.part {
		r.restart()
	}
	r.leads = x.Response.Status/100 == 3 && hasField(x.Response, "Location")
	r.target, r.part = x.Request.Target, part
	rtt, _ := x.Connection.RTT()
	toClient, _ := x.Connection.RTTClient()
	first, gap := r.end == 0, r.begun(x).Add(-toClient/2).Sub(r.end)
	overlaps := gap < 0 && !first
	if overlaps || first || gap >= serialMaxGap {
		r.restart()
	}
	r.end = max(r.end, x.Response.End.Readable.Add(toClient/2))
	safe := x.Request.Method == "GET" || x.Request.Method == "HEAD"
	if !roundTripKnown(x.Connection) || rtt < serialMinRTT || !safe || !x.Request.Complete || !x.Response.Complete || overlaps {
		r.restart()
		return
	}
	r.length++
	r.wait += max(x.Timing.Wait, 0)
	r.receive += max(x.Timing.Receive-heldByTCP(x.Timing.Causes), 0)
	one := serialRequest{x.Connection, x.ID, min(rtt, max(x.Timing.Wait, 0)), x.Request.Start.At, x.Response.End.At}
	if r.length == 1 {
		one.cost = 0
	}
	if len(r.waiting) < maxListed {
		one.connection.Keep()
		r.waiting = append(r.waiting, one)
	}
	if r.length < serialMin || r.receive > r.wait {
		return
	}
	for i := range r.waiting {
		p.Report(r.waiting[i].instance())
	}
	r.forgetWaiting()
}

func (r *serialRun) restart() {
	r.forgetWaiting()
	*r = serialRun{end: r.end, leads: r.leads, target: r.target, part: r.part, waiting: r.waiting}
}

func (r *serialRun) forgetWaiting() {
	for i := range r.waiting {
		r.waiting[i].connection.Release()
	}
	clear(r.waiting)
	r.waiting = r.waiting[:0]
}

func (s *serialRequest) instance() Instance {
	return Instance{
		Connection: s.connection,
		ExchangeID: s.exchange,
		Severity:   Info,
		Confidence: Likely,
		Cost:       s.cost,
		Evidence:   []Evidence{{s.sent, "a request"}, {s.end, "the end of its response"}},
	}
}

// heldByTCP is the time in which TCP had the sender wait: the path was free.
func heldByTCP(c analyze.Causes) time.Duration {
	return c.Nagle + c.DelayedACK + c.SlowStart + c.Retransmission + c.Window
}

// begun is when the client began what x needed: its connection, where it opened
// one for x.
func (r *serialRun) begun(x *analyze.Exchange) capture.Time {
	if c := x.Connection; c.FirstExchange == x.ID && !c.SYN().IsZero() && c.SYN().Time >= r.end {
		return c.SYN().Time
	}
	return x.Request.Start.At.Time
}
