package reassembly_test

import (
	"strings"
	"testing"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// A connection that is over is told when enough segments of others have come, or
// enough time has passed: sooner where each end acknowledged the other's FIN.
func TestWhatIsOverIsTold(t *testing.T) {
	fins := join(handshake(100, 500), []segment{
		{40 * ms, true, finAck, 101, 501, ""},
		{50 * ms, false, finAck, 501, 102, ""},
	})
	acknowledged := join(fins, []segment{{60 * ms, true, ack, 102, 502, ""}})
	reset := join(handshake(100, 500), []segment{{40 * ms, false, rstAck, 501, 101, ""}})
	repeated := segment{61 * ms, false, finAck, 501, 102, ""}
	for name, c := range map[string]struct {
		sent []segment
		most int // segments of others before it is told
	}{
		"FINs acknowledged":                     {acknowledged, 1 << 12},
		"the last FIN not acknowledged":         {fins, 1 << 16},
		"reset":                                 {reset, 1 << 16},
		"FINs acknowledged, and one sent again": {join(acknowledged, []segment{repeated}), 1 << 12},
		"FINs acknowledged, and then a reset":   {join(acknowledged, []segment{{61 * ms, false, rst, 502, 0, ""}}), 1 << 12},
	} {
		w := newWire(reassembly.Limits{})
		w.send(c.sent...)
		others := 0
		for ; len(w.closed) == 0 && others < 1<<17; others++ {
			w.table.Add(&packet.Segment{
				Mark: capture.Mark{Time: capture.Time(time.Hour + 70*ms), Frame: capture.NewFrame(0, uint64(100+others))},
				Src:  server, Dst: packet.NewEndpoint(server.AddrPort()), Seq: uint32(others), Flags: ack,
			})
		}
		if others <= c.most-len(c.sent) || others > c.most {
			t.Errorf("%s: told after %d segments of others, want about %d", name, others, c.most)
		}
		if n := w.closed[0].Packets(); n != uint64(len(c.sent)) {
			t.Errorf("%s: told with %d of %d packets", name, n, len(c.sent))
		}

		w = newWire(reassembly.Limits{})
		w.send(c.sent...)
		w.table.Advance(capture.Time(time.Hour + 2*time.Second))
		if len(w.closed) > 0 {
			t.Errorf("%s: told after less than 2 s", name)
		}
		w.table.Advance(capture.Time(time.Hour + 2*time.Second + 70*ms))
		w.send(repeated, repeated)
		if len(w.closed) != 1 {
			t.Errorf("%s: told %d times after 2 s: %s", name, len(w.closed), strings.Join(w.events, ", "))
		}
	}
}
