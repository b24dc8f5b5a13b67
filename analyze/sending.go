package analyze

import (
	"slices"

	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// follow takes a segment for what it shows of its sender and of its receiver.
func (v *conversation) follow(side reassembly.Side, s *packet.Segment, class reassembly.Class) {
	c := &v.connection
	if class.Has(reassembly.Ignored) || s.Flags.Has(packet.SYN) || s.Flags.Has(packet.RST) {
		return
	}
	if s.Flags.Has(packet.ACK) {
		v.followACK(side, s, class)
	}
	if s.Length == 0 || class.Has(reassembly.KeepAlive) || v.streams[side].mode == ignoring {
		return
	}
	from := v.senderOf(side)
	if from.limit == 0 && !s.Options.Cut {
		from.limit = segmentLimit(c, side, s)
	}
	from.echoes = from.echoes || c.EchoesACK(side, s)
	start := c.Offset(side, s.Seq)
	d := seen{start, start + int64(s.Length), s.Mark}
	p := v.path(side)
	switch {
	case class.Has(reassembly.New):
		d.start = max(d.start, from.top)
		from.send(d, s, p)
	case class.Has(reassembly.Retransmitted):
		hole, _ := c.HoleSince(side)
		if noted := from.repeat(d, s.Options.TSVal, hole, p); noted && side == c.ClientSide() && from.unanswered() == leastUnanswered {
			v.fail(s.Mark, side)
		}
	}
}

func (v *conversation) followACK(side reassembly.Side, s *packet.Segment, class reassembly.Class) {
	c := &v.connection
	other := side.Other()
	to := v.streams[other].sender
	if to == nil {
		return
	}
	upTo, p := c.Offset(other, s.Ack), v.path(other)
	a := acked{upTo: upTo, window: -1, answers: s.Length > 0 && !class.Has(reassembly.KeepAlive), at: s.Mark, stamp: echoed(c, side, s)}
	if window, ok := c.ReceiveWindow(side, s); ok {
		a.window = int32(window)
	}
	if s.Options.HasTimestamps {
		a.slower = to.returning.slower(s.Time, s.Options.TSVal)
	}
	blocks := s.Options.SACK[:s.Options.SACKCount]
	if class.Has(reassembly.Spurious) {
		to.arrivedTwice(c.Offset(other, blocks[0].Left), c.Offset(other, blocks[0].Right))
		blocks = blocks[1:]
	}
	if len(to.losses) > 0 {
		// Where all was acknowledged, a block can only say what came twice, even if a
		// device on the way changed the sequence numbers and not those in the block.
		twice := class.Has(reassembly.Spurious) || len(blocks) > 0 && upTo >= to.top
		to.judge(upTo, s, twice, p)
	}
	to.count(s)
	before := to.lastACK.upTo
	to.acknowledge(a, p)
	if other == c.ClientSide() && upTo > before {
		v.haveReached(to)
	}
	if class.Has(reassembly.DuplicateACK) {
		to.duplicateACKs++
	}
	switch {
	case len(blocks) > 0:
		to.tellHole(&a, c.Offset(other, blocks[0].Left))
	case class.Has(reassembly.DuplicateACK) && !class.Has(reassembly.Spurious):
		to.tellHole(&a, -1)
	}
	v.spare(to, p)
	if other != c.ClientSide() && len(v.pairing.waiting) > 0 {
		v.tellFinished()
	}
}

// senderOf is what is known of side as a sender, ready to take a segment.
func (v *conversation) senderOf(side reassembly.Side) *sender {
	s := &v.streams[side]
	if s.sender == nil {
		s.sender = v.newSender(side)
	}
	if s.sender.history == nil {
		s.sender.history = v.analyzer.newHistory()
		s.sender.history.widest = int32(s.sender.openWindow)
		if s.sender.acknowledged {
			s.sender.acknowledge(s.sender.lastACK, v.path(side))
		}
	}
	return s.sender
}

// newSender is side as a sender that has sent nothing yet. Where the handshake
// was seen in order, the window and its scale are known.
func (v *conversation) newSender(side reassembly.Side) *sender {
	c := &v.connection
	s := v.analyzer.stock.senders.Get()
	s.begun = c.Begun(side)
	upTo, ok1 := c.Acknowledged(side)
	window, ok2 := c.LatestWindow(side.Other())
	inOrder := c.SYN().Frame < c.SYNACK().Frame && c.SYNACK().Frame < c.Established().Frame
	if ok1 && ok2 && inOrder {
		s.lastACK, s.acknowledged = acked{upTo: upTo, window: int32(window)}, true
	}
	return s
}

// transfer puts into t how message m of side went and returns t, or nil where
// that is not known.
func (v *conversation) transfer(side reassembly.Side, m *http1.Message, t *Transfer) *Transfer {
	s := &v.streams[side]
	if s.sender == nil {
		return nil
	}
	s.sender.claim(s.begin, m, t)
	v.spare(s.sender, v.path(side))
	return t
}

// spare gives the history of a sender back when all its messages are over and
// acknowledged.
func (v *conversation) spare(s *sender, p path) {
	if s.history == nil || s.top > s.claimed || !v.gotAll(s, s.top) {
		return
	}
	s.settle(p)
	v.analyzer.freeHistory(s.history)
	s.history = nil
}

// gotAll reports whether what s sent was acknowledged up to a place, as far as
// the capture can show it.
func (v *conversation) gotAll(s *sender, place int64) bool {
	if !s.acknowledged {
		return v.connection.OneSided()
	}
	return s.lastACK.upTo >= place
}

// repaired judges the pauses of a transfer, and gives it the losses of its message, when
// all of it was acknowledged: what an acknowledgement tells of them, and of the receiver,
// is known then.
func (v *conversation) repaired(side reassembly.Side, t *Transfer) {
	s := v.streams[side].sender
	if t == nil || s == nil {
		return
	}
	t.Prompt = s.prompt || v.path(side).toReceiver <= leastToReceiver
	rest := s.losses[:0]
	for _, l := range s.losses {
		switch {
		case l.Offset < t.start:
		case l.Offset < t.end:
			t.Losses = append(t.Losses, l)
		default:
			rest = append(rest, l)
		}
	}
	s.losses = rest
	if s.acknowledged && len(t.Losses) > 0 {
		s.unrepaired(t.Losses, v.path(side))
	}
	t.review(s.openWindow)
}

// blocked gives a transfer the pause that ended with the connection, where the
// receiver had all that was sent of the message, its window closed to the rest.
func (v *conversation) blocked(side reassembly.Side, m *http1.Message, t *Transfer) {
	s := v.streams[side].sender
	if t == nil || s == nil || m.Complete || s.top != t.end || s.lastACK.upTo != s.top || s.lastACK.window != 0 {
		return
	}
	p := v.path(side)
	if !p.known {
		return
	}
	_, _, ended := v.connection.Ended()
	at, learned := v.connection.Failed()
	since := s.lastData.at.Time.Add(p.toReceiver / 2) // by the client's clock, as learned
	if side == v.connection.ClientSide() {
		since = s.lastData.at.Time.Add(-p.toSender / 2)
	}
	if ended && at.Time > s.lastACK.at.Time {
		t.Pauses = append(t.Pauses, Pause{
			Cause: ByWindow, Zero: true, Final: true, Offset: s.top, Before: s.lastData.at, ACK: s.lastACK.at, After: at,
			Waited: learned.Sub(since), RTT: p.rtt(), Window: s.openWindow,
		})
	}
}

// cutAnswered leaves out of how the request went what the response did not wait for: what
// lay behind what the server had when it began to answer, and reached it when its
// answer was over.
func (v *conversation) cutAnswered(x *Exchange) {
	t := x.Sending
	if t.quiet() || x.Response == nil {
		return
	}
	p := v.path(v.connection.ClientSide())
	late := func(place int64, at capture.Mark) bool {
		return place >= x.ResponsePlace.Received && at.Time.Add(p.toReceiver) > x.Response.End.At.Time
	}
	t.Pauses = slices.DeleteFunc(t.Pauses, func(p Pause) bool { return late(p.Offset, p.After) })
	t.Losses = slices.DeleteFunc(t.Losses, func(l Loss) bool { return late(l.Offset, l.Repeat) })
}

// path is the way of what side sends.
func (v *conversation) path(side reassembly.Side) path {
	toClient, ok1 := v.connection.RTTClient()
	toServer, ok2 := v.connection.RTTServer()
	if side == v.connection.ClientSide() {
		return path{toClient, toServer, ok1 && ok2}
	}
	return path{toServer, toClient, ok1 && ok2}
}

// segmentLimit is the most payload that fits a segment of side: what the other
// side announced, or less if side announced less (paths are alike in both
// directions far more often than not), less the timestamps in use.
func segmentLimit(c *Connection, side reassembly.Side, s *packet.Segment) int64 {
	limit := c.MSS(side.Other())
	if own := c.MSS(side); own > 0 && (limit == 0 || own < limit) {
		limit = own
	}
	if limit > timestampBytes && s.Options.HasTimestamps {
		limit -= timestampBytes
	}
	return int64(limit)
}

// claim puts into t, which is zero, how message m went, and forgets what came before its end.
func (s *sender) claim(begin int64, m *http1.Message, t *Transfer) {
	end := begin + m.Offset + m.WireBytes + int64(m.Lost)
	start := begin + m.Offset
	t.Before, t.LargestBefore, t.Length = start, s.largestBefore, end-start
	t.SmallRun, t.SmallOvertaking, t.SmallBytes = int(s.longest.segments), int(s.longest.overtaking), s.longest.bytes
	t.SmallFirst, t.SmallLast = s.longest.first, s.longest.last
	t.MSS, t.NoDelay = int(s.fullSize()), s.noDelay
	t.start, t.end, t.begun, t.initial = start, end, s.begun, int(s.initial)
	t.afterLoss = s.firstLost > 0 && s.firstLost <= start
	if s.idleAt == start {
		t.Idle = s.idle
	}
	s.pauses, t.Pauses = cut(s.pauses, start, end, func(p *Pause) int64 { return p.Offset })
	s.longest, s.running = smallRun{}, smallRun{}
	s.largestBefore, s.largest = max(s.largestBefore, s.largest), 0
	s.claimed = end
	if s.top <= end {
		s.flight = 0
	}
}

// review takes back what the whole message shows otherwise. The application
// paused where segments that Nagle's algorithm would have held were not, where a
// timer explains the pauses better, and where a delayed acknowledgement came just
// before what followed a segment that was not full, but did so only once, or as a
// timer would have it. openWindow is the largest window that was open until now.
func (t *Transfer) review(openWindow int64) {
	var holds, partial []Pause
	for i := range t.Pauses {
		switch p := &t.Pauses[i]; {
		case p.Cause == ByNagle:
			holds = append(holds, *p)
		case p.Partial && p.DelayedTime() > 0:
			partial = append(partial, *p)
		}
	}
	notHeld := t.NoDelay || Timed(holds) || t.timerShows(holds)
	nothingMore := len(partial) < 2 || Timed(partial)
	for i := range t.Pauses {
		if p := &t.Pauses[i]; p.Cause == ByNagle && notHeld || p.Partial && p.DelayedTime() > 0 && nothingMore {
			p.Cause = ByApplication
		}
	}
	t.reviewWindow(openWindow)
}

// reviewWindow takes back that the window was the cause of pauses. Where it had grown as
// fast as slow start does, the sender would have had to stop without it, too; and where it
// went on growing with every stop, the buffer was being tuned. Neither holds of a window that
// is smaller than what senders may have under way at first, nor of one that was closed.
func (t *Transfer) reviewWindow(openWindow int64) {
	flight := 0
	if t.begun && t.Before == 0 {
		flight = defaultWindow / 2 // slow start begins with a window
	}
	least, lost := int64(0), t.firstLoss()
	if t.begun && !t.afterLoss {
		least = int64(leastGrowth * defaultWindow / 2 * float64(min(t.MSS, usualMSS))) // larger ones make for fewer (RFC 6928 §2)
	}
	doubtful := func(p *Pause) bool {
		return p.Cause == ByWindow && !p.Zero && (p.Open >= least || p.After.Time >= lost)
	}
	for i := range t.Pauses {
		p := &t.Pauses[i]
		if doubtful(p) && flight > 0 && float64(p.Flight) >= leastGrowth*float64(flight) {
			p.Cause = ByACK
		}
		flight = max(flight, p.Flight)
	}
	next, grown := openWindow, openWindow
	for i := len(t.Pauses) - 1; i >= 0; i-- {
		p := &t.Pauses[i]
		if p.Window == 0 {
			continue
		}
		if next <= p.Window {
			grown = p.Window
		}
		if next = p.Window; doubtful(p) && float64(grown) >= leastGrowth*float64(p.Window) {
			p.Cause = ByACK
		}
	}
}

// cut takes the items inside a message, between its start and its end, out of a
// list, together with those before it. The rest stays in the list's memory.
func cut[T any](list []T, start, end int64, place func(*T) int64) (rest, inside []T) {
	rest = list[:0]
	for i := range list {
		switch at := place(&list[i]); {
		case at >= end:
			rest = append(rest, list[i])
		case at > start:
			inside = append(inside, list[i])
		}
	}
	return rest, inside
}
