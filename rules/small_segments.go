package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
)

const (
	smallMessageMin   = 1000 // bytes
	smallRunMin       = 8    // segments in a row,
	smallOvertaking   = 4    // one of so many overtaking another at least
	smallRunWarning   = 50
	smallShareWarning = 0.30
	smallTimeWarning  = 10 * time.Millisecond
	segmentOverhead   = 66 // bytes of Ethernet, IPv4 and TCP headers with timestamps
)

var smallSegments = &Rule{
	ID:         "small-segments",
	Title:      "a message was sent in many small segments",
	Group:      Waiting,
	Severities: []Severity{Info, Warning},
	Doc: Doc{
		What: "With TCP_NODELAY every small write becomes a packet of its own: headers of 66 bytes for a few bytes of payload, and work for every " +
			"device on the path.",
		Measured: "Nagle's algorithm is off, and a message of at least 1 KB was sent with 8 or more segments in a row whose payload is smaller " +
			"than MSS / 8 on average, none of them of full size, one in 4 of which left while a small one before was not acknowledged. Warning when headers are >= 30 % of the bytes and >= 50 segments were spent, or the sending took 10 ms longer than one flight. Cost 0.",
		CapturePoint: "Sizes are the same at any point, but for adapters that join segments.",
		Limits:       "Silent for shorter messages, for pieces that come as the one before is acknowledged, which leave one by one with Nagle's algorithm as well, and when the capture holds joined segments.",
		Cure:         "Collect the message in a buffer and write it once.",
		References:   []string{"HTTP-DG §4.2.6", "RFC 9293 §3.7.4"},
	},
	Signs: nagleIsOff,
	Listen: func(p *Pass) analyze.Listener {
		return eachTransfer(func(x *analyze.Exchange, t *analyze.Transfer, d sent) {
			if !t.NoDelay || t.Length < smallMessageMin || t.SmallRun < smallRunMin || t.SmallOvertaking*smallOvertaking < t.SmallRun {
				return
			}
			headers := float64(t.SmallRun * segmentOverhead)
			share := headers / (headers + float64(t.SmallBytes))
			took := t.SmallLast.Sub(t.SmallFirst)
			severity := Info
			if share >= smallShareWarning && t.SmallRun >= smallRunWarning || took >= smallTimeWarning && share >= smallShareWarning && t.SmallRun >= smallRunWarning/2 {
				severity = Warning
			}
			p.Report(Instance{
				Connection: x.Connection, Exchange: x, Severity: severity,
				Detail: fmt.Sprintf("%d bytes of the %s went in %d segments of %d bytes on average, %.0f %% of the bytes on the wire were headers.",
					t.SmallBytes, d.message, t.SmallRun, t.SmallBytes/int64(t.SmallRun), 100*share),
				Evidence: []Evidence{{t.SmallFirst, "the first of the small segments"}, {t.SmallLast, "the last"}},
			})
		})
	},
}
