package analyze

import (
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// PauseCause is why a sender stood still inside a message.
type PauseCause uint8

// The causes of pauses.
const (
	ByApplication   PauseCause = iota // nothing that TCP did: no acknowledgement released what came next
	ByLoss                            // a loss was being repaired
	ByWindow                          // the receiver's window was used up
	ByNagle                           // a small segment was held until another was acknowledged
	ByACK                             // a single acknowledgement released it
	ByWindowOrNagle                   // the same, and whether ByNagle or for the congestion window is not known
)

// Pause is a time in which a sender stood still inside a message.
type Pause struct {
	Cause  PauseCause
	Offset int64         // place in the stream of what was sent next
	Before capture.Mark  // the segment sent last before
	Held   capture.Mark  // ByNagle: the small segment that had to be acknowledged
	ACK    capture.Mark  // the acknowledgement, or window, that released it
	After  capture.Mark  // the segment that ended it
	Waited time.Duration // Before → After
	// Lag is how long the sender took to go on when the acknowledgement had
	// reached it, as far as the round trip between it and the capture point tells.
	Lag time.Duration
	// ACKDelay is how long the receiver withheld the acknowledgement.
	ACKDelay time.Duration
	RTT      time.Duration
	Flight   int   // segments of full size, rounded up, sent since the pause before
	Zero     bool  // ByWindow: it had been closed to zero
	Window   int64 // ByWindow: the largest that the sender had known so far,
	Open     int64 // and the one that stopped it
	Partial  bool  // ByACK: the segment before was not full
	Final    bool  // ByWindow: nothing followed any more; After is the end of the connection
	More     MorePauses
}

// MorePauses are later pauses of the same kind, for which there was no room.
type MorePauses struct {
	Count                    int
	Waited, Delayed, Holding time.Duration // the sums of Waited, DelayedTime and HoldTime
}

// join adds a pause to the latest one of its kind, if there is one.
func join(pauses []Pause, p *Pause) bool {
	for i := len(pauses) - 1; i >= 0; i-- {
		if q := &pauses[i]; q.kind() == p.kind() {
			q.More.Count++
			q.More.Waited += p.Waited
			q.More.Delayed += p.DelayedTime()
			q.More.Holding += p.HoldTime()
			return true
		}
	}
	return false
}

// pauseKind is what decides on how a pause counts.
type pauseKind struct {
	cause                              PauseCause
	zero, partial, delayed, long, full bool
}

func (p *Pause) kind() pauseKind {
	return pauseKind{p.Cause, p.Zero, p.Partial, p.DelayedTime() > 0, p.Waited >= windowStallMin, p.fillsWindow()}
}

func (s *sender) tolerance(p path) time.Duration { return max(releaseLate, p.rtt()/10) }

// explain finds what ended a pause: the acknowledgements that reached the sender
// since the segment before, just before it sent d. Where they came with an answer,
// the application may have waited for that. The end of the stream is not held back by
// Nagle's algorithm, so that it was written just then. What fills up a window that has no
// room for a full segment, or probes a closed one, waited for a wider one until the
// persist timer ran out (RFC 9293 §3.8.6.1).
func (s *sender) explain(pause *Pause, d seen, segment *packet.Segment, p path) {
	if k := s.latestACK(d.at.Time.Add(-p.toSender + p.early())); k != nil && k.upTo < min(s.repairing, s.top) {
		pause.Cause = ByLoss
		return
	}
	from, to, answered := s.released(d, segment, p)
	covered, edge := s.ackedBefore(from)
	if from == to {
		if d.end == edge && edge-s.top < s.fullSize() || d.start == edge && d.end-d.start == probeSize {
			s.byWindow(pause, from)
			pause.ACK = s.history.ack(to - 1).at
		}
		return
	}
	release, last := from, s.history.ack(to-1)
	if s.repairing > 0 && covered < min(s.repairing, s.top) {
		pause.Cause = ByLoss
		return
	}
	switch {
	case edge >= 0 && s.top+min(d.end-d.start, s.fullSize()) > edge && last.edge() > edge:
		s.byWindow(pause, from)
	case last.upTo <= covered || answered:
		return
	case !segment.Flags.Has(packet.FIN) && s.mayHold(from, to, d, p):
		if !s.hadRoom(from, to, d, p) {
			pause.Cause = ByWindowOrNagle
			break
		}
		pause.Cause, pause.Held = ByNagle, s.small.at
		release = s.covering(from, to)
	case !s.isFull(s.lastData) && s.flight < s.fullSize():
		return // it had nothing more to send then
	default:
		pause.Cause, pause.Partial = ByACK, !s.isFull(s.lastData)
	}
	ack := s.history.ack(release)
	covered, _ = s.ackedBefore(release)
	pause.ACK = ack.at
	pause.Lag = s.lag(release, d, p)
	pause.ACKDelay = s.withheld(ack, covered, p)
	if pause.Cause != ByWindow && pause.ACKDelay > latestACKDelay {
		pause.Cause = ByApplication // no receiver puts one off for so long: it was lost, or a clock was set
	}
}

// byWindow makes the window the cause of a pause, as it was before acknowledgement n.
func (s *sender) byWindow(pause *Pause, n int) {
	covered, edge := s.ackedBefore(n)
	pause.Cause, pause.Open, pause.Zero = ByWindow, edge-covered, edge-covered < s.fullSize()
	pause.Window = s.history.widestBefore(n)
}

// mayHold reports whether Nagle's algorithm can have held d back: it left as soon as
// one of some acknowledgements came that covers a small segment.
func (s *sender) mayHold(from, to int, d seen, p path) bool {
	covered, _ := s.ackedBefore(from)
	return !s.noDelay && s.isSmall(d) && s.small.end > covered && s.small.end <= s.history.ack(to-1).upTo &&
		s.small.start >= s.top-s.flight && s.lag(s.covering(from, to), d, p) <= max(releaseLate, p.toSender/10)
}

// lag is how much later d left than acknowledgement n reached its sender.
func (s *sender) lag(n int, d seen, p path) time.Duration {
	return d.at.Sub(s.history.ack(n).at) - p.toSender
}

// hadRoom reports whether the congestion window cannot have held d back: it had room
// for more than was under way, or an acknowledgement that made room came clearly
// before the one that covers the small segment, and d did not leave then.
func (s *sender) hadRoom(from, to int, d seen, p path) bool {
	window := int64(defaultWindow)
	if s.firstLost > 0 {
		window = leastWindow
	}
	if covered, _ := s.ackedBefore(from); s.top-covered <= (window-1)*s.fullSize() {
		return true
	}
	h, n, noise := s.history, s.covering(from, to), min(s.tolerance(p), p.toSender)
	covering, apart := h.ack(n), max(s.lag(n, d, p), releaseSoon, noise)
	for n--; n > h.acksLost && h.ack(n).at.Time.Add(p.toSender-noise) > s.lastData.at.Time; n-- {
		if covering.at.Sub(h.ack(n).at) > apart && h.ack(n).upTo > h.ack(n-1).upTo {
			return true
		}
	}
	return false
}

// covering is the number of the first of some acknowledgements that covers the
// latest small segment, which the last one does.
func (s *sender) covering(from, to int) int {
	for from < to-1 && s.history.ack(from).upTo < s.small.end {
		from++
	}
	return from
}

// ackedBefore is how much was acknowledged before acknowledgement n, and the right
// edge of the window; 0 and -1 when none before is remembered.
func (s *sender) ackedBefore(n int) (upTo, edge int64) {
	if n == s.history.acksLost {
		return 0, -1
	}
	a := s.history.ack(n - 1)
	return a.upTo, a.edge()
}

// withheld is how long the receiver withheld an acknowledgement, of what lay
// behind the place covered before. A receiver that waits for a timer has all that
// was sent, and less than two full segments of it to acknowledge (RFC 9293
// §3.8.6.3): anything else was under way. Where the acknowledgement itself was longer
// under way than others, what it acknowledges may have been, too: the round trip has grown.
func (s *sender) withheld(a *acked, covered int64, p path) time.Duration {
	if a.upTo < s.top || a.upTo-covered >= 2*s.fullSize() {
		return 0
	}
	newest := s.history.newestUpTo(a.upTo)
	if newest == nil || newest.end <= covered {
		return 0
	}
	delay := max(a.at.Sub(newest.at)-p.toReceiver, 0)
	if slower := time.Duration(a.slower) * time.Millisecond; slower > releaseLate && slower >= delay/4 {
		return 0
	}
	return delay
}

// released returns the numbers of the acknowledgements that can have made the
// sender send d, to is behind the last one, and whether one of them came with an
// answer. Those that came together with the one nearest to d count, of those that
// which d does not show by what it echoes that they came later.
func (s *sender) released(d seen, segment *packet.Segment, p path) (from, to int, answered bool) {
	h := s.history
	to = h.ackedUntil(d.at.Time.Add(-p.toSender + p.early()))
	if s.echoes {
		to = h.echoed(to, segment)
	}
	nearest := time.Duration(-1)
	for from = to; from > h.acksLost; from-- {
		a := h.ack(from - 1)
		arrived := a.at.Time.Add(p.toSender)
		lag := d.at.Time.Sub(arrived)
		if lag > s.tolerance(p) || arrived <= s.lastData.at.Time || nearest >= 0 && lag > nearest+releaseEarly {
			break
		}
		answered = answered || a.answers
		if nearest < 0 {
			nearest = lag
		}
	}
	return from, to, answered
}
