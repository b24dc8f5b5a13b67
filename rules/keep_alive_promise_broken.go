package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

const (
	// promiseKept is the share of the announced timeout that has to go by (RULES:
	// 0.8): servers count from when they sent the response, in whole seconds.
	promiseKept = 0.8
	// maxAlone is how soon a close breaks a promise of requests alone; any server
	// may give up a connection that is idle for longer (Apache after 5 s).
	maxAlone = 5 * time.Second
)

var keepAlivePromiseBroken = &Rule{
	ID:         "keep-alive-promise-broken",
	Title:      "a connection was not kept as announced",
	Group:      Reuse,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "\"Keep-Alive: timeout=T, max=N\" tells how long the server keeps an idle connection and how many more requests it takes. " +
			"Clients plan by it: if the server closes sooner, or a client goes on later, a request meets the close and is lost.",
		Measured: "The server's FIN or RST on an idle connection came at < 0.8 T after the end of its latest response, which announced T and did not " +
			"announce a close; or, where it announced N > 0 alone, within 5 s. Or: a request more than T after that end " +
			"got no response, as the server closed. Cost = 0 (the lost request is another rule's).",
		CapturePoint: "Response and FIN travel the same way. How late a client is is reckoned there: less the round trip between capture point and client.",
		Limits: "Silent where Keep-Alive has to be ignored (no \"Connection: keep-alive\"), where a request was on the server when it closed, or a reset answered one (a firewall that forgot the connection answers so), " +
			"and where bytes of the connection or a FIN are missing from the capture.",
		Cure:       "Announce what is configured (some servers close early when they are short of workers: give them more), and let the client drop connections some time before T is over.",
		References: []string{"HTTP-DG §4.5.3", "RFC 2068 §19.7.1.1", "RFC 9112 §9.5"},
	},
	Signs: incomplete,
	Listen: func(p *Pass) analyze.Listener {
		late := map[uint64]lateRequest{} // by connection; the last thing that happens there
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				c := x.Connection
				if _, ok := late[c.ID]; ok || !x.Unanswered() || c.LastAnswered.IsZero() {
					return
				}
				if len(late) >= maxNoted {
					p.Forget()
					return
				}
				late[c.ID] = lateRequest{x.ID, x.Request.Start.At}
			},
			Closed: func(c *analyze.Connection) {
				request := late[c.ID]
				delete(late, c.ID)
				end, ok := endedByServer(c)
				if !ok || !c.Persistence.Agreed() || c.LastAnswered.IsZero() {
					return
				}
				if i, ok := request.missed(c, end); ok {
					p.Report(i)
				} else if request.onItsWay(c, end) {
					if i, ok := closedEarly(c, end); ok {
						p.Report(i)
					}
				}
			},
		}
	},
}

// lateRequest is the first request behind the latest response, which got none.
type lateRequest struct {
	exchange uint64
	sent     capture.Mark // zero: there is none
}

// missed judges a client that went on after the announced time.
func (r lateRequest) missed(c *analyze.Connection, end capture.Mark) (Instance, bool) {
	timeout := time.Duration(c.Promise.Timeout) * time.Second
	toClient, known := c.RTTClient()
	if r.sent.IsZero() || timeout <= 0 || !known {
		return Instance{}, false
	}
	idle := r.sent.Sub(c.LastAnswered) - toClient
	if idle <= timeout {
		return Instance{}, false
	}
	return Instance{
		Connection: c,
		ExchangeID: r.exchange,
		Severity:   Warning,
		Detail: fmt.Sprintf("The server had announced to keep the connection for %d s; the client sent a request after %s and met the close.",
			c.Promise.Timeout, ms(idle)),
		Advice: "Let the client drop idle connections some time before the announced timeout is over.",
		Evidence: []Evidence{
			{c.LastAnswered, "end of the response that announced the timeout"},
			{r.sent, "the request, too late"},
			{end, "the server closes"},
		},
	}, true
}

// onItsWay reports whether the server cannot have had the request when it closed.
func (r lateRequest) onItsWay(c *analyze.Connection, end capture.Mark) bool {
	toServer, known := c.RTTServer()
	return r.sent.IsZero() || known && end.Sub(r.sent) < toServer
}

// closedEarly judges a server that closed an idle connection.
func closedEarly(c *analyze.Connection, end capture.Mark) (Instance, bool) {
	idle := end.Sub(c.LastAnswered)
	t, n := c.Promise.Timeout, c.Promise.Max
	timeout := time.Duration(t) * time.Second
	detail := ""
	switch {
	case idle < 0 || t == 0 || n == 0:
	case t > 0 && idle.Seconds() < promiseKept*timeout.Seconds():
		detail = fmt.Sprintf("The server had announced to keep the idle connection for %d s", t)
		if n > 0 {
			detail += " and " + count(int(n), "more request", "more requests")
		}
		detail += fmt.Sprintf(", and closed it after %s.", ms(idle))
	case t < 0 && n > 0 && idle < maxAlone:
		detail = fmt.Sprintf("The server had announced to take %s, and closed the connection %s later.", count(int(n), "more request", "more requests"), ms(idle))
	}
	return Instance{
		Connection: c,
		Severity:   Warning,
		Detail:     detail,
		Evidence:   []Evidence{{c.LastAnswered, "end of the response that announced it"}, {end, "the server closes"}},
	}, detail != ""
}
