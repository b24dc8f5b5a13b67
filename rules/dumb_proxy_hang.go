package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
)

// hangMin is the least silence that is called one: what closes sooner is a race
// between a request and a close.
const hangMin = time.Second

var dumbProxyHang = &Rule{
	ID:         "dumb-proxy-hang",
	Title:      "a relay kept a connection that it does not serve",
	Group:      Proxies,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "A relay that does not know Connection passed \"keep-alive\" from the client to the server and back. Both now keep their connection to the relay, " +
			"which waits for the server to close and looks at nothing else: the client's next request on the connection is never read, until somebody gives up.",
		Measured: "The first exchange of a connection, whose request and response both say \"Connection: keep-alive\" (in HTTP/1.0, or, where a relay closes the connection because the server did, on both sides of it); then, on the same connection, a request whose " +
			"last byte is acknowledged, no byte of a response, and the end of the connection at least 1 s later. Cost = from the request to that end.",
		CapturePoint: "The cost is the client's: half a round trip (capture point to client) is added on each side.",
		Likely:       "Where the capture shows the client's side alone: a relay of HTTP/1.0 leaves no Via, and a server that died or hung looks the same. Where the two exchanges may not be the same request.",
		Limits: "Silent where the relay forwarded the request after all, names itself in Via or uses its connection to the server again, on the upstream side of a relay that the capture shows from both sides, while the connection is still open when the capture ends, and where bytes of it are missing from the capture. " +
			"The other side of the relay is waited for until 10 s after the end.",
		Cure:       "Replace the relay by a proxy that knows HTTP/1.1 (it removes Connection and keeps connections on each side for itself), or let clients send \"Connection: close\" through it.",
		References: []string{"HTTP-DG §4.5.6", "RFC 9112 §9.3", "RFC 9112 App. C.2.2"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return keptListener(p, func(k *keptRelay) {
			if k.unanswered() && k.isBlind() && (k.hop != nil || !k.upstream) {
				k.reportHang(p)
			}
		})
	},
}

func (k *keptRelay) reportHang(p *Pass) {
	c, x := k.connection, k.next
	toClient, _ := c.RTTClient()
	end, experienced := c.Failed()
	wait := experienced.Sub(x.end.Time.Add(-toClient / 2))
	if wait < hangMin {
		return
	}
	_, side, _ := c.Ended()
	kept := "\"" + k.agreed.field + ": keep-alive\""
	i := Instance{
		Connection: c,
		Severity:   Error,
		Cost:       wait,
		Evidence: []Evidence{
			{k.agreed.request, "request with " + kept},
			{k.agreed.response, "response that agrees"},
			{x.end, "end of the next request, which gets no response"},
			{end, "end of the connection"},
		},
	}.about(x.named)
	if k.hop == nil || !k.hop.Certain {
		i.Confidence = Likely
	}
	if k.hop == nil {
		i.Detail = fmt.Sprintf("After an exchange that agreed on %s the next %s got no byte of a response for %s, until %s: "+
			"likely a relay that passes the field on and does not read what comes next; a server that hangs looks the same.",
			kept, x.method, ms(wait), closer(c, side, "ended"))
	} else {
		i.Detail = fmt.Sprintf("%s passed %s on to %s and back; it never forwarded the client's next %s, which got no byte of a response for %s, until %s.",
			c.Server(), kept, k.hop.Back.Connection.Server(), x.method, ms(wait), closer(c, side, "ended"))
		i.Also = k.hop.Back
		i.Evidence = append(i.Evidence, Evidence{k.hop.Back.Request.HeadEnd.At, "the same on the relay's upstream side"})
	}
	p.Report(i)
}
