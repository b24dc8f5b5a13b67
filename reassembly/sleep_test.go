package reassembly_test

import (
	"testing"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// TestLateCopyOfAcknowledgement: a copy of an acknowledgement with timestamps is known as
// one, also where its connection may sleep, and nothing else of its sender was seen.
func TestLateCopyOfAcknowledgement(t *testing.T) {
	for _, ready := range []int64{0, -1} {
		for _, late := range []time.Duration{227 * time.Millisecond, 2 * time.Second} {
			table := reassembly.NewTable(reassembly.Consumer{}, reassembly.Limits{Ready: ready})
			acknowledgement := packet.Segment{
				Src: client, Dst: server, Seq: 100, Ack: 500, Flags: packet.ACK, Window: 1000, IPID: 7,
				Options: packet.Options{HasTimestamps: true, TSVal: 5, TSEcr: 6},
			}
			for i, at := range []time.Duration{0, late / 2, late} {
				s := acknowledgement
				if at == late/2 {
					s.Src, s.Dst, s.Seq, s.IPID, s.Options.TSVal = server, client, 500, 9, 7
					s.Length, s.Payload = 1, []byte("x")
				}
				s.Mark = capture.Mark{Time: capture.Time(time.Hour + at), Frame: capture.NewFrame(0, uint64(i+1))}
				table.Add(&s)
				table.Lull()
			}
			want := uint64(0)
			if late < time.Second {
				want = 1
			}
			if got := table.Stats().Copies; got != want {
				t.Errorf("ready %d, %v later: %d copies, want %d", ready, late, got, want)
			}
		}
	}
}
