package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Pseudonyms are the same in all reports of one user, and others' are different.
func TestPseudonymsStay(t *testing.T) {
	const file = "../../testdata/first-run.pcap"
	home := func() string {
		folder := t.TempDir()
		for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
			t.Setenv(name, folder)
		}
		return folder
	}
	report := func() string {
		t.Helper()
		r := wirelag(t, nil, "--redact-host", "--format", "ndjson", file)
		if r.status != 0 || r.stderr != "" {
			t.Fatalf("status %d, %s", r.status, r.stderr)
		}
		for _, host := range []string{"10.77.1.", `"name":"server"`, `"host":"server"`, `["Host","server"]`, "first-run"} {
			if strings.Contains(r.stdout, host) {
				t.Errorf("%s is told", host)
			}
		}
		return r.stdout
	}
	home()
	first := report()
	if report() != first {
		t.Error("two reports of one user differ")
	}
	home()
	other := report()
	if other == first {
		t.Error("the reports of two users are the same")
	}
	t.Setenv("WIRELAG_REDACT_KEY", "a secret")
	chosen := report()
	home()
	if report() != chosen || chosen == other {
		t.Error("the key that is given does not decide")
	}
}

func TestPseudonymsWithoutAPlaceForTheKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, file) // nothing can be created below it
	}
	r := wirelag(t, nil, "--redact-host", "../../testdata/first-run.pcap")
	if r.status != 0 || strings.Contains(r.stdout, "10.77.1.") || !strings.Contains(r.stderr, "WIRELAG_REDACT_KEY") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("status %d, %s", r.status, r.stderr)
	}
}
