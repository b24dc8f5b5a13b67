package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
)

func TestTopKeepsTheFirstInBoundedMemory(t *testing.T) {
	for _, n := range []int{1, 2, 10, 1000} {
		kept := top[int]{n: n, order: func(a, b int) int { return cmp.Compare(b/10, a/10) }}
		var all []int
		for i := range 500 {
			item := i * 7919 % 500 // each once, in disorder; tens are equal
			all = append(all, item)
			kept.add(item)
			if len(kept.items) > 2*n {
				t.Fatalf("%d items kept for the first %d", len(kept.items), n)
			}
		}
		kept.settle()
		slices.SortStableFunc(all, kept.order)
		if want := all[:min(n, len(all))]; !slices.Equal(kept.items, want) {
			t.Errorf("first %d: got %v, want %v", n, kept.items, want)
		}
		if kept.shown != 500 {
			t.Errorf("shown %d", kept.shown)
		}
	}
}

func TestSampleHasTheMedianOfMany(t *testing.T) {
	var s sample
	if s.min() != analyze.Unknown || s.median() != analyze.Unknown {
		t.Errorf("of nothing: %v %v", s.min(), s.median())
	}
	for i := range 10_000 {
		s.add(time.Duration(i*7919%10_000) * time.Microsecond)
		if len(s.kept) > sampleSize {
			t.Fatalf("%d durations kept", len(s.kept))
		}
	}
	if s.min() != 0 {
		t.Errorf("min %v", s.min())
	}
	if got := s.median(); got < 4*time.Millisecond || got > 6*time.Millisecond {
		t.Errorf("median of 0 to 10 ms: %v", got)
	}
	few := sample{}
	for _, d := range []time.Duration{5, 1, 3} {
		few.add(d)
	}
	if few.min() != 1 || few.median() != 3 {
		t.Errorf("of 5, 1, 3: %v %v", few.min(), few.median())
	}
}

// The names of servers outlive the connections that told them, although none of those
// is among the rows that are shown.
func TestNamesOutliveConnections(t *testing.T) {
	var source string
	for i, host := range []string{"first", "first", "first", "first", "second"} {
		client, bytes := 1, 900
		if host == "second" {
			client, bytes = 3, 1
		}
		source += fmt.Sprintf("c%d 10.0.0.%d:%d > 10.0.0.2:80\n", i, client, 40000+i)
		at := i * 10_000
		for _, line := range []string{
			`> SYN`, `< SYN ACK`, `> ACK`, fmt.Sprintf(`> "GET / HTTP/1.1\r\nHost: %s.example\r\n\r\n"`, host),
			fmt.Sprintf(`< "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"`, bytes, strings.Repeat("x", bytes)), `> FIN`, `< FIN`, `> ACK`,
		} {
			source += fmt.Sprintf("%dms c%d %s\n", at, i, line)
			at += 50
		}
	}
	o := options()
	o.Top = 2
	got := reportBy(t, nil, source, "text", o)
	for _, name := range []string{"first.example", "second.example"} {
		if !strings.Contains(got, name) {
			t.Errorf("no %s in\n%s", name, got)
		}
	}
}
