package analyze_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
)

// event is a segment of a story: when its sender sends it, and what. Nothing of
// the path's length is in it.
type event struct {
	at       time.Duration
	toServer bool
	items    string
}

// story is a conversation of which each event follows from those before, over a
// path on which a segment takes 10 ms from the client to the router and 15 ms
// from there to the server, and the same back.
var story = []event{
	{0, true, `SYN`},
	{25 * ms, false, `SYN ACK`},
	{50 * ms, true, `ACK`},
	{60 * ms, true, `"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n" repeat("x", 1000)`},
	{70 * ms, true, `repeat("x", 1000)`},
	{85 * ms, false, `ACK`},
	{95 * ms, false, `ACK`},
	{200 * ms, false, `"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" repeat("y", 1400)`},
	{225 * ms, true, `ACK`},
	{250 * ms, false, `repeat("y", 1400)`},
	{275 * ms, true, `ACK`},
	{300 * ms, false, `repeat("y", 200)`},
	{325 * ms, true, `ACK`},
	{400 * ms, true, `"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"`},
	{410 * ms, true, `"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"`},
	{500 * ms, false, `"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"`},
	{540 * ms, false, `"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"`},
	{565 * ms, true, `FIN`},
	{590 * ms, false, `FIN`},
	{615 * ms, true, `ACK`},
}

const (
	ms         = time.Millisecond
	clientHop  = 10 * ms
	serverHop  = 15 * ms
	wholePath  = clientHop + serverHop
	vantageErr = ms / 10
)

// seen is the story as a script, captured so far from the client.
func seen(fromClient time.Duration) string {
	type line struct {
		at   time.Duration
		text string
	}
	var lines []line
	for _, e := range story {
		if e.toServer {
			lines = append(lines, line{e.at + fromClient, "c > " + e.items})
		} else {
			lines = append(lines, line{e.at + wholePath - fromClient, "c < " + e.items})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return int(a.at - b.at) })
	var b strings.Builder
	b.WriteString("c 10.0.0.1:40000 > 10.0.0.2:80\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "%v %s\n", l.at, l.text)
	}
	return b.String()
}

// TestVantage tells the same story as captured at the client, on the way and at
// the server: what the client experienced is the same each time.
func TestVantage(t *testing.T) {
	want := []analyze.Timing{
		{Connect: 50 * ms, Send: 10 * ms, Blocked: 0, Wait: 155 * ms, Receive: 100 * ms},
		{Connect: analyze.Unknown, Send: 0, Blocked: 0, Wait: 125 * ms, Receive: 0},
		{Connect: analyze.Unknown, Send: 0, Blocked: 115 * ms, Wait: 40 * ms, Receive: 0},
	}
	for name, fromClient := range map[string]time.Duration{
		"client": 0, "next to the client": ms, "router": clientHop, "server": wholePath,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := script.Parse(seen(fromClient))
			if err != nil {
				t.Fatal(err)
			}
			h := listen(t, s.Source())
			h.keepsPromises(t)
			if len(h.exchanges) != len(want) {
				t.Fatalf("%d exchanges", len(h.exchanges))
			}
			for i, x := range h.exchanges {
				w := want[i]
				w.DNS, w.SSL = analyze.Unknown, analyze.Unknown
				if !near(x.Timing, w) {
					t.Errorf("exchange %d: %s, want %s", i+1, describePhases(x.Timing), describePhases(w))
				}
			}
		})
	}
}

// near reports whether all phases of a and b agree as far as is asked.
func near(a, b analyze.Timing) bool {
	for _, p := range [][2]time.Duration{
		{a.Connect, b.Connect}, {a.Send, b.Send}, {a.Blocked, b.Blocked}, {a.Wait, b.Wait},
		{a.Receive, b.Receive}, {a.Total(), b.Total()}, {a.DNS, b.DNS}, {a.SSL, b.SSL},
	} {
		if (p[0]-p[1]).Abs() > vantageErr || (p[0] == analyze.Unknown) != (p[1] == analyze.Unknown) {
			return false
		}
	}
	return true
}
