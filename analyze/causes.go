package analyze

import (
	"math"
	"slices"
	"time"

	"wirelag/reassembly/capture"
)

// DelayedACKMin is from when on an acknowledgement counts as delayed. Receivers
// delay 40 ms (Linux), 100 ms (BSD) or 200 ms (Windows), at most 500 ms
// (RFC 9293 §3.8.6.3); queues and schedulers make for less.
const DelayedACKMin = 20 * time.Millisecond

// windowStallMin is from when on a window that was used up counts as a stall.
const windowStallMin = 20 * time.Millisecond

// causesIn are the causes within each of the phases that TCP can lengthen.
type causesIn struct{ send, wait, receive Causes }

// causesIn tells what TCP did to the sending of x's messages: within the phase
// that it lengthened, or the one beside it where that is full.
func (x *Exchange) causesIn() (in causesIn) {
	if !x.Sending.quiet() || !x.Answering.quiet() {
		in = x.placeCauses()
	}
	return in
}

func (x *Exchange) placeCauses() (in causesIn) {
	room := [...]time.Duration{max(x.Timing.Send, 0), max(x.Timing.Wait, 0), max(x.Timing.Receive, 0)}
	const send, wait, receive = 0, 1, 2
	request, lossesInSend := x.Sending.causesUntil(x.sent())
	response, lossesInWait := x.Answering.causesUntil(x.answered())
	fill := func(of func(*Causes) *time.Duration, d time.Duration, phases ...int) {
		for _, p := range phases {
			part := min(max(d, 0), room[p])
			*of([...]*Causes{&in.send, &in.wait, &in.receive}[p]) += part
			room[p] -= part
			d -= part
		}
	}
	retransmission := func(c *Causes) *time.Duration { return &c.Retransmission }
	fill(retransmission, lossesInSend, send, wait)
	fill(retransmission, request.Retransmission-lossesInSend, wait, send)
	fill(retransmission, lossesInWait, wait, receive)
	fill(retransmission, response.Retransmission-lossesInWait, receive, wait)
	for _, of := range [...]func(*Causes) *time.Duration{
		func(c *Causes) *time.Duration { return &c.Window },
		func(c *Causes) *time.Duration { return &c.DelayedACK },
		func(c *Causes) *time.Duration { return &c.Nagle },
		func(c *Causes) *time.Duration { return &c.SlowStart },
	} {
		fill(of, *of(&request), send, wait)
		fill(of, *of(&response), receive, wait)
	}
	return in
}

// allCauses are the causes of all phases of an exchange.
func (x *Exchange) allCauses() (c Causes) {
	in := x.causesIn()
	for _, d := range [...]*Causes{&in.send, &in.wait, &in.receive} {
		c.Nagle += d.Nagle
		c.DelayedACK += d.DelayedACK
		c.SlowStart += d.SlowStart
		c.Retransmission += d.Retransmission
		c.Window += d.Window
	}
	return c
}

func (c *Causes) total() time.Duration {
	return c.Nagle + c.DelayedACK + c.SlowStart + c.Retransmission + c.Window
}

// sent is when the last byte of the request was on its way.
func (x *Exchange) sent() capture.Time {
	if x.Request == nil {
		return 0
	}
	return x.Request.End.At.Time
}

// answered is when the first byte of the response got through.
func (x *Exchange) answered() capture.Time {
	if x.Response == nil {
		return 0
	}
	return x.Answering.arrived(x.Response.Start.Readable, true)
}

// quiet reports whether TCP did nothing to the message.
func (t *Transfer) quiet() bool { return t == nil || len(t.Pauses)+len(t.Losses) == 0 }

// causesUntil are the causes of a message, and the part of the time lost to
// retransmissions that was over at a time.
func (t *Transfer) causesUntil(at capture.Time) (c Causes, lost time.Duration) {
	if t.quiet() {
		return c, 0
	}
	return t.causes(), t.stalledUntil(at)
}

func (t *Transfer) causes() Causes {
	var c Causes
	for i := range t.Pauses {
		p := &t.Pauses[i]
		switch p.Cause {
		case ByNagle:
			c.Nagle += p.HoldTotal()
			c.DelayedACK += p.DelayedTotal()
		case ByACK:
			c.DelayedACK += p.DelayedTotal()
		}
	}
	c.Window, _ = t.WindowStalls()
	c.Retransmission = t.stalledUntil(math.MaxInt64)
	if s, ok := t.SlowStart(); ok {
		c.SlowStart = s.Cost
	}
	return c
}

// WindowStalls is how long the sender stood still in the message because the receiver's
// window was used up, and the pauses that this consists of: those that count by
// themselves, or else, as on short paths, the shorter ones if they do together.
func (t *Transfer) WindowStalls() (total time.Duration, pauses []*Pause) {
	total, pauses = t.byWindow(func(p *Pause) bool { return p.Waited >= windowStallMin })
	if total == 0 {
		total, pauses = t.byWindow((*Pause).fillsWindow)
	}
	if total < windowStallMin {
		return 0, nil
	}
	return total, pauses
}

// byWindow are some of the pauses that the window was the cause of.
func (t *Transfer) byWindow(of func(*Pause) bool) (total time.Duration, pauses []*Pause) {
	for i := range t.Pauses {
		if p := &t.Pauses[i]; p.Cause == ByWindow && of(p) {
			total += p.Waited + p.More.Waited
			pauses = append(pauses, p)
		}
	}
	return total, pauses
}

// fillsWindow reports whether a pause is one of a closed window, or of a round trip in
// which more than the window could have been sent. What took longer a busy receiver
// acknowledged late, and what is no longer than a sender needs to react may have any cause.
func (p *Pause) fillsWindow() bool {
	return p.Waited >= releaseLate && (p.Zero || p.Waited < 2*p.RTT)
}

// windowShrunk is how many times as large a window was before it shows that its receiver
// does not read as fast as what it gets.
const windowShrunk = 2

// Shrunk reports whether the window was the cause of the pause, and was closed or had been
// much larger: the receiver's application did not read.
func (p *Pause) Shrunk() bool {
	return p.Cause == ByWindow && (p.Zero || p.Open <= p.Window/windowShrunk)
}

// DelayedTime is the part of the pause that a delayed acknowledgement is the
// cause of; 0 when it was not delayed.
func (p *Pause) DelayedTime() time.Duration {
	if p.ACKDelay < DelayedACKMin {
		return 0
	}
	return min(p.ACKDelay, p.Waited)
}

// DelayedTotal is DelayedTime of this pause and of those that it stands for.
func (p *Pause) DelayedTotal() time.Duration { return p.DelayedTime() + p.More.Delayed }

// HoldTotal is HoldTime of this pause and of those that it stands for.
func (p *Pause) HoldTotal() time.Duration { return p.HoldTime() + p.More.Holding }

// HoldTime is the part of the pause that Nagle's algorithm alone is the cause
// of: the round trip, with a prompt acknowledgement.
func (p *Pause) HoldTime() time.Duration {
	return max(min(p.Waited-p.DelayedTime(), p.RTT+DelayedACKMin), 0)
}

// SlowStart is a message whose sender had to stop for acknowledgements while
// its congestion window grew (RFC 5681 §3.1).
type SlowStart struct {
	Flights []int // segments of full size sent between the stops, the rest last
	Rounds  int   // stops
	RTT     time.Duration
	// Cost is what the rounds took beyond those that sending flights of the
	// largest size would have taken, and beyond what the application paused since
	// the first: one that paces the message would have waited for that instead.
	Cost        time.Duration
	First, Last *Pause
	AfterIdle   bool // the window had been larger before an idle time
}

const (
	leastRounds       = 2
	leastGrowth       = 1.2 // of a flight over the one before
	mostGrowth        = 8   // a round doubles it, and one or two may pass unseen; what is more ran on, until something else stopped it
	youngWindows      = 10  // initial windows that a young stream has carried at most
	defaultWindow     = 10  // segments (RFC 6928)
	leastWindow       = 2   // segments, when a loss was repaired (RFC 5681 §3.1)
	collapsedFraction = 2   // the window was that much larger before
)

// SlowStart reports whether the message was held up by slow start.
func (t *Transfer) SlowStart() (SlowStart, bool) {
	s := SlowStart{}
	until := t.firstLoss()
	next := 0 // behind the rounds that count
	for i := range t.Pauses {
		p := &t.Pauses[i]
		if p.After.Time >= until || p.Cause == ByLoss {
			break
		}
		if p.Cause == ByApplication || p.Cause == ByWindowOrNagle || p.Waited < p.RTT/2 {
			continue
		}
		if p.Cause != ByACK || p.ACKDelay >= DelayedACKMin {
			break
		}
		if n := len(s.Flights); n > 0 {
			if growth := float64(p.Flight) / float64(s.Flights[n-1]); growth < leastGrowth || growth > mostGrowth {
				break
			}
		}
		s.Flights = append(s.Flights, p.Flight)
		s.RTT = p.RTT
		s.Last = p
		if s.First == nil {
			s.First = p
		}
		next = i + 1
	}
	s.Rounds = len(s.Flights)
	if s.Rounds < leastRounds || !t.young(&s) {
		return s, false
	}
	for i := next; i < len(t.Pauses) && !t.Pauses[i].Final; i++ {
		s.Flights = append(s.Flights, t.Pauses[i].Flight)
	}
	s.Flights = append(s.Flights, t.fullSegments(t.end-t.Pauses[len(t.Pauses)-1].Offset))
	largest := max(slices.Max(s.Flights), 1)
	segments := t.fullSegments(t.Length)
	needed := (segments+largest-1)/largest - 1
	s.Cost = max(time.Duration(s.Rounds-needed)*s.RTT-t.pausedSince(s.First.After.Time), 0)
	return s, true
}

// pausedSince is how long one of the applications paused within the message since a moment:
// that of the sender, or that of the receiver, which did not read.
func (t *Transfer) pausedSince(begin capture.Time) (total time.Duration) {
	for i := range t.Pauses {
		if p := &t.Pauses[i]; (p.Cause == ByApplication || p.Shrunk()) && p.After.Time >= begin {
			total += p.Waited + p.More.Waited
		}
	}
	return total
}

// young reports whether the stream's congestion window can be expected to be
// small: it carried little before, and lost nothing, or it collapsed while it was
// idle for longer than the retransmission timeout. Less than the initial window is left
// of a larger one only where something was lost, seen or not (RFC 5681 §4.1).
func (t *Transfer) young(s *SlowStart) bool {
	first := s.Flights[0]
	mss := max(int64(t.MSS), 1)
	collapsed := t.LargestBefore >= collapsedFraction*int64(first)*mss
	if collapsed && leastGrowth*float64(first) < float64(t.initial) {
		return false
	}
	initial := defaultWindow
	if t.Before < int64(first)*mss {
		initial = min(max(first, 1), defaultWindow)
	}
	if t.begun && !t.afterLoss && t.Before < youngWindows*int64(initial)*mss {
		return true
	}
	s.AfterIdle = t.Idle >= leastTimeout+s.RTT && collapsed
	return s.AfterIdle
}

func (t *Transfer) fullSegments(bytes int64) int {
	mss := max(int64(t.MSS), 1)
	return int((bytes + mss - 1) / mss)
}
