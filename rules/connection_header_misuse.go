package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var connectionHeaderMisuse = &Rule{
	ID:         "connection-header-misuse",
	Title:      "the Connection field contradicts the message",
	Group:      Proxies,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "A field that Connection names is for the next recipient alone: every proxy on the way has to remove it. Naming one that all recipients need, " +
			"such as Cache-Control or Content-Length, asks proxies to damage the message. \"close, keep-alive\" says two things, of which recipients choose one.",
		Measured:     "A Connection field that names a field meant for all recipients, or both close and keep-alive. Cost = 0.",
		CapturePoint: "Fields are the same everywhere on the path.",
		Limits:       "Silent where the head is not whole in the capture, and about names that are not known to be meant for all.",
		Cure:         "Name in Connection only options (close, keep-alive, upgrade) and the sender's own fields for this connection; send close or keep-alive, not both.",
		References:   []string{"HTTP-DG §4.3.1", "RFC 9110 §7.6.1"},
	},
	Signs: hopByHop,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			for _, m := range [...]*http1.Message{x.Request, x.Response} {
				what, ok := misuse(m)
				if !ok {
					continue
				}
				p.Report(Instance{
					Connection: x.Connection,
					Exchange:   x,
					Severity:   Warning,
					Detail:     fmt.Sprintf("The Connection field of a %s %s.", whose(m), what),
					Evidence:   []Evidence{{m.HeadEnd.At, "Connection field of the " + whose(m)}},
				})
			}
		}}
	},
}

// misuse says what is wrong with the Connection field of m.
func misuse(m *http1.Message) (what string, ok bool) {
	if !headWhole(m) {
		return "", false
	}
	var needed []string
	if m.Nominates() {
		for name := range m.List("Connection") {
			if oneOf(forAll, name) && len(needed) < maxNominated {
				needed = append(needed, shown(name))
			}
		}
	}
	both := m.HasToken("Connection", "close") && m.HasToken("Connection", "keep-alive")
	switch {
	case len(needed) > 0 && both:
		return "names " + enumerate(needed) + ", which all recipients need, and says both close and keep-alive", true
	case len(needed) > 0:
		return "names " + enumerate(needed) + ", which all recipients need: proxies have to remove what it names", true
	}
	return "says both close and keep-alive", both
}
