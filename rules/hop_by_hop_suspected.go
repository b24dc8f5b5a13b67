package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var hopByHopSuspected = &Rule{
	ID:         "hop-by-hop-suspected",
	Title:      "a field that a proxy should have removed reached the server",
	Group:      Proxies,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "Some fields are meant for the next recipient alone. Here a server received one that only makes sense between a client and its proxy, so a proxy passed it on without looking. " +
			"Credentials meant for the proxy leak that way, and keep-alive is agreed between two ends whose connections the proxy does not keep.",
		Measured: "A request with a target in origin form (to a server, not to a proxy) that carries Proxy-Connection or Proxy-Authorization; " +
			"or one of HTTP/1.0 with \"Connection: keep-alive\" and Via or X-Forwarded-For. Cost = 0.",
		CapturePoint: "Fields are the same everywhere on the path.",
		Likely:       "Always: that a proxy passed the field on is inferred from the field itself. A client that takes the server for a proxy would look the same.",
		Limits: "Silent where both sides of the proxy are in the capture (hop-by-hop-forwarded judges then), and where the head is not whole. " +
			"The other side is waited for until 10 s after the exchange.",
		Cure:       "Let the proxy remove Connection, what it names, Keep-Alive, Proxy-Connection and Proxy-Authorization before it forwards a request; replace proxies that know HTTP/1.0 only.",
		References: []string{"HTTP-DG §4.5.6", "RFC 9110 §7.6.1", "RFC 9110 §11.7.2", "RFC 9112 App. C.2.2"},
	},
	Signs: hopByHop | oldRequest,
	Listen: func(p *Pass) analyze.Listener {
		s := &suspects{pass: p, visible: pairTable[struct{}]{pass: p}}
		s.waiting = newOtherSide(p, s.stands)
		return analyze.Listener{Exchange: s.exchange, Hop: s.hop, Tick: s.waiting.tick, Finish: s.waiting.finish}
	},
}

// suspects holds what was seen at servers until the other side of the proxy must
// have shown up.
type suspects struct {
	pass    *Pass
	waiting *otherSide
	// visible are the pairs on either side of a proxy that the capture shows.
	visible pairTable[struct{}]
}

func (s *suspects) exchange(x *analyze.Exchange) {
	what, ok := suspicious(x.Request)
	if !ok {
		return
	}
	s.waiting.add(Instance{
		Connection: x.Connection,
		Exchange:   x,
		Severity:   Warning,
		Confidence: Likely,
		Detail:     fmt.Sprintf("A request reached %s with %s: probably a proxy at %s passed it on.", x.Connection.Server(), what, x.Connection.Client().Addr()),
		Evidence:   []Evidence{{x.Request.HeadEnd.At, "request with " + what}},
	})
}

// suspicious says what in a request to a server shows that a proxy passed on
// what it should have removed.
func suspicious(m *http1.Message) (what string, ok bool) {
	if !headWhole(m) || m.AbsoluteForm() || m.Method == "CONNECT" {
		return "", false
	}
	var names []string
	for _, name := range [...]string{"Proxy-Connection", "Proxy-Authorization"} {
		if hasField(m, name) {
			names = append(names, name)
		}
	}
	if m.Version == http1.HTTP10 && m.HasToken("Connection", "keep-alive") {
		switch {
		case hasField(m, "Via"):
			names = append(names, "\"Connection: keep-alive\" of HTTP/1.0 beside Via")
		case hasField(m, "X-Forwarded-For"):
			names = append(names, "\"Connection: keep-alive\" of HTTP/1.0 beside X-Forwarded-For")
		}
	}
	return enumerate(names), len(names) > 0
}

func (s *suspects) hop(h *analyze.Hop) {
	s.visible.of(h.Front.Connection)
	s.visible.of(h.Back.Connection)
}

// stands reports whether the proxy is not visible from both sides.
func (s *suspects) stands(i *Instance) bool { return s.visible.known(i.Connection) == nil }
