package generate

import "math"

// transfer is a message on its way. The sender is clocked by ACKs, all times
// being those of the capture point.
type transfer struct {
	from  int
	base  uint32 // sequence number of the message's first byte
	total int64
	sent  int64

	nextAt   int64 // when the sender may send its next segment, as far as it knows
	inFlight int   // segments that the sender has no ACK of
	unacked  int   // segments that the receiver has not acknowledged
	hole     hole

	complete bool
	after    int64 // when the next message begins, once this one is complete

	// acks is a ring: what the receiver sends. Those from captured on are still
	// to be captured, those from arrived on have not reached the sender.
	acks                    [ackRing]pendingACK
	captured, arrived, ends uint32
}

// ackRing is enough: each ACK that has not arrived stands for a segment, of
// which no more than the largest window are under way.
const ackRing = 2 * largestWindow

// pendingACK is an ACK of the receiver.
type pendingACK struct {
	at    int64
	ack   uint32
	tsecr uint32
	sack  [2]uint32
	freed int // segments that it acknowledges
}

// hole is a segment that the receiver lacks while it has some behind it.
type hole struct {
	offset int64
	size   int // 0: there is no hole
	at     int64
	late   bool // it is only late, not lost
	dups   int  // duplicate ACKs because of it
}

const (
	never        = math.MaxInt64
	delayedACK   = 40 * ms
	minimalRTO   = 200 * ms
	duplicateMax = 3 // duplicate ACKs that start a fast retransmit (RFC 5681 §3.2)
)

// begin starts to send c.message.
func (c *connection) begin(g *generator, from int, at int64) {
	t := c.transfer
	t.from, t.base = from, c.sides[from].seq
	t.total, t.sent = c.message.size(), 0
	t.nextAt, t.inFlight, t.unacked = at, 0, 0
	t.hole, t.complete = hole{}, false
	t.captured, t.arrived, t.ends = 0, 0, 0
	g.reserve(t.total)
	c.plan(g)
}

// plan settles which packet comes next.
func (c *connection) plan(g *generator) {
	t := c.transfer
	if t.complete && t.captured == t.ends {
		c.proceed(g, t.after)
		return
	}
	c.at = never
	if t.hole.size > 0 {
		c.at, c.phase = t.hole.at, sendRepeat
	}
	if t.sent < t.total && c.maySend() && t.nextAt < c.at {
		c.at, c.phase = t.nextAt, sendSegment
	}
	if t.captured != t.ends && t.acks[t.captured%ackRing].at <= c.at {
		c.at, c.phase = t.acks[t.captured%ackRing].at, sendACK
	}
}

// maySend reports whether the congestion window lets the sender go on, for which
// it hears the ACKs that have reached it by then.
func (c *connection) maySend() bool {
	t := c.transfer
	sender := &c.sides[t.from]
	for t.arrived != t.ends {
		a := &t.acks[t.arrived%ackRing]
		at := a.at + sender.path
		if at > t.nextAt {
			if t.inFlight < sender.window {
				break
			}
			t.nextAt = at
		}
		t.inFlight -= a.freed
		sender.grow(a.freed)
		t.arrived++
	}
	return t.inFlight < sender.window
}

// grow widens the congestion window (RFC 5681 §3.1).
func (s *side) grow(segments int) {
	if s.window < s.threshold {
		s.window = min(s.window+segments, s.threshold)
		return
	}
	if s.credit += segments; s.credit >= s.window {
		s.credit = 0
		s.window = min(s.window+1, largestWindow)
	}
}

// transmit appends the packet that is due.
func (c *connection) transmit(g *generator, frame []byte) []byte {
	switch c.phase {
	case sendACK:
		frame = c.appendACK(frame)
	case sendRepeat:
		frame = c.fillHole(g, frame)
	default:
		frame = c.nextSegment(g, frame)
	}
	c.plan(g)
	return frame
}

// nextSegment sends the next new segment. Now and then it sends the one behind
// it first, or the segment will be lost behind the capture point.
func (c *connection) nextSegment(g *generator, frame []byte) []byte {
	t := c.transfer
	size := int(min(payloadMax, t.total-t.sent))
	t.nextAt = c.at + c.gap
	if t.hole.size == 0 && g.profile.late > 0 && t.total-t.sent > payloadMax &&
		t.inFlight+2 <= c.sides[t.from].window && g.random.below(100_000) < g.profile.late {
		t.hole = hole{offset: t.sent, size: size, at: c.at + c.gap, late: true}
		t.nextAt += c.gap
		t.sent += int64(size)
		t.inFlight++
		size = int(min(payloadMax, t.total-t.sent))
	}
	offset := t.sent
	t.sent += int64(size)
	t.inFlight++
	c.sides[t.from].seq = t.base + uint32(t.sent)
	frame = c.appendSegment(frame, offset, size)
	if t.hole.size == 0 && t.from == server && g.profile.lost > 0 && g.random.below(100_000) < g.profile.lost {
		rto := minimalRTO + c.sides[client].path + c.sides[server].path
		t.hole = hole{offset: offset, size: size, at: c.at + rto}
		return frame
	}
	c.receive(g, false)
	return frame
}

// fillHole sends what was late or lost.
func (c *connection) fillHole(g *generator, frame []byte) []byte {
	t := c.transfer
	h := t.hole
	frame = c.appendSegment(frame, h.offset, h.size)
	t.hole.size = 0
	if h.late {
		g.truth.OutOfOrder++
	} else {
		g.truth.Retransmissions++
		sender := &c.sides[t.from]
		sender.window = max(sender.window/2, 2)
		sender.threshold, sender.credit = sender.window, 0
		t.nextAt = max(t.nextAt, c.at+c.sides[client].path+c.sides[server].path)
	}
	c.receive(g, true)
	return frame
}

// receive lets the receiver answer the segment just captured: at once if it
// filled a hole or lies behind one (RFC 5681 §4.2).
func (c *connection) receive(g *generator, filled bool) {
	t := c.transfer
	at := c.at + c.sides[1-t.from].path
	t.unacked++
	a := pendingACK{at: at, ack: t.base + uint32(t.sent), tsecr: c.clock(t.from)}
	if t.hole.size > 0 {
		edge := t.hole.offset + int64(t.hole.size)
		a.ack = t.base + uint32(t.hole.offset)
		a.sack = [2]uint32{t.base + uint32(edge), t.base + uint32(t.sent)}
		a.tsecr = c.sides[1-t.from].tsRecent
		c.push(a)
		if t.hole.dups++; t.hole.dups == duplicateMax && !t.hole.late {
			t.hole.at = min(t.hole.at, at+c.sides[t.from].path)
		}
		return
	}
	if t.unacked >= 2 || filled {
		a.freed, t.unacked = t.unacked, 0
		c.push(a)
	}
	c.sides[1-t.from].tsRecent = a.tsecr
	if t.sent < t.total {
		return
	}
	t.complete = true
	t.after = at + c.wait(g)
	if t.unacked > 0 && t.after > at+delayedACK {
		a.at, a.freed = at+delayedACK, t.unacked
		c.push(a)
	}
}

func (c *connection) push(a pendingACK) {
	t := c.transfer
	t.acks[t.ends%ackRing] = a
	t.ends++
}

// appendACK appends the receiver's next ACK.
func (c *connection) appendACK(frame []byte) []byte {
	t := c.transfer
	a := &t.acks[t.captured%ackRing]
	t.captured++
	from := 1 - t.from
	h := tcpHeader{
		from: from, flags: ack, seq: c.sides[from].seq, ack: a.ack,
		tsval: c.clock(from), tsecr: a.tsecr, sack: a.sack,
	}
	c.sides[t.from].tsRecent = h.tsval
	return c.appendTCP(frame, h, 0, 0)
}

// appendSegment appends a part of the message.
func (c *connection) appendSegment(frame []byte, offset int64, size int) []byte {
	t := c.transfer
	h := tcpHeader{
		from: t.from, flags: ack, seq: t.base + uint32(offset), ack: c.sides[1-t.from].seq,
		tsval: c.clock(t.from), tsecr: c.sides[t.from].tsRecent,
	}
	if offset+int64(size) == t.total {
		h.flags |= psh
	}
	return c.appendTCP(frame, h, offset, size)
}
