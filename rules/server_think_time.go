package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

const (
	thinkMin   = 500 * time.Millisecond // no less than noticeable
	thinkShare = 0.80                   // of the exchange
)

var serverThinkTime = &Rule{
	ID:         "server-think-time",
	Title:      "the server took long to start its answer",
	Group:      Waiting,
	Severities: []Severity{Info},
	Doc: Doc{
		What: "The time went into the server's application, not into TCP: this is where not to look for a network problem.",
		Measured: "wait - RTT - retransmissions >= 500 ms, and >= 80 % of the exchange; but no more than what passed since the server had the whole request: " +
			"since the first acknowledgement of its end, which may come up to 200 ms late, but not before one of less. Where the handshake took more than twice the least round trip, the RTT is what it took. Cost 0: it is not lost to the connection.",
		CapturePoint: "The wait is the client's: corrected by the round trip between capture point and client.",
		Likely: "Where the capture is taken far from the server (more than 1 ms) and the IPv4 identification does not show that the server sent nothing between its acknowledgement and the answer: " +
			"a first copy of the answer may have been lost before the capture point. " + withoutHandshake,
		Limits: "Silent when the request was lost and repeated, took long to the server or never ended, where the answer may have been sent before and lost on the way to the capture point " +
			"(the IPv4 identification says that segments between the server's acknowledgement and the answer are missing, or a hole opens right behind the answer's first segment), where the capture cut its head, when an earlier response stood in the way, and without round trip samples. " +
			"Of a proxy, silent where the capture shows that the network behind it took the time: setting up the connection for the request, or losses on it; the other side is waited for until 10 s after the exchange.",
		Cure:       "Profile the server, or what it waits for (database, upstream).",
		References: []string{"HTTP-DG §4.2.1"},
	},
	Signs: slowAnswer,
	Listen: func(p *Pass) analyze.Listener {
		stand := map[uint64]bool{} // the exchanges that wait
		waiting := newOtherSide(p, func(i *Instance) bool {
			defer delete(stand, i.exchange())
			return stand[i.exchange()]
		})
		hop := func(h *analyze.Hop) {
			if x := h.Front; stand[x.ID] && h.Certain && h.Answered && !h.Joined {
				think, _ := x.Think()
				stand[x.ID] = isLong(think-networkTime(h), x)
			}
		}
		return analyze.Listener{Hop: hop, Tick: waiting.tick, Finish: waiting.finish, Exchange: func(x *analyze.Exchange) {
			think, ok := x.Think()
			if !ok || !isLong(think, x) || x.Response.Problems.Has(http1.HeadLost|http1.HeadUnfinished) {
				return
			}
			sure, remark := confidence(x.Connection)
			if !x.ThinkProven() {
				sure, remark = Likely, remark+" That no earlier copy of the answer was lost before the capture point is inferred."
			}
			stand[x.ID] = true
			waiting.add(Instance{
				Connection: x.Connection, Exchange: x, Severity: Info, Confidence: sure,
				Detail: fmt.Sprintf("The first byte of the answer came %s after the request, without the round trip: the server's own time.%s", ms(think), remark),
				Evidence: []Evidence{
					{x.Request.End.At, "end of the request"},
					{x.Response.Start.At, "first byte of the answer"},
				},
			})
		}}
	},
}

// isLong reports whether think, of the time that x took, is worth telling.
func isLong(think time.Duration, x *analyze.Exchange) bool {
	return think >= thinkMin && think.Seconds() >= thinkShare*x.Timing.Total().Seconds()
}

// networkTime is what setting up a connection for the back of h, and losses on it, took of
// the time that its front waited.
func networkTime(h *analyze.Hop) time.Duration {
	t := h.Back.Timing
	network := t.Causes.Retransmission
	if h.Back.Connection.SYN().Time >= h.Front.Request.HeadEnd.At.Time {
		network += max(t.Connect, 0)
	}
	return network
}
