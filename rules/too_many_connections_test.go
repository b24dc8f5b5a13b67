package rules

import (
	"fmt"
	"strings"
	"testing"

	"wirelag/reassembly"
	"wirelag/reassembly/capture/script"
)

// TestManyOpenConnections: of more connections than are kept, those that are open are
// counted all the same, whether they sleep or not.
func TestManyOpenConnections(t *testing.T) {
	const n, ended, more = maxKeptOpenOfPair + 60, 50, 30
	var text strings.Builder
	for i := range n + more {
		fmt.Fprintf(&text, "c%d 10.0.0.1:%d > 10.0.0.2:80\n", i, 40_000+i)
	}
	open := func(at, i int) {
		fmt.Fprintf(&text, "%dms c%d > SYN\n%[1]dms c%[2]d < SYN ACK\n%[1]dms c%[2]d > ACK\n", at, i)
		fmt.Fprintf(&text, "%dms c%d > \"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"\n", at, i)
		fmt.Fprintf(&text, "%dms c%d < \"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n%[1]dms c%[2]d > ACK\n", at, i)
	}
	for i := range n {
		open(i, i)
	}
	for i := range ended { // some that are kept, and some that are not
		fmt.Fprintf(&text, "%dms c%d > FIN\n%[1]dms c%[2]d < FIN\n%[1]dms c%[2]d > ACK\n", n, i*(n-1)/(ended-1))
	}
	for i := range more {
		open(n+1, n+i)
	}
	s, err := script.Parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, limits := range []reassembly.Limits{{}, asleep} {
		findings := judgeWithin(t, limits, s.Source(), []*Rule{tooManyConnections}, nil)
		if len(findings) != 1 {
			t.Fatalf("asleep %v: %d findings", limits == asleep, len(findings))
		}
		f := findings[0]
		want := fmt.Sprintf("%d connections with requests to 10.0.0.2:80 were open at once", n)
		if !strings.Contains(f.Detail, want) || f.Count != maxListed {
			t.Errorf("asleep %v: %d connections are listed, %q; want %d, %q", limits == asleep, f.Count, f.Detail, maxListed, want)
		}
	}
}

// TestNobodyIsCountedTwice: a connection that ends when all are counted makes room.
func TestNobodyIsCountedTwice(t *testing.T) {
	var text strings.Builder
	const n = 40
	for i := range n {
		fmt.Fprintf(&text, "c%d 10.0.0.1:%d > 10.0.0.2:80\n", i, 40_000+i)
	}
	for i := range n {
		at := 10 * i
		fmt.Fprintf(&text, "%dms c%d > SYN\n%[1]dms c%[2]d < SYN ACK\n%[1]dms c%[2]d > ACK\n", at, i)
		fmt.Fprintf(&text, "%dms c%d > \"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"\n", at, i)
		fmt.Fprintf(&text, "%dms c%d < \"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n%[1]dms c%[2]d > ACK\n", at, i)
		if i >= 5 { // six at once
			fmt.Fprintf(&text, "%dms c%d > FIN\n%[1]dms c%[2]d < FIN\n%[1]dms c%[2]d > ACK\n", at+1, i-5)
		}
	}
	s, err := script.Parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, limits := range []reassembly.Limits{{}, asleep} {
		for _, f := range judgeWithin(t, limits, s.Source(), []*Rule{tooManyConnections}, nil) {
			t.Errorf("asleep %v: surplus %s", limits == asleep, show(f))
		}
	}
}

// TestLostEnds: where the capture lost bytes of a connection, it may have lost the ends of
// others, and only who goes on behind the peak counts.
func TestLostEnds(t *testing.T) {
	const n = 10
	capture := func(lossy, goOn bool) *script.Script {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "c%d 10.0.0.1:%d > 10.0.0.2:80\n", i, 40_000+i)
		}
		exchange := func(at, i int, unseen string) {
			fmt.Fprintf(&text, "%dms %s c%d > \"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"\n", at, unseen, i)
			fmt.Fprintf(&text, "%dms %s c%d < \"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n%[1]dms c%[3]d > ACK\n", at+1, unseen, i)
		}
		for i := range n {
			at := 100 * i
			fmt.Fprintf(&text, "%dms c%d > SYN\n%[1]dms c%[2]d < SYN ACK\n%[1]dms c%[2]d > ACK\n", at, i)
			exchange(at, i, "")
			if i == 1 && lossy {
				exchange(at+50, i, "unseen")
			}
		}
		for i := range n {
			if goOn {
				exchange(100*n+i, i, "")
			}
		}
		s, err := script.Parse(text.String())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, test := range []struct{ lossy, goOn, want bool }{{false, false, true}, {false, true, true}, {true, false, false}, {true, true, true}} {
		findings := judgeWithin(t, reassembly.Limits{}, capture(test.lossy, test.goOn).Source(), []*Rule{tooManyConnections}, nil)
		if (len(findings) > 0) != test.want {
			t.Errorf("bytes lost %v, all go on %v: %d findings", test.lossy, test.goOn, len(findings))
		}
	}
}
