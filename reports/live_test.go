package reports

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
	"wirelag/rules"
)

// watched analyses a script of testdata with a Live and returns that, and the
// lines that it told.
func watched(t *testing.T, name string, o Options) (*Live, []string) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := script.Parse(string(source))
	if err != nil {
		t.Fatal(err)
	}
	l := NewLive(o)
	var lines []string
	judge := rules.NewLedger(strangeRules, nil, func(*rules.Finding) {}, func(f *rules.Finding, i *rules.Instance) {
		if line := l.Noted(f, i); line != "" {
			lines = append(lines, line)
		}
	})
	if _, err := analyze.Run(context.Background(), parsed.Source(), analyze.Join(l.Listener(), judge), analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	return l, lines
}

// Each instance is a line that a terminal shows as it is.
func TestLiveLines(t *testing.T) {
	_, lines := watched(t, "hostile", options())
	if len(lines) == 0 {
		t.Fatal("nothing was told")
	}
	for _, line := range lines {
		if strings.ContainsAny(line, "\x1b\x07\n\r\u202e") || !strings.Contains(line, " → ") {
			t.Errorf("%q", line)
		}
	}
	o := options()
	o.MinSeverity = rules.Error
	_, worst := watched(t, "hostile", o)
	for _, line := range worst {
		if !strings.Contains(line, "  error  ") {
			t.Errorf("less than an error: %q", line)
		}
	}
	if len(worst) == 0 || len(worst) >= len(lines) {
		t.Errorf("%d errors of %d lines", len(worst), len(lines))
	}
}

// The view has rates since the one before, fits the width, and shows the latest.
func TestLiveView(t *testing.T) {
	l, lines := watched(t, "hostile", options())
	l.View("eth0", time.Second, LiveCounters{Packets: 1000, Bytes: 1_000_000}, 80)
	got := l.View("eth0", 3*time.Second, LiveCounters{Packets: 5000, Bytes: 2_000_000, Dropped: 7}, 60)
	for _, want := range []string{
		"eth0  3s  2,000 packets/s  4.00 Mbit/s\n", "5,000 packets, 7 dropped by the system\n", "0 open), ", "(0/s)\n", "most lost between\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for line := range strings.Lines(got) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 60 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if n := strings.Count(got, "\n"); n > 6+latestShown+costsShown {
		t.Errorf("%d lines", n)
	}
	last := lines[len(lines)-1]
	if !strings.Contains(got, last[:30]) {
		t.Errorf("no %q in\n%s", last[:30], got)
	}
}

// What names hosts is replaced where that is asked for.
func TestLiveRedacts(t *testing.T) {
	o := options()
	o.RedactHosts, o.RedactKey = true, []byte("key")
	l, lines := watched(t, "proxy", o)
	text := strings.Join(lines, "\n") + l.View("eth0", time.Second, LiveCounters{}, 200)
	if len(lines) == 0 || strings.Contains(text, "10.0.") {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
}
