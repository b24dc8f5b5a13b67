package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var keepAliveRefused = &Rule{
	ID:         "keep-alive-refused",
	Title:      "the server did not agree to keep the connection",
	Group:      Reuse,
	Severities: []Severity{Info},
	Doc: Doc{
		What: "In HTTP/1.0 a connection ends with the response unless the client asks for \"Connection: keep-alive\" and the response " +
			"says it too. Here the client asked, and the response does not: the next request needs another connection.",
		Measured:     "A request of HTTP/1.0 with \"Connection: keep-alive\", answered by a response of HTTP/1.0 without it, or by one with \"Connection: close\". Cost = 0.",
		CapturePoint: "Fields are the same everywhere on the path.",
		Limits:       "Silent for responses of HTTP/1.1 that say nothing (their sender keeps the connection by default), and where a head is not whole in the capture.",
		Cure:         "Let the server confirm keep-alive to clients of HTTP/1.0 (it needs a Content-Length for that), or move the client to HTTP/1.1.",
		References:   []string{"HTTP-DG §4.5.2", "RFC 9112 §9.3", "RFC 9112 App. C.2.2"},
	},
	Signs: oldRequest,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			request, response := x.Request, x.Response
			if !headWhole(request) || !headWhole(response) || request.Version != http1.HTTP10 ||
				!request.Persistent() || response.Framing == http1.Tunnel {
				return
			}
			closes := response.HasToken("Connection", "close")
			if !closes && (response.Version != http1.HTTP10 || response.Persistent()) {
				return
			}
			answer := "says nothing about the connection"
			if closes {
				answer = "says \"Connection: close\""
			}
			p.Report(Instance{
				Connection: x.Connection,
				Exchange:   x,
				Severity:   Info,
				Detail:     fmt.Sprintf("The client asked for \"Connection: keep-alive\" in HTTP/1.0; the response (%d) %s.", response.Status, answer),
				Evidence: []Evidence{
					{request.HeadEnd.At, "request with Connection: keep-alive"},
					{response.HeadEnd.At, "response that does not confirm it"},
				},
			})
		}}
	},
}

// headWhole reports whether all fields of m are known.
func headWhole(m *http1.Message) bool {
	return m != nil && !m.Problems.Has(http1.HeadLost|http1.HeadUnfinished|http1.HeadCut)
}
