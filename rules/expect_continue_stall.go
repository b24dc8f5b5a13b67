package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

// expectMin is how long a client must have waited, beyond a round trip, for its
// patience to show: they wait from 350 ms (.NET) to 3 s, most of them 1 s (curl, Go).
const expectMin = 200 * time.Millisecond

var expectContinueStall = &Rule{
	ID:         "expect-continue-stall",
	Title:      "the client waited for a go-ahead that did not come",
	Group:      Ending,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "With \"Expect: 100-continue\" a client asks before it sends a large body. A server, or a proxy, that knows nothing of it says nothing, " +
			"and the client waits for its timer, typically one second, before it sends the body all the same.",
		Measured: "The request has Expect: 100-continue, its body began >= 200 ms + the round trip after the end of its head (where that was lost, after its repeat), and neither 100 nor a final response " +
			"had reached the client before. Cost = that time less the round trip.",
		CapturePoint: "The time between two packets of the client is the same everywhere; whether a response had reached it is judged there, through the round trip to it.",
		Likely:       withoutHandshake,
		Limits:       "Silent where the round trip is not known, or bytes of the connection are missing from the capture.",
		Cure:         "Make the server (or the proxy) answer with 100 or a final status, or switch the expectation off in the client (curl: -H Expect:), or shorten its timer.",
		References:   []string{"HTTP-DG §4.7", "RFC 9110 §10.1.1", "RFC 9110 §15.2.1"},
	},
	Signs: withBody,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			m := x.Request
			rtt, known := x.Connection.RTT()
			if m == nil || !known || m.Lost > 0 || m.BodyStart.IsZero() || !m.Expects100() || !x.Connection.Intact() {
				return
			}
			waited := m.BodyStart.Time.Sub(x.RequestHeadThrough())
			cost := waited - rtt
			if cost < expectMin || toldToGoOn(x) {
				return
			}
			sure, remark := confidence(x.Connection)
			p.Report(Instance{
				Connection: x.Connection,
				Exchange:   x,
				Severity:   Warning,
				Confidence: sure,
				Cost:       cost,
				Detail: fmt.Sprintf("The client waited %s for 100 (Continue) before it sent the body; the server said nothing.%s",
					ms(waited), remark),
				Evidence: []Evidence{{m.HeadEnd.At, "end of the head, with Expect: 100-continue"}, {m.BodyStart, "the body begins"}},
			})
		}}
	},
}

// toldToGoOn reports whether a response had reached the client before it sent
// the body.
func toldToGoOn(x *analyze.Exchange) bool {
	toClient, _ := x.Connection.RTTClient()
	before := func(m *http1.Message) bool {
		return m.Start.Readable < x.Request.BodyStart.Time.Add(-toClient)
	}
	for _, m := range x.Interim {
		if before(m) {
			return true
		}
	}
	return x.Response != nil && before(x.Response)
}
