package rules

import (
	"wirelag/analyze"
)

var proxyConnectionHeader = &Rule{
	ID:         "proxy-connection-header",
	Title:      "a client sends Proxy-Connection to its proxy",
	Group:      Proxies,
	Severities: []Severity{Info},
	Doc: Doc{
		What: "Proxy-Connection is no standard field. Clients send it to proxies in place of Connection because old proxies passed Connection on. " +
			"A proxy that passes it on as well brings the trouble back; all others go by Connection and the version.",
		Measured:     "A request to a proxy (its target is an absolute URI, or the method is CONNECT) with a Proxy-Connection field. Cost = 0.",
		CapturePoint: "Fields are the same everywhere on the path.",
		Limits:       "Silent where the head is not whole in the capture. In a request to an origin server it is told by hop-by-hop-suspected or hop-by-hop-forwarded.",
		Cure:         "Let the client send Connection, or nothing: proxies of HTTP/1.1 keep connections by default.",
		References:   []string{"HTTP-DG §4.5.7", "RFC 9112 App. C.2.2"},
	},
	Signs: hopByHop,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			m := x.Request
			if !headWhole(m) || !hasField(m, "Proxy-Connection") || !m.AbsoluteForm() && m.Method != "CONNECT" {
				return
			}
			p.Report(Instance{
				Connection: x.Connection,
				Exchange:   x,
				Severity:   Info,
				Detail:     "A request to the proxy " + x.Connection.Server().String() + " has a Proxy-Connection field, which is no standard field.",
				Evidence:   []Evidence{{m.HeadEnd.At, "request with Proxy-Connection"}},
			})
		}}
	},
}
