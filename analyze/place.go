package analyze

import (
	"slices"

	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// Place is where a message lies in the stream of its sender.
type Place struct {
	Start, End int64 // its first byte, and the one behind its last
	// Received is how many bytes of the other side's stream its sender had received
	// when it sent the first byte; −1 when unknown.
	Received int64
}

// Order is how a request stands to the exchanges before it on its connection, as
// its acknowledgement number proves. None of it is set where the capture lost bytes.
type Order struct {
	// Pipelined: its first byte was sent before the client had the previous
	// request's final response to its end.
	Pipelined bool
	// BehindUnsafe: it was pipelined behind a request that is not idempotent, whose
	// final status the client did not have.
	BehindUnsafe bool
	// Unconfirmed: it was pipelined before the client had a response on this
	// connection that lets it go on.
	Unconfirmed bool
	// Doubtful: it seems to be pipelined, and nothing else is set, but programs differ in where
	// a message before it ends: it may be a part of a request's body, or the client may have
	// had the whole response.
	Doubtful bool
}

// progress is how far the responses on a connection have come, by places in the
// server's stream; 0 where there are none.
type progress struct {
	answered  int64 // behind the latest final response to a request
	unsafe    int64 // behind the head of the latest final response to a request that is not idempotent
	confirmed int64 // behind the first final response that lets the connection go on
}

// received is how many bytes of the other side's stream side had when it sent
// the bytes that a packet carried; −1 when that is not the one being worked in.
func (v *conversation) received(side reassembly.Side, at capture.Mark) int64 {
	ack := v.acknowledged(side, at)
	if !ack.known || !v.connection.Begun(side.Other()) {
		return -1
	}
	return v.connection.Offset(side.Other(), ack.number)
}

// order says how a request that begins now stands to those before it.
func (v *conversation) order(received int64) (o Order) {
	p := &v.pairing
	client := v.connection.ClientSide()
	server := &v.streams[client.Other()]
	if received < 0 || received > server.offset || server.lost || v.streams[client].lost || !v.connection.Intact() {
		return o
	}
	o.Pipelined = received < p.progress.answered
	o.BehindUnsafe = received < p.progress.unsafe
	p.settle()
	o.Pipelined = o.Pipelined || p.answering() || slices.ContainsFunc(p.waiting[p.settled:], asked)
	o.BehindUnsafe = o.BehindUnsafe || p.unsafe > 0
	o.BehindUnsafe = o.BehindUnsafe && o.Pipelined
	o.Unconfirmed = o.Pipelined && (p.progress.confirmed == 0 || received < p.progress.confirmed)
	p.ambiguous = p.ambiguous && o.Pipelined
	if p.ambiguous || o.Pipelined && p.mayHaveEnded(received) {
		return Order{Pipelined: true, Doubtful: true}
	}
	return o
}

// answering reports whether the response to a request has begun and not ended.
func (p *pairing) answering() bool {
	x := p.latest()
	return x != nil && x.Request != nil && !x.responseEnded && !x.abandoned
}

// mayHaveEnded reports whether the latest response is one of which programs differ in where it
// ends, and a client that had received so much had its head.
func (p *pairing) mayHaveEnded(received int64) bool {
	x := p.latest()
	return x != nil && x.Response != nil && x.Response.AmbiguousLength() && received >= x.ResponsePlace.Start+x.Response.HeaderBytes
}

func asked(x *exchange) bool { return x.Request != nil }

// headed notes that the head of a final response is there.
func (p *progress) headed(x *Exchange, place int64) {
	if x.Request != nil && !x.Request.Idempotent() {
		p.unsafe = place
	}
}

// ended notes that a final response ended. One that no request had asked for keeps no
// client waiting.
func (p *progress) ended(x *Exchange, place int64) {
	if x.Request == nil {
		return
	}
	p.answered = place
	if p.confirmed == 0 && x.Response.Complete && persistence(x) == Persistent {
		p.confirmed = place
	}
}

// half reports whether the client has sent bytes behind its last request that
// are, so far, none.
func (v *conversation) half() bool {
	s := &v.streams[v.connection.ClientSide()]
	excess := v.connection.Excess
	switch {
	case excess != nil && excess[reassembly.ToServer].Bytes > 0:
		return true
	case s.mode == parsing:
		return !s.parser.Idle() || s.parser.Tunnels()
	case s.mode == sniffing, s.mode == hunting:
		return len(s.prefix) > 0
	}
	return s.offset > 0
}

// place is where m, whose sender had received so much when it began it, lies in
// the stream of side.
func (v *conversation) place(side reassembly.Side, m *http1.Message, received int64) Place {
	start := v.streams[side].begin + m.Offset
	return Place{Start: start, End: start + m.Extent(), Received: received}
}
