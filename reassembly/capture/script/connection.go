package script

import (
	"fmt"
	"net/netip"
	"time"
)

// connection is the course of one connection so far.
type connection struct {
	sides [2]side // the client, who stands left of the > in the declaration, and the server

	vlans         []uint16
	udp           bool
	timestamps    bool
	sackPermitted bool
}

// The indexes of connection.sides.
const (
	client = 0
	server = 1
)

// side is one end of a connection: what it sent and what it received.
type side struct {
	addr   netip.AddrPort
	isn    uint32
	mss    uint16
	wscale int
	window uint16
	ttl    uint8

	next     uint32 // the sequence number after all it sent
	ipid     uint16 // of its latest packet
	hasSent  bool
	sent     []segment // those that occupy sequence space, in order
	captured []byte    // its latest frame, before the snaplen cut it

	received stream
	hadSYN   bool   // the latest packet it received was a SYN
	tsRecent uint32 // RFC 7323 §4.3
	tsOffset uint32
}

// newConnection declares connection number of a script, from 1.
func newConnection(number uint32, from, to netip.AddrPort) *connection {
	mss := uint16(1460)
	if from.Addr().Is6() {
		mss = 1440
	}
	c := &connection{sackPermitted: true}
	for i, addr := range [2]netip.AddrPort{from, to} {
		c.sides[i] = side{
			addr:     addr,
			isn:      uint32(i)*3_000_000_000 + number*1_000_000,
			mss:      mss,
			wscale:   noWindowScale,
			window:   65535,
			ttl:      64,
			ipid:     uint16(i) * 0x8000,
			tsOffset: uint32(i+1) * 1_000_000,
		}
	}
	return c
}

// begin sets the numbers that follow from the initial ones. Data may start
// without a SYN in the script, as where the capture began too late.
func (c *connection) begin() {
	for i := range c.sides {
		c.sides[i].next = c.sides[i].isn + 1
		c.sides[1-i].received.next = c.sides[i].isn + 1
	}
}

// build makes the segment that a step sends, without changing the connection.
func (c *connection) build(st *step, payload string, last bool, since time.Duration) (segment, error) {
	from, to := &c.sides[st.from], &c.sides[1-st.from]
	s := segment{
		src: from.addr, dst: to.addr,
		toServer: st.from == client,
		vlans:    c.vlans,
		udp:      c.udp,
		ipid:     from.ipid + 1,
		ttl:      from.ttl,
		window:   from.window,
		flags:    st.flags,
		payload:  payload,
		wscale:   noWindowScale,
		tsval:    from.tsOffset + uint32(since/time.Millisecond),
	}
	if c.udp {
		st.edit(&s)
		return s, nil
	}
	s.seq = from.next
	if st.verb == again {
		if err := s.repeat(from, st.seq); err != nil {
			return s, err
		}
	}
	st.completeFlags(&s, last)
	if st.verb != again {
		s.seq = st.seq.resolve(c.automaticSeq(st, &s), from.isn)
	}
	s.timestamps = c.timestamps
	if s.flags&syn != 0 {
		s.mss, s.wscale, s.sackPermitted = from.mss, from.wscale, c.sackPermitted
	}
	if s.flags&ack != 0 {
		s.ack = st.ack.resolve(from.received.next, to.isn)
		s.tsecr = from.tsRecent
	}
	for _, b := range st.sack {
		s.sack = append(s.sack, [2]uint32{b.left.resolve(0, to.isn), b.right.resolve(0, to.isn)})
	}
	st.edit(&s)
	return s, nil
}

// automaticSeq is the sequence number of a segment that the script gives none.
func (c *connection) automaticSeq(st *step, s *segment) uint32 {
	from := &c.sides[st.from]
	switch {
	case s.flags&syn != 0:
		return from.isn
	case s.flags&(rst|ack) == rst|ack && !from.hasSent && from.hadSYN:
		return 0 // RFC 9293 §3.5.2: the answer to a SYN for a closed port
	case st.keepalive:
		return from.next - 1
	}
	return from.next
}

// repeat makes s the same as an earlier segment of from: the last, or the last
// that began at the given position.
func (s *segment) repeat(from *side, at position) error {
	for i := len(from.sent) - 1; i >= 0; i-- {
		earlier := &from.sent[i]
		if at.anchor == automatic || earlier.seq == at.resolve(from.next, from.isn) {
			s.seq, s.payload = earlier.seq, earlier.payload
			s.flags |= earlier.flags
			return nil
		}
	}
	return fmt.Errorf("again: no such segment was sent before")
}

// sent notes that s left its sender, and arrives says whether it reaches the receiver.
func (c *connection) send(st *step, s segment) {
	from, to := &c.sides[st.from], &c.sides[1-st.from]
	from.ipid++
	from.hasSent = true
	end := s.end()
	if !st.keepalive && s.flags&rst == 0 {
		if serialAfter(end, from.next) {
			from.next = end
		}
		if end != s.seq && st.verb != again {
			from.sent = append(from.sent, s)
		}
	}
	if st.fate == lost || st.dropped {
		return
	}
	to.hadSYN = s.flags&syn != 0
	if s.timestamps && !serialAfter(s.seq, to.received.next) {
		to.tsRecent = s.tsval
	}
	if s.flags&rst == 0 {
		to.received.add(s.seq, end)
	}
}

// stream is what a side received of the other's stream.
type stream struct {
	next  uint32      // the number after what is complete
	ahead [][2]uint32 // what arrived behind a hole
}

// add notes the arrival of the sequence numbers from left up to right.
func (r *stream) add(left, right uint32) {
	if !serialAfter(right, r.next) {
		return
	}
	if n := len(r.ahead); n > 0 && r.ahead[n-1][1] == left {
		r.ahead[n-1][1] = right
	} else {
		r.ahead = append(r.ahead, [2]uint32{left, right})
	}
	if serialAfter(left, r.next) {
		return
	}
	for r.advance() {
	}
}

// advance moves next over the parts that hang together with it, and reports
// whether there were any.
func (r *stream) advance() bool {
	waiting := r.ahead[:0]
	before := r.next
	for _, part := range r.ahead {
		if serialAfter(part[0], r.next) {
			waiting = append(waiting, part)
		} else if serialAfter(part[1], r.next) {
			r.next = part[1]
		}
	}
	r.ahead = waiting
	return r.next != before
}

// serialAfter reports whether a comes after b (RFC 1982).
func serialAfter(a, b uint32) bool { return int32(a-b) > 0 }
