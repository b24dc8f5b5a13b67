package analyze

import "testing"

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
