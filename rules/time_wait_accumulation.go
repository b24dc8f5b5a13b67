package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

const (
	timeWaitWarning = 0.10 // of the port range
	timeWaitError   = 0.80
	// The rate is judged from so many closes over so long a time; less is chance.
	timeWaitMinCloses = 1000
	timeWaitMinTime   = 2 * time.Second
	timeWaitSlots     = 256     // the resolution of the window, per two-msl
	timeWaitPairs     = 1 << 12 // bound on the pairs that are followed
)

var timeWaitAccumulation = &Rule{
	ID:         "time-wait-accumulation",
	Title:      "the client is using up its ports",
	Group:      Ports,
	Severities: []Severity{Warning, Error},
	Per:        PerPair,
	Doc: Doc{
		What: "Every connection that the client closes first keeps one of its ports in TIME_WAIT (twice the maximum segment lifetime) for the " +
			"same server address and port. When all ports of the ephemeral range are taken, no more connections can be opened to that server.",
		Measured: "Replays the closes: peak = most connections of one client address to one server address and port that were in TIME_WAIT " +
			"at the client at once; a port that is used again leaves it and counts once. Warning at peak >= 10 % of port-range, error at >= 80 %. " +
			"Where the capture has less than two-msl from the first close on, also a warning when the peak would reach 10 % after two-msl at the rate of the closes: " +
			"from 1000 closes over 2 s on, none of a port that was in TIME_WAIT.",
		CapturePoint: "Counts are the same everywhere on the path.",
		Likely:       "What was counted is certain; what is projected from the rate of a capture shorter than two-msl is likely.",
		Limits: "Closes by the server and resets leave no TIME_WAIT at the client and are not counted. Connections whose end is not in the capture are not counted. " +
			"Nothing is projected from a client that uses ports in TIME_WAIT again: they do not run out at the rate of its closes.",
		Cure:       "Reuse connections (keep-alive, a pool in the client). If that is impossible: widen the ephemeral port range, use more client addresses, or let the server close first.",
		References: []string{"HTTP-DG §4.2.7", "RFC 9293 §3.6.1", "RFC 6056 §3"},
	},
	Options: []Option{
		{"two-msl", Milliseconds, 60_000, "how long TIME_WAIT lasts; the book has 120s"},
		{"port-range", Count, 28_232, "ports that the client may use: Linux has 32768 to 60999"},
	},
	Listen: func(p *Pass) analyze.Listener {
		w := &timeWaits{pass: p, twoMSL: p.Duration("two-msl"), ports: p.Number("port-range"), pairs: pairTable[timeWait]{pass: p, limit: timeWaitPairs}}
		return analyze.Listener{Closed: w.closed, Finish: func() { w.pairs.each(w.judge) }}
	},
}

// timeWaits follows the pairs of clients and servers.
type timeWaits struct {
	pass   *Pass
	twoMSL time.Duration
	ports  float64
	pairs  pairTable[timeWait]
}

// timeWait counts the closes of one pair in slots of two-msl / timeWaitSlots.
type timeWait struct {
	slots       [timeWaitSlots]uint32
	newest      int64 // number of the newest slot
	inWindow    uint32
	peak        uint32
	peakAt      capture.Mark
	closes      int
	reused      int // of them, ports that were in TIME_WAIT
	first, last capture.Mark
	connection  *analyze.Connection // the latest
}

func (w *timeWaits) closed(c *analyze.Connection) {
	client := c.ClientSide()
	former, first, reuses := c.Former()
	reuses = reuses && first == client && c.Synchronised()
	side, ok := c.ClosedBy()
	waits := ok && c.Close() == reassembly.ByFIN && side == client
	if !waits && !reuses {
		return
	}
	t := w.pairs.of(c)
	if waits {
		t.advance(w.slot(c.ClosedAt()))
	}
	if reuses && t.leave(w.slot(former)) {
		t.reused++
	}
	if waits {
		t.add(c, w.slot(c.ClosedAt()))
	}
}

// slot is the number of the slot that a moment is in.
func (w *timeWaits) slot(m capture.Mark) int64 {
	return int64(max(m.Time, 0)) / max(int64(w.twoMSL)/timeWaitSlots, 1)
}

// advance makes a slot the newest, if it is newer.
func (t *timeWait) advance(slot int64) {
	if slot-t.newest > timeWaitSlots {
		t.slots, t.inWindow, t.newest = [timeWaitSlots]uint32{}, 0, slot
	}
	for ; t.newest < slot; t.newest++ {
		oldest := &t.slots[(t.newest+1)%timeWaitSlots]
		t.inWindow -= *oldest
		*oldest = 0
	}
}

// counts reports whether a slot is in the window.
func (t *timeWait) counts(slot int64) bool { return t.newest-slot < timeWaitSlots }

// leave takes a connection out of TIME_WAIT whose ports are used again, and
// reports whether it was still in it.
func (t *timeWait) leave(slot int64) bool {
	n := &t.slots[slot%timeWaitSlots]
	if !t.counts(slot) || *n == 0 {
		return false
	}
	*n--
	t.inWindow--
	return true
}

// add counts a connection that the client closed, which enters TIME_WAIT in a slot.
func (t *timeWait) add(c *analyze.Connection, slot int64) {
	at := c.ClosedAt()
	if t.counts(slot) {
		t.slots[slot%timeWaitSlots]++
		t.inWindow++
	}
	if t.closes == 0 {
		t.first = at
	} else {
		t.connection.Release()
	}
	t.closes++
	t.last, t.connection = at, c.Keep()
	if t.inWindow > t.peak {
		t.peak, t.peakAt = t.inWindow, at
	}
}

func (w *timeWaits) judge(t *timeWait) {
	counted, rate := float64(t.peak), t.rate()
	i := Instance{
		Connection: t.connection,
		Severity:   Warning,
		Evidence:   []Evidence{{t.first, "the first close counted"}, {t.peakAt, "the peak"}},
	}
	switch {
	case counted >= timeWaitError*w.ports:
		i.Severity = Error
	case counted >= timeWaitWarning*w.ports:
	case rate*w.twoMSL.Seconds() >= timeWaitWarning*w.ports && w.pass.Now().Sub(t.first.Time) < w.twoMSL:
		i.Confidence = Likely
	default:
		return
	}
	i.Detail = fmt.Sprintf("%d connections to %s were in TIME_WAIT at the client at once, %.0f %% of its %.0f ports (%d closed by it within %s).",
		t.peak, t.connection.Server(), 100*counted/w.ports, w.ports, t.closes, ms(t.last.Sub(t.first)))
	if i.Confidence == Likely {
		i.Detail += fmt.Sprintf(" The capture is shorter than the %s that TIME_WAIT lasts, the rest is projected.", ms(w.twoMSL))
	}
	if rate > 0 {
		i.Detail += fmt.Sprintf(" At %.0f closes a second %s", rate, w.projection(rate))
	}
	w.pass.Report(i)
}

// rate is how many ports a second enter TIME_WAIT; 0 where too few did to tell, or
// where the client uses them again before it is over.
func (t *timeWait) rate() float64 {
	lasted := t.last.Sub(t.first)
	if t.closes < timeWaitMinCloses || lasted < timeWaitMinTime || t.reused > 0 {
		return 0
	}
	return float64(t.closes) / lasted.Seconds()
}

func (w *timeWaits) projection(rate float64) string {
	if rate*w.twoMSL.Seconds() < w.ports {
		return fmt.Sprintf("the number settles at %.0f, as ports come back after %s.", rate*w.twoMSL.Seconds(), ms(w.twoMSL))
	}
	return fmt.Sprintf("the ports last %.0f s, and come back only after %s.", w.ports/rate, ms(w.twoMSL))
}
