package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// TestFilteredPairs leaves out of captures what is not between two hosts, as a filter
// does: what is said of their connections stays the same, but for what the other side
// of a proxy shows.
func TestFilteredPairs(t *testing.T) {
	compared := 0
	for _, s := range append(stories(t), caseStories(t)...) {
		hosts := pairsOfHosts(s.packets)
		if len(hosts) < 2 {
			continue
		}
		whole := saidOfPairs(t, s.packets)
		for pair := range hosts {
			compared++
			kept := slices.Clone(s.packets)
			for i := range kept {
				if of, isTCP := hostsOf(&kept[i]); isTCP && of != pair {
					kept[i].Data = nil // it still tells the time
				}
			}
			filtered := saidOfPairs(t, kept)
			if got, want := filtered[pair], whole[pair]; !slices.Equal(got, want) {
				t.Errorf("%s, only %v:\n%q\nwant\n%q", s.name, pair, got, want)
			}
		}
	}
	if compared < 40 {
		t.Errorf("%d filters", compared)
	}
}

// hostPair are the hosts of a connection, the lower address first.
type hostPair [2]netip.Addr

func pairOfHosts(a, b netip.Addr) hostPair {
	if b.Less(a) {
		a, b = b, a
	}
	return hostPair{a, b}
}

func hostsOf(p *capture.Packet) (pair hostPair, isTCP bool) {
	var d packet.Decoder
	var s packet.Segment
	if d.Decode(p, &s) != packet.TCP {
		return pair, false
	}
	return pairOfHosts(s.Src.Addr(), s.Dst.Addr()), true
}

func pairsOfHosts(packets []capture.Packet) map[hostPair]bool {
	pairs := map[hostPair]bool{}
	for i := range packets {
		if pair, isTCP := hostsOf(&packets[i]); isTCP {
			pairs[pair] = true
		}
	}
	return pairs
}

// saidOfPairs is what all rules but those about proxies say, by hosts.
func saidOfPairs(t *testing.T, packets []capture.Packet) map[hostPair][]string {
	t.Helper()
	said := map[hostPair][]string{}
	for _, f := range judge(t, sourceFrom(packets), All, nil) {
		if f.Rule.Group == Proxies {
			continue
		}
		c := f.Connection
		pair := pairOfHosts(c.Client().Addr(), c.Server().Addr())
		said[pair] = append(said[pair], fmt.Sprint(f.Rule.ID, " ", f.Severity, " ", c.Client(), " ", f.Count, " ", f.Cost, " ", f.Detail, " ", f.Evidence))
	}
	for _, findings := range said {
		slices.Sort(findings)
	}
	return said
}

// caseStories are the cases of the scripts.
func caseStories(t *testing.T) (all []story) {
	for _, c := range allCases(t) {
		all = append(all, story{c.file + ", " + c.name, c.script.Packets})
	}
	return all
}
