package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"wirelag/reports"
)

const nagleRun = "../../testdata/nagle.pcap"

func baselineFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "baseline.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What was accepted fails nothing any more, in whatever format, and is told.
func TestBaseline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.yaml")
	if got := wirelag(t, nil, "--write-baseline", path, firstRun); got.status != statusDone || got.stderr != "" {
		t.Fatalf("status %d, %s", got.status, got.stderr)
	}
	written := content(t, path)
	golden(t, "baseline.golden", written)
	for _, format := range formatNames() {
		for _, c := range []struct {
			args   []string
			status int
		}{
			{[]string{"--baseline", path, firstRun}, statusDone},
			{[]string{firstRun}, statusFindings},
			{[]string{"--baseline", path, firstRun, nagleRun}, statusFindings},
		} {
			got := wirelag(t, nil, append([]string{"--fail-on", "info", "--format", format}, c.args...)...)
			if got.status != c.status || got.stderr != "" {
				t.Errorf("%v, %s: status %d, want %d; %s", c.args, format, got.status, c.status, got.stderr)
			}
		}
	}
	known := 0
	for _, f := range wirelagFindings(t, "--baseline", path, firstRun, nagleRun) {
		if f["known"] == true {
			known++
		}
	}
	report := decode(t, wirelag(t, nil, "--format", "json", "--baseline", path, firstRun, nagleRun).stdout)
	if sum := report["summary"].(map[string]any)["findings"].(map[string]any)["known"]; known != 3 || sum != 3.0 {
		t.Errorf("%d findings are known, of a sum of %v", known, sum)
	}
	text := wirelag(t, nil, "--baseline", path, firstRun, nagleRun).stdout
	if !strings.HasPrefix(text, "1 warning (known: 2 errors, 1 info) in ") || strings.Count(text, " known") != 3 ||
		strings.Index(text, "nagle-delayed-ack") > strings.Index(text, "idle-close-race") {
		t.Errorf("known findings are counted apart and come last: %s", text)
	}
	again := filepath.Join(t.TempDir(), "again.yaml")
	wirelag(t, nil, "--baseline", path, "--write-baseline", again, "--no-redact", firstRun)
	if got := content(t, again); got != written {
		t.Errorf("written again: %s", got)
	}
	// Pseudonyms keep nothing from matching, and do not give it away.
	t.Setenv("WIRELAG_REDACT_KEY", "key")
	for _, f := range wirelagFindings(t, "--redact-host", "--baseline", path, firstRun) {
		if f["known"] != true || strings.Contains(written, f["fingerprint"].(string)) {
			t.Errorf("with pseudonyms: %v", f)
		}
	}
	wirelag(t, nil, "--redact-host", "--write-baseline", again, firstRun)
	if got := content(t, again); strings.Contains(got, "10.77") || wirelag(t, nil, "--fail-on", "info", "--baseline", again, firstRun).status != statusDone {
		t.Errorf("written with pseudonyms: %s", got)
	}
	t.Setenv("WIRELAG_BASELINE", path)
	if got := wirelag(t, nil, "--fail-on", "info", firstRun); got.status != statusDone {
		t.Errorf("baseline of the environment: status %d", got.status)
	}
}

// wirelagFindings are those in a JSON report.
func wirelagFindings(t *testing.T, args ...string) (all []map[string]any) {
	t.Helper()
	report := decode(t, wirelag(t, nil, append([]string{"--format", "json"}, args...)...).stdout)
	for _, f := range report["findings"].([]any) {
		all = append(all, f.(map[string]any))
	}
	return all
}

// A finding that has become more severe is new; order and notes are the user's.
func TestBaselineIsEdited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.yaml")
	wirelag(t, nil, "--write-baseline", path, firstRun)
	const begin = "- fingerprint"
	entries := strings.Split(content(t, path), begin) // handshake-overhead, idle-close-race, non-idempotent-retry
	turned := baselineFile(t, "baseline: 1\nfindings:\n"+begin+entries[3]+"  note: 'for: \"ever\"'\n"+begin+entries[1]+
		begin+strings.Replace(entries[2], "severity: error", "severity: warning", 1))
	gate := func(severity string) int {
		return wirelag(t, nil, "--baseline", turned, "--fail-on", severity, "--rules", "idle-close-race,non-idempotent-retry", firstRun).status
	}
	lesser := gate("error")
	if err := os.WriteFile(turned, []byte(strings.Replace(content(t, turned), "severity: warning", "severity: error", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	if lesser != statusFindings || gate("info") != statusDone {
		t.Errorf("accepted as a warning: status %d; as an error: %d", lesser, gate("info"))
	}
	wirelag(t, nil, "--baseline", turned, "--write-baseline", turned, firstRun)
	if got := content(t, turned); !strings.Contains(got, `note: "for: \"ever\""`) || strings.Index(got, "handshake-overhead") > strings.Index(got, "idle-close-race") {
		t.Errorf("sorted, with the note: %s", got)
	}
}

func TestStaleBaseline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.yaml")
	wirelag(t, nil, "--write-baseline", path, firstRun)
	got := wirelag(t, nil, "--baseline", path, nagleRun)
	want := regexp.MustCompile(`^(wirelag: .*known\.yaml:\d+: [a-z-]+ did not show up any more: 10\.77\.1\.1 → 10\.77\.1\.2:8080.*\n){3}$`)
	if got.status != statusDone || !want.MatchString(got.stderr) {
		t.Errorf("status %d, %s", got.status, got.stderr)
	}
	for _, args := range [][]string{{"--quiet"}, {"--rules", "nagle-delayed-ack"}} {
		if got := wirelag(t, nil, append(args, "--baseline", path, nagleRun)...); got.stderr != "" {
			t.Errorf("%v: %s", args, got.stderr)
		}
	}
	if got := wirelag(t, nil, "--baseline", path, nagleRun, "missing.pcap"); strings.Contains(got.stderr, "show up") || got.status != statusInput {
		t.Errorf("status %d, %s", got.status, got.stderr)
	}
	many := "baseline: 1\nfindings:\n"
	for i := range 3 * maxStale {
		many += fmt.Sprintf("- {fingerprint: \"%016x\", rule: dns-delay}\n", i)
	}
	if got := wirelag(t, nil, "--baseline", baselineFile(t, many), nagleRun); strings.Count(got.stderr, "\n") != maxStale+1 ||
		!strings.HasSuffix(got.stderr, "and 20 more known findings did not show up\n") {
		t.Errorf("%s", got.stderr)
	}
}

// A baseline takes the place of another only when all was analysed.
func TestBaselineIsWrittenWhole(t *testing.T) {
	path := baselineFile(t, "baseline: 1\n")
	got := wirelag(t, nil, "--write-baseline", path, firstRun, "missing.pcap")
	if got.status != statusInput || !strings.HasSuffix(got.stderr, "baseline.yaml: not written, for not all was analysed\n") {
		t.Errorf("status %d, %s", got.status, got.stderr)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 || content(t, path) != "baseline: 1\n" {
		t.Errorf("left: %v, %s", entries, content(t, path))
	}
	capture := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(capture, []byte(content(t, firstRun)), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--write-baseline", capture, capture}, statusUsage, "a.pcap: the report would take the place of the capture"},
		{[]string{"--write-baseline", "-", capture}, statusUsage, "--write-baseline: give the name of a file"},
		{[]string{"--write-baseline", path, "-o", path, capture}, statusUsage, "--write-baseline: give another file than --output"},
		{[]string{"--write-baseline", filepath.Dir(path), capture}, statusOutput, "is a directory"},
	} {
		if got := wirelag(t, nil, c.args...); got.status != c.status || !strings.Contains(got.stderr, c.want) {
			t.Errorf("%v: status %d, %s", c.args, got.status, got.stderr)
		}
	}
}

func TestBaselineErrors(t *testing.T) {
	const good = `{fingerprint: "0123456789abcdef", rule: dns-delay}`
	for _, c := range []struct{ text, want string }{
		{"", ": is empty; a baseline begins with baseline: 1"},
		{"findings: []\n", ":1: baseline: 1 is missing"},
		{"baseline: 2\n", ":1: this is version 2 of a baseline, and 1 is all that is known"},
		{"baseline: 1\nfinding: []\n", `:2: there is no member "finding"; did you mean findings?`},
		{"baseline: 1\nfindings: {}\n", ":2: findings takes a list (- fingerprint: …)"},
		{"baseline: 1\nfindings:\n- x\n", ":3: a finding takes names and values (name: value)"},
		{"baseline: 1\nfindings:\n- rule: dns-delay\n", ":3: the finding needs a fingerprint of 16 hexadecimal digits, as reports have them"},
		{"baseline: 1\nfindings:\n- {fingerprint: xyz, rule: dns-delay}\n", ":3: the finding needs a fingerprint of 16 hexadecimal digits, as reports have them"},
		{"baseline: 1\nfindings:\n- {fingerprint: \"0123456789abcdef\", rule: dns}\n", `:3: there is no rule "dns"; did you mean dns-delay?`},
		{"baseline: 1\nfindings:\n- fingerprint: \"0123456789abcdef\"\n  rule: dns-delay\n  severty: info\n", `:5: there is no member "severty"; did you mean severity?`},
		{"baseline: 1\nfindings:\n- fingerprint: \"0123456789abcdef\"\n  rule: dns-delay\n  severity: bad\n", ":5: severity: want one of info, warning, error"},
		{"baseline: 1\nfindings:\n- fingerprint: [a]\n", ":3: fingerprint takes one value"},
		{"baseline: 1\nfindings:\n- " + good + "\n- " + good + "\n", ":4: the finding stands in line 3 already"},
		{"baseline: 1\n\tx\n", ":2: found a tab character that violates indentation"},
		{"baseline: 1\n---\n", ":2: a second document begins; one is all there may be"},
	} {
		path := baselineFile(t, c.text)
		got := wirelag(t, nil, "--baseline", path, firstRun)
		if want := "wirelag: " + path + c.want + "\n"; got.status != statusUsage || got.stdout != "" || got.stderr != want {
			t.Errorf("%q: status %d, %q, want %q", c.text, got.status, got.stderr, want)
		}
	}
	got := wirelag(t, nil, "--baseline", "missing.yaml", firstRun)
	if want := "wirelag: missing.yaml: no such file or directory (--write-baseline makes a baseline)\n"; got.status != statusUsage || got.stderr != want {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
}

// Whatever stands in a file, an error is one line that begins with where it is;
// and every text can be written and read again.
func FuzzBaseline(f *testing.F) {
	f.Add("baseline: 1\nfindings:\n- fingerprint: \"0123456789abcdef\"\n  rule: dns-delay\n  severity: info\n  where: x\n  note: y\n")
	f.Add("baseline: &a [*a]\nfindings: *a\n")
	located := regexp.MustCompile(`^(?:\d+:)? [^\n]+$`)
	f.Fuzz(func(t *testing.T, text string) {
		b := &baseline{findings: map[string]*accepted{}}
		document, err := parseYAML([]byte(text))
		if err == nil {
			err = b.take(document)
		}
		if err != nil && !located.MatchString(reports.Printable(err.Error())) {
			t.Errorf("%q", err)
		}
		printable := reports.Printable(text)
		var back struct{ Where string }
		if err := yaml.Unmarshal([]byte("where: "+quoted(printable)), &back); err != nil || back.Where != printable {
			t.Errorf("%q came back as %q: %v", printable, back.Where, err)
		}
	})
}
