package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
)

var truncatedBody = &Rule{
	ID:         "truncated-body",
	Title:      "a body was cut by the end of the connection",
	Group:      Ending,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "The message said how long its body is (Content-Length, or chunks up to the last one), and the connection ended before. What came is not the whole; " +
			"a receiver that does not check takes a part for it.",
		Measured: "FIN of the sender, or an RST of either side, before Content-Length bytes or the last chunk; where the sender's FIN answers one of the receiver, " +
			"it was the receiver who gave up. Bytes lost = Content-Length - bytes seen, where there is one. Cost = 0.",
		CapturePoint: "The bytes up to the end of the stream are the same everywhere. Where an RST came from the receiver, those that it had not received yet are not counted as lost.",
		Limits: "Silent when the capture ended first, or bytes of the connection, or the close that its end answers, are missing from it; for the body of a request that was " +
			"answered before its end, and before the client ended it (early-response-close), or of which nothing was sent when the server closed or was asked for 100 (Continue), and where the client closed a stream that goes on for as long as it likes (text/event-stream).",
		Cure:       "Look at the side that ended the connection: crashes and timeouts of its application, limits of proxies between; a client that reset the connection may have given up on purpose. Let receivers compare the length.",
		References: []string{"HTTP-DG §4.7.2", "RFC 9112 §8", "RFC 9112 §6.3"},
	},
	Signs: incomplete,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			client := x.Connection.ClientSide()
			if x.Request == nil {
				return // what answers a HEAD has no body, whatever it says
			}
			if isCut(x.Response) && !(isStream(x.Response) && gaveUp(x.Connection, client.Other(), x.Response)) {
				tellCut(p, x, x.Response, client.Other(), "response")
			}
			if isCut(x.Request) && (x.Response == nil || x.ResponsePlace.Received > x.RequestPlace.End || resetUnanswered(x)) && wasBegun(x) {
				tellCut(p, x, x.Request, client, "request")
			}
		}}
	},
}

// isCut reports whether the end of m's body is missing, and nothing of it was
// lost by the capture.
func isCut(m *http1.Message) bool {
	const otherwise = http1.HeadLost | http1.HeadUnfinished | http1.TrailersUnfinished | http1.BadChunkSize | http1.BadChunkEnd
	return m != nil && !m.Complete && m.Lost == 0 && !m.Problems.Has(otherwise) &&
		(m.Framing == http1.ContentLength || m.Framing == http1.Chunked)
}

// resetUnanswered reports whether the client had reset the connection when the response
// got to it.
func resetUnanswered(x *analyze.Exchange) bool {
	rst, by := x.Connection.RST()
	toClient, known := x.Connection.RTTClient()
	return known && !rst.IsZero() && by == x.Connection.ClientSide() && rst.Sub(x.Response.Start.At) < toClient
}

// wasBegun reports whether the client had begun to send the body of the request, or closed
// without having asked whether it should.
func wasBegun(x *analyze.Exchange) bool {
	c := x.Connection
	_, by, _ := c.Ended()
	return x.Request.BodyBytes > 0 || by == c.ClientSide() && !c.FIN(by).IsZero() && !x.Request.Expects100()
}

func tellCut(p *Pass, x *analyze.Exchange, m *http1.Message, sender reassembly.Side, name string) {
	end, text, ok := endOfStream(x.Connection, sender, m)
	if !ok {
		return
	}
	i := Instance{
		Connection: x.Connection,
		Exchange:   x,
		Severity:   Error,
		Detail:     fmt.Sprintf("%s: only %d bytes of a %s body in chunks were sent, and not the last chunk.", upperFirst(text), m.BodyBytes, name),
		Evidence:   []Evidence{{m.Start.At, name + " begins"}, {m.End.At, "the last of it"}, {end, text}},
	}
	if m.Framing == http1.ContentLength {
		i.BytesLost = m.Length - m.BodyBytes
		i.Detail = fmt.Sprintf("%s: only %d of the %d bytes of a %s body were sent.", upperFirst(text), m.BodyBytes, m.Length, name)
	}
	p.Report(i)
}
