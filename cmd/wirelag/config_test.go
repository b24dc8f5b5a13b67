package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"wirelag/reports"
	"wirelag/rules"
)

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wirelag.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// What config prints is a configuration file that says the same.
func TestConfigIsItsOwnFile(t *testing.T) {
	golden(t, "config.golden", wirelag(t, nil, "config").stdout)
	changed := wirelag(t, nil, "config", "--format", "json", "--fail-on", "warning", "--rules", "nagle-hold,too-many-connections", "--no-redact",
		"--config", configFile(t, "top: 3\nrules:\n  too-many-connections: {max-parallel: 8}\n  handshake-overhead:\n    min-share: 12.5%\n    min-cost: 2.5ms\n"))
	for _, want := range []string{"format: json\n", "fail-on: warning\n", "top: 3\n", "no-redact: true\n", "max-parallel: 8\n", "min-share: 12.5%\n", "min-cost: 2.5ms\n"} {
		if !strings.Contains(changed.stdout, want) {
			t.Errorf("no %q in %s", want, changed.stdout)
		}
	}
	if strings.Contains(changed.stdout, "disable: [handshake-overhead, ") == strings.Contains(changed.stdout, "nagle-hold") {
		t.Errorf("the rules that are not asked are not disabled: %s", changed.stdout)
	}
	again := wirelag(t, nil, "config", "--config", configFile(t, changed.stdout))
	if again.stdout != changed.stdout || again.status != statusDone {
		t.Errorf("status %d, %s: %s", again.status, again.stderr, again.stdout)
	}
}

// A flag wins over the environment, that over the file, and that over the default.
func TestConfigPrecedence(t *testing.T) {
	inForce := func(args ...string) string {
		got := wirelag(t, nil, append([]string{"config"}, args...)...)
		if got.status != statusDone {
			t.Error(got.stderr)
		}
		return regexp.MustCompile(`(?m)^top: .*$`).FindString(got.stdout)
	}
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	check(inForce(), "top: auto")
	t.Setenv("WIRELAG_CONFIG", configFile(t, "top: 3"))
	check(inForce(), "top: 3")
	check(inForce("--config", configFile(t, "top: 4")), "top: 4")
	check(inForce("--config", ""), "top: auto")
	t.Setenv("WIRELAG_TOP", "5")
	check(inForce(), "top: 5")
	check(inForce("--top", "6"), "top: 6")
	if got := wirelag(t, nil, "--top", "1", "--config", configFile(t, "fail-on: warning"), "../../testdata/nagle.pcap"); got.status != statusFindings {
		t.Errorf("fail-on of the file: status %d", got.status)
	}
}

// The environment has the list of rules, too, as the file has not.
func TestRulesOfTheEnvironment(t *testing.T) {
	const one = "by 1 of "
	t.Setenv("WIRELAG_RULES", "dns-delay")
	if got := wirelag(t, nil, "../../testdata/nagle.pcap"); !strings.Contains(got.stdout, one) {
		t.Errorf("WIRELAG_RULES: %s%s", got.stdout, got.stderr)
	}
	t.Setenv("WIRELAG_RULES", "dns")
	if got := wirelag(t, nil, "../../testdata/nagle.pcap"); got.status != statusUsage || !strings.Contains(got.stderr, `there is no rule "dns"`) {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
}

// Options of rules are taken from the file.
func TestConfigOfRules(t *testing.T) {
	const capture = "../../testdata/first-run.pcap"
	for text, status := range map[string]int{
		"":                              statusFindings,
		"rules":                         statusUsage,
		"rules:":                        statusFindings,
		"rules: {handshake-overhead: }": statusFindings,
		"rules: {handshake-overhead: {min-share: 50%}}":                  statusFindings,
		"rules: {handshake-overhead: {min-share: 51%}}":                  statusDone,
		"rules: {handshake-overhead: {min-cost: 1s}}":                    statusDone,
		"disable: [handshake-overhead]":                                  statusDone,
		"fail-on: none # flags win\ndisable:\n- dns-delay\n- nagle-hold": statusFindings,
	} {
		got := wirelag(t, nil, "--fail-on", "info", "--rules", "handshake-overhead", "--config", configFile(t, text), capture)
		if got.status != status {
			t.Errorf("%q: status %d, want %d; %s", text, got.status, status, got.stderr)
		}
	}
}

// Every fault of a configuration file is told with its line.
func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"top: 1\nrule:\n", `:2: there is no setting "rule"; did you mean rules?`},
		{"output: x\n", `:1: there is no setting "output"`},
		{"rules:\n  handshake: {}\n", `:2: there is no rule "handshake"; did you mean handshake-overhead?`},
		{"rules:\n  handshake-overhead:\n    min-shares: 1%\n", `:3: handshake-overhead: there is no option "min-shares"; did you mean min-share?`},
		{"rules:\n  nagle-hold:\n    x: 1\n", `:3: nagle-hold: there is no option "x"`},
		{"rules: {handshake-overhead: {min-share: 40}}", `:1: handshake-overhead: min-share takes a percentage such as 40%, not "40"`},
		{"rules: {handshake-overhead: {min-cost: 40%}}", `:1: handshake-overhead: min-cost takes a duration such as 1ms, not "40%"`},
		{"rules: {handshake-overhead: {min-cost: [1ms]}}", `:1: handshake-overhead: min-cost takes a duration such as 1ms, not ""`},
		{"rules: {time-wait-accumulation: {port-range: 1.5}}", `:1: time-wait-accumulation: port-range takes a whole number such as 28232, not "1.5"`},
		{"rules: [dns-delay]", `:1: rules takes names and values (name: value)`},
		{"rules:\n  dns-delay: 3\n", `:2: dns-delay takes names and values (name: value)`},
		{"- top\n", `:1: the file takes names and values (name: value)`},
		{"disable: dns-delay\n", `:1: disable takes a list of rules ([a, b])`},
		{"disable:\n- dns-delay\n- dns\n", `:3: there is no rule "dns"; did you mean dns-delay?`},
		{"top: 3\ntop: 4\n", `:2: the file has top twice`},
		{"\ntop: 0\n", `:2: top: want auto or a number from 1 on`},
		{"top: [1]\n", `:1: top takes one value`},
		{"quiet: maybe\n", `:1: quiet: want true or false`},
		{"fail-on: fatal\n", `:1: fail-on: want one of none, info, warning, error`},
		{"top: 1\n\tquiet: true\n", `:2: found a tab character that violates indentation`},
		{"top: 1\n--- \ntop: 2\n", `:2: a second document begins; one is all there may be`},
		{"a: &a [*a]", `:1: there is no setting "a"`},
		{"top: &t 3\nquiet: *t\n", `:2: quiet takes one value`},
		{strings.Repeat("# 4567\n", maxConfig/7+1), fmt.Sprintf(`: larger than %d bytes`, maxConfig)},
		{strings.Repeat("[", 20000), `: exceeded max depth of 10000`},
	} {
		path := configFile(t, c.text)
		got := wirelag(t, nil, "--config", path, firstRun)
		if want := "wirelag: " + path + c.want + "\n"; got.status != statusUsage || got.stdout != "" || got.stderr != want {
			t.Errorf("%.40q: status %d, %q, want %q", c.text, got.status, got.stderr, want)
		}
	}
	t.Setenv("WIRELAG_FAIL_ON", "fatal")
	if got := wirelag(t, nil, firstRun); got.status != statusUsage || got.stderr != "wirelag: WIRELAG_FAIL_ON=fatal: want one of none, info, warning, error\n" {
		t.Errorf("environment: status %d, %q", got.status, got.stderr)
	}
}

// Whatever stands in a file, an error is one line that begins with where it is,
// and what is taken can be printed and taken again.
func FuzzConfig(f *testing.F) {
	f.Add("fail-on: warning\ndisable: [dns-delay]\nrules: {handshake-overhead: {min-share: 40%}}")
	f.Add("rules:\n  time-wait-accumulation: {two-msl: 2m, port-range: 100}\n---\n")
	f.Add("a: &a [*a]\n? {b: c}\n: !!binary d\n<<: *a")
	located := regexp.MustCompile(`^(?:\d+:)? [^\n]+$`)
	f.Fuzz(func(t *testing.T, text string) {
		c := &config{values: rules.Values{}, settings: map[string]setting{}}
		if err := c.parse([]byte(text)); err != nil {
			if message := reports.Printable(err.Error()); !located.MatchString(message) {
				t.Errorf("%q", message)
			}
			return
		}
		e := enabled{rules.All, c.values}
		again := &config{values: rules.Values{}, settings: map[string]setting{}}
		cmd := newConfig(streams{})
		if err := again.parse([]byte(e.yaml(cmd))); err != nil {
			t.Fatal(err)
		}
		if got, want := (&enabled{rules.All, again.values}).yaml(cmd), e.yaml(cmd); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
}
