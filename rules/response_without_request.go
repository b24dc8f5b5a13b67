package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

const requestTimeout = 408 // RFC 9110 §15.5.9

var responseWithoutRequest = &Rule{
	ID:         "response-without-request",
	Title:      "a response came that no request had asked for",
	Group:      Pipelining,
	Severities: []Severity{Info, Warning},
	Doc: Doc{
		What: "A client takes the next response on a connection for the answer to its next request. One too many, and every answer from there on " +
			"belongs to another request. (A 408 on a connection whose request does not come, or stays half, is just a server's way to say good-bye.)",
		Measured:     "A final response begins while no request is outstanding. Info for status 408, and where the client had sent a part of a request; else a warning. Cost = 0.",
		CapturePoint: "The order is decided by acknowledgement numbers: a response does not answer a request that its sender had not received.",
		Limits:       "Silent where bytes of the connection are missing from the capture, or it was open before the capture began, and where the response acknowledges bytes that the capture shows behind it.",
		Cure:         "Look for what writes two responses (an error page behind a response, a body after HEAD or 204), and close the connection after it at the client. For 408: let the client drop idle connections first.",
		References:   []string{"HTTP-DG §4.6", "RFC 9112 §9.3", "RFC 9110 §15.5.9"},
	},
	Signs: incomplete,
	Listen: func(p *Pass) analyze.Listener {
		unasked := map[uint64][]unaskedResponse{} // by connection, until it is known that nothing was missing
		kept := 0
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				c := x.Connection
				if x.Request != nil || x.RequestUnseen || x.Response == nil || !c.Begun(0) || !c.Begun(1) || len(unasked[c.ID]) >= maxListed {
					return
				}
				if kept >= maxNoted || kept >= maxNoted/2 && len(unasked[c.ID]) > 0 { // one of each connection is worth more
					p.Forget()
					return
				}
				kept++
				unasked[c.ID] = append(unasked[c.ID], unaskedResponse{x.ID, x.Response.Start.At, x.Response.Status, x.HalfRequest})
			},
			Closed: func(c *analyze.Connection) {
				responses, some := unasked[c.ID]
				if !some {
					return
				}
				delete(unasked, c.ID)
				kept -= len(responses)
				if c.Intact() {
					for _, r := range responses {
						p.Report(r.on(c))
					}
				}
			},
		}
	},
}

// unaskedResponse is a response without a request.
type unaskedResponse struct {
	exchange    uint64
	start       capture.Mark
	status      int
	halfRequest bool // there was a part of one
}

func (r unaskedResponse) on(c *analyze.Connection) Instance {
	i := Instance{
		Connection: c,
		ExchangeID: r.exchange,
		Severity:   Warning,
		Detail:     fmt.Sprintf("A response with status %d came while no request was outstanding.", r.status),
		Evidence:   []Evidence{{r.start, "the response"}},
	}
	switch {
	case r.halfRequest:
		i.Severity = Info
		i.Detail = fmt.Sprintf("A response with status %d came although what the client had sent is not, or not yet, a request.", r.status)
	case r.status == requestTimeout:
		i.Severity = Info
		i.Detail = "The server ended a connection without a request on its way by a response with status 408."
	}
	return i
}
