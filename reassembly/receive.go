package reassembly

import (
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// receive works segment s of side, which has the given fingerprint, into c.
func (t *Table) receive(c *Connection, side Side, s *packet.Segment, p fingerprint) {
	t.noteDrops(c)
	open := c.IsOpen()
	e := &c.ends[side]
	t.remember(c, side, p)
	t.inspect(c, side, s)
	class := c.classify(side, s)
	if class.Has(Ignored) {
		t.stats.Ignored++
	}
	if class.Has(Retransmitted) && s.Length > 0 {
		t.odd(c).retransmissions++
		t.gauges.Retransmissions.Add(1)
	}
	if s.Length > 0 {
		e.probing = c.probes(side, s)
	}
	t.shake(c, side, s)
	if s.Length > 0 && class&(Ignored|KeepAlive) == 0 {
		c.settle(side, s)
	}
	known := c.ends[side.Other()].leastRTT != 0
	if known && !class.Has(Ignored) { // it may get shorter by what the segment says
		t.measure(c, side, s, class)
	}
	if t.consumer.Segment != nil {
		t.consumer.Segment(c, side, s, class)
	}
	if class.Has(Ignored) {
		return
	}
	t.acknowledge(c, side, s)
	if !known {
		t.measure(c, side, s, class)
	}
	switch {
	case class.Has(KeepAlive):
		t.stats.Trimmed += uint64(s.Length)
	case s.Length > 0:
		t.carry(c, side, s)
	}
	t.advanceTop(e, s)
	if s.Flags.Has(packet.FIN) {
		t.takeFIN(c, side, s)
	}
	if s.Flags.Has(packet.RST) {
		t.takeRST(c, side, s)
	}
	if open && !c.IsOpen() && t.consumer.Ending != nil {
		t.consumer.Ending(c)
	}
	if c.close == ByFIN && c.finsAcknowledged() {
		t.linger(Acknowledged, c, s.Mark)
	}
}

// inspect counts what a segment says of the capture.
func (t *Table) inspect(c *Connection, side Side, s *packet.Segment) {
	switch s.Checksum {
	case packet.ChecksumBad:
		t.stats.BadChecksum++
	case packet.ChecksumPartial:
		t.stats.PartialChecksum++
	}
	if mss := c.ends[side.Other()].mss; mss != 0 && s.Length > uint32(mss) {
		t.stats.Offload++
	}
}

// farAhead is how far from the bytes in order a segment may be: the largest
// window is 2^30 bytes (RFC 7323 §2.3).
const farAhead = 1 << 30

// classify says what s is before it changes anything.
func (c *Connection) classify(side Side, s *packet.Segment) Class {
	e, other := &c.ends[side], &c.ends[side.Other()]
	if s.Flags.Has(packet.RST) {
		if c.acceptsRST(side, s) {
			return 0
		}
		return Ignored
	}
	var class Class
	if o := &s.Options; o.SACKCount > 0 && duplicateSACK(o, s.Ack) {
		class |= Spurious
	}
	if s.Flags.Has(packet.SYN) && e.hasISN && s.Seq+1 == e.begin() {
		return class | Retransmitted
	}
	if !e.started {
		return class | New
	}
	restarts := c.maySettle(side) || s.Flags.Has(packet.SYN) && c.replacesISN(side)
	if ahead := int32(s.End() - e.next); !restarts && (ahead > farAhead || ahead < -farAhead) {
		return Ignored
	}
	if s.Flags.Has(packet.SYN) {
		return class
	}
	if s.Seq == e.next-1 && s.Seq == e.top-1 && !s.Flags.Has(packet.FIN) &&
		(s.Length == 0 || s.Length == 1 && other.acknowledges(e.next)) {
		return class | KeepAlive
	}
	if s.Length == 0 {
		if e.sentACK && s.Ack == e.ack && int32(other.top-s.Ack) > 0 && !s.Flags.Has(packet.FIN) {
			class |= DuplicateACK
		}
		return class
	}
	probed := e.probing && s.Seq == e.top-1
	if probed && s.Length == 1 && c.probes(side, s) {
		return class | KeepAlive
	}
	if int32(s.Seq+s.Length-e.top) > 0 {
		class |= New
	}
	if int32(s.Seq-e.next) > 0 {
		class |= OutOfOrder
	}
	if int32(s.Seq-e.top) < 0 && !(probed && s.Length > 1) {
		class |= c.again(side, s)
	}
	return class
}

// probes reports whether s probes a zero window with the next byte (RFC 9293 §3.8.6.1).
func (c *Connection) probes(side Side, s *packet.Segment) bool {
	other := &c.ends[side.Other()]
	return s.Length == 1 && other.sentACK && other.window == 0 && s.Seq == other.ack
}

// duplicateSACK reports whether the first block of a SACK option says that bytes
// came twice (RFC 2883 §4).
func duplicateSACK(o *packet.Options, ack uint32) bool {
	first := o.SACK[0]
	if int32(first.Right-ack) <= 0 {
		return true
	}
	return o.SACKCount > 1 && int32(first.Left-o.SACK[1].Left) >= 0 && int32(first.Right-o.SACK[1].Right) <= 0
}

// again tells a segment that was sent again from one that came late: late is
// what was sent before the segment that reached the top, by the sender's timestamp
// or else by its IP identification, which not every host counts up, or what comes
// sooner than the sender could have learned of a loss.
func (c *Connection) again(side Side, s *packet.Segment) Class {
	e, st := &c.ends[side], c.stretch(side)
	if !e.hasISN && int32(s.Seq-e.begin()) < 0 {
		return Reordered // it comes from before the capture saw the stream
	}
	if int32(s.Seq-e.next) < 0 && (st == nil || int32(s.Seq+s.Length-e.next) <= 0) {
		return Retransmitted
	}
	if st != nil && st.holds(s.Seq, s.Seq+s.Length) {
		return Retransmitted
	}
	if s.Options.HasTimestamps && e.hasTimestamps && s.Options.TSVal != e.topTSVal {
		if int32(s.Options.TSVal-e.topTSVal) < 0 {
			return Reordered
		}
		return Retransmitted
	}
	if step, ok := e.step(s); ok {
		if step < 0 {
			return Reordered
		}
		return Retransmitted
	}
	if rtt, ok := c.RTT(); ok && st != nil && s.Time.Sub(st.since) < rtt/2 {
		return Reordered
	}
	return Retransmitted
}

// step is by how much the IP identification of s is ahead of that of the segment which
// reached the top. ok is false where that does not say which was sent first.
func (e *end) step(s *packet.Segment) (step int16, ok bool) {
	const plausible = 1 << 10
	step = int16(s.IPID - e.lastIPID)
	return step, s.IPID != 0 && step > -plausible && step < plausible && step != 0
}

// sentBefore reports whether s was sent before the segment that reached the top, by its
// IP identification.
func (e *end) sentBefore(s *packet.Segment) bool {
	step, ok := e.step(s)
	return ok && step < 0
}

// sentNext reports whether s was sent next behind the segment that reached the top, by its
// IP identification.
func (e *end) sentNext(s *packet.Segment) bool {
	step, ok := e.step(s)
	return ok && step == 1
}

// shake follows the handshake.
func (t *Table) shake(c *Connection, side Side, s *packet.Segment) {
	e, other := &c.ends[side], &c.ends[side.Other()]
	switch {
	case s.Flags.Has(packet.SYN):
		t.takeSYN(c, side, s)
	case c.synchronised:
		if c.established.IsZero() && side == c.client && !c.synAck.IsZero() && s.Ack == other.begin() && c.answersBare(s) {
			c.establish(s)
		}
	case s.Flags.Has(packet.RST):
	case side == c.client && other.hasISN && s.Flags.Has(packet.ACK) && s.Ack-other.begin() <= nearby:
		if s.Ack == other.begin() && (c.answersBare(s) || e.sentNext(s)) { // else it may not be the first
			c.establish(s)
		}
		t.synchronise(c)
	case side != c.client && e.hasISN, side != c.client && c.answers(side, s):
		t.synchronise(c)
	case side != c.client && s.Flags.Has(packet.ACK):
		t.odd(c).challenge = s.Mark
	case side == c.client && s.Length > 0 && s.Seq-e.begin() <= nearby && other.segments == 0:
		t.synchronise(c) // only one direction was captured
	}
}

// answersBare reports whether s of the client carries nothing and is no probe, as
// what answers the SYN/ACK.
func (c *Connection) answersBare(s *packet.Segment) bool {
	return s.Length == 0 && s.Flags.Has(packet.ACK) && !s.Flags.Has(packet.FIN) && s.Seq != c.ends[c.client].top-1
}

// establish takes s for the client's answer to the SYN/ACK: to the first one, if it has not
// the timestamp of the last (RFC 7323 §4.1).
func (c *Connection) establish(s *packet.Segment) {
	c.established = s.Mark
	server, syns := &c.ends[c.client.Other()], c.otherSYNs()
	switch {
	case syns == nil || !s.Options.HasTimestamps || !server.hasTimestamps:
	case s.Options.TSEcr == server.topTSVal:
		syns.echoed = true
	default:
		c.synAck = syns.answer
	}
}

func (t *Table) synchronise(c *Connection) {
	c.synchronised = true
	if p := c.previous(); p != nil {
		c.oddities.previous = nil
		t.timeOut(p)
	}
}

func (t *Table) takeSYN(c *Connection, side Side, s *packet.Segment) {
	e := &c.ends[side]
	repeated := e.hasISN && e.begin() == s.Seq+1
	syns := c.syns()
	if repeated {
		syns.repeats++
		e.cancelSample()
	}
	if c.MidStream() && !c.synchronised { // what seemed to be the middle was an answer to s
		c.role = RoleBySYN
		t.stats.MidStream--
	}
	if s.Flags.Has(packet.ACK) {
		if c.close == ByRST && !c.synchronised {
			c.reopen() // refused before, accepted now
			syns.refused = true
		}
		if c.synAck.IsZero() || !c.synchronised {
			if !repeated || syns.answered != syns.latest {
				syns.answer = s.Mark
			}
			c.synAck, syns.answered = s.Mark, syns.latest
			if n := s.Ack - c.ends[side.Other()].begin(); c.Begun(side.Other()) && n > 0 && n <= nearby {
				t.odd(c).fastOpened = n
			}
		}
	} else if side == c.client {
		if syns.first.IsZero() {
			syns.first = s.Mark
		}
		syns.latest = s.Mark
		if !c.synAck.IsZero() && syns.answered.IsZero() && s.Time <= c.synAck.Time {
			syns.answered = s.Mark // the capture has it behind its answer
		}
	}
	if syns != c.syns() {
		t.odd(c).syns, t.odd(c).hasSYNs = syns, true
	}
	e.lastIPID = s.IPID
	e.topTSVal, e.hasTimestamps = s.Options.TSVal, s.Options.HasTimestamps
	switch {
	case repeated:
		return
	case !e.started || e.inferred && c.unsettled(side) || c.replacesISN(side):
		e.next, e.top, e.started = s.Seq+1, s.Seq+1, true
	case s.Seq+1 != e.begin():
		return // a stream that began elsewhere goes on
	}
	e.hasISN = true
	e.mss = s.Options.MSS
	e.scaleUnknown = s.Options.Cut && !s.Options.HasWindowScale
	e.scale, e.hasScale = min(s.Options.WindowScale, 14), s.Options.HasWindowScale
}

// replacesISN reports whether a SYN of side with another ISN takes the place of
// the one before: nothing was sent on that one, and nobody acknowledged it.
func (c *Connection) replacesISN(side Side) bool {
	return c.ends[side].offset == 0 && c.stretch(side) == nil && !c.synchronised
}

// acknowledge takes the acknowledgement number and the window of a segment.
func (t *Table) acknowledge(c *Connection, side Side, s *packet.Segment) {
	e, other := &c.ends[side], &c.ends[side.Other()]
	if !s.Flags.Has(packet.ACK) || s.Flags.Has(packet.RST) {
		return
	}
	if c.Challenge() == s.Mark {
		return // what it acknowledges is another connection's
	}
	if o := &s.Options; o.HasTimestamps && (e.lastTSVal == 0 || int32(o.TSVal-e.lastTSVal) > 0) {
		e.lastTSVal = o.TSVal
	}
	if !e.sentACK && !c.MidStream() {
		c.infer(side.Other(), s.Ack)
	}
	e.window = uint32(s.Window)
	if e.hasScale && other.hasScale && !s.Flags.Has(packet.SYN) {
		e.window <<= e.scale
	}
	if e.sentACK && int32(s.Ack-e.ack) <= 0 {
		return
	}
	if e.sentACK && other.segments == 0 && int32(s.Ack-e.ack) > 1 {
		c.lost = true // what it acknowledges came while nothing of that side was seen
	}
	e.ack, e.sentACK = s.Ack, true
	t.closeAcknowledged(c, side.Other(), s.Mark)
}

// advanceTop notes the highest sequence number sent and what sent it.
func (t *Table) advanceTop(e *end, s *packet.Segment) {
	if !e.started {
		e.next, e.top, e.started = s.Seq, s.Seq, true
	}
	end := s.Seq + s.Length
	if s.Flags.Has(packet.SYN) {
		end++
	}
	if int32(end-e.top) > 0 || s.Length > 0 && end == e.top {
		e.top, e.lastIPID = end, s.IPID
		e.topTSVal, e.hasTimestamps = s.Options.TSVal, s.Options.HasTimestamps
	}
}

// carry takes the payload of a segment.
func (t *Table) carry(c *Connection, side Side, s *packet.Segment) {
	e := &c.ends[side]
	var p piece // not a literal, which would be built elsewhere and copied
	p.start, p.length, p.data, p.mark = s.Seq, s.Length, s.Payload, s.Mark
	if s.Flags.Has(packet.SYN) {
		p.start++
	}
	t.revive(c, side, p.start)
	if c.hasFIN(side) {
		p = t.trimEnd(p, c.ending.finSeq[side])
	}
	if int32(e.next-p.start) > 0 {
		p = t.trimStart(p, e.next)
	}
	switch inOrder := c.stretch(side) == nil; {
	case p.length == 0:
	case inOrder && p.start == e.next:
		t.deliver(c, side, &p, s.Time)
	case p.start-e.next > farAhead: // a SYN repeated after half the sequence space
		t.stats.Trimmed += uint64(p.length)
	case inOrder && c.ends[side.Other()].acknowledges(p.start):
		t.gap(c, side, p.start, s.Mark, true)
		t.deliver(c, side, &p, s.Time)
	default:
		t.await(c, side, p)
	}
}

// unsettled reports whether nothing but segments without payload was seen of a
// stream that the capture did not see the start of. Its start is the first
// payload then: an acknowledgement or a keep-alive probe does not tell it.
func (c *Connection) unsettled(side Side) bool {
	e := &c.ends[side]
	return !e.hasISN && e.offset == 0 && c.stretch(side) == nil
}

// maySettle reports whether payload may still settle where side's stream starts,
// however far it is from what was seen: a FIN, too, tells where the stream is.
func (c *Connection) maySettle(side Side) bool { return c.unsettled(side) && !c.hasFIN(side) }

// settle takes s, which has payload, for the start of side's stream if that is not
// settled: where it is beyond reach of what was seen, and else unless it goes on there
// or an acknowledgement told the start.
func (c *Connection) settle(side Side, s *packet.Segment) {
	e := &c.ends[side]
	start := s.Seq
	if s.Flags.Has(packet.SYN) {
		start++
	}
	if !e.started || c.maySettle(side) && (start-e.next > farAhead || start != e.top && !e.inferred) {
		e.next, e.top, e.started = start, start, true
	}
}

// infer takes the first acknowledgement for the start of side's stream, where the
// capture misses its SYN and what came next.
func (c *Connection) infer(side Side, ack uint32) {
	e := &c.ends[side]
	switch before := e.next - ack; {
	case !e.started:
		e.top, e.started = ack, true
	case !c.unsettled(side) || before == 0 || before > farAhead:
		return
	}
	e.next, e.inferred = ack, true
}

// trimStart takes off what lies before next.
func (t *Table) trimStart(p piece, next uint32) piece {
	over := int32(next - p.start)
	if over <= 0 {
		return p
	}
	n := min(uint32(over), p.length)
	t.stats.Trimmed += uint64(n)
	return piece{start: p.start + n, length: p.length - n, data: p.data[min(int(n), len(p.data)):], mark: p.mark}
}

// trimEnd takes off what lies behind end.
func (t *Table) trimEnd(p piece, end uint32) piece {
	over := int32(p.start + p.length - end)
	if over <= 0 {
		return p
	}
	n := min(uint32(over), p.length)
	t.stats.Trimmed += uint64(n)
	p.length -= n
	p.data = p.data[:min(int(p.length), len(p.data))]
	return p
}

// deliver hands on a piece that is next in order, and that could be read at a time.
func (t *Table) deliver(c *Connection, side Side, p *piece, readable capture.Time) {
	e, at := &c.ends[side], capture.Span{At: p.mark, Readable: readable}
	e.next += p.length
	e.offset += int64(p.length)
	t.stats.Delivered += uint64(len(p.data))
	if len(p.data) > 0 && t.consumer.Data != nil {
		t.consumer.Data(c, side, p.data, at)
	}
	if cut := int64(p.length) - int64(len(p.data)); cut > 0 {
		t.stats.CutBytes += uint64(cut)
		t.missing(c, side, cut, at)
	}
	t.finishStream(c, side, at.At)
}

// gap moves a stream on to sequence number to over bytes that are not in the capture.
func (t *Table) gap(c *Connection, side Side, to uint32, at capture.Mark, acknowledged bool) {
	e := &c.ends[side]
	n := int64(to - e.next)
	e.next = to
	e.offset += n
	if acknowledged {
		t.stats.AckedUnseen++
		t.stats.AckedUnseenBytes += uint64(n)
	} else {
		t.stats.Unfilled++
		t.stats.UnfilledBytes += uint64(n)
	}
	t.missing(c, side, n, capture.Span{At: at, Readable: at.Time})
}

func (t *Table) missing(c *Connection, side Side, n int64, at capture.Span) {
	t.stats.Missing += uint64(n)
	c.lost = true
	if t.consumer.Gap != nil {
		t.consumer.Gap(c, side, n, at)
	}
}
