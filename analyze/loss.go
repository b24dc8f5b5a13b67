package analyze

import (
	"math"
	"slices"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// Loss is a segment that was sent again.
type Loss struct {
	Offset   int64
	Length   int64
	Original capture.Mark // the first time it was seen; zero when it was lost before the capture point
	Repeat   capture.Mark
	Kind     LossKind
	// Stall is how long the stream stood still at the receiver for it: from when
	// the first copy, or what came behind it, should have been readable.
	Since capture.Mark // begin of the stall
	Stall time.Duration
	// from and until are the stall's time as it would have passed the capture point.
	from, until capture.Time
	Decided     bool   // whether the first copy had arrived is known
	Presumed    bool   // it seems not to have: the time allows that, but its acknowledgement may have been lost instead
	Lasting     bool   // no copy is known to have arrived: the stall went on
	stamp       uint32 // the repeat's timestamp; 0 without
	// Spurious: the first copy had arrived.
	Spurious bool
}

// LossKind is what made a sender send again.
type LossKind uint8

// The ways to repair a loss.
const (
	ByTimeout  LossKind = iota // the retransmission timer (RFC 6298)
	ByFastACKs                 // duplicate or selective acknowledgements (RFC 5681 §3.2, RFC 6675)
	ByProbe                    // a tail loss probe (RFC 8985 §7)
)

// leastTimeout is the least retransmission timeout in use (Linux; RFC 6298 §2.4
// would have one second).
const leastTimeout = 200 * time.Millisecond

// leastStall is the least time after which a copy counts as a repair: what comes
// sooner costs nothing, and may be a segment that came late.
const leastStall = time.Millisecond

// latestACKDelay is the longest time for which a receiver may put off an
// acknowledgement (RFC 9293 §3.8.6.3), and some time for the application to act.
const latestACKDelay = 600 * time.Millisecond

// leastToReceiver is how far the receiver must be for the time of an
// acknowledgement to tell which copy it answers.
const leastToReceiver = time.Millisecond

// repeat takes a segment whose bytes were sent before. hole is when the first
// byte behind the hole that it fills was captured; zero when it fills none. noted is false
// where so many are remembered that this one is not.
func (s *sender) repeat(d seen, stamp uint32, hole capture.Time, p path) (noted bool) {
	l := Loss{Offset: d.start, Length: d.end - d.start, Repeat: d.at, stamp: stamp}
	if original := s.history.original(d.start); original != nil {
		l.Original, l.Since = original.at, original.at
	}
	if latest := s.latestACK(d.at.Time); latest != nil && latest.upTo >= d.end {
		l.Decided, l.Spurious = true, true // the receiver had it already
	}
	if latest := s.history.lastACK(); latest != nil && latest.at.Time > d.at.Time {
		l.Decided, l.Spurious = true, true // the capture has its answer before it
	}
	switch {
	case !l.Original.IsZero():
		l.Stall = d.at.Sub(l.Original)
	case hole != 0:
		l.Stall = d.at.Time.Sub(hole)
		l.Since = capture.Mark{Time: hole, Frame: d.at.Frame}
		l.Decided = stamp == 0 && p.toReceiver <= leastToReceiver
	}
	if l.Stall < leastStall {
		l.Decided, l.Spurious = true, true // nothing shows that it was missed
	}
	l.from, l.until = l.Since.Time, l.Repeat.Time
	l.Kind = s.kindOf(d, p)
	s.repairing = max(s.repairing, s.top)
	s.lastRepeat = d.at.Time
	if !l.Spurious {
		s.shrink(d)
	}
	if len(s.losses) >= maxLosses {
		s.history.room.refused++
		return false
	}
	s.losses = append(s.losses, l)
	return true
}

// shrink notes that the congestion window has become smaller for the loss of d: how
// large it was tells nothing any more (RFC 5681 §3.1).
func (s *sender) shrink(d seen) {
	s.largest, s.largestBefore = 0, 0
	if s.firstLost == 0 {
		s.firstLost = d.start + 1
	}
}

// kindOf tells what made the sender repeat d.
func (s *sender) kindOf(d seen, p path) LossKind {
	quiet := d.at.Sub(s.lastData.at)
	told := d.at.Sub(s.lastACK.at) - p.toSender
	repairing := s.lastACK.upTo < s.repairing
	switch {
	case !repairing && p.known && s.advanced != 0 && d.at.Time.Sub(s.advanced)-p.toSender < p.rtt():
		return ByFastACKs // the timer began anew when it was told of more (RFC 6298 §5.3)
	case (s.duplicateACKs >= 3 || s.sackSeen) && told < leastTimeout:
		return ByFastACKs
	case d.end >= s.top && quiet < max(leastTimeout, 2*p.rtt()+leastTimeout/2):
		return ByProbe
	}
	return ByTimeout
}

// judge decides on repeats whose first copy may have arrived, by an
// acknowledgement that covers them: it echoes the timestamp of what it answers
// (RFC 3522), or else comes sooner than a round trip after the repeat when it
// answers the first copy; if it comes later, and none told of a hole, that is likely
// lost, but maybe only its acknowledgement was. An acknowledgement that says of other
// bytes that they came twice speaks for all it covers: they were repeated for the same
// reason.
// One that comes later than a receiver may wait is not the first, and one whose
// options were cut does not say all: what they said is not in the capture.
func (s *sender) judge(upTo int64, segment *packet.Segment, twice bool, p path) {
	for i := range s.losses {
		l := &s.losses[i]
		if l.Decided || l.Presumed || upTo < l.Offset+l.Length {
			continue
		}
		missed := l.Offset <= s.stuck.upTo && s.stuck.upTo < l.Offset+l.Length && !s.stuck.at.IsZero()
		switch o := &segment.Options; {
		case twice, segment.Options.Cut, !missed && segment.Mark.Sub(l.Repeat) > p.rtt()+latestACKDelay:
			l.Decided, l.Spurious = true, true
		case o.HasTimestamps && l.stamp != 0:
			l.Decided, l.Spurious = true, !s.repeated(o.TSEcr, l.stamp)
		case p.toReceiver > leastToReceiver:
			l.Spurious = segment.Mark.Sub(l.Repeat) < 9*p.toReceiver/10
			l.Decided = l.Spurious || missed
			l.Presumed = !l.Decided
		}
		if missed && l.counts() && !l.Original.IsZero() {
			l.follow(&s.stuck, segment.Mark, p)
			if s.gotBefore(l) {
				l.readUntil(s.advanced.Add(-p.toReceiver))
			}
		}
	}
}

// repeated reports whether a timestamp that is echoed is that of a repeat, or of
// a later one. That of anything else sent later says that an earlier
// acknowledgement is not in the capture.
func (s *sender) repeated(echo, stamp uint32) bool {
	return int32(echo-stamp) >= 0 && slices.ContainsFunc(s.losses, func(l Loss) bool { return l.stamp == echo })
}

// toldHole is the first acknowledgement that told of a hole at its place.
type toldHole struct {
	upTo   int64
	at     capture.Mark
	behind capture.Time // when what the receiver had behind the hole was sent; 0 when unknown
}

// tellHole takes an acknowledgement that tells of a hole: behind is the place of what
// the receiver has behind it, −1 where that is not told.
func (s *sender) tellHole(a *acked, behind int64) {
	s.sackSeen = s.sackSeen || behind >= 0
	if s.stuck.upTo == a.upTo && !s.stuck.at.IsZero() {
		return
	}
	s.stuck = toldHole{upTo: a.upTo, at: a.at}
	if behind < 0 || s.history == nil {
		return
	}
	if d := s.history.original(behind); d != nil {
		s.stuck.behind = d.at.Time
	}
}

// follow takes the time of the stall from the acknowledgements that told of its begin and
// its end: a queue behind the capture point is in both. That holds where what came behind
// the hole was sent with what was lost. Where the answer to that was overdue by then,
// everything was lost for a while, and the first acknowledgement came late.
func (l *Loss) follow(hole *toldHole, end capture.Mark, p path) {
	from, until := hole.at.Time.Add(-p.toReceiver), end.Time.Add(-p.toReceiver)
	queued := from.Sub(hole.behind)
	// The next flight may take a little longer than the least round trip.
	together := hole.behind != 0 && hole.behind.Sub(l.Original.Time) <= queued+p.rtt()*9/8+releaseLate
	if together && from >= l.Original.Time && until > from {
		l.from, l.until, l.Stall = from, until, until.Sub(from)
	}
}

// gotBefore reports whether the latest acknowledgement says how far the receiver could read
// when l was missed: it covers all before the hole, came before any that told of the hole,
// and answers no repeat.
func (s *sender) gotBefore(l *Loss) bool {
	return s.lastACK.upTo == s.stuck.upTo && s.advanced < s.stuck.at.Time &&
		!slices.ContainsFunc(s.losses, func(m Loss) bool {
			return m.Offset < l.Offset && m.Repeat.Time > l.Original.Time && m.Repeat.Time < s.advanced
		})
}

// readUntil says that the receiver could read on until a time: it acknowledged all that
// came before the hole, and told of that later.
func (l *Loss) readUntil(at capture.Time) {
	if at > l.from && at < l.until {
		l.from, l.Stall = at, l.until.Sub(at)
	}
}

// leastUnanswered is how many repeats without an acknowledgement show that their sender
// got none, wherever the capture was taken: one may come too late to stop the next. It
// says that of a way that had carried something: a server whose backlog is full drops what
// a client sends first.
const leastUnanswered = 3

// unanswered is how often in a row the same place was sent again, latest; beyond
// leastUnanswered it is not counted.
func (s *sender) unanswered() (n int) {
	for i := len(s.losses) - 1; i >= 0 && n <= leastUnanswered; i-- {
		if l := &s.losses[i]; l.Decided || l.Offset != s.losses[len(s.losses)-1].Offset || s.lastACK.upTo > l.Offset || s.lastACK.upTo == 0 {
			break
		}
		n++
	}
	return n
}

// unrepaired decides on losses of a message that nothing acknowledges at its end, by the
// latest repeat of each. The receiver, with room for it, told of something else long after
// the first copy: that is certain. Or the sender tried again and again in vain.
func (s *sender) unrepaired(losses []Loss, p path) {
	type attempts struct {
		times  int
		latest *Loss
	}
	a, tried := &s.lastACK, map[int64]attempts{}
	for i := range losses {
		if l := &losses[i]; !l.Decided && !l.Presumed && !l.Original.IsZero() && a.upTo <= l.Offset {
			tried[l.Offset] = attempts{tried[l.Offset].times + 1, l}
		}
	}
	for _, t := range tried {
		l := t.latest
		l.Decided = a.at.Sub(l.Original) > p.rtt()+latestACKDelay && a.edge() >= l.Offset+l.Length
		l.Presumed = !l.Decided && t.times >= leastUnanswered && a.upTo > 0
		if l.Lasting = l.Decided || l.Presumed; l.Decided {
			l.until = max(l.until, a.at.Time.Add(-p.toReceiver))
			l.Stall = l.until.Sub(l.from)
		}
	}
}

// arrivedTwice notes that the receiver got the bytes from start to end twice
// (DSACK, RFC 2883).
func (s *sender) arrivedTwice(start, end int64) {
	for i := range s.losses {
		if l := &s.losses[i]; l.Offset < end && start < l.Offset+l.Length {
			l.Decided, l.Spurious = true, true
		}
	}
}

// counts reports whether the first copy was lost, as far as is known: a hole
// speaks for it, a copy that was seen does not.
func (l *Loss) counts() bool { return !l.Spurious && (l.Decided || l.Presumed || l.Original.IsZero()) }

// Stalled is how long the stream of a message stood still for losses: the union
// of their stalls, spurious repeats left out, with the losses that count.
func (t *Transfer) Stalled() (total time.Duration, losses []Loss) {
	for i := range t.Losses {
		if l := &t.Losses[i]; l.stalls() {
			losses = append(losses, *l)
		}
	}
	return t.stalledUntil(math.MaxInt64), losses
}

// stalledUntil is the part of Stalled before a time.
func (t *Transfer) stalledUntil(at capture.Time) (total time.Duration) {
	var until capture.Time
	for i := range t.Losses {
		l := &t.Losses[i]
		if from := max(l.from, until); l.stalls() && min(l.until, at) > from {
			until = min(l.until, at)
			total += until.Sub(from)
		}
	}
	return total
}

// stalls reports whether the stream stood still for the loss.
func (l *Loss) stalls() bool { return l.counts() && l.Stall > 0 && !l.Since.IsZero() }

// firstLoss is when the first loss that counts was repaired, or the end of time.
func (t *Transfer) firstLoss() capture.Time {
	for _, l := range t.Losses {
		if l.counts() {
			return l.Since.Time
		}
	}
	return math.MaxInt64
}
