package main

import (
	"os"
	"path/filepath"
	"testing"

	"wirelag/reassembly/capture/generate"
)

// TestJobs: what is reported does not depend on how many processors work.
func TestJobs(t *testing.T) {
	captures, err := filepath.Glob("../../rules/testdata/*.pcap*")
	if err != nil || len(captures) == 0 {
		t.Fatalf("%d captures: %v", len(captures), err)
	}
	kinds := map[string]generate.Kind{"mixed": generate.Mixed, "short": generate.Short, "keepalive": generate.KeepAlive}
	for name, kind := range kinds {
		captures = append(captures, generated(t, name, generate.Options{Kind: kind, Seed: 7, Size: 4 << 20}))
	}
	for _, name := range captures {
		want := wirelag(t, nil, "--format", "ndjson", "--jobs", "1", name)
		for _, jobs := range []string{"2", "3", "16"} {
			if got := wirelag(t, nil, "--format", "ndjson", "--jobs", jobs, name); got != want {
				t.Errorf("%s: %s jobs report something else than one", name, jobs)
			}
		}
	}
	if got := wirelag(t, nil, "--jobs", "-1", captures[0]); got.status != statusUsage {
		t.Errorf("less than no job: status %d", got.status)
	}
}

// generated writes a capture and returns its name.
func generated(t *testing.T, kind string, o generate.Options) string {
	name := filepath.Join(t.TempDir(), kind+".pcap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := generate.WritePcap(f, o, true); err != nil {
		t.Fatal(err)
	}
	return name
}
