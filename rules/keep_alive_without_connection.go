package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var keepAliveWithoutConnection = &Rule{
	ID:         "keep-alive-without-connection",
	Title:      "a Keep-Alive field that must be ignored",
	Group:      Reuse,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "Keep-Alive carries parameters (timeout, max) of \"Connection: keep-alive\". Without that option in the same message the " +
			"receiver must ignore it, and proxies that do not know it pass it on to the next hop: what was announced is not agreed.",
		Measured:     "A message with a Keep-Alive field whose Connection field does not name keep-alive. Cost = 0.",
		CapturePoint: "Fields are the same everywhere on the path.",
		Limits:       "Silent where the head is not whole in the capture, and for \"Proxy-Connection: keep-alive\", which old clients send to proxies in place of Connection.",
		Cure:         "Send \"Connection: keep-alive\" with every Keep-Alive field, or leave both out: HTTP/1.1 keeps connections by default.",
		References:   []string{"HTTP-DG §4.5.3", "RFC 9110 §7.6.1", "RFC 2068 §19.7.1.1"},
	},
	Signs: hopByHop,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			for _, m := range [...]*http1.Message{x.Request, x.Response} {
				if !headWhole(m) || !hasField(m, "Keep-Alive") ||
					m.HasToken("Connection", "keep-alive") || m.HasToken("Proxy-Connection", "keep-alive") {
					continue
				}
				what := "response"
				if m.Role == http1.Request {
					what = "request"
				}
				p.Report(Instance{
					Connection: x.Connection,
					Exchange:   x,
					Severity:   Warning,
					Detail:     fmt.Sprintf("A %s has a Keep-Alive field but no \"Connection: keep-alive\": its receiver must ignore the field.", what),
					Evidence:   []Evidence{{m.HeadEnd.At, what + " with Keep-Alive alone"}},
				})
			}
		}}
	},
}

func hasField(m *http1.Message, name string) bool {
	_, ok := m.Get(name)
	return ok
}
