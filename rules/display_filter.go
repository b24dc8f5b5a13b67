package rules

import (
	"net/netip"
	"slices"
	"strconv"

	"wirelag/analyze"
)

// Filter is a Wireshark display filter for what the finding is about: its
// connections, or their pair, and the lookup of the server's name.
func (f *Finding) Filter() string {
	first := connectionPair(f.Connection)
	if f.ofPair || f.Rule.Per == PerPair && f.ConnectionsTotal > 1 {
		first = pairOf(f.Connection)
	}
	shown := fewPairs(append([]pair{first}, f.others...))
	var room [256]byte
	b := room[:0]
	if len(shown) == 1 && !f.lookup.IsValid() {
		return string(shown[0].appendFilter(b))
	}
	for i, p := range shown {
		if i > 0 {
			b = append(b, " || "...)
		}
		b = append(p.appendFilter(append(b, '(')), ')')
	}
	if f.lookup.IsValid() {
		b = appendAddressFilter(append(b, " || ("...), f.lookup)
		b = append(b, " && (udp.port == 53 || tcp.port == 53))"...)
	}
	return string(b)
}

// mostShown is how many connections a filter names one by one.
const mostShown = 6

// fewPairs puts the connections of the same pairs together where there are many.
func fewPairs(shown []pair) []pair {
	if len(shown) <= mostShown {
		return shown
	}
	var few []pair
	for _, p := range shown {
		p.client = p.client.Host()
		if !slices.Contains(few, p) {
			few = append(few, p)
		}
	}
	return few
}

// connectionPair is the pair of c with the client's port: no other connection is
// between the same ends, but for one before or after it.
func connectionPair(c *analyze.Connection) pair {
	client, server := c.Endpoints()
	return pair{client, server}
}

func (p pair) appendFilter(b []byte) []byte {
	b = appendAddressFilter(b, p.client.Addr())
	b = appendAddressFilter(append(b, " && "...), p.server.Addr())
	b = appendPortFilter(b, p.server.Port())
	if p.client.Port() != 0 {
		b = appendPortFilter(b, p.client.Port())
	}
	return b
}

func appendAddressFilter(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		return a.AppendTo(append(b, "ip.addr == "...))
	}
	return a.AppendTo(append(b, "ipv6.addr == "...))
}

func appendPortFilter(b []byte, port uint16) []byte {
	return strconv.AppendUint(append(b, " && tcp.port == "...), uint64(port), 10)
}
