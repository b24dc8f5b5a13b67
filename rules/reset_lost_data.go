package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
)

// ackLimit is how long beyond a round trip bytes may stay unacknowledged: senders
// would send them again then (the least retransmission timeout is 200 ms with
// Linux, RFC 6298 has 1 s). That they did not shows that the acknowledgement was
// missed by the capture.
const ackLimit = 200 * time.Millisecond

var resetLostData = &Rule{
	ID:         "reset-lost-data",
	Title:      "a reset may have destroyed a response",
	Group:      Ending,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "A server that closes while bytes of the client are unread, or come in later, answers them with RST. It overtakes nothing, but when it arrives, the client's system " +
			"throws away what the application has not read yet: a response that was there is replaced by \"connection reset by peer\".",
		Measured: "The server sent RST when bytes of a response were not acknowledged to it: an RST in answer to a segment carries that segment's acknowledgement number; for any other, " +
			"RST seen - round trip to the server < the acknowledgement seen. " +
			"Or the client's window had closed (to < 536 bytes). Bytes lost = those of responses that were not acknowledged (with a full window: 0, not known; where response followed response for longer than a round trip, those of up to another one). Cost = 0.",
		CapturePoint: "What the server knew is judged at the server, through the round trip between it and the capture point.",
		Likely:       "Always: whether the application had read the response by then, and whether its system keeps what it had not, is not visible on the wire.",
		Limits: "Silent where the client had closed before with the whole response acknowledged, where the response was unacknowledged for longer than receivers wait (the acknowledgement is missing from the capture), " +
			"and where bytes of the connection are missing. A response that is cut is truncated-body.",
		Cure:       "Let the server finish its side only (shutdown for writing), and read what the client still sends, for some seconds, before it closes (lingering close); announce the last response with \"Connection: close\".",
		References: []string{"HTTP-DG §4.7.4", "RFC 9112 §9.6", "RFC 9293 §3.10.7.1"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			bytes, why, ok := destroyed(c)
			if !ok {
				return
			}
			reset := c.Closing.Reset
			what := "responses"
			if bytes > 0 {
				what = fmt.Sprintf("%d bytes of responses", bytes)
			}
			p.Report(Instance{
				Connection: c,
				ExchangeID: reset.Response.Exchange,
				Severity:   Error,
				Confidence: Likely,
				BytesLost:  bytes,
				Detail: fmt.Sprintf("The server reset the connection when %s %s: the client may have lost what its application had not read yet.",
					what, why),
				Evidence: []Evidence{{reset.Response.At, "the last packet of the response"}, {reset.At, "RST of the server"}},
			})
		}}
	},
}

// destroyed says how many bytes of responses the reset of c may have destroyed
// (0 where that is not known), and why.
func destroyed(c *analyze.Connection) (bytes int64, why string, ok bool) {
	rst, side := c.RST()
	if rst.IsZero() || side == c.ClientSide() || c.Closing == nil || !c.Intact() {
		return 0, "", false
	}
	reset := c.Closing.Reset
	last := reset.Response
	if last.Exchange == 0 || last.At.IsZero() {
		return 0, "", false
	}
	if fin := c.FIN(c.ClientSide()); !fin.IsZero() && c.Closing.Received[c.ClientSide()] >= last.End {
		return 0, "", false
	}
	rtt, _ := c.RTT()
	switch acked := reset.Acknowledged; {
	case reset.Full:
		return 0, "lay in its full receive buffer", true
	case acked < 0, reset.At.Sub(last.At) > rtt+ackLimit:
		return 0, "", false
	default:
		return last.End - acked, "were not acknowledged yet", acked < last.End
	}
}
