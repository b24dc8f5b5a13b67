package rules

import (
	"fmt"

	"wirelag/analyze"
)

var receiveWindowStall = &Rule{
	ID:         "receive-window-stall",
	Title:      "the receiver's window stopped the sender",
	Group:      Waiting,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "The receiver's kernel had no room for more: its application did not read (the window closed to zero), or its receive buffer is smaller " +
			"than what the path holds in one round trip.",
		Measured: "Inside one message, the next segment did not fit into the window that was open, and left within max(2 ms, 10 % RTT) of the " +
			"acknowledgement or window update that made room, at least 20 ms after the segment before; or at least 2 ms, " +
			"but less than 2 RTT unless the window was closed, where all such stops together take 20 ms. Or " +
			"it filled up, without such an acknowledgement, the room for less than a full segment that was left, or probed a closed window with a byte. Where the window was not closed, the flight must not be " +
			"larger by a fifth or more than all before, as in slow start, and the window must not grow that much from stop to stop until the last, or the " +
			"end of the message, as buffers do that tune themselves, unless it was for less than 6 segments (of 1460 bytes at most), which any sender may send at first. Or " +
			"the window was still closed, and all that was sent acknowledged, when the connection ended with the message unfinished. Cost = the time the sender stood still for it.",
		CapturePoint: "Times between segments of one sender are the same at any point.",
		Limits:       "Silent " + leftBefore + "and when the SYNs are not in the capture (the window's scale is unknown).",
		Cure: "Zero window: find out why the application does not read (blocked on something else, too slow, too little memory). " +
			"Small window: raise the receive buffer (SO_RCVBUF, net.ipv4.tcp_rmem) to rate x RTT, or leave it to autotuning.",
		References: []string{"RFC 9293 §3.8.6", "RFC 7323 §2"},
	},
	Signs: stoodStill,
	Listen: func(p *Pass) analyze.Listener {
		return eachTransfer(func(x *analyze.Exchange, t *analyze.Transfer, d sent) {
			cost, pauses := t.WindowStalls()
			if cost == 0 {
				return
			}
			worst, zero, stops := pauses[0], false, 0
			for _, pause := range pauses {
				stops += 1 + pause.More.Count
				zero = zero || pause.Zero
				if pause.Waited > worst.Waited {
					worst = pause
				}
			}
			detail := fmt.Sprintf("The %s stood still %s, %s in all, because the %s's receive buffer (%d bytes of window) is too small for a path of %s.",
				d.sender, times(stops), ms(cost), d.receiver, worst.Window, ms(worst.RTT))
			if worst.Waited >= 2*worst.RTT {
				detail = fmt.Sprintf("The %s stood still %s, %s in all, because the %s acknowledged late what filled its window (%d bytes).",
					d.sender, times(stops), ms(cost), d.receiver, worst.Window)
			}
			if worst.Shrunk() {
				detail = fmt.Sprintf("The %s stood still %s, %s in all, because the %s read too slowly: its window had shrunk from %d to %d bytes.",
					d.sender, times(stops), ms(cost), d.receiver, worst.Window, worst.Open)
			}
			if zero {
				detail = fmt.Sprintf("The %s stood still %s, %s in all, because the %s did not read: its window had closed.",
					d.sender, times(stops), ms(cost), d.receiver)
			}
			evidence := pauseEvidence(worst, "the last segment that fitted the window", "room for more", "the next segment")
			if worst.Final {
				detail += " The rest was never sent."
				evidence = pauseEvidence(worst, "the last segment that fitted the window", "still no room", "the end of the connection")
			}
			p.Report(Instance{
				Connection: x.Connection, Exchange: x, Severity: Warning, Cost: cost, Detail: detail, Evidence: evidence,
			})
		})
	},
}
