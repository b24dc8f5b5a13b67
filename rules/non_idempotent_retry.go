package rules

import (
	"time"

	"wirelag/analyze"
)

// periodic is from when on an equal request may be the next one of a client that
// sends it again and again. Clients that repeat by themselves wait less.
const periodic = 10 * time.Second

var nonIdempotentRetry = &Rule{
	ID:         "non-idempotent-retry",
	Title:      "a request that must not be repeated was sent twice",
	Group:      Ending,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "The first try got no complete response, and the client (or its library, or a proxy) sent the same request again. If the server had acted on the first one, " +
			"it has now acted twice: two orders, two payments.",
		Measured: "Same client address, method, target, Host, Range, Cookie, Authorization and body (length and CRC-32), the method not idempotent, no Idempotency-Key; the connection of the first ended without a whole " +
			"response, or the first was sent again there three times without an acknowledgement; the second was sent after the client had learned of that, and less than 60 s later. Cost = 0 (the time is told with the failure of the first).",
		CapturePoint: "Where the server ended the connection, a round trip between capture point and client has to lie between that and the second request.",
		Likely:       "The second came 10 s after the end of the first, or later, or the connection of the first had not ended: it may be another request that is equal.",
		Limits: "Silent where bytes of the first connection are missing from the capture, where the first request itself was cut, where the server sent something else than HTTP/1 for it, and for CONNECT; and where the client sends equal requests all the time: three at least, and the second try comes no sooner than " +
			"the next of them would (3/4 of the time between the others), or others were sent between it and the first. Whether the first was executed is told by what the server's host acknowledged.",
		Cure:       "Do not repeat such requests automatically, or give them an Idempotency-Key that the server honours; close idle connections at the client before the server does.",
		References: []string{"HTTP-DG §4.7.3", "RFC 9110 §9.2.2", "RFC 9112 §9.3.1"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Repeated: func(first, again *analyze.Exchange) {
			if mayRepeat(first) {
				return
			}
			end, _ := first.Connection.Failed()
			i := retried(first, again)
			i.Severity, i.Cost = Error, 0 // what was lost is not time; where the first try failed tells of that
			if stillOpen(first, again) || again.Request.Start.At.Sub(end) >= periodic {
				i.Confidence = Likely
			}
			if first.Acknowledged() {
				i.Detail += " The server's host had acknowledged the whole first: it may have been executed twice."
			} else {
				i.Detail += " The capture does not show that the server's host acknowledged all of the first: it was probably not executed."
			}
			p.Report(i)
		}}
	},
}
