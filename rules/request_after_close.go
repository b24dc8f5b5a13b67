package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
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
			"had acknowledged all of that response before. Cost = from the request to the server's close where it got no response, else 0.",
		CapturePoint: "The order of the client's requests, and what they acknowledge, are the same everywhere; the cost includes the round trip between capture point and client.",
		Limits:       "Silent for requests that were on their way when the announcement came (pipelined), and where bytes of the connection are missing from the capture.",
		Cure:         "Let the client take a connection out of its pool when either side says close, and send the request on another one.",
		References:   []string{"HTTP-DG §4.5.1", "RFC 9112 §9.6"},
	},
	Listen: func(p *Pass) analyze.Listener {
		closing := map[uint64]*closingConnection{} // by connection; short-lived, as the close follows
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				if s := closing[x.Connection.ID]; s != nil {
					s.add(x)
					return
				}
				if s := closingBy(x); s != nil {
					closing[x.Connection.ID] = s
				}
			},
			Closed: func(c *analyze.Connection) {
				s := closing[c.ID]
				if s == nil {
					return
				}
				delete(closing, c.ID)
				if !c.Intact() {
					return
				}
				for i := range s.after {
					p.Report(s.tell(c, &s.after[i]))
				}
			},
		}
	},
}

// closingConnection is one on which a close was announced, and what came after.
type closingConnection struct {
	announcement
	byRequest bool
	after     []laterRequest
}

// laterRequest is a request that should not be.
type laterRequest struct {
	exchange uint64
	sent     Evidence
	answered bool
}

// closingBy is the announcement of a close in x, nil without one.
func closingBy(x *analyze.Exchange) *closingConnection {
	switch {
	case !headWhole(x.Request), x.Response != nil && x.Response.Framing == http1.Tunnel:
		return nil
	case x.Request.HasToken("Connection", "close"):
		return &closingConnection{announcement: announcement{exchange: x.ID, said: x.Request.HeadEnd.At}, byRequest: true}
	case x.Response != nil && x.Response.Complete && x.Response.HasToken("Connection", "close"):
		return &closingConnection{announcement: announcement{exchange: x.ID, said: x.Response.HeadEnd.At}}
	}
	return nil
}

func (s *closingConnection) add(x *analyze.Exchange) {
	const noRequest = http1.BadStartLine | http1.OddVersion
	if !headWhole(x.Request) || x.Request.Problems.Has(noRequest) || x.Request.Version == http1.HTTP09 ||
		!s.byRequest && !x.Informed || len(s.after) >= requestsAfterClose {
		return
	}
	s.after = append(s.after, laterRequest{x.ID, Evidence{x.Request.Start.At, "another request"}, x.Response != nil})
}

func (s *closingConnection) tell(c *analyze.Connection, r *laterRequest) Instance {
	who, fate := "server", "got no response"
	if s.byRequest {
		who = "client itself"
	}
	i := Instance{
		Connection: c,
		ExchangeID: r.exchange,
		Severity:   Error,
		Evidence:   []Evidence{{s.said, "Connection: close"}, r.sent},
	}
	toClient, _ := c.RTTClient()
	since := r.sent.Mark.Sub(s.said)
	if !s.byRequest {
		since = max(since-toClient, 0)
	}
	if r.answered {
		fate = "was answered all the same"
	} else if end, side, ok := c.Ended(); ok && side != c.ClientSide() && end.Time >= r.sent.Mark.Time {
		i.Cost = end.Sub(r.sent.Mark) + toClient
		i.Evidence = append(i.Evidence, Evidence{end, "the server closes"})
	}
	i.Detail = fmt.Sprintf("The client sent another request %s after the %s had said \"Connection: close\"; it %s.", ms(since), who, fate)
	return i
}
