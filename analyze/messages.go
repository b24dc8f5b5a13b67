package analyze

import (
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// requests handles what the client's stream holds.
type requests conversation

func (r *requests) Began(m *http1.Message) {
	v := (*conversation)(r)
	v.pairing.request = v.analyzer.newNumber(v.handle)
	v.pairing.requestHad = v.received(v.connection.ClientSide(), m.Start.At)
	v.pairing.requestACK = v.acknowledged(v.connection.ClientSide(), m.Start.At)
	v.pairing.order = v.order(v.pairing.requestHad)
}

func (r *requests) Head(m *http1.Message) string {
	v := (*conversation)(r)
	client := v.connection.ClientSide()
	x := v.newExchange(v.pairing.request)
	x.Request, x.Order = m, v.pairing.order
	v.hold(x, m)
	x.start = v.streams[client].begin + m.Offset
	x.ack, x.ackKnown = v.pairing.requestACK.number, v.pairing.requestACK.known
	x.afterLoss, v.streams[client].lost = v.streams[client].lost, false
	v.connection.describe(m, &v.analyzer.host)
	x.Informed = v.informed(x)
	v.begin(x)
	v.enqueue(x)
	if v.analyzer.wanted.requested {
		v.headed()
	}
	return ""
}

// headed tells that the head of a request is there.
func (v *conversation) headed() {
	e := v.add(requestHeaded)
	e.begun, e.requests, e.waiting = v.connection.Exchanges, v.connection.Requests, v.connection.Waiting
}

// informed reports whether the client had acknowledged all responses before x
// when it sent x.
func (v *conversation) informed(x *exchange) bool {
	upTo := v.connection.Offset(v.connection.ClientSide().Other(), x.ack)
	for _, y := range v.pairing.waiting {
		if !y.responseEnded || y.responseEnd > upTo {
			return false
		}
	}
	return x.ackKnown && v.connection.Exchanges > 0
}

func (r *requests) Body(*http1.Message, []byte) {}

func (r *requests) End(m *http1.Message) {
	v := (*conversation)(r)
	for i := len(v.pairing.waiting) - 1; i >= 0; i-- {
		if x := v.pairing.waiting[i]; x.Request == m {
			x.Sending = v.transfer(v.connection.ClientSide(), m, &x.sending)
			x.requestEnded, x.end = true, x.start+m.Extent()
			v.endedRequest(x)
			break
		}
	}
	v.tellFinished()
}

func (v *conversation) endedRequest(x *exchange) {
	m := x.Request
	v.pairing.ended[reassembly.ToServer] = ended{exchange: x.number, end: x.end, length: m.Length}
	v.pairing.ambiguous = v.pairing.ambiguous || m.AmbiguousLength()
	x.RequestPlace = v.place(v.connection.ClientSide(), m, v.pairing.requestHad)
	if m.Complete {
		x.sum = sumOf(keyOf(m, &v.connection))
		v.add(requestEnded).exchange = x
	}
}

func (r *requests) Junk(data []byte, at capture.Span) {
	(*conversation)(r).exceed(reassembly.ToServer, data, at)
}

func (r *requests) Tunnelled([]byte, capture.Span) {}

func (r *requests) Simple() bool { return false }

// responses handles what the server's stream holds.
type responses conversation

func (r *responses) Began(m *http1.Message) {
	v := (*conversation)(r)
	v.pairing.responseHad = v.received(v.connection.ClientSide().Other(), m.Start.At)
	v.pairing.responseACK = v.acknowledged(v.connection.ClientSide().Other(), m.Start.At)
	v.pairing.response = nil
	if v.pairing.next() == nil {
		v.pairing.response = v.analyzer.newNumber(v.handle)
	}
}

func (r *responses) Head(m *http1.Message) string {
	v := (*conversation)(r)
	x := v.answered(m)
	if x == nil {
		if v.pairing.response == nil {
			v.pairing.response = v.analyzer.newNumber(v.handle)
		}
		x = v.newExchange(v.pairing.response)
		x.HalfRequest, x.RequestUnseen = v.half(), v.pairing.responseHad > v.seen(v.connection.ClientSide())
		v.begin(x)
		if v.connection.Protocol == UnknownProtocol {
			v.connection.Protocol = protocolOf(m.Version)
		}
		v.insertAnswered(x)
	}
	if m.Interim() {
		v.interim(x, m)
	} else {
		x.Response, x.reached = m, v.reached(x)
		if s := v.streams[v.connection.ClientSide()].sender; s != nil {
			x.nothingBetween = s.complete && s.lastACK.upTo <= x.end
		}
		v.hold(x, m)
		x.ResponsePlace = v.place(v.connection.ClientSide().Other(), m, v.pairing.responseHad)
		v.pairing.progress.headed(x.Exchange, x.ResponsePlace.Start+m.HeaderBytes)
		v.noteRefusal(x)
		v.noteBody(x)
	}
	if x.Request == nil {
		return ""
	}
	return x.Request.Method
}

// noteRefusal notes that the final response says no to a client that asked before it
// sends the body: then it need not send one (RFC 9110 §10.1.1).
func (v *conversation) noteRefusal(x *exchange) {
	if x.Request != nil && !x.requestEnded && x.Response.Status >= 300 && x.Request.Expects100() {
		v.pairing.refused = x.ResponsePlace.Start + x.Response.HeaderBytes
	}
}

// heedRefusal tells the parser that the client, whose next bytes are at hand, knows that
// its body is not wanted.
func (v *conversation) heedRefusal(at capture.Mark) {
	client := v.connection.ClientSide()
	if v.received(client, at) >= v.pairing.refused {
		v.streams[client].parser.MayLackBody()
	}
	v.pairing.refused = 0
}

// noteBody notes until when the client sent the request of x, if the capture lost where
// that ends: what came up to the response, and is no other request, is its body.
func (v *conversation) noteBody(x *exchange) {
	if x.Request == nil || !x.Request.Problems.Has(http1.HeadLost) || x != v.pairing.waiting[len(v.pairing.waiting)-1] {
		return
	}
	if s := v.streams[v.connection.ClientSide()].sender; s != nil {
		x.sentUntil = s.lastData.at.Time
	}
}

// maxInterim is how many interim responses of an exchange are kept.
const maxInterim = 64

func (v *conversation) interim(x *exchange, m *http1.Message) {
	if len(x.Interim) >= maxInterim {
		v.analyzer.stats.InterimLimit++
		return
	}
	x.Interim = append(x.Interim, m)
	v.hold(x, m)
}

// hold counts the memory of a head until x is over.
func (v *conversation) hold(x *exchange, m *http1.Message) {
	n := m.Size()
	x.held += n
	v.analyzer.arena.Hold(n)
}

func (r *responses) Body(*http1.Message, []byte) {}

func (r *responses) End(m *http1.Message) {
	v := (*conversation)(r)
	if m.Framing == http1.Tunnel {
		v.tunnel()
	}
	x, server := v.pairing.latest(), v.connection.ClientSide().Other()
	if x == nil || x.Response != m {
		v.transfer(server, m, new(Transfer))
	} else {
		x.responseEnded = true
		x.Answering = v.transfer(server, m, &x.answering)
		x.responseEnd = x.ResponsePlace.Start + m.Extent()
		x.ResponsePlace.End = x.responseEnd
		v.pairing.ended[reassembly.ToClient] = ended{x.number, x.responseEnd, m.Length, x.Request == nil}
		v.pairing.progress.ended(x.Exchange, x.responseEnd)
	}
	if !m.Interim() {
		v.tellFinished()
		v.awaitACK()
	}
}

func (r *responses) Junk(data []byte, at capture.Span) {
	v := (*conversation)(r)
	if !v.otherAnswer(data, at) {
		v.exceed(reassembly.ToClient, data, at)
	}
}

func (r *responses) Tunnelled([]byte, capture.Span) {}

// Simple reports whether the next response answers an HTTP/0.9 request.
func (r *responses) Simple() bool {
	x := (*conversation)(r).pairing.next()
	return x != nil && x.Request != nil && x.Request.Version == http1.HTTP09
}

// tunnel stops looking for requests: both sides speak something else now.
func (v *conversation) tunnel() {
	if s := &v.streams[v.connection.ClientSide()]; s.parser != nil {
		s.parser.StartTunnel()
	}
}
