package rules

import (
	"fmt"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// keptOpen is how long after the body a connection without announcement of
// either kind counts as kept (RULES: 1 s).
const keptOpen = time.Second

var persistentWithoutLength = &Rule{
	ID:         "persistent-without-length",
	Title:      "a body without a length on a connection that is kept",
	Group:      Reuse,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "On a connection that goes on, the receiver must be able to tell where a body ends: by Content-Length or by chunked " +
			"framing. The receiver of a response with neither waits for a close that does not come, or takes what follows for a part of the body; " +
			"the receiver of such a request takes its body for the next request.",
		Measured: "A response with a body, framed by neither, whose request and response both persist, and: it says \"Connection: keep-alive\", or the " +
			"connection was closed >= 1 s after the last byte of the body, or the client sent another request behind it. " +
			"Cost = from the last byte of the body to the close. " +
			"Or a request that persists, of POST, PUT or PATCH or with Content-Type, framed by neither, directly behind whose head, and before the response, bytes come that begin no message. Cost = 0.",
		CapturePoint: "A client's close leaves it half a round trip before it is seen, and the body arrives as much later: the cost is less by the round trip between capture point and client.",
		Limits: "Silent for streams that are meant to stay open (text/event-stream, multipart/x-mixed-replace), for a length or coding that some do not take for one (other rules), " +
			"and where bytes of the connection are missing from the capture.",
		Cure:       "Send Content-Length, or Transfer-Encoding: chunked to clients of HTTP/1.1, or \"Connection: close\" and close.",
		References: []string{"HTTP-DG §4.5.2", "HTTP-DG §4.7.2", "RFC 9112 §6.3", "RFC 9112 §9.3"},
	},
	Listen: func(p *Pass) analyze.Listener {
		without := map[uint64]*lengthless{}        // by connection: their last exchanges
		requests := map[uint64]lengthlessRequest{} // by connection: such a request
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				id, room := x.Connection.ID, len(without)+len(requests) < maxKept
				l := without[id]
				switch {
				case l != nil:
					l.follow(x)
				case x.Request == nil || x.Response == nil || !withoutLength(x.Request, x.Response):
				case room:
					without[id] = lengthlessOf(x)
				default:
					p.Forget()
				}
				switch {
				case !requestWithoutLength(x):
				case room:
					requests[id] = lengthlessRequest{nameOf(x), strings.Clone(methodOf(x)), x.Request.HeadEnd.At}
				default:
					p.Forget()
				}
			},
			Closed: func(c *analyze.Connection) {
				if r, ok := requests[c.ID]; ok && c.Intact() {
					p.Report(r.on(c))
				}
				if l := without[c.ID]; l != nil {
					if i, ok := l.judge(c); ok {
						p.Report(i)
					}
				}
				delete(requests, c.ID)
				delete(without, c.ID)
			},
		}
	},
}

// requestWithoutLength reports whether a body that nothing tells the length of came behind
// the head of the request of x. What came behind the response may be a stream that both agreed
// on: Docker attaches so, and sources of Icecast.
func requestWithoutLength(x *analyze.Exchange) bool {
	m, excess := x.Request, x.Connection.Excess
	if excess == nil || m == nil {
		return false
	}
	e := &excess[reassembly.ToServer]
	if e.Bytes == 0 || e.Exchange != x.ID || x.Response != nil && e.First.Time > x.Response.Start.At.Time {
		return false
	}
	switch m.Method {
	case "POST", "PUT", "PATCH":
	default:
		if !hasField(m, "Content-Type") {
			return false
		}
	}
	return m.Framing == http1.NoBody && headWhole(m) && m.Persistent() && !m.AmbiguousLength()
}

// lengthlessRequest is a request with a body that nothing tells the length of.
type lengthlessRequest struct {
	named
	method string
	head   capture.Mark // its last byte
}

func (r lengthlessRequest) on(c *analyze.Connection) Instance {
	e := &c.Excess[reassembly.ToServer]
	return Instance{
		Connection: c,
		Severity:   Error,
		Detail: fmt.Sprintf("A %s has neither Content-Length nor chunked framing, and %s its head: a server takes that for the next request.",
			r.method, follow(e)),
		Evidence: []Evidence{{r.head, "head without a length"}, {e.First, "first byte behind it"}, {e.Last, "last of them"}},
	}.about(r.named)
}

// lengthless is an exchange whose response has a body without a length, and the
// request that came behind it, if any.
type lengthless struct {
	named
	explicit   bool         // the response says "keep-alive"
	head, last capture.Mark // its head's last byte, and the last of all
	bytes      int64        // of the body
	next       capture.Mark
}

func lengthlessOf(x *analyze.Exchange) *lengthless {
	m := x.Response
	return &lengthless{named: nameOf(x), explicit: m.HasToken("Connection", "keep-alive"), head: m.HeadEnd.At, last: m.End.At, bytes: m.BodyBytes}
}

func withoutLength(request, response *http1.Message) bool {
	return response.Framing == http1.UntilClose && response.BodyBytes > 0 &&
		headWhole(request) && headWhole(response) && !response.AmbiguousLength() &&
		request.Persistent() && response.Persistent() && !isStream(response)
}

// isStream reports whether a response goes on for as long as both sides like.
func isStream(response *http1.Message) bool {
	value, _ := response.Get("Content-Type")
	kind, _, _ := strings.Cut(value, ";")
	kind = strings.TrimSpace(kind)
	return strings.EqualFold(kind, "text/event-stream") || strings.EqualFold(kind, "multipart/x-mixed-replace")
}

// follow notes a request that the client sent when it had the whole body.
func (l *lengthless) follow(x *analyze.Exchange) {
	toClient, known := x.Connection.RTTClient()
	if l.next.IsZero() && known && x.Request != nil &&
		x.Request.Start.At.Time > l.last.Time.Add(toClient) {
		l.next = x.Request.Start.At
	}
}

func (l *lengthless) judge(c *analyze.Connection) (Instance, bool) {
	i := Instance{
		Connection: c,
		Severity:   Error,
		Evidence:   []Evidence{{l.head, "head without a length"}, {l.last, "last byte of the body"}},
	}.about(l.named)
	what := "A response with a body"
	if l.explicit {
		what += " and \"Connection: keep-alive\""
	}
	end, by, ended := c.Ended()
	if ended {
		i.Cost = end.Sub(l.last)
		if by == c.ClientSide() {
			toClient, _ := c.RTTClient()
			i.Cost -= toClient
		}
		i.Cost = max(i.Cost, 0)
		i.Evidence = append(i.Evidence, Evidence{end, "the connection is closed"})
	}
	switch {
	case !c.Intact():
		return i, false
	case !l.next.IsZero():
		i.Detail = fmt.Sprintf("%s (%d bytes) has neither Content-Length nor chunked framing, and the client sent another request behind it.", what, l.bytes)
		i.Evidence = append(i.Evidence, Evidence{l.next, "another request"})
	case ended && i.Cost >= keptOpen:
		i.Detail = fmt.Sprintf("%s (%d bytes) has neither Content-Length nor chunked framing, and the connection stayed open for %s behind it.", what, l.bytes, ms(i.Cost))
	case l.explicit:
		i.Detail = fmt.Sprintf("%s (%d bytes) has neither Content-Length nor chunked framing.", what, l.bytes)
	default:
		return i, false
	}
	return i, true
}
