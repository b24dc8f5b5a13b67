package reassembly_test

import (
	"testing"

	"wirelag/reassembly"
)

func TestGauges(t *testing.T) {
	w, other := newWire(reassembly.Limits{}), newWire(reassembly.Limits{})
	var g reassembly.Gauges
	w.table.Measure(&g)
	other.table.Measure(&g)
	want := func(when string, open, pending, retransmissions int64) {
		t.Helper()
		if bytes := g.PendingBytes.Load(); g.Open.Load() != open || bytes < pending || pending == 0 && bytes > 0 || g.Retransmissions.Load() != retransmissions {
			t.Errorf("%s: %d open, %d bytes pending, %d retransmissions", when, g.Open.Load(), bytes, g.Retransmissions.Load())
		}
	}
	w.send(handshake(100, 900)...)
	other.send(handshake(100, 900)[:1]...)
	want("opened", 2, 0, 0)
	w.send(segment{40 * ms, true, ack, 107, 901, "behind the hole"})
	want("a hole is there", 2, 15, 0)
	w.send(segment{50 * ms, true, ack, 101, 901, "before"}, segment{300 * ms, true, ack, 101, 901, "before"})
	want("it is filled, twice", 2, 0, 2)
	w.send(segment{400 * ms, true, rst, 122, 0, ""})
	w.table.Finish()
	want("one is over", 1, 0, 2)
	other.table.Finish()
	want("both are", 0, 0, 2)
}
