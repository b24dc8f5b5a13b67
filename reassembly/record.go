package reassembly

import (
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
	"wirelag/reassembly/vantage"
)

// end is what is known of one end of a connection, as the sender of its data
// and as the receiver of the other's.
type end struct {
	endpoint packet.Endpoint
	mss      uint16
	lastIPID uint16 // of the segment that reached top
	scale    uint8

	hasISN, started, sentACK, hasScale, hasTimestamps bool
	scaleUnknown                                      bool // the options of its SYN were cut off
	inferred                                          bool // next was taken from the first acknowledgement, before anything of it was seen
	probing                                           bool // its latest payload probed a zero window

	sampling sampling

	next      uint32 // the sequence number after the bytes delivered in order; valid when started
	top       uint32 // the highest sequence number sent + 1; valid when started
	ack       uint32 // the highest acknowledgement sent; valid when sentACK
	window    uint32 // the last receive window sent, scaled
	segments  uint32
	topTSVal  uint32 // the timestamp of the segment that reached top
	lastTSVal uint32 // the latest timestamp; 0 without any

	sampleUntil uint32       // the acknowledgement that completes the sample
	leastRTT    int32        // the least round trip in sampleUnits, plus 1; 0 without any
	sampleSince capture.Time // when the segment was seen

	offset int64          // bytes of the stream before next: delivered or missing
	recent [2]fingerprint // the latest segments, to know copies by
}

// begin is the sequence number of the first byte of e's stream, one more than
// that of its SYN; valid when started.
func (e *end) begin() uint32 { return e.next - uint32(e.offset) }

// ending is what is known of the end of a connection.
type ending struct {
	fin      [2]capture.Mark // by side; zero without
	rst      capture.Mark
	closedAt capture.Mark // when both ends had finished, or one reset

	finSeq     [2]uint32 // the sequence numbers of the FINs
	finInOrder [2]bool
	rstSeq     uint32
	rstSide    Side
	firstFIN   Side
	closedBy   Side
	crossed    bool // neither side had the other's FIN when it sent its own
}

// oddities is what few connections have.
type oddities struct {
	syns            syns
	hasSYNs         bool         // syns is valid
	fastOpened      uint32       // bytes of the client's SYN that the SYN/ACK acknowledges
	challenge       capture.Mark // an acknowledgement of something else, in answer to the SYN
	former          former       // how the connection before on the 4-tuple was closed, if that is remembered
	shared          *vantage.Connection
	retransmissions uint64
	copied          bool // the capture holds copies of its segments

	underway
}

// underway is the part of the oddities that the table alone looks at.
type underway struct {
	// previous is the incarnation of the tuple before, while segments may still belong to it.
	previous *Connection
	stretch  [2]*stretch                 // where order is lost: what waits for a hole to be filled
	many     [2]*[manyRecent]fingerprint // in place of end.recent, where there are copies
	held     []*heldSegment              // for bytes that they acknowledge
}

// syns are the SYNs of a connection.
type syns struct {
	first    capture.Mark // of the client
	latest   capture.Mark // of the client
	answered capture.Mark // the last before the SYN/ACK that was acknowledged
	answer   capture.Mark // the first SYN/ACK in answer to that
	repeats  uint16       // of SYNs and SYN/ACKs
	echoed   bool         // the client's answer has the timestamp of the last SYN/ACK
	refused  bool         // one before the one that was accepted
}

// toEnd returns the ending of c to change it.
func (t *Table) toEnd(c *Connection) *ending {
	if c.ending == nil {
		c.ending = t.records.endings.Get()
	}
	return c.ending
}

// odd returns the oddities of c to change them.
func (t *Table) odd(c *Connection) *oddities {
	if c.oddities == nil {
		c.oddities = t.records.oddities.Get()
	}
	return c.oddities
}

// Snapshot is a connection as it was at a moment.
type Snapshot struct {
	Connection
	// What Connection points to, or memory for it.
	ownEnding   *ending
	ownOddities *oddities
}

// Take makes s what c is now, without what only its table needs. c may be a
// snapshot's.
func (s *Snapshot) Take(c *Connection) {
	s.Connection = *c
	s.Attached = nil
	if c.ending != nil {
		if s.ownEnding == nil {
			s.ownEnding = new(ending)
		}
		*s.ownEnding = *c.ending
		s.ending = s.ownEnding
	}
	if c.oddities != nil {
		if s.ownOddities == nil {
			s.ownOddities = new(oddities)
		}
		*s.ownOddities = *c.oddities
		s.ownOddities.underway = underway{}
		s.oddities = s.ownOddities
	}
}

// Clear forgets the connection, but not the memory for what it points to.
func (s *Snapshot) Clear() { *s = Snapshot{ownEnding: s.ownEnding, ownOddities: s.ownOddities} }

// plainSYNs are the SYNs that most connections have: the first packet, if it was
// one, and an answer to that.
func (c *Connection) plainSYNs() syns {
	var s syns
	if c.begunBySYN {
		s.first, s.latest, s.answered = c.first, c.first, c.onlySYN()
	}
	s.answer = c.synAck
	return s
}

// onlySYN is the first packet, if it was a SYN and was answered.
func (c *Connection) onlySYN() (m capture.Mark) {
	if c.begunBySYN && !c.synAck.IsZero() {
		m = c.first
	}
	return m
}

// stretch is where the order of side's stream is lost; nil while it is not.
func (c *Connection) stretch(side Side) *stretch {
	if c.oddities == nil {
		return nil
	}
	return c.oddities.stretch[side]
}

// previous is the incarnation of the tuple before, while it may still be alive.
func (c *Connection) previous() *Connection {
	if c.oddities == nil {
		return nil
	}
	return c.oddities.previous
}
