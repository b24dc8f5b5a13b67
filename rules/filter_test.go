package rules

import (
	"context"
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

// TestFilterBlamesNobody keeps the connections between a client and a server, of
// each capture that has others: what is certain of one of them then is said of it
// in the whole capture, too. (Of what goes on behind a proxy, the rest tells.)
func TestFilterBlamesNobody(t *testing.T) {
	compared := 0
	for name, packets := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			blamed := blames(t, packets, All)
			for _, expression := range pairsOf(t, packets) {
				for about, f := range blames(t, readAll(t, filtered(t, packets, expression)), All) {
					if f.Confidence != Certain {
						continue
					}
					compared++
					if blamed[about] == nil && blames(t, packets, []*Rule{f.Rule})[about] == nil {
						t.Errorf("%s: %s", expression, show(f))
					}
				}
			}
		})
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// TestDisplayFilters looks at what the display filter of each finding shows: all
// that is among its evidence.
func TestDisplayFilters(t *testing.T) {
	for name, packets := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			for _, f := range judge(t, sourceOf(packets), All, nil) {
				if !shownBy(f, readAll(t, filtered(t, packets, tcpdump.Replace(f.Filter())))) {
					t.Errorf("%s hides evidence for\n%s", f.Filter(), show(f))
				}
			}
		})
	}
}

// A filter names each of a few connections, and the pair of many.
func TestDisplayFilterOfSeveralConnections(t *testing.T) {
	several := &Rule{ID: "several", Title: "several connections", Listen: func(p *Pass) analyze.Listener {
		var all []*analyze.Exchange
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) { all = append(all, x.Keep()) },
			Finish: func() {
				for _, x := range all {
					p.Report(Instance{Connection: all[0].Connection, Also: x})
				}
			},
		}
	}}
	const pair = "ip.addr == 10.0.0.1 && ip.addr == 10.0.0.2 && tcp.port == 80"
	of := func(port int) string { return fmt.Sprintf("%s && tcp.port == %d", pair, port) }
	for n, want := range map[int]string{
		1: of(40000),
		2: "(" + of(40000) + ") || (" + of(40001) + ")",
		3: "(" + of(40000) + ") || (" + of(40001) + ") || (" + of(40002) + ")",
		9: pair,
	} {
		s, err := script.Parse(script.OneByOne(n))
		if err != nil {
			t.Fatal(err)
		}
		found := judge(t, s.Source(), []*Rule{several}, nil)
		if len(found) != 1 || found[0].Filter() != want || len(found[0].Connections) != n {
			t.Errorf("%d connections: %s, want %s", n, found[0].Filter(), want)
		}
	}
}

// tcpdump says what a display filter does in tcpdump's language.
var tcpdump = strings.NewReplacer("ip.addr ==", "host", "ipv6.addr ==", "host", "tcp.port ==", "tcp port", "udp.port ==", "udp port", "&&", "and", "||", "or")

// pairsOf are expressions, each of which keeps the connections of a client to a
// server; none for a capture of one such pair.
func pairsOf(t *testing.T, packets []capture.Packet) (expressions []string) {
	t.Helper()
	listener := analyze.Listener{Closed: func(c *analyze.Connection) {
		client, server := c.Client(), c.Server()
		expressions = append(expressions, fmt.Sprintf("host %s and host %s and tcp port %d", client.Addr(), server.Addr(), server.Port()))
	}}
	if _, err := analyze.Run(context.Background(), sourceOf(packets), listener, analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(expressions)
	if expressions = slices.Compact(expressions); len(expressions) == 1 {
		return nil
	}
	return expressions
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
