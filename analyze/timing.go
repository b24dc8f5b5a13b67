package analyze

import (
	"slices"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// time works out where the client's time went in x. The capture point sees
// what the client sends half a round trip (capture point to client) after the
// client did, and what it receives as much before; the phases follow in the
// order blocked, dns, connect, send, wait, receive, and are cut where they
// would overlap, so that send + blocked + wait + receive is the time from the
// request's first segment to the response's last byte.
func (v *conversation) time(x *exchange) {
	t := &x.Timing
	*t = Timing{
		Blocked: Unknown, DNS: Unknown, Connect: Unknown, SSL: Unknown, Send: Unknown, Wait: Unknown, Receive: Unknown,
		NoAnswer: Unknown, RTT: Unknown,
	}
	if rtt, known := v.connection.RTT(); known {
		t.RTT = rtt
	}
	if x.Request == nil {
		if x.Response != nil {
			t.Receive = max(x.Response.End.Readable.Sub(x.Response.Start.Readable), 0)
		}
		return
	}
	begun := x.Sending.left(x.Request.First.Time)
	if x.opens {
		if setup, ok := v.connection.Setup(); ok {
			// With Fast Open the request is under way during the handshake (RFC 7413).
			t.Connect = max(min(setup, begun.Sub(v.connection.SYN().Time)), 0)
		}
	}
	sent := max(x.Request.End.At.Time, x.sentUntil, x.Sending.heldUntil())
	if x.Response == nil {
		t.Send = max(sent.Sub(begun), 0)
		t.NoAnswer = v.waitedInVain(x.Exchange)
		return
	}
	toClient, known := v.connection.RTTClient()
	start := begun.Add(-toClient / 2)
	sent = max(sent.Add(-toClient/2), start)
	first := max(x.Answering.arrived(x.Response.Start.Readable, true).Add(toClient/2), start)
	last := max(x.Answering.arrived(x.Response.End.Readable, false).Add(toClient/2), first)
	if x.Answering.heldUntil() != 0 {
		_, last = v.connection.Failed()
	}
	if sent = min(sent, first); v.breaksOff(x) {
		sent = first
	}
	t.Send = sent.Sub(start)
	t.Receive = last.Sub(first)
	if !known {
		return
	}
	free := sent
	if previous := v.pairing.previousEnd; previous != 0 {
		free = clamp(previous.Add(toClient/2), sent, first)
	}
	t.Blocked = free.Sub(sent)
	t.Wait = first.Sub(free)
}

// waitedInVain is how long the client waited for a response to x that did not
// come; Unknown where nothing shows until when.
func (v *conversation) waitedInVain(x *Exchange) time.Duration {
	if _, _, ended := v.connection.Ended(); !ended || !x.Request.Complete || x.Disturbed {
		return Unknown
	}
	toClient, _ := v.connection.RTTClient()
	_, learned := v.connection.Failed()
	return max(learned.Sub(x.Request.End.At.Time.Add(-toClient/2)), 0)
}

// arrived is when the first byte of a message, or its last, got through: later
// than it was seen where that copy was lost behind the capture point.
func (t *Transfer) arrived(seen capture.Time, first bool) capture.Time {
	if t == nil {
		return seen
	}
	for _, l := range t.Losses {
		if l.counts() && !l.Original.IsZero() && (!first || l.Offset <= t.start) {
			seen = max(seen, l.Repeat.Time)
		}
	}
	return seen
}

// left is when the first byte of a message was sent, at the latest: before it was seen
// where the copy that was lost would have stood.
func (t *Transfer) left(seen capture.Time) capture.Time {
	if t == nil {
		return seen
	}
	for _, l := range t.Losses {
		if l.counts() && l.Original.IsZero() && l.Offset <= t.start && !l.Since.IsZero() {
			seen = min(seen, l.Since.Time)
		}
	}
	return seen
}

// heldUntil is when a message was given up that did not get through to its end; 0
// where nothing shows that.
func (t *Transfer) heldUntil() (until capture.Time) {
	if t == nil {
		return 0
	}
	if n := len(t.Pauses); n > 0 && t.Pauses[n-1].Final {
		until = t.Pauses[n-1].After.Time
	}
	for i := range t.Losses {
		if l := &t.Losses[i]; l.Lasting {
			until = max(until, l.until)
		}
	}
	return until
}

// mayBeginAgain reports whether the message seems to have been sent before it was seen:
// more of it had left than its first segment, which may be a repeat of one that was lost
// as well.
func (t *Transfer) mayBeginAgain() bool {
	if t == nil {
		return false
	}
	for i := range t.Losses {
		if l := &t.Losses[i]; l.Original.IsZero() && l.Offset > t.start && l.Offset-t.start <= int64(t.MSS) {
			return true
		}
	}
	return false
}

func clamp(t, low, high capture.Time) capture.Time { return min(max(t, low), high) }

// breaksOff reports whether the client had neither sent its request to the end nor
// said that no more would come when the response began.
func (v *conversation) breaksOff(x *exchange) bool {
	fin := v.connection.FIN(v.connection.ClientSide())
	return !x.Request.Complete && x.Request.Lost == 0 && (fin.IsZero() || fin.Time > x.Response.Start.At.Time)
}

// Think is how long the server took to start its answer when it had the request: the
// wait without the round trip and without what losses made of it, and without the
// time for which the request was on its way longer than that. ok is false where it
// is not known.
func (x *Exchange) Think() (think time.Duration, ok bool) {
	rtt, known := x.Connection.roundTripToServer()
	if !known || x.Request == nil || x.Response == nil || x.Timing.Wait < 0 || x.reached == 0 {
		return 0, false
	}
	return max(min(x.Timing.Wait-rtt-x.Timing.Causes.Retransmission, x.atServer()), 0), true
}

// roundTripToServer is the round trip to the host that answers. Where the handshake took
// more than twice the least one, a device on the way may acknowledge in the server's name
// what it passes on (RFC 3135), as on a satellite link: only the handshake got to the server.
func (c *Connection) roundTripToServer() (time.Duration, bool) {
	rtt, known := c.RTT()
	if setup, ok := c.Setup(); ok && c.SYNRepeats() == 0 && setup > 2*rtt {
		return setup, known
	}
	return rtt, known
}

// atServer is how long the whole request can have been at the server before the
// answer began; 0 when that is unknown.
func (x *Exchange) atServer() time.Duration {
	if x.reached == 0 || x.Answering.mayBeginAgain() {
		return 0
	}
	return max(x.Response.Start.At.Time.Sub(x.reached), 0)
}

// usualACKDelay is the longest time for which systems put off an acknowledgement;
// RFC 9293 §3.8.6.3 allows 500 ms.
const usualACKDelay = 200 * time.Millisecond

// mostUnseen is how many segments in a row that are not in the capture the IP
// identification tells of: more of an answer than an initial window and its repeats are
// not sent before anything is heard of it. It is no counter, or not the connection's own,
// where it grows by more.
const mostUnseen = 1 << 6

// count takes a segment of who acknowledges for what its IP identification tells. Many
// systems count it up with each segment of a connection (RFC 6864 leaves it to them).
func (s *sender) count(segment *packet.Segment) {
	step := segment.IPID - s.peerID
	if s.peerID != 0 && segment.IPID != 0 {
		s.unseen = s.unseen || step > 1 && step <= mostUnseen
		s.complete = step == 1 && !s.unseen
	}
	s.peerID = 0
	if segment.Length < leastMSS { // what is larger may be many on the wire
		s.peerID = segment.IPID
	}
}

// ThinkProven reports whether the answer cannot have been sent before and lost: the
// capture would have that, being taken close to the server, or the IP identification
// shows that the server sent nothing between its acknowledgement and the answer.
func (x *Exchange) ThinkProven() bool {
	toServer, known := x.Connection.RTTServer()
	return x.nothingBetween || known && toServer <= leastToReceiver
}

// reached is when the request of x can have reached the server, at the latest, now
// that its response begins. 0 when that is unknown.
func (v *conversation) reached(x *exchange) capture.Time {
	s := v.streams[v.connection.ClientSide()].sender
	switch {
	case s == nil || !x.requestEnded || s.lastACK.upTo < x.end || s.advanced == 0 || s.unseen:
		return 0
	case x.received != 0:
		return x.received
	}
	return s.arrival()
}

// arrival is when what was acknowledged last can have arrived, at the latest: what
// acknowledges it may have been put off, but no longer than since less was acknowledged.
func (s *sender) arrival() capture.Time {
	return max(s.advanced.Add(-usualACKDelay), s.notBefore, 1)
}

// haveReached notes of the requests that wait which the server has, now that it has
// acknowledged more.
func (v *conversation) haveReached(s *sender) {
	for _, x := range slices.Backward(v.pairing.waiting) {
		if x.received != 0 {
			return
		}
		if x.requestEnded && s.lastACK.upTo >= x.end && s.advanced != 0 {
			x.received = s.arrival()
		}
	}
}
