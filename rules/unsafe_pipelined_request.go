package rules

import (
	"fmt"

	"wirelag/analyze"
)

var unsafePipelinedRequest = &Rule{
	ID:         "unsafe-pipelined-request",
	Title:      "a request that must not be repeated was pipelined",
	Group:      Pipelining,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "When a connection breaks, all its unanswered requests have to be sent again, and the client cannot tell which of them " +
			"the server acted on. So a request that is not idempotent (an order, a payment) may neither be pipelined nor have requests pipelined behind it.",
		Measured: "A request is pipelined when its first segment acknowledges less than the whole final response to the request before it. Flagged when it is not idempotent " +
			"(any method but GET, HEAD, PUT, DELETE, OPTIONS, TRACE and the registered idempotent ones), or when it acknowledges less than the status of an earlier one that is not.",
		CapturePoint: "Acknowledgement numbers say what the client had when it sent the request, wherever the capture was taken.",
		Limits:       "Silent where bytes are missing from the capture before the request, where the connection's opening is not in it, for CONNECT, and where it is not clear where the message before ends (ambiguous-framing).",
		Cure:         "Wait for the final status of a request that is not idempotent before sending anything else on the connection; send other requests over another one.",
		References:   []string{"HTTP-DG §4.6", "RFC 9112 §9.3.2", "RFC 9110 §9.2.2"},
	},
	Signs: pipelined,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			if x.Request == nil || !x.Order.Pipelined || x.Order.Doubtful || x.Request.Method == "CONNECT" {
				return
			}
			i := Instance{Connection: x.Connection, Exchange: x, Severity: Error}
			switch {
			case !x.Request.Idempotent():
				i.Detail = fmt.Sprintf("The client sent a %s, which is not idempotent, before it had the response to the request before it.", methodOf(x))
			case x.Order.BehindUnsafe:
				i.Detail = fmt.Sprintf("The client sent a %s behind a request that is not idempotent, before it had the status of that.", methodOf(x))
			default:
				return
			}
			i.Evidence = []Evidence{{x.Request.Start.At, fmt.Sprintf("the request; the client had %d bytes of responses", x.RequestPlace.Received)}}
			if x.Response != nil {
				i.Evidence = append(i.Evidence, Evidence{x.Response.Start.At, "its response"})
			}
			p.Report(i)
		}}
	},
}
