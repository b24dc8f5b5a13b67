package analyze_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
)

// checkSpent checks that what was spent on x adds up to its phases and causes.
func checkSpent(t testing.TB, x *analyze.Exchange) {
	t.Helper()
	what := fmt.Sprintf("exchange %d", x.ID)
	var s analyze.Spent
	complete := s.Add(x)
	var on [analyze.SpentOns]time.Duration
	for p := range s {
		for i, d := range s[p] {
			if d < 0 {
				t.Errorf("%s: %v on %v in %v", what, d, analyze.SpentOn(i), analyze.Phase(p))
			}
			if analyze.Phase(p) >= analyze.SendPhase {
				on[i] += d
			}
		}
	}
	c := x.Timing.Causes
	if got := (analyze.Causes{Nagle: on[analyze.OnNagle], DelayedACK: on[analyze.OnDelayedACK], SlowStart: on[analyze.OnSlowStart],
		Retransmission: on[analyze.OnRetransmission], Window: on[analyze.OnWindow]}); got != c {
		t.Errorf("%s: causes %v, want %v", what, got, c)
	}
	want := x.Timing.Total() + max(x.Timing.NoAnswer, 0)
	if got := s.Total(); x.Timing.Wait >= 0 && got != want || got < x.Timing.Total() {
		t.Errorf("%s: %v in all, want %v (%+v)", what, got, want, x.Timing)
	}
	if complete && (x.Request == nil || x.Disturbed) {
		t.Errorf("%s: said to be complete", what)
	}
}

func TestSpent(t *testing.T) {
	const opening = "c 10.0.0.1:1000 > 10.0.0.2:80\n0ms c > SYN\n20ms c < SYN ACK\n20ms c > ACK\n"
	for _, c := range []struct{ name, script, want string }{
		{"answered", opening + `
30ms c > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
150ms c < "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"
155ms c < "cd"
`, "connect/network 20ms, wait/network 20ms, wait/server 100ms, receive/unexplained 5ms"},
		{"the SYN lost", `
c 10.0.0.1:1000 > 10.0.0.2:80
0ms c > SYN seq=0
1000ms c > SYN seq=0
1020ms c < SYN ACK
1020ms c > ACK
1021ms c > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
1041ms c < "HTTP/1.1 204 No Content\r\n\r\n"
`, "connect/network 20ms, connect/retransmission 1s, wait/network 20ms"},
		{"no response", opening + `
30ms c > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
50ms c < ACK
3030ms c < RST
`, "connect/network 20ms, no-answer/itself 3s"},
		{"no end", opening + `
30ms c > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
50ms c < ACK
`, "connect/network 20ms, incomplete"},
		{"without a round trip", `
c 10.0.0.1:1000 > 10.0.0.2:80
30ms c > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
130ms c < "HTTP/1.1 204 No Content\r\n\r\n"
`, "wait/unexplained 100ms, incomplete"},
		{"Nagle's algorithm and a delayed acknowledgement in the request", opening + `
30ms c > "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
90ms c < ACK
90.1ms c > repeat("x", 100)
111ms c < "HTTP/1.1 204 No Content\r\n\r\n"
`, "connect/network 20ms, send/nagle 20.1ms, send/delayed-ack 40ms, wait/network 20ms, wait/server 900µs"},
		{"the request took long to the server", opening + `
30ms c > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
1600ms c < ACK
1650ms c < "HTTP/1.1 204 No Content\r\n\r\n"
`, "connect/network 20ms, wait/unexplained 1.35s, wait/network 20ms, wait/server 250ms"},
		{"the acknowledgement of one segment before says when the last came", opening + `
30ms c > "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1600\r\n\r\n" repeat("x", 1600) split
1500ms c < ACK ack=1460
1600ms c < ACK
1650ms c < "HTTP/1.1 204 No Content\r\n\r\n"
`, "connect/network 20ms, wait/unexplained 1.45s, wait/network 20ms, wait/server 150ms"},
		{"a request that the client does not end", opening + `
30ms c > "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" repeat("x", 50)
70ms c < ACK
5030ms c < "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
`, "connect/network 20ms, send/unexplained 5s"},
		{"a request that the client ends too early", opening + `
30ms c > "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" repeat("x", 50)
30ms c > FIN ACK
70ms c < ACK
5030ms c < "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
`, "connect/network 20ms, wait/network 20ms, wait/server 4.98s"},
		{"the request's first segment lost before the capture point", `
c 10.0.0.1:1000 > 10.0.0.2:80
0ms c > SYN
0ms c < SYN ACK
20ms c > ACK
30ms lost c > "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1460\r\n\r\n" repeat("x", 1410)
30ms c > repeat("x", 50)
30ms c < ACK sack=[1461-1511]
300ms again c > seq=1
300ms c < ACK
305ms c < "HTTP/1.1 204 No Content\r\n\r\n"
`, "connect/network 20ms, wait/network 20ms, wait/server 5ms, wait/retransmission 270ms"},
		{"the response's first segment lost", opening + `
30ms c > "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
51ms lost c < "HTTP/1.1 200 OK\r\nContent-Length: 5792\r\n\r\n" repeat("y", 1420)
51ms c < repeat("y", 4372) split
51ms c > ACK sack=[1461-2921]
51ms c > ACK sack=[1461-4381]
51ms c > ACK sack=[1461-5833]
291ms again c < seq=1
291ms c > ACK
`, "connect/network 20ms, wait/network 20ms, wait/server 1ms, wait/retransmission 240ms"},
	} {
		s, err := script.Parse(c.script)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		x := listen(t, s.Source()).exchanges[0]
		checkSpent(t, x)
		if got := describeSpent(x); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func describeSpent(x *analyze.Exchange) string {
	var s analyze.Spent
	complete := s.Add(x)
	var parts []string
	for p := range s {
		for on, d := range s[p] {
			if d != 0 {
				parts = append(parts, fmt.Sprintf("%v/%v %v", analyze.Phase(p), analyze.SpentOn(on), d))
			}
		}
	}
	if !complete {
		parts = append(parts, "incomplete")
	}
	return strings.Join(parts, ", ")
}
