package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var http10KeepAliveViaProxy = &Rule{
	ID:         "http10-keep-alive-via-proxy",
	Title:      "keep-alive of an old HTTP version through a proxy",
	Group:      Proxies,
	Severities: []Severity{Info},
	Doc: Doc{
		What: "In HTTP/1.0 \"Connection: keep-alive\" is safe between a client and an origin server only: proxies of that time did not know Connection and passed it on, " +
			"so that both ends kept a connection which the proxy between them did not. A proxy ought to ignore it in requests of HTTP/1.0.",
		Measured: "A request of HTTP/1.0 with \"Connection: keep-alive\" that goes to a proxy (its target is an absolute URI) or came through one (Via in it or in the response), " +
			"answered with \"Connection: keep-alive\". Cost = 0.",
		CapturePoint: "Fields are the same everywhere on the path.",
		Limits:       "Silent where a head is not whole in the capture, and where the response does not agree to it.",
		Cure:         "Use a client of HTTP/1.1, whose connections persist without asking.",
		References:   []string{"HTTP-DG §4.5.5", "RFC 9112 §9.3"},
	},
	Signs: oldRequest,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			request, response := x.Request, x.Response
			if !headWhole(request) || !headWhole(response) || request.Version != http1.HTTP10 ||
				!request.HasToken("Connection", "keep-alive") || !response.HasToken("Connection", "keep-alive") {
				return
			}
			how := ""
			switch {
			case request.AbsoluteForm():
				how = "its target is in the form for proxies"
			case hasField(request, "Via"):
				how = "the request has a Via field"
			case hasField(response, "Via"):
				how = "the response has a Via field"
			default:
				return
			}
			p.Report(Instance{
				Connection: x.Connection,
				Exchange:   x,
				Severity:   Info,
				Detail:     fmt.Sprintf("A request of HTTP/1.0 agreed on keep-alive with %s, a proxy or the server behind one: %s.", x.Connection.Server(), how),
				Evidence: []Evidence{
					{request.HeadEnd.At, "request with Connection: keep-alive"},
					{response.HeadEnd.At, "response that agrees"},
				},
			})
		}}
	},
}
