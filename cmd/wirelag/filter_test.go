package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/filter"
	"wirelag/reassembly/capture/live"
)

// With --filter there are the connections that it keeps, with the frame numbers
// and the times that they have in the file.
func TestFilter(t *testing.T) {
	type report struct {
		Capture struct {
			Packets uint64
			Start   string
			End     string
			Files   []struct{ Packets uint64 }
			Health  []struct {
				Kind  string
				Count uint64
			}
		}
		Connections []struct {
			Client     struct{ Port int }
			FirstFrame int `json:"first_frame"`
			Exchanges  []any
		}
	}
	read := func(arguments ...string) (r report) {
		got := wirelag(t, nil, append(arguments, "--format", "json", firstRun)...)
		if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || got.status != statusDone || got.stderr != "" {
			t.Fatalf("%v: status %d, %s: %v", arguments, got.status, got.stderr, err)
		}
		return r
	}
	all, kept := read(), read("--filter", "tcp port 33642 and not host 10.1.2.3")
	if c := kept.Connections; len(c) != 1 || c[0].Client.Port != 33642 || c[0].FirstFrame != all.Connections[1].FirstFrame || len(c[0].Exchanges) != 1 {
		t.Errorf("connections %+v", c)
	}
	c := kept.Capture
	if c.Packets != 10 || c.Files[0].Packets != all.Capture.Packets || c.Start != all.Capture.Start || c.End != all.Capture.End {
		t.Errorf("capture %+v, of %+v", c, all.Capture)
	}
	if len(c.Health) != 1 || c.Health[0].Kind != "filtered" || c.Health[0].Count+c.Packets != all.Capture.Packets {
		t.Errorf("health %+v", c.Health)
	}
	if none := read("--filter", "udp"); len(none.Connections) != 0 || none.Capture.Packets != 0 {
		t.Errorf("udp: %+v", none)
	}
}

// A filter that makes no sense is told before anything is read.
func TestFilterThatMakesNoSense(t *testing.T) {
	got := wirelag(t, nil, "analyze", "--filter", "tcp prot 80", "no-such.pcap")
	const want = `wirelag: --filter: column 5: expected host, net, port or proto behind tcp, found "prot" (see wirelag analyze --help)` + "\n"
	if got.status != statusUsage || got.stderr != want {
		t.Errorf("status %d, %s", got.status, got.stderr)
	}
}

// Instructions that only Linux knows are for Linux alone.
func TestFilterOfInterfaces(t *testing.T) {
	e, err := filter.Parse("vlan 5 and tcp")
	if err != nil {
		t.Fatal(err)
	}
	for system, want := range map[string]bool{"linux": true, "darwin": false, "freebsd": false, "windows": false} {
		program, err := compile(e, live.Interface{Index: 1, LinkType: capture.LinkTypeEthernet}, system)
		if err != nil {
			t.Fatal(err)
		}
		instructions, _ := bpf.Disassemble(program)
		extended := slices.ContainsFunc(instructions, func(in bpf.Instruction) bool {
			_, ok := in.(bpf.LoadExtension)
			return ok
		})
		if extended != want {
			t.Errorf("%s: %v", system, instructions)
		}
	}
	if _, err := compile(e, live.Interface{Index: 1, LinkType: capture.LinkTypeRaw}, "linux"); err == nil {
		t.Error("tags of raw IP are asked for without an error")
	}
}

// The times of a filtered capture count from the first frame of the file, as those
// of --since do.
func TestFilterKeepsTheTime(t *testing.T) {
	const row = "1.904 s     1  server  POST /late"
	for since, shown := range map[string]bool{"+1.8s": true, "+1.95s": false} {
		got := wirelag(t, nil, "--filter", "tcp port 33642", "--since", since, firstRun)
		if strings.Contains(got.stdout, row) != shown {
			t.Errorf("since %s: %s", since, got.stdout)
		}
	}
}
