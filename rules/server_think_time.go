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
		Limits:       "Silent when the request was lost and repeated, took long to the server or never ended, where a hole opens right behind the first segment of the response, which may be a repeat then, where the capture cut its head, when an earlier response stood in the way, and without round trip samples.",
		Cure:         "Profile the server, or what it waits for (database, upstream).",
		References:   []string{"HTTP-DG §4.2.1"},
	},
	Signs: slowAnswer,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			think, ok := x.Think()
			if !ok || think < thinkMin || x.Response.Problems.Has(http1.HeadLost|http1.HeadUnfinished) ||
				think.Seconds() < thinkShare*x.Timing.Total().Seconds() {
				return
			}
			p.Report(Instance{
				Connection: x.Connection, Exchange: x, Severity: Info,
				Detail: fmt.Sprintf("The first byte of the answer came %s after the request, without the round trip: the server's own time.", ms(think)),
				Evidence: []Evidence{
					{x.Request.End.At, "end of the request"},
					{x.Response.Start.At, "first byte of the answer"},
				},
			})
		}}
	},
}
