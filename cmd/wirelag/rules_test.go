package main

import (
	"strings"
	"testing"

	"wirelag/rules"
)

func TestRules(t *testing.T) {
	list := wirelag(t, nil, "rules")
	if list.status != statusDone || list.stderr != "" {
		t.Errorf("status %d, %s", list.status, list.stderr)
	}
	golden(t, "rules.golden", list.stdout)
	for _, r := range rules.All {
		if !strings.Contains(list.stdout, "\n  "+r.ID+" ") {
			t.Errorf("%s is not listed", r.ID)
		}
		page := wirelag(t, nil, "rules", r.ID)
		if page.status != statusDone || page.stderr != "" {
			t.Errorf("%s: status %d, %s", r.ID, page.status, page.stderr)
		}
		for line := range strings.Lines(page.stdout) {
			if width := len([]rune(strings.TrimRight(line, "\n"))); width > 80 {
				t.Errorf("%s: %d columns: %s", r.ID, width, line)
			}
		}
		// The page is the document's, but for where its lines end.
		flowed := strings.Join(strings.Fields(page.stdout), " ")
		for _, s := range r.Page() {
			for _, paragraph := range s.Paragraphs {
				if !strings.Contains(flowed, strings.Join(strings.Fields(paragraph), " ")) {
					t.Errorf("%s: its page lacks %q", r.ID, paragraph)
				}
			}
		}
	}
}

// Findings decide the exit status where --fail-on asks for it, and the rules
// that are asked decide the findings.
func TestFailOn(t *testing.T) {
	const nagle, handshake = "../../testdata/nagle.pcap", "../../testdata/first-run.pcap"
	for _, c := range []struct {
		args   []string
		status int
	}{
		{[]string{nagle}, statusDone},
		{[]string{"--fail-on", "none", nagle}, statusDone},
		{[]string{"--fail-on", "error", nagle}, statusDone},
		{[]string{"--fail-on", "warning", nagle}, statusFindings},
		{[]string{"--fail-on", "info", nagle}, statusFindings},
		{[]string{"--fail-on", "info", "--min-severity", "error", nagle}, statusFindings},
		{[]string{"--fail-on", "warning", "--disable", "nagle-delayed-ack", nagle}, statusDone},
		{[]string{"--fail-on", "warning", "--rules", "dns-delay,nagle-hold", nagle}, statusDone},
		{[]string{"--fail-on", "warning", "--rules", "dns-delay, nagle-delayed-ack", nagle}, statusFindings},
		{[]string{"--fail-on", "warning", "--rules", "nagle-delayed-ack", "--disable", "nagle-delayed-ack", nagle}, statusDone},
		{[]string{"--fail-on", "info", "--rules", "handshake-overhead", handshake}, statusFindings},
		{[]string{"--fail-on", "warning", "--rules", "handshake-overhead", handshake}, statusDone},
		{[]string{"--fail-on", "info", nagle, "missing.pcap"}, statusInput},
	} {
		for _, format := range formatNames() {
			if got := wirelag(t, nil, append([]string{"--format", format}, c.args...)...); got.status != c.status {
				t.Errorf("%v, %s: status %d, want %d; %s", c.args, format, got.status, c.status, got.stderr)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"nagle-hold", "nagle-delayed-ack", "dns-delay", "idle-close-race"}
	for word, want := range map[string]string{
		"nagle-hold": "nagle-hold", "nagel-hold": "nagle-hold", "nagel": "nagle-hold", "dns": "dns-delay",
		"delayed": "nagle-delayed-ack", "close-race": "idle-close-race", "quic": "", "": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
