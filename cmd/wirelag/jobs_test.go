package main

import (
	"bytes"
	"encoding/binary"
	"io"
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

// TestMemoryIsUsedAgain: what is reported is the same where each packet is worked in by
// itself, so that the memory of what was told is used again at once.
func TestMemoryIsUsedAgain(t *testing.T) {
	captures, err := filepath.Glob("../../rules/testdata/*.pcap")
	if err != nil || len(captures) == 0 {
		t.Fatalf("%d captures: %v", len(captures), err)
	}
	captures = append(captures, generated(t, "mixed", generate.Options{Kind: generate.Mixed, Seed: 8, Size: 1 << 20}))
	for _, name := range captures {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"text", "json", "har", "html", "csv"} {
			want := wirelag(t, bytes.NewReader(data), "--format", format, "-")
			if got := wirelag(t, &records{data}, "--format", format, "-"); got != want {
				t.Errorf("%s: the %s report is another", name, format)
			}
		}
	}
}

// records is a pcap file of which each read gets one record.
type records struct{ rest []byte }

func (r *records) Read(p []byte) (int, error) {
	const header, fileHeader = 16, 24
	size := fileHeader
	switch {
	case len(r.rest) == 0:
		return 0, io.EOF
	case binary.LittleEndian.Uint32(r.rest) != 0xa1b2c3d4 && binary.LittleEndian.Uint32(r.rest) != 0xa1b23c4d:
		size = header + int(binary.LittleEndian.Uint32(r.rest[8:]))
	}
	n := copy(p, r.rest[:min(size, len(r.rest))])
	r.rest = r.rest[n:]
	return n, nil
}

// generated writes a capture and returns its name.
func generated(t testing.TB, kind string, o generate.Options) string {
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
