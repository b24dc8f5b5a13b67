package rules

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/filter"
	"wirelag/reassembly/capture/script"
)

// TestFilter keeps the packets between two addresses and ports, so all of some
// connections: what those packets alone show stays the same, with its frames. An
// idle connection is one only beside others that were used.
func TestFilter(t *testing.T) {
	compared := 0
	for name, packets := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			for _, f := range judge(t, sourceOf(packets), All, nil) {
				expression := keeping(f.Connection)
				if f.Rule.Per != PerConnection || f.Rule == idleConnection || f.ConnectionsTotal != 1 || !shownBy(f, readAll(t, filtered(t, packets, expression))) {
					continue
				}
				compared++
				var found []string
				for _, f := range judge(t, filtered(t, packets, expression), All, nil) {
					found = append(found, anonymous(f))
				}
				if !slices.Contains(found, anonymous(f)) {
					t.Errorf("%s:\n%s\nis not among\n%s", expression, anonymous(f), strings.Join(found, "\n"))
				}
			}
		})
	}
	if compared < 200 {
		t.Errorf("only %d findings were compared", compared)
	}
}

// recordings are the packets of all captures and scripts.
func recordings(t *testing.T) map[string][]capture.Packet {
	t.Helper()
	captures, err := filepath.Glob("testdata/*.pcap*")
	if err != nil || len(captures) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	all := map[string][]capture.Packet{}
	for _, file := range captures {
		src, err := capture.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = readAll(t, src)
	}
	for _, rule := range All {
		for _, c := range readCases(t, filepath.Join("testdata", rule.ID+".txt")) {
			all[rule.ID+", "+c.name] = c.script.Packets
		}
	}
	return all
}

func sourceOf(packets []capture.Packet) capture.Source {
	s := script.Script{Packets: packets, Interface: packets[0].Interface}
	return s.Source()
}

func filtered(t *testing.T, packets []capture.Packet, expression string) capture.Source {
	t.Helper()
	e, err := filter.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	return filter.Apply(sourceOf(packets), e)
}

func keeping(c *analyze.Connection) string {
	client, server := c.Client(), c.Server()
	return fmt.Sprintf("host %s and host %s and tcp port %d and tcp port %d", client.Addr(), server.Addr(), client.Port(), server.Port())
}

// shownBy reports whether packets has all evidence for f.
func shownBy(f *Finding, packets []capture.Packet) bool {
	for _, e := range f.Evidence {
		if !slices.ContainsFunc(packets, func(p capture.Packet) bool { return p.Frame == e.Mark.Frame }) {
			return false
		}
	}
	return true
}

var connectionNumber = regexp.MustCompile(` on \[[0-9]+\]`)

// anonymous shows f without the number of its connection.
func anonymous(f *Finding) string { return connectionNumber.ReplaceAllString(show(f), "") }
