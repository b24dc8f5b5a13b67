package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var earlyResponseClose = &Rule{
	ID:         "early-response-close",
	Title:      "the server answered and closed while the request was still coming",
	Group:      Ending,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "A server that does not want a body (413, 401, 5xx) answers before its end and closes. What the client goes on sending meets a closed socket, and the reset that answers it " +
			"may reach the client before it has read the response: it sees an error of the connection instead of the reason.",
		Measured: "The final response acknowledges less than the whole request, whose body had begun, and not the client's FIN; it announces a close (\"Connection: close\", HTTP/1.0), or " +
			"the server's FIN acknowledges no more either. Cost = 0. Where a reset may have destroyed the response, that is reset-lost-data.",
		CapturePoint: "What the server had received is told by its acknowledgement numbers, wherever the capture was taken.",
		Limits:       "Silent where bytes of the connection are missing from the capture, and for a client that waits for 100 (Continue) and never sends the body.",
		Cure:         "Let the client send \"Expect: 100-continue\" with large bodies; let the server read on for some seconds before it closes (lingering close).",
		References:   []string{"HTTP-DG §4.7.4", "RFC 9112 §9.6", "RFC 9110 §10.1.1"},
	},
	Signs: withBody,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			if !answeredEarly(x) {
				return
			}
			had, ok := closesEarly(x)
			if !ok {
				return
			}
			m := x.Request
			left := fmt.Sprintf("%d bytes of its body were sent in the end", m.BodyBytes)
			if m.Length >= 0 {
				left = fmt.Sprintf("%d of the %d bytes of its body were sent in the end", m.BodyBytes, m.Length)
			}
			p.Report(Instance{
				Connection: x.Connection,
				Exchange:   x,
				Severity:   Warning,
				Detail: fmt.Sprintf("The server answered a %s with status %d and was closing when it had %d bytes of the request; %s.",
					methodOf(x), x.Response.Status, had-x.RequestPlace.Start, left),
				Evidence: []Evidence{
					{m.Start.At, "the request begins"},
					{x.Response.Start.At, "the response"},
					{m.End.At, "the last of the request"},
				},
			})
		}}
	},
}

// answeredEarly reports whether the final response was sent before the body of
// the request, which had begun, was there.
func answeredEarly(x *analyze.Exchange) bool {
	m := x.Request
	if m == nil || x.Response == nil || m.Lost > 0 || m.BodyBytes == 0 || m.Framing != http1.ContentLength && m.Framing != http1.Chunked || !x.Connection.Intact() {
		return false
	}
	return x.ResponsePlace.Received > x.RequestPlace.Start && lacksEnd(x, x.ResponsePlace.Received)
}

// closesEarly reports whether the server announced, or began, to close before
// the end of the request, and how much of the client's stream it had by then.
func closesEarly(x *analyze.Exchange) (had int64, ok bool) {
	c := x.Connection
	server := c.ClientSide().Other()
	if !x.Response.Persistent() {
		return x.ResponsePlace.Received, true
	}
	if c.FIN(server).IsZero() || c.Closing == nil {
		return 0, false
	}
	had = c.Closing.Received[server]
	return had, had >= 0 && lacksEnd(x, had)
}

// lacksEnd reports whether a server that had so much of the client's stream might still
// expect more of the request. A FIN, which counts as a byte, ends one that was cut.
func lacksEnd(x *analyze.Exchange, had int64) bool {
	end := x.RequestPlace.End
	return had < end || had == end && isCut(x.Request)
}
