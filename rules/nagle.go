package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
)

var nagleDelayedACK = &Rule{
	ID:         "nagle-delayed-ack",
	Title:      "Nagle's algorithm waited for a delayed acknowledgement",
	Group:      Waiting,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "The sender wrote one message in several small pieces. Nagle's algorithm holds a small segment back until the " +
			"small one before it is acknowledged; the receiver delays that acknowledgement in the hope of sending it with data. " +
			"Each waits for the other until the receiver's timer (40 ms on Linux, up to 200 ms elsewhere) runs out.",
		Measured: "Inside one message, a segment smaller than the MSS leaves within max(2 ms, 10 % of the round trip to the sender) of the acknowledgement that " +
			"covers the small segment before it, and nothing else was in the way: no loss, room in the receiver's window, and in the congestion window. " +
			"That had room when less than 10 segments were under way (2 once a loss was repaired), or when an earlier acknowledgement of the same pause made room and the segment did not leave then. " +
			"ACK delay = (small segment seen -> first acknowledgement of it seen) - round trip to the receiver >= 20 ms. " +
			"Cost = the ACK delays of the message. The round trip that Nagle's algorithm alone costs is itemised in the exchange's causes.",
		CapturePoint: "Round trips between capture point and either end are taken off; the delay is the same at any point.",
		Likely:       withoutHandshake + withoutPrompt + coarseClock,
		Limits: "Silent when the sender leaves a small segment while another is unacknowledged anywhere on the connection (TCP_NODELAY is on), " +
			leftBefore +
			"when the acknowledgement came with data (the sender may have waited for what it says, such as 100 Continue), " +
			"when four or more such segments follow the acknowledgements at distances that vary as much as the pauses do, or at more than 0.5 ms, also behind the fastest (a timer; " +
			"away from the sender, on a path whose round trip varies or has grown, holds look the same), " +
			"when for four such pauses in the message there is one about as long that no acknowledgement ended (a timer), " +
			"when by the receiver's timestamps, that tick each millisecond, its acknowledgement was longer under way than earlier ones (the path has become longer), " +
			"when the acknowledgement comes more than 600 ms late, for which no receiver puts it off (RFC 9293 §3.8.6.3), " +
			"when the segment carries a FIN (the end of a stream is not held), without a round trip sample, without the request in the capture, by a clock that goes on by more than 1.1 ms at least, and between messages.",
		Cure: "Write the message in one piece (one write, writev, or a buffer that is flushed once), or set TCP_NODELAY on the sender's socket; " +
			"with TCP_NODELAY alone many small writes become many small packets.",
		References: []string{"HTTP-DG §4.2.4", "HTTP-DG §4.2.6", "RFC 1122 §4.2.3.4", "RFC 9293 §3.7.4", "RFC 9293 §3.8.6.3"},
	},
	Signs: stoodStill | nagleIsOff,
	Listen: func(p *Pass) analyze.Listener {
		return eachHold(p, func(x *analyze.Exchange, t *analyze.Transfer, d sent) *Instance {
			cost, worst, holds := time.Duration(0), (*analyze.Pause)(nil), 0
			for i := range t.Pauses {
				pause := &t.Pauses[i]
				if pause.Cause != analyze.ByNagle || pause.DelayedTime() == 0 {
					continue
				}
				holds += 1 + pause.More.Count
				cost += pause.DelayedTotal()
				if worst == nil || pause.DelayedTime() > worst.DelayedTime() {
					worst = pause
				}
			}
			if worst == nil {
				return nil
			}
			sure, remark := delayConfidence(x.Connection, t)
			return &Instance{
				Connection: x.Connection, Exchange: x, Severity: Warning, Confidence: sure, Cost: cost,
				Detail: fmt.Sprintf("The %s was sent in small pieces: %s a piece waited for the acknowledgement of the one before, which the %s delayed by up to %s; up to %s lost, besides a round trip (%s) each time.",
					d.message, times(holds), d.receiver, ms(worst.ACKDelay), ms(cost), ms(worst.RTT)) + remark,
				Evidence: pauseEvidence(worst, "small segment, unacknowledged", "its acknowledgement, delayed", "the next piece, released by it"),
			}
		})
	},
}

// nagleHoldWarning is the total from which on a hold is more than worth knowing.
const nagleHoldWarning = 10 * time.Millisecond

var nagleHold = &Rule{
	ID:         "nagle-hold",
	Title:      "Nagle's algorithm held a piece of a message back for a round trip",
	Group:      Waiting,
	Severities: []Severity{Info, Warning},
	Doc: Doc{
		What: "The sender wrote one message in several small pieces, and Nagle's algorithm held each back until the small one before it was " +
			"acknowledged. The receiver acknowledged at once, so every hold cost a round trip.",
		Measured: "As nagle-delayed-ack, but the acknowledgement was delayed by less than 20 ms. " +
			"Cost = a round trip (and what the acknowledgement was late) per hold. Warning from 10 ms on one exchange.",
		CapturePoint: "Times between segments of one sender are the same at any point.",
		Likely:       coarseClock[1:],
		Limits:       "As nagle-delayed-ack, and without the handshake in the capture: what looks like a round trip may be a delayed acknowledgement.",
		Cure:         "Write the message in one piece, or set TCP_NODELAY on the sender's socket.",
		References:   []string{"HTTP-DG §4.2.6", "RFC 9293 §3.7.4"},
	},
	Signs: stoodStill | nagleIsOff,
	Listen: func(p *Pass) analyze.Listener {
		return eachHold(p, func(x *analyze.Exchange, t *analyze.Transfer, d sent) *Instance {
			cost, worst, holds := time.Duration(0), (*analyze.Pause)(nil), 0
			for i := range t.Pauses {
				pause := &t.Pauses[i]
				if pause.Cause != analyze.ByNagle || pause.DelayedTime() > 0 {
					continue
				}
				holds += 1 + pause.More.Count
				cost += pause.HoldTotal()
				if worst == nil || pause.HoldTime() > worst.HoldTime() {
					worst = pause
				}
			}
			if worst == nil || cost < leastHold || !roundTripKnown(x.Connection) {
				return nil
			}
			severity := Info
			if cost >= nagleHoldWarning {
				severity = Warning
			}
			return &Instance{
				Connection: x.Connection, Exchange: x, Severity: severity, Cost: cost,
				Detail: fmt.Sprintf("The %s was sent in small pieces: %s a piece waited a round trip (%s) until the one before was acknowledged.",
					d.message, times(holds), ms(worst.RTT)),
				Evidence: pauseEvidence(worst, "small segment, unacknowledged", "its acknowledgement", "the next piece, released by it"),
			}
		})
	},
}

// leastHold is the least that a hold must have cost to be told: a millisecond on
// a local network is noise.
const leastHold = time.Millisecond

const (
	enoughHolds   = 32      // on a connection, without a sign that Nagle's algorithm is off
	maxSuspicions = 1 << 12 // connections with fewer
	maxHolds      = 256     // pauses of one side of a connection that are compared
)

// eachHold calls f with the transfers of every exchange. What it returns is
// reported when the connection is over, or has shown the same often enough:
// until then a segment may yet show that its sender has Nagle's algorithm off,
// or many that a timer of the application coincided.
func eachHold(p *Pass, f func(x *analyze.Exchange, t *analyze.Transfer, d sent) *Instance) analyze.Listener {
	suspected := map[uint64]map[sent]*suspicion{} // by connection
	l := eachTransfer(func(x *analyze.Exchange, t *analyze.Transfer, d sent) {
		c := x.Connection.ID
		if t.NoDelay {
			delete(suspected[c], d)
			return
		}
		if x.Request == nil {
			return // where the response ends may depend on it
		}
		i := f(x, t, d)
		if i == nil {
			return
		}
		if suspected[c] == nil {
			if len(suspected) >= maxSuspicions {
				p.Forget()
				reportReleased(p, *i)
				return
			}
			suspected[c] = map[sent]*suspicion{}
		}
		if suspected[c][d] == nil {
			suspected[c][d] = &suspicion{}
		}
		suspected[c][d].add(*i, t)
		if len(suspected[c][d].instances) >= enoughHolds {
			suspected[c][d].report(p, x.Connection)
			delete(suspected[c], d)
		}
	})
	l.Closed = func(c *analyze.Connection) {
		suspected[c.ID][requestSent].report(p, c)
		suspected[c.ID][responseSent].report(p, c)
		delete(suspected, c.ID)
	}
	return l
}

// suspicion is what one side of a connection seems to have held back.
type suspicion struct {
	instances []Instance
	holds     []analyze.Pause
}

func (s *suspicion) add(i Instance, t *analyze.Transfer) {
	i.letGo()
	i.Connection = nil // it may sleep until it is closed
	s.instances = append(s.instances, i)
	for _, pause := range t.Pauses {
		if pause.Cause == analyze.ByNagle && len(s.holds) < maxHolds {
			s.holds = append(s.holds, pause)
		}
	}
}

// report reports what was suspected of c.
func (s *suspicion) report(p *Pass, c *analyze.Connection) {
	if s == nil || analyze.Timed(s.holds) {
		return
	}
	for _, i := range s.instances {
		i.Connection = c
		reportReleased(p, i)
	}
}
