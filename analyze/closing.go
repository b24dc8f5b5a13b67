package analyze

import (
	"slices"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// Closing is what the segments that ended a connection say about the bytes that
// were on their way then. Bytes are counted from the beginning of a stream.
type Closing struct {
	// Received is, by side, how many bytes of the other side's stream it had
	// received when it finished its own; −1 when it did not finish.
	Received [2]int64
	// LastData is, by side, when it sent data behind the other side's FIN; 0 when it did not.
	LastData [2]capture.Time
	// Reset is about the RST; its zero value where there is none.
	Reset Reset
}

// Reset is what a reset says.
type Reset struct {
	At capture.Mark
	// Answer: it answers a segment that its sender had no connection for any more
	// (RFC 9293 §3.10.7.1), instead of ending one by a decision.
	Answer bool
	// Received is how many bytes of the other side's stream its sender had
	// received; −1 when it does not say.
	Received int64
	// Acknowledged is how many bytes of its sender's stream had been acknowledged
	// to it when it sent the reset; −1 when that cannot be told from here.
	Acknowledged int64
	// Unseen: its sequence number lies behind bytes that the capture does not show,
	// or it acknowledges some, or echoes a segment that the capture does not show.
	Unseen bool
	// Full: the other side's receive window had less room than a segment, and had had more.
	Full bool
	// Response is the latest response that the connection had carried; its zero
	// value where it had carried none.
	Response LatestResponse
	side     reassembly.Side
}

// LatestResponse is the response that a server had sent last.
type LatestResponse struct {
	Exchange uint64 // ID
	number   *number
	End      int64        // place behind what was sent of it
	At       capture.Mark // the last packet of it; zero when unknown
}

// learn takes over the exchange's number once it is known.
func (r *LatestResponse) learn() {
	if r.number != nil {
		r.Exchange = r.number.value
	}
}

// latestResponse is the response that came last so far.
func (v *conversation) latestResponse() LatestResponse {
	v.pairing.settle()
	for _, x := range slices.Backward(v.pairing.waiting[:v.pairing.settled]) {
		switch {
		case x.Response == nil:
		case x.responseEnded:
			return LatestResponse{number: x.number, End: x.responseEnd, At: x.Response.End.At}
		default:
			return LatestResponse{number: x.number, End: v.streams[v.connection.ClientSide().Other()].offset, At: x.Response.End.At}
		}
	}
	last := v.pairing.ended[reassembly.ToClient]
	return LatestResponse{number: last.exchange, End: last.end, At: v.connection.LastAnswered}
}

// fullWindow is the window below which a receiver is taken to be full, if it was not
// always that small: the least MSS that senders assume (RFC 9293 §3.7.1).
const fullWindow = 536

// beginClosing returns what is known of the connection's end, ready to be added to.
func (v *conversation) beginClosing() *Closing {
	c := &v.connection
	if c.Closing == nil {
		v.closing.Received = [2]int64{-1, -1}
		c.Closing = &v.closing
	}
	return c.Closing
}

// noteEnd takes a FIN or RST of side, before the table does.
func (v *conversation) noteEnd(side reassembly.Side, s *packet.Segment, class reassembly.Class) {
	c := &v.connection
	other := side.Other()
	if s.Flags.Has(packet.RST) {
		if !c.Synchronised() && !c.Challenge().IsZero() {
			return // it answers the challenge, and is for the connection before
		}
		if rst, _ := c.RST(); rst.IsZero() {
			v.noteReset(side, s, class)
		} else if c.Closing != nil {
			// One that answers what came late shows what had been acknowledged by then.
			c.Closing.Reset.Unseen = c.Closing.Reset.Unseen || c.Offset(side, s.Seq) > v.seen(side)
		}
		return
	}
	if class.Has(reassembly.Ignored) {
		return
	}
	if c.FIN(side).IsZero() && s.Flags.Has(packet.ACK) {
		v.beginClosing().Received[side] = c.Offset(other, s.Ack)
	}
}

// noteReset takes a reset. One that answers a segment of long ago is too old for
// the other side to act on; but it shows what its sender knew then, and the one
// that ends the connection follows.
func (v *conversation) noteReset(side reassembly.Side, s *packet.Segment, class reassembly.Class) {
	c := &v.connection
	other := side.Other()
	place := c.Offset(side, s.Seq)
	r := Reset{At: s.Mark, Answer: !s.Flags.Has(packet.ACK), Received: -1, Unseen: place > v.seen(side)}
	if !r.Answer {
		r.Received = c.Offset(other, s.Ack)
		r.Unseen = r.Unseen || r.Received > v.seen(other) || c.EchoesUnseen(side, s)
	}
	r.Acknowledged = v.acknowledgedAt(side, s.Mark)
	if r.Answer && r.Acknowledged < place {
		r.Acknowledged = place // it takes its number from what it answers
	}
	if r.Received >= 0 && r.Acknowledged >= 0 {
		r.Acknowledged = max(r.Acknowledged, v.acknowledgedWith(side, r.Received))
	}
	if from := v.streams[side].sender; from != nil && from.acknowledged && from.lastACK.window >= 0 {
		r.Full = from.lastACK.window < fullWindow && from.openWindow >= fullWindow
	}
	r.Response = v.latestResponse()
	closing := v.beginClosing()
	ignored, before := class.Has(reassembly.Ignored), closing.Reset
	if ignored && (place < 0 || !before.At.IsZero()) {
		return
	}
	if before.Answer && before.side == side && before.Acknowledged < r.Acknowledged {
		r.At, r.Acknowledged, r.Response = before.At, before.Acknowledged, before.Response
	}
	r.side = side
	closing.Reset = r
	if !ignored {
		v.fail(s.Mark, side)
	}
}

// seen is the place behind what was seen of side's stream; its FIN counts as one.
func (v *conversation) seen(side reassembly.Side) int64 {
	if !v.connection.FIN(side).IsZero() {
		return v.streams[side].offset + 1
	}
	return v.streams[side].offset
}

// acknowledgedWith is how much of its stream side knew to have arrived by the requests of
// which it had received a part, when it had so much of the other side's stream; 0 without any.
func (v *conversation) acknowledgedWith(side reassembly.Side, received int64) int64 {
	for i := len(v.pairing.waiting) - 1; i >= 0 && side != v.connection.ClientSide(); i-- {
		if x := v.pairing.waiting[i]; x.Request != nil && x.ackKnown && x.start < received {
			return v.connection.Offset(side, x.ack)
		}
	}
	return 0
}

// acknowledgedAt is how much of its stream side knew to have arrived when it
// sent the segment seen at a moment, at most; −1 when that cannot be told from here.
func (v *conversation) acknowledgedAt(side reassembly.Side, at capture.Mark) int64 {
	s, p := v.streams[side].sender, v.path(side)
	switch {
	case s == nil || !s.acknowledged:
		return 0
	case !p.known:
		return -1
	}
	return s.knew(at.Time.Add(-p.toSender))
}

// Acknowledged reports whether the server's host acknowledged the whole request:
// its application may have acted on it, whatever became of the response.
func (x *Exchange) Acknowledged() bool {
	c := x.Connection
	n, ok := c.Acknowledged(c.ClientSide())
	if c.Closing != nil {
		if r := &c.Closing.Reset; !r.At.IsZero() && r.side != c.ClientSide() && r.Received >= 0 {
			n, ok = max(n, r.Received), true
		}
	}
	return ok && x.Request != nil && n >= x.RequestPlace.End
}

// GivenUp reports whether the client ended c before it had all that the server sent, and
// reset what came then, or did not acknowledge it.
func (c *Connection) GivenUp() bool {
	client, sent := c.ClientSide(), c.Bytes(reassembly.ToClient)
	if c.Closing == nil {
		return false
	}
	rst, by := c.RST()
	reset := !rst.IsZero() && by == client
	had := c.Closing.Received[client]
	if had < 0 && reset {
		had = c.Closing.Reset.Received
	}
	acknowledged, _ := c.Acknowledged(client.Other())
	return 0 <= had && had < sent && (reset || acknowledged < sent)
}

// Failed is when the client can have learned that c ended, by the capture's
// clock and its own; of a connection that did not end, its last packet. A client that
// closed and refuses what comes then had ended it itself.
func (c *Connection) Failed() (at capture.Mark, learned capture.Time) {
	toClient, _ := c.RTTClient()
	at, side, ok := c.Ended()
	client := c.ClientSide()
	if rst, by := c.RST(); !rst.IsZero() && !(ok && side == client && by == client) {
		at, side, ok = rst, by, true
	}
	if !ok {
		at, side = c.Last(), client
	}
	if side == client {
		return at, at.Time.Add(-toClient / 2)
	}
	return at, at.Time.Add(toClient / 2)
}
