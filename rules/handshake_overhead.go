package rules

import (
	"fmt"
	"strconv"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
)

var handshakeOverhead = &Rule{
	ID:         "handshake-overhead",
	Title:      "connections were set up for one exchange each",
	Group:      Opening,
	Severities: []Severity{Info, Warning},
	Per:        PerPair,
	Doc: Doc{
		What: "Before the first byte of a request can leave, TCP exchanges SYN and SYN/ACK: one round trip. " +
			"A connection that then carries a single small exchange spends about half of its time on being set up.",
		Measured: "A connection counts when it carried exactly one exchange, setup >= min-cost, and " +
			"setup / (first SYN to the end of the first response) >= min-share. Setup is from the last SYN that " +
			"was needed to the first SYN/ACK at the client, or a round trip where that took >= 200 ms longer (one was lost before the capture point); " +
			"what was lost and sent again is another rule's, and a request that went with the SYN " +
			"and was accepted (TCP Fast Open) has none. " +
			"Cost = all setups of the client -> server pair but the first, which no reuse could save. " +
			"One such connection is told as info at cost 0, two or more as a warning.",
		CapturePoint: "Both times are the client's: the round trip between capture point and client is added.",
		Limits: "Silent without SYN and SYN/ACK in the capture, for connections with no or several exchanges, whose client gave up waiting, or on which the client " +
			"could have gone on when the capture ended, and where connection-not-reused tells of the same connections.",
		Cure: "Keep the connection open and send the next request on it (keep-alive and a connection pool in the client); " +
			"open it before it is needed where the first request cannot wait.",
		References: []string{"HTTP-DG §4.2.3", "RFC 9293 §3.5", "RFC 7413 §3", "RFC 9112 §9.3"},
	},
	Options: []Option{
		{"min-share", Share, 0.40, "least share of the setup in the time to the end of the first response"},
		{"min-cost", Milliseconds, 1, "least setup time of a connection"},
	},
	Listen: func(p *Pass) analyze.Listener {
		minShare, minCost := p.Number("min-share"), p.Duration("min-cost")
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			setup, total, ok := firstExchange(c)
			if !ok || setup < minCost || setup.Seconds() < minShare*total.Seconds() {
				return
			}
			synAck, _ := c.FirstSYNACK()
			p.Report(Instance{
				Connection: c,
				ExchangeID: c.FirstExchange,
				Severity:   Info,
				Cost:       setup,
				Sums:       [8]time.Duration{setup, total},
				Evidence: []Evidence{
					{c.AnsweredSYN(), "SYN"},
					{synAck, "SYN/ACK"},
					{c.FirstAnswered, "end of the only response"},
				},
			})
		}}
	},
	Conclude: func(f *Finding) {
		setups, total := f.Sums[0], f.Sums[1]
		share := 100 * setups.Seconds() / total.Seconds()
		if f.Count == 1 {
			f.Cost = 0
			f.Detail = fmt.Sprintf("The connection was set up in %s, %.0f %% of the %s until its only response was there.",
				ms(setups), share, ms(total))
			return
		}
		f.Severity = Warning
		f.Cost -= f.First
		f.Detail = fmt.Sprintf("%d connections to %s were set up in %s, %.0f %% of the %s until each one's only response was there; one persistent connection would have saved %s.",
			f.Count, f.Connection.Server(), ms(setups), share, ms(total), ms(f.Cost))
	},
}

// firstExchange returns how long its only request waited for c's setup, what was lost and
// sent again left out, and how long it was in all to the end of the exchange, as the
// client saw it. ok is false where there were no or more exchanges, the client had given
// up before the end, or the capture does not tell.
func firstExchange(c *analyze.Connection) (setup, total time.Duration, ok bool) {
	toClient, known := c.RTTClient()
	if !known || c.Exchanges != 1 || c.FirstAnswered.IsZero() || c.AnsweredSYN().IsZero() || c.SYNACK().IsZero() || !c.Intact() || c.GivenUp() {
		return 0, 0, false
	}
	answered := c.Closing != nil && c.Closing.Reset.Answer
	if (c.Close() == reassembly.StillOpen || answered) && c.FIN(c.ClientSide()).IsZero() {
		return 0, 0, false // the client may send more, or did, as the reset shows
	}
	total = c.FirstArrived.Sub(c.AnsweredSYN().Time) + toClient
	if c.FastOpened() >= c.Bytes(reassembly.ToServer) {
		return 0, total, true
	}
	first, lost, _ := lostSYNACK(c)
	setup = first.Sub(c.AnsweredSYN()) + toClient
	if rtt, known := c.RTT(); known && setup-rtt >= leastSYNTimer { // one was lost that the capture has not
		setup, lost = rtt, lost+setup-rtt
	}
	return setup, total - lost, setup <= total-lost // else the clock was set back
}

// ms shows a duration as reports do: in milliseconds with a sensible number of digits.
func ms(d time.Duration) string {
	v, digits, unit := float64(d)/float64(time.Millisecond), 3, " ms"
	switch {
	case v >= 10_000:
		v, digits, unit = v/1000, 1, " s"
	case v >= 100:
		digits = 0
	case v >= 1:
		digits = 1
	}
	var room [32]byte
	return string(append(strconv.AppendFloat(room[:0], v, 'f', digits, 64), unit...))
}
