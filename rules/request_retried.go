package rules

import (
	"fmt"

	"wirelag/analyze"
)

var requestRetried = &Rule{
	ID:         "request-retried",
	Title:      "a request had to be sent again",
	Group:      Ending,
	Severities: []Severity{Info},
	Doc: Doc{
		What: "The first try got no complete response because its connection ended, and the client repeated it. That is right for an idempotent request (or one with an Idempotency-Key): " +
			"the user saw but a delay.",
		Measured: "Same client address, method, target, Host, Range, Cookie, Authorization and body (length and CRC-32), the method idempotent or an Idempotency-Key present; the connection of the first ended without a whole " +
			"response, or the first was sent again there three times without an acknowledgement; the second was sent after the client had learned of that, and less than 60 s later. Cost = from then to the first byte of the second's response.",
		CapturePoint: "Where the server ended the connection, a round trip between capture point and client has to lie between that and the second request.",
		Limits:       "Silent where bytes of the first connection are missing from the capture, where the server sent something else than HTTP/1 for the first request, or a stream that goes on for as long as both like (text/event-stream, multipart/x-mixed-replace), and where the client sends equal requests all the time (as non-idempotent-retry). idle-close-race and pipeline-aborted tell of repeats themselves.",
		Cure:         "None is needed for one; where it is frequent, look at why connections end under requests.",
		References:   []string{"HTTP-DG §4.7.3", "RFC 9112 §9.3.1"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Repeated: func(first, again *analyze.Exchange) {
			if mayRepeat(first) && (first.Response == nil || !isStream(first.Response)) {
				p.Report(retried(first, again))
			}
		}}
	},
}

// mayRepeat reports whether the request can be sent again without harm.
func mayRepeat(x *analyze.Exchange) bool {
	return x.Request.Idempotent() || x.Request.Method == "CONNECT" || hasField(x.Request, "Idempotency-Key")
}

// stillOpen reports whether the connection of the first try had not ended when the client
// sent the request again: what it sent there was not acknowledged.
func stillOpen(first, again *analyze.Exchange) bool {
	end, _, ended := first.Connection.Ended()
	return !ended || end.Time > again.Request.Start.At.Time
}

// retried is the instance for a request that was sent again.
func retried(first, again *analyze.Exchange) Instance {
	end, learned := first.Connection.Failed()
	ends := Evidence{end, "its connection ends"}
	if stillOpen(first, again) {
		learned, ends.What = again.Request.Start.At.Time, "the last of its connection"
	}
	where := "on another connection"
	if again.Connection.ID == first.Connection.ID {
		where = "on the same connection"
	}
	i := Instance{
		Connection: first.Connection,
		Exchange:   first,
		Also:       again,
		Severity:   Info,
		Evidence: []Evidence{
			{first.Request.Start.At, "the request"},
			ends,
			{again.Request.Start.At, "the same request again"},
		},
	}
	i.Detail = fmt.Sprintf("A %s that got no complete response was sent again %s, %s after the first try",
		methodOf(first), where, ms(again.Request.Start.At.Sub(first.Request.Start.At)))
	answered, ok := answeredAt(again)
	if !ok {
		i.Detail += ", without a response."
		return i
	}
	i.Cost = max(answered.Sub(learned), 0)
	i.Evidence = append(i.Evidence, Evidence{again.Response.Start.At, "the response to that"})
	i.Detail += fmt.Sprintf("; the response came %s after the failure.", ms(i.Cost))
	return i
}
