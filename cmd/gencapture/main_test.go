package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wirelag/reassembly/capture/generate"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	capture, truth := filepath.Join(dir, "x.pcap"), filepath.Join(dir, "truth.json")
	var stdout, stderr bytes.Buffer
	args := []string{"--kind", "short", "--connections", "3", "--seed", "7"}
	if status := run(args, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Fatalf("status %d, stderr %s", status, &stderr)
	}
	if status := run(append(args, "-o", capture, "--truth", truth), &stderr, &stderr); status != 0 || stderr.Len() > 0 {
		t.Fatalf("status %d, output %s", status, &stderr)
	}
	written, err := os.ReadFile(capture)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written, stdout.Bytes()) || len(written) < 1000 {
		t.Errorf("%d bytes in the file, %d on standard output", len(written), stdout.Len())
	}
	text, err := os.ReadFile(truth)
	if err != nil {
		t.Fatal(err)
	}
	var got generate.Truth
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Kind != "short" || got.Seed != 7 || got.Connections != 3 || got.Responses != 3 ||
		uint64(len(written)) != 24+16*got.Packets+got.Bytes {
		t.Errorf("truth %+v of a file of %d bytes", got, len(written))
	}
}

func TestTimestampUnit(t *testing.T) {
	for unit, magic := range map[string]string{"--microseconds=false": "\x4d\x3c\xb2\xa1", "--microseconds": "\xd4\xc3\xb2\xa1"} {
		var stdout, stderr bytes.Buffer
		if status := run([]string{"--size", "4k", unit}, &stdout, &stderr); status != 0 {
			t.Errorf("%s: status %d, %s", unit, status, &stderr)
		}
		if got := stdout.String()[:4]; got != magic {
			t.Errorf("%s: magic %x, want %x", unit, got, magic)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		args   string
		status int
		want   string
	}{
		{"", 1, "want a positive size or number of connections"},
		{"--connections -1", 1, "want a positive size"},
		{"--kind tcp", 2, `unknown kind "tcp": want one of mixed, keepalive, short, bulk, open, synflood, outoforder`},
		{"--size 5T", 2, `"5T" is no size`},
		{"--size M", 2, `"M" is no size`},
		{"--size 99999999G", 2, `"99999999G" is no size`},
		{"--size 1k more", 2, `unexpected argument "more"`},
		{"--size 1k -o /no/such/folder/x", 1, "no such file or directory"},
		{"--help", 0, "-exchanges"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(strings.Fields(test.args), &stdout, &stderr)
		if status != test.status || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%q: status %d, want %d; stderr %s", test.args, status, test.status, &stderr)
		}
	}
}
