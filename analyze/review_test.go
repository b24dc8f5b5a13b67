package analyze

import (
	"testing"

	"wirelag/reassembly/packet"
)

// TestAlternatingFlights: flights that a window stops are no slow start where they are
// as large as ones before, though every second is larger than the one just before it.
func TestAlternatingFlights(t *testing.T) {
	transfer := Transfer{begun: true}
	for range 4 {
		for _, flight := range []int{16, 4} {
			transfer.Pauses = append(transfer.Pauses, Pause{Cause: ByWindow, Window: 23168, Flight: flight})
		}
	}
	transfer.review(23168)
	stopped := 0
	for _, p := range transfer.Pauses {
		if p.Cause == ByWindow {
			stopped++
		}
	}
	if stopped != 7 { // the first may be slow start
		t.Errorf("%d of 8 flights were stopped by the window", stopped)
	}
}

// TestTunedWindow: a window that grows from stop to stop is a buffer that tunes itself;
// one that stays as it is for a while is not, whatever comes later.
func TestTunedWindow(t *testing.T) {
	for _, c := range []struct {
		windows []int64 // at the stops, and at last
		stopped int     // by the window
	}{
		{[]int64{100, 100, 100, 100}, 3},
		{[]int64{100, 115, 130, 145}, 1}, // the last grows too little
		{[]int64{100, 150, 200, 200}, 1},
		{[]int64{100, 100, 100, 1000}, 2},
		{[]int64{100, 200, 200, 200, 1000}, 2},
	} {
		var transfer Transfer
		last := len(c.windows) - 1
		for _, window := range c.windows[:last] {
			transfer.Pauses = append(transfer.Pauses, Pause{Cause: ByWindow, Window: window, Flight: 10})
		}
		transfer.review(c.windows[last])
		stopped := 0
		for _, p := range transfer.Pauses {
			if p.Cause == ByWindow {
				stopped++
			}
		}
		if stopped != c.stopped {
			t.Errorf("windows %v: %d stops by the window, want %d", c.windows, stopped, c.stopped)
		}
	}
}

// TestWidestBefore: the largest window is known when its acknowledgement is forgotten.
func TestWidestBefore(t *testing.T) {
	h := history{acks: make([]acked, 4), room: &historyRoom{kept: new(int64)}}
	for i, window := range []int32{1, 9, 3, 2, 20} {
		h.addACK(acked{upTo: int64(i), window: window}, 0)
	}
	for i := range 2 * historySize {
		h.addACK(acked{window: 2, upTo: int64(i)}, 1000)
	}
	if h.acksLost < 5 || h.widestBefore(h.ackeds) != 20 {
		t.Errorf("%d forgotten, largest window %d", h.acksLost, h.widestBefore(h.ackeds))
	}
}

// TestEchoed: an acknowledgement that a segment does not echo yet had not come, where the
// one that it echoes is known.
func TestEchoed(t *testing.T) {
	h := history{acks: make([]acked, 8)}
	for _, stamp := range []stamp{0, 10, 20, 20, 30, 40} {
		h.acks[h.ackeds].stamp = stamp
		h.ackeds++
	}
	for echo, want := range map[uint32]int{5: 6, 10: 2, 15: 6, 20: 4, 30: 5, 40: 6, 50: 6} {
		s := packet.Segment{Flags: packet.ACK, Options: packet.Options{HasTimestamps: true, TSEcr: echo}}
		if n := h.echoed(h.ackeds, &s); n != want {
			t.Errorf("echo of %d: %d, want %d", echo, n, want)
		}
	}
}
