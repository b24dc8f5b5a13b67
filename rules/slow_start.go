package rules

import (
	"fmt"
	"strings"
	"time"

	"wirelag/analyze"
)

const (
	slowStartWarningRounds = 2
	slowStartWarningCost   = 50 * time.Millisecond
	slowStartLeast         = 5 * time.Millisecond
	slowStartFlights       = 12 // told
)

var slowStart = &Rule{
	ID:         "slow-start",
	Title:      "slow start spread a message over several round trips",
	Group:      Waiting,
	Severities: []Severity{Info, Warning},
	Doc: Doc{
		What: "A new connection may send only a few segments (10 on most systems) before it hears from the receiver, and about doubles " +
			"that with every round trip. A message that an older connection would have sent at once takes several round trips.",
		Measured: "On a stream that had carried less than 10 initial windows, the sender stopped at least twice inside a message, at least 0.5 RTT each, " +
			"until an acknowledgement released it, with flights growing by a factor of 1.2 to 8 and no loss before on the stream. " +
			"Cost = (stops - (ceil(segments / largest flight) - 1)) x RTT, less the time for which later in the message the application paused, " +
			"or the receiver did not read: either paces the message, and would have been waited for instead. Warning from 2 RTT and 50 ms on.",
		CapturePoint: "Times between segments of one sender are the same at any point.",
		Likely:       withoutHandshake,
		Limits: "Silent when the application paused, the window or the rate of the path was the limit, the flights did not grow, or the stream's beginning is not in the capture, " +
			"and where the first flight is smaller than the one with which the stream began, and half or less of what had been under way: then something was lost, seen or not. " +
			"Of a request, what reached the server when its response was over counts only if the response waited for it.",
		Cure: "Reuse connections that are warmed up; send less in the first round trips (compression, smaller first response); raise the " +
			"initial congestion window on long paths.",
		References: []string{"HTTP-DG §4.2.5", "RFC 5681 §3.1", "RFC 6928"},
	},
	Signs: stoodStill,
	Listen: func(p *Pass) analyze.Listener {
		return eachTransfer(func(x *analyze.Exchange, t *analyze.Transfer, d sent) {
			s, ok := t.SlowStart()
			if !ok || s.AfterIdle || s.Cost < slowStartLeast {
				return
			}
			i := slowStartInstance(x, &s, d)
			if s.Cost >= slowStartWarningRounds*s.RTT && s.Cost >= slowStartWarningCost {
				i.Severity = Warning
			}
			p.Report(i)
		})
	},
}

var slowStartAfterIdle = &Rule{
	ID:         "slow-start-after-idle",
	Title:      "the congestion window collapsed while the connection was idle",
	Group:      Waiting,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "The connection had been warmed up, then stood idle for longer than the retransmission timeout. Its sender went back to the initial " +
			"congestion window, and the next message took several round trips again.",
		Measured: "As slow-start, on a stream that had at least twice the first flight under way since its latest loss, after a time >= RTT + 200 ms " +
			"in which the sender sent nothing, repeats included.",
		CapturePoint: "Times between segments of one sender are the same at any point.",
		Likely:       withoutHandshake,
		Limits:       "Silent when the application paused, the window or the rate of the path was the limit, or the flights did not grow, and where the first one is smaller than the one with which the stream began.",
		Cure:         "On Linux servers set net.ipv4.tcp_slow_start_after_idle=0; or keep the gaps between messages shorter.",
		References:   []string{"HTTP-DG §4.2.5", "RFC 5681 §4.1", "RFC 7661"},
	},
	Signs: stoodStill,
	Listen: func(p *Pass) analyze.Listener {
		return eachTransfer(func(x *analyze.Exchange, t *analyze.Transfer, d sent) {
			s, ok := t.SlowStart()
			if !ok || !s.AfterIdle || s.Cost < slowStartLeast {
				return
			}
			i := slowStartInstance(x, &s, d)
			i.Severity = Warning
			i.Detail += fmt.Sprintf(" Before an idle time of %s, %d KB had been under way at once.", ms(t.Idle), t.LargestBefore/1000)
			p.Report(i)
		})
	},
}

func slowStartInstance(x *analyze.Exchange, s *analyze.SlowStart, d sent) Instance {
	var flights []string
	for _, f := range s.Flights {
		if len(flights) == slowStartFlights {
			flights = append(flights, "…")
			break
		}
		flights = append(flights, fmt.Sprint(f))
	}
	sure, remark := confidence(x.Connection)
	return Instance{
		Connection: x.Connection, Exchange: x, Severity: Info, Confidence: sure, Cost: s.Cost,
		Detail: fmt.Sprintf("The %s left in flights of %s segments: the %s stopped %s for acknowledgements, a round trip (%s) each; flights of the largest size would have saved %s.",
			d.message, strings.Join(flights, ", "), d.sender, times(s.Rounds), ms(s.RTT), ms(s.Cost)) + remark,
		Evidence: []Evidence{
			{s.First.Before, "end of the first flight"},
			{s.First.ACK, "acknowledgement that released the second"},
			{s.First.After, "begin of the second flight"},
			{s.Last.After, "begin of the last flight that was waited for"},
		},
	}
}
