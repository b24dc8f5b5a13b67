package vantage

import "testing"

// TestLatest asks for the latest sighting at a point, among few and among many.
func TestLatest(t *testing.T) {
	var e entry
	for n := range 3 * fewSeen {
		point := int32(n % 3)
		if n > fewSeen+3 {
			point = 1
		}
		g := &sighting{point: point, number: n}
		e.add(g)
		if got := e.latest(point); got != g {
			t.Fatalf("the latest of point %d is %v, want number %d", point, got, n)
		}
	}
	if got := e.latest(2); got == nil || got.number != fewSeen+3 {
		t.Errorf("the latest of point 2 is %v, want number %d", got, fewSeen+3)
	}
	if got := e.latest(3); got != nil {
		t.Errorf("point 3 has %v", got)
	}
}
