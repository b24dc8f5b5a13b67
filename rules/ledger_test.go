package rules

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// heard runs rules over a script and returns what the ledger tells and notes, a
// line each, with the second of the clock in which it does.
func heard(t *testing.T, text string, enabled ...*Rule) (lines []string) {
	t.Helper()
	s, err := script.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	start, now := s.Packets[0].Time, capture.Time(0)
	say := func(what string, f *Finding) {
		lines = append(lines, fmt.Sprintf("%v %s %s ×%d", now.Sub(start).Truncate(time.Second), what, f.Rule.ID, f.Count))
	}
	listener := analyze.Join(
		analyze.Listener{Tick: func(t capture.Time) { now = t }},
		NewLedger(enabled, nil, func(f *Finding) { say("told", f) }, func(f *Finding, _ *Instance) { say("noted", f) }),
		analyze.Listener{Finish: func() { lines = append(lines, "end") }})
	if _, err := analyze.Run(context.Background(), s.Source(), listener, analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	return lines
}

const cutResponse = `
c 10.0.0.1:40000 > 10.0.0.2:80
d 10.0.0.1:40001 > 10.0.0.2:80
0ms    c > SYN
40ms   c < SYN ACK
40ms   c > ACK
41ms   c > "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
81ms   c < "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" repeat("x", 3000) split
82ms   c < FIN
83ms   c > FIN
123ms  c < ACK
200s   d > SYN
`

// A finding is told when the connection is over, or as soon as it is certain
// that no other replaces it.
func TestFindingsAreToldWhenTheyAreProven(t *testing.T) {
	alone := heard(t, cutResponse, truncatedBody)
	if want := []string{"0s noted truncated-body ×1", "2s told truncated-body ×1", "end"}; !slices.Equal(alone, want) {
		t.Errorf("alone: %q, want %q", alone, want)
	}
	replaceable := heard(t, cutResponse, truncatedBody, lengthMismatch)
	if want := []string{"1m1s noted truncated-body ×1", "1m3s told truncated-body ×1", "end"}; !slices.Equal(replaceable, want) {
		t.Errorf("beside a rule that may replace it: %q, want %q", replaceable, want)
	}
}

// What is about a pair goes on until the end; each instance is noted.
func TestInstancesAreNoted(t *testing.T) {
	got := heard(t, script.OneByOne(4), handshakeOverhead)
	want := []string{
		"2s noted handshake-overhead ×1", "12s noted handshake-overhead ×2", "22s noted handshake-overhead ×3",
		"30s noted handshake-overhead ×4", "30s told handshake-overhead ×4", "end",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What the ledger keeps of connections goes with them.
func TestLedgerLetsGo(t *testing.T) {
	l := newLedger(func(*Finding) {}, nil)
	replaceable := statesOf([]*Rule{truncatedBody, lengthMismatch})[0]
	s, err := script.Parse(cutResponse)
	if err != nil {
		t.Fatal(err)
	}
	var c *analyze.Connection
	_, err = analyze.Run(context.Background(), s.Source(), analyze.Listener{Opened: func(o *analyze.Connection) { c = o.Keep() }}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3 * maxOver) {
		of := *c.Connection
		of.ID = i + 1
		about := *c
		about.Connection = &of
		l.report(replaceable, Instance{Connection: &about})
		l.closed(&about)
	}
	if len(l.over) > maxOver || len(l.held)-l.head > maxHeld || l.open.Len() > maxFindings || len(l.accounts) > 2*maxOver {
		t.Errorf("%d over, %d held, %d open, %d pending", len(l.over), len(l.held)-l.head, l.open.Len(), len(l.accounts))
	}
	l.tick(capture.Time(10 * decisionTime))
	l.tick(capture.Time(20 * decisionTime))
	if len(l.over) != 0 || l.open.Len() != 0 || len(l.accounts) != 0 || len(l.held) != l.head {
		t.Errorf("after all was decided: %d over, %d held, %d open, %d pending", len(l.over), len(l.held)-l.head, l.open.Len(), len(l.accounts))
	}
}
