package analyze

import (
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// Transfer is how the segments that carried a message went: where its sender
// stood still and what was lost. Times between segments of one end are the same
// everywhere on the path; delays of an end are what is left of the time seen when
// the round trip from the capture point to it is taken off.
type Transfer struct {
	// Idle is how long the sender had sent nothing before the message; 0 when it
	// is the first of its stream.
	Idle time.Duration
	// Before is how many bytes the stream had carried before the message, and
	// LargestBefore the most that was unacknowledged at once in that time, since the
	// latest loss.
	Before, LargestBefore int64
	SmallRun              int   // most segments in a row that are, on average, much smaller than the MSS,
	SmallOvertaking       int   // how many of them left while a small one before was not acknowledged,
	SmallBytes            int64 // their payload,
	SmallFirst, SmallLast capture.Mark
	MSS                   int // largest payload of a full segment; 0 when unknown
	NoDelay               bool
	// Prompt: the receiver can acknowledge so soon after the round trip that an
	// acknowledgement that comes later was delayed, not on its way.
	Prompt bool
	Pauses []Pause
	Losses []Loss
	Length int64 // bytes of the stream

	start, end int64
	initial    int  // segments of the first flight of the stream that an acknowledgement ended, at most defaultWindow
	begun      bool // the stream's beginning is in the capture
	afterLoss  bool // something had been sent again before
}

// Bounds and thresholds of what is followed.
const (
	historySize    = 64      // segments, and acknowledgements, of a stream that are remembered at least
	maxHistory     = 1 << 10 // as many under way at once are, and
	maxHistories   = 1 << 20 // so many in all beyond the least: 32 MiB
	maxPauses      = 512     // that are told apart
	maxLosses      = 512
	leastPause     = 500 * time.Microsecond
	releaseEarly   = time.Millisecond       // an acknowledgement may seem that much later than what it released,
	clockJitter    = 100 * time.Microsecond // but for that no later than the way to the sender can take
	releaseLate    = 2 * time.Millisecond   // or 10 % of the round trip: what a sender needs to react at most,
	releaseSoon    = 50 * time.Microsecond  // and as a rule
	smallFraction  = 8                      // "much smaller": less than the MSS / 8
	probeSize      = 1                      // of a segment that probes a closed window, if it has data at all
	timestampBytes = 12
	leastMSS       = 536  // what every host accepts (RFC 9293 §3.7.1)
	usualMSS       = 1460 // Ethernet's: the most that counts as a segment where the SYNs are not in the capture
)

// sender follows one side of a connection as a sender. What each segment, or each
// acknowledgement, needs lies together: there are many senders, and little room in the
// processor's cache.
type sender struct {
	top          int64 // place behind all that was sent
	claimed      int64 // place behind the latest message that ended
	limit        int64 // the receiver's MSS less the options in use; 0 when unknown
	mss          int64
	flight       int64 // bytes since the latest pause
	largest      int64 // bytes unacknowledged at once, in the message, since a loss was repaired
	history      *history
	started      bool
	begun        bool // the stream's beginning is in the capture
	acknowledged bool // lastACK is valid
	noDelay      bool
	prompt       bool // an acknowledgement came less than DelayedACKMin after the round trip
	sackSeen     bool
	echoes       bool  // what it sends shows which acknowledgements it had
	initial      uint8 // segments of its first flight that an acknowledgement ended, at most defaultWindow

	// Of who acknowledges: the IP identification of its latest segment, 0 where that says
	// nothing of the next; and what those behind the one that acknowledged latest say.
	peerID   uint16
	unseen   bool // it sent something between that did not get here
	complete bool // nothing
	lastData seen
	small    seen // the latest small segment

	lastACK   acked
	advanced  capture.Time // when lastACK.upTo was first acknowledged,
	notBefore capture.Time // and when still less was
	before    int64        // what was acknowledged before
	// arrived is what the sender knew to be acknowledged when the history was given back, at
	// least; marked, what had been seen by then is known later, when it has reached it, too.
	arrived int64
	marked  struct {
		upTo int64
		at   capture.Time
	}
	repairing     int64 // place up to which a loss is being repaired
	openWindow    int64
	duplicateACKs int
	returning     returnPath
	losses        []Loss
	stuck         toldHole

	pauses        []Pause
	running       smallRun // in progress
	longest       smallRun
	largestBefore int64
	idle          time.Duration // before the segment at idleAt, with which a message began
	idleAt        int64
	firstLost     int64 // place behind the first byte that was sent again; 0 without
	lastRepeat    capture.Time
}

// smallRun is a number of segments in a row that are, on average, much smaller than the MSS.
type smallRun struct {
	segments    int32
	overtaking  int32 // left while a small one before was not acknowledged
	bytes       int64
	first, last capture.Mark
}

// path is what is known of the way between capture point, sender and receiver.
type path struct {
	toSender, toReceiver time.Duration
	known                bool
}

func (p path) rtt() time.Duration { return p.toSender + p.toReceiver }

// early is how much later than what it released an acknowledgement may seem to
// have reached the sender. The way to the sender was measured too long at worst,
// and next to the sender it is nothing.
func (p path) early() time.Duration { return min(releaseEarly, p.toSender+clockJitter) }

// acknowledge takes an acknowledgement of what the sender sent.
func (s *sender) acknowledge(a acked, p path) {
	if !s.acknowledged || a.upTo > s.lastACK.upTo {
		s.advanced, s.notBefore, s.before = a.at.Time, s.lastACK.at.Time, s.lastACK.upTo
		s.unseen, s.complete = false, false
		s.prompt = s.prompt || a.upTo == s.top && p.known && a.at.Sub(s.lastData.at) < p.toReceiver+DelayedACKMin
		if a.upTo >= s.repairing {
			s.duplicateACKs, s.sackSeen = 0, false // what they told of is repaired
		}
	}
	s.lastACK, s.acknowledged = a, true
	h := s.history
	if h == nil {
		return
	}
	if last := h.lastACK(); last != nil && last.upTo == a.upTo && last.window == a.window && !a.answers {
		return
	}
	s.openWindow = max(s.openWindow, int64(a.window))
	h.addACK(a, a.at.Time.Add(-p.toSender-s.tolerance(p)))
}

// send takes a segment that carries bytes not sent before.
func (s *sender) send(d seen, segment *packet.Segment, p path) {
	overtakes := false
	if !s.started || d.start != s.top {
		s.start(d)
	} else {
		overtakes = !segment.Flags.Has(packet.FIN) && (!s.noDelay || s.running.segments > 0) && s.overtakes(d, p)
		s.noDelay = s.noDelay || overtakes
		s.follow(d, segment, p)
	}
	s.measure(d, overtakes, p)
	s.record(d)
}

// start begins anew with d: at the beginning, or behind a hole.
func (s *sender) start(d seen) {
	if s.started {
		s.repairing = max(s.repairing, d.end)
	}
	s.started = true
	s.flight = 0
	s.small = seen{}
}

// follow looks at the time since the segment before.
func (s *sender) follow(d seen, segment *packet.Segment, p path) {
	waited := d.at.Sub(s.lastData.at)
	if between := d.start == s.claimed || s.claimed == 0; between && waited >= leastTimeout {
		s.idle, s.idleAt = min(waited, d.at.Time.Sub(s.lastRepeat)), d.start
	}
	if waited < leastPause || waited < 2*p.rtt()/5 || !p.known {
		return
	}
	s.pauses = append(s.pauses, Pause{})
	pause := &s.pauses[len(s.pauses)-1]
	pause.Offset, pause.Before, pause.After, pause.Waited = d.start, s.lastData.at, d.at, waited
	pause.RTT, pause.Flight = p.rtt(), s.fullSegments(s.flight)
	s.explain(pause, d, segment, p)
	if pause.Cause == ByACK && s.initial == 0 {
		s.initial = uint8(min(pause.Flight, defaultWindow))
	}
	if last := len(s.pauses) - 1; last >= maxPauses && join(s.pauses[:last], pause) {
		s.pauses = s.pauses[:last]
	}
	s.flight = 0
}

// overtakes reports whether a small segment leaves while another is not acknowledged,
// which Nagle's algorithm does not let it.
func (s *sender) overtakes(d seen, p path) bool {
	if !s.isSmall(d) || s.small.end == 0 || !p.known {
		return false
	}
	margin := min(s.tolerance(p), p.toSender+releaseLate)
	k := s.latestACK(d.at.Time.Add(-p.toSender + margin))
	return k == nil || k.upTo < s.small.end
}

// latestACK is the latest acknowledgement seen up to a moment, nil without one.
func (s *sender) latestACK(until capture.Time) *acked {
	n := s.history.ackedUntil(until)
	if n == s.history.acksLost {
		return nil
	}
	return s.history.ack(n - 1)
}

// settle notes, before the history is given back, what the sender knows to be acknowledged.
func (s *sender) settle(p path) {
	knows := s.advanced.Add(-p.toSender)
	if k := s.latestACK(knows); k != nil {
		s.arrived = max(s.arrived, k.upTo)
	}
	if s.marked.at <= knows {
		s.arrived = max(s.arrived, s.marked.upTo)
		s.marked.upTo, s.marked.at = s.lastACK.upTo, s.advanced
	}
}

// knew is what was acknowledged to the sender by what was seen up to a moment, less than a
// round trip before now, at least.
func (s *sender) knew(until capture.Time) int64 {
	if s.advanced <= until {
		return s.lastACK.upTo
	}
	if h := s.history; h != nil {
		if k := s.latestACK(until); k != nil {
			return k.upTo
		}
		if h.acksLost > 0 {
			return h.ack(h.acksLost).upTo
		}
	}
	switch {
	case s.notBefore <= until:
		return s.before
	case s.marked.at <= until:
		return max(s.arrived, s.marked.upTo)
	}
	return s.arrived
}

// acknowledgedBy is how much was acknowledged at a moment, or at least when the
// oldest acknowledgement came that is remembered.
func (s *sender) acknowledgedBy(at capture.Time) int64 {
	h := s.history
	if k := s.latestACK(at); k != nil {
		return max(k.upTo, 0)
	}
	if h.acksLost > 0 {
		return max(h.ack(h.acksLost).upTo, 0)
	}
	return 0
}

func (s *sender) fullSize() int64 {
	if s.limit > 0 {
		return s.limit
	}
	return max(s.mss, 1)
}

func (s *sender) fullSegments(bytes int64) int {
	return int((bytes + s.fullSize() - 1) / s.fullSize())
}

// isSmall reports whether a segment is smaller than the largest possible. The
// tail of a segment that an adapter will split is small, too.
func (s *sender) isSmall(d seen) bool {
	return s.limit > 0 && (d.end-d.start)%s.limit != 0
}

// isFull reports whether a segment is of full size, so that more may have been
// waiting behind it. Where the largest size is not known, it must at least be
// one that every host accepts.
func (s *sender) isFull(d seen) bool {
	n := d.end - d.start
	return s.limit > 0 && n%s.limit == 0 || s.limit == 0 && n >= s.mss && n >= leastMSS
}

// measure follows how much is under way and how small the segments are.
func (s *sender) measure(d seen, overtakes bool, p path) {
	s.flight += d.end - d.start
	s.mss = max(s.mss, min(d.end-d.start, usualMSS))
	if acknowledged := s.acknowledgedBy(d.at.Time.Add(-p.toSender)); acknowledged >= s.repairing {
		s.largest = max(s.largest, d.end-acknowledged)
	}
	// A run ends with a segment of full size, or that would make it large on average.
	r, n, full := &s.running, d.end-d.start, s.fullSize()
	if small := full / smallFraction; n >= small && (n >= full || r.bytes+n >= small*int64(r.segments+1)) {
		*r = smallRun{}
		return
	}
	if r.segments == 0 {
		r.first = d.at
	}
	r.segments++
	if overtakes {
		r.overtaking++
	}
	r.bytes += n
	r.last = d.at
	if r.segments > s.longest.segments {
		s.longest = *r
	}
}

func (s *sender) record(d seen) {
	s.top = max(s.top, d.end)
	s.lastData = d
	if s.isSmall(d) {
		s.small = d
	}
	s.history.addData(d, s.lastACK.upTo)
}
