package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
)

// requestsAfterClose bounds the requests told of one connection.
const requestsAfterClose = 100

var requestAfterClose = &Rule{
	ID:         "request-after-close",
	Title:      "a request was sent on a connection whose close was announced",
	Group:      Reuse,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "After \"Connection: close\", from either side, no more requests may be sent on the connection. The server is " +
			"closing it, and need not even read them: the request is lost, and the client cannot tell whether it was acted on.",
		Measured: "A request behind one of the same connection that said \"Connection: close\"; or behind a response that said so, when the client " +
			"had acknowledged all of that response before. Cost = from the request to the server's close, or its reset behind that, where it got no response, else 0.",
		CapturePoint: "The order of the client's requests, and what they acknowledge, are the same everywhere; the cost includes the round trip between capture point and client.",
		Limits:       "Silent for requests that were on their way when the announcement came (pipelined), and where bytes of the connection are missing from the capture.",
		Cure:         "Let the client take a connection out of its pool when either side says close, and send the request on another one.",
		References:   []string{"HTTP-DG §4.5.1", "RFC 9112 §9.6"},
	},
	Listen: func(p *Pass) analyze.Listener {
		closes := p.announcedCloses()
		after := map[uint64]*afterClose{} // by connection
		kept := 0                         // requests
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				said := closes.of(x).first
				if said.exchange == 0 || said.exchange == x.ID || !said.forbids(x) {
					return
				}
				if kept >= maxNoted {
					p.Forget()
					return
				}
				a := after[x.Connection.ID]
				if a == nil {
					a = &afterClose{said: said}
					after[x.Connection.ID] = a
				}
				if len(a.requests) < requestsAfterClose {
					kept++
					a.requests = append(a.requests, laterRequest{x.ID, Evidence{x.Request.Start.At, "another request"}, x.Response != nil})
				}
			},
			Closed: func(c *analyze.Connection) {
				a := after[c.ID]
				if a == nil {
					return
				}
				delete(after, c.ID)
				kept -= len(a.requests)
				if !c.Intact() {
					return
				}
				for _, r := range a.requests {
					p.Report(a.said.tell(c, r))
				}
			},
		}
	},
}

// afterClose is what came on a connection after it should have been closed.
type afterClose struct {
	said     closeSaid
	requests []laterRequest
}

// laterRequest is a request that should not be.
type laterRequest struct {
	exchange uint64
	sent     Evidence
	answered bool
}

// forbids reports whether the client knew better than to send the request of x.
func (s closeSaid) forbids(x *analyze.Exchange) bool {
	const noRequest = http1.BadStartLine | http1.OddVersion
	return headWhole(x.Request) && !x.Request.Problems.Has(noRequest) && x.Request.Version != http1.HTTP09 &&
		(s.byRequest || x.Informed)
}

func (s closeSaid) tell(c *analyze.Connection, r laterRequest) Instance {
	who, fate := "server", "got no response"
	if s.byRequest {
		who = "client itself"
	}
	i := Instance{
		Connection: c,
		ExchangeID: r.exchange,
		Severity:   Error,
		Evidence:   []Evidence{{s.at, "Connection: close"}, r.sent},
	}
	toClient, _ := c.RTTClient()
	since := r.sent.Mark.Sub(s.at)
	if !s.byRequest {
		since = max(since-toClient, 0)
	}
	if r.answered {
		fate = "was answered all the same"
	} else if end, ok := learnedBy(c, r.sent.Mark.Time); ok {
		i.Cost = end.Mark.Sub(r.sent.Mark) + toClient
		i.Evidence = append(i.Evidence, end)
	}
	i.Detail = fmt.Sprintf("The client sent another request %s after the %s had said \"Connection: close\"; it %s.", ms(since), who, fate)
	return i
}

// learnedBy is what told the client, when it had sent a request, that it gets no response.
func learnedBy(c *analyze.Connection, sent capture.Time) (Evidence, bool) {
	end, side, ended := c.Ended()
	what := "the server closes"
	if ended && end.Time < sent {
		end, side = c.RST()
		what = "the server resets"
	}
	return Evidence{end, what}, ended && side != c.ClientSide() && end.Time >= sent
}
