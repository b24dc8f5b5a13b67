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
			"at the client at once. Warning at peak >= 10 % of port-range, error at >= 80 %. Also a warning when closes / time >= 80 % of " +
			"port-range / two-msl, or when the peak at this rate would reach 10 % after two-msl, from 1000 closes over 2 s on; " +
			"an error when that rate was kept up for two-msl.",
		CapturePoint: "Counts are the same everywhere on the path.",
		Likely:       "What was counted is certain; what is projected from the rate of a capture shorter than two-msl is likely.",
		Limits:       "Closes by the server and resets leave no TIME_WAIT at the client and are not counted. Connections whose end is not in the capture are not counted.",
		Cure:         "Reuse connections (keep-alive, a pool in the client). If that is impossible: widen the ephemeral port range, use more client addresses, or let the server close first.",
		References:   []string{"HTTP-DG §4.2.7", "RFC 9293 §3.6.1", "RFC 6056 §3"},
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
	first, last capture.Mark
	connection  *analyze.Connection // the latest
}

func (w *timeWaits) closed(c *analyze.Connection) {
	side, ok := c.ClosedBy()
	if !ok || c.Close() != reassembly.ByFIN || side != c.ClientSide() {
		return
	}
	w.pairs.of(c).add(c, w.twoMSL)
}

func (t *timeWait) add(c *analyze.Connection, twoMSL time.Duration) {
	at := c.ClosedAt()
	slot := int64(max(at.Time, 0)) / max(int64(twoMSL)/timeWaitSlots, 1)
	if t.closes == 0 {
		t.first, t.newest = at, slot
	}
	for ; t.newest < slot; t.newest++ {
		if slot-t.newest > timeWaitSlots {
			t.slots, t.inWindow, t.newest = [timeWaitSlots]uint32{}, 0, slot-1
			continue
		}
		oldest := &t.slots[(t.newest+1)%timeWaitSlots]
		t.inWindow -= *oldest
		*oldest = 0
	}
	if t.newest-slot < timeWaitSlots {
		t.slots[slot%timeWaitSlots]++
		t.inWindow++
	}
	if t.closes > 0 {
		t.connection.Release()
	}
	t.closes++
	t.last, t.connection = at, c.Keep()
	if t.inWindow > t.peak {
		t.peak, t.peakAt = t.inWindow, at
	}
}

func (w *timeWaits) judge(t *timeWait) {
	lasted := t.last.Sub(t.first)
	rate := 0.0
	if t.closes >= timeWaitMinCloses && lasted >= timeWaitMinTime {
		rate = float64(t.closes) / lasted.Seconds()
	}
	projected := rate * w.twoMSL.Seconds()
	counted := float64(t.peak)
	i := Instance{
		Connection: t.connection,
		Severity:   Warning,
		Evidence:   []Evidence{{t.first, "the first close counted"}, {t.peakAt, "the peak"}},
	}
	switch {
	case counted >= timeWaitError*w.ports, projected >= timeWaitError*w.ports && lasted >= w.twoMSL:
		i.Severity = Error
	case counted >= timeWaitWarning*w.ports:
	case projected >= timeWaitWarning*w.ports:
		i.Confidence = Likely
	default:
		return
	}
	i.Detail = fmt.Sprintf("%d connections to %s were in TIME_WAIT at the client at once, %.0f %% of its %.0f ports (%d closed by it within %s).",
		t.peak, t.connection.Server(), 100*counted/w.ports, w.ports, t.closes, ms(lasted))
	if rate > 0 {
		i.Detail += fmt.Sprintf(" At %.0f closes a second %s", rate, w.projection(rate))
	}
	w.pass.Report(i)
}

func (w *timeWaits) projection(rate float64) string {
	if rate*w.twoMSL.Seconds() < w.ports {
		return fmt.Sprintf("the number settles at %.0f, as ports come back after %s.", rate*w.twoMSL.Seconds(), w.twoMSL)
	}
	return fmt.Sprintf("the ports last %.0f s, and come back only after %s.", w.ports/rate, w.twoMSL)
}
