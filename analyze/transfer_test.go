package analyze_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
)

const oneConnection = "c 10.0.0.1:1000 > 10.0.0.2:80 timestamps\n0ms c > SYN\n20ms c < SYN ACK\n20ms c > ACK\n"

// TestManyPauses: of a message with more pauses than are told apart, all count.
func TestManyPauses(t *testing.T) {
	const pieces = 700
	var s strings.Builder
	fmt.Fprintf(&s, "%s30ms c > \"POST / HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: %d\\r\\n\\r\\n\"\n", oneConnection, 100*pieces)
	at := 30 * time.Millisecond
	for range pieces {
		at += 60 * time.Millisecond
		fmt.Fprintf(&s, "%[1]v c < ACK\n%[1]v c > repeat(\"x\", 100)\n", at)
	}
	fmt.Fprintf(&s, "%v c < \"HTTP/1.1 204 No Content\\r\\n\\r\\n\"\n", at+20*time.Millisecond)
	x := onlyExchange(t, s.String())
	if n := len(x.Sending.Pauses); n >= pieces {
		t.Errorf("%d pauses are told apart", n)
	}
	want := analyze.Causes{Nagle: pieces * 20 * time.Millisecond, DelayedACK: pieces * 40 * time.Millisecond}
	if got := x.Timing.Causes; got != want {
		t.Errorf("causes %+v, want %+v", got, want)
	}
}

// TestManyLosses: losses beyond those that are remembered are counted.
func TestManyLosses(t *testing.T) {
	const losses = 600
	var s strings.Builder
	fmt.Fprintf(&s, "%s30ms c > \"POST / HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: %d\\r\\n\\r\\n\"\n50ms c < ACK\n", oneConnection, 100*losses)
	at := 60 * time.Millisecond
	for range losses {
		fmt.Fprintf(&s, "%v c > dropped repeat(\"x\", 100)\n%v again c >\n%v c < ACK\n", at, at+300*time.Millisecond, at+320*time.Millisecond)
		at += 330 * time.Millisecond
	}
	fmt.Fprintf(&s, "%v c < \"HTTP/1.1 204 No Content\\r\\n\\r\\n\"\n", at)
	parsed, err := script.Parse(s.String())
	if err != nil {
		t.Fatal(err)
	}
	h := listen(t, parsed.Source())
	if n := len(h.exchanges[0].Sending.Losses); n == 0 || n+int(h.health("limit-history")) != losses {
		t.Errorf("%d losses are remembered, %d forgotten, of %d", n, h.health("limit-history"), losses)
	}
}

func onlyExchange(t *testing.T, text string) *analyze.Exchange {
	t.Helper()
	s, err := script.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, s.Source()).exchanges[0]
}
