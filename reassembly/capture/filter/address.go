package filter

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// addressed are the EtherTypes whose addresses a protocol in front of host or net
// means, by the version of IP.
var addressed = map[string][2][]uint16{
	"":     {{etherIPv4, etherARP, etherRARP}, {etherIPv6}},
	"ip":   {{etherIPv4}, nil},
	"arp":  {{etherARP}, nil},
	"rarp": {{etherRARP}, nil},
	"ip6":  {nil, {etherIPv6}},
}

// hostsOf checks that the qualifiers go with addresses of that version.
func hostsOf(q qualifiers, t token, version int) (*hosts, error) {
	byVersion, ok := addressed[q.protocol]
	if !ok {
		return nil, fail(t, "%s does not go with addresses: write %s and %s", q.protocol, q.protocol, strings.TrimSpace(q.kind+" "+t.text))
	}
	n := &hosts{protocols: byVersion[version], direction: q.direction}
	if n.protocols == nil {
		return nil, fail(t, "%s is not an address of %s", t, q.protocol)
	}
	return n, nil
}

// host reads an address behind host, src, dst, or a protocol.
func (p *parser) host(q qualifiers, t token) (node, error) {
	switch t.kind {
	case tokenMAC:
		if q.protocol != "ether" {
			return nil, fail(t, "%s is a hardware address: write ether in front, as in ether host %s", t, t.text)
		}
		return &hardwareAddress{t.column, q.direction, t.mac}, nil
	case tokenDotted, tokenIPv6:
		if q.protocol == "ether" {
			return nil, fail(t, "expected a hardware address behind ether, as in 00:11:22:33:44:55, found %s", t)
		}
		if next := p.peek(); next.is("/") {
			return nil, fail(next, "a prefix length goes with net: write net %s/…", t.text)
		}
		return p.address(q, t)
	case tokenNumber:
		return nil, fail(t, "%s is not an address: give all of it, or use port or net", t)
	}
	if why, ok := unsupported[t.text]; ok && t.kind == tokenWord {
		return nil, fail(t, "%s is not supported: %s", t, why)
	}
	if q.kind == "" && q.protocol != "" && q.direction == either {
		return nil, fail(t, "expected host, net, port or proto behind %s, found %s", q.protocol, t)
	}
	return nil, fail(t, "%s is a name, and names are not looked up: give an address", t)
}

// address reads one without a prefix length. Of an IPv4 address the last numbers
// may be missing.
func (p *parser) address(q qualifiers, t token) (node, error) {
	if t.kind == tokenIPv6 {
		return p.network6(q, t, 128)
	}
	address, bits, err := dotted(t)
	if err != nil {
		return nil, err
	}
	return network4(q, t, address, prefixMask(bits))
}

// net reads a network: address, address/bits, address mask address.
func (p *parser) net(q qualifiers, t token) (node, error) {
	if t.kind == tokenNumber {
		return shortNet(q, t)
	}
	if t.kind != tokenDotted && t.kind != tokenIPv6 {
		return nil, fail(t, "%s is not a network: give its address, as in net 10.0.0.0/8", t)
	}
	if _, ok := p.takeIf("/"); ok {
		return p.prefix(q, t)
	}
	if _, ok := p.takeIf("mask"); ok {
		return p.withMask(q, t)
	}
	return p.address(q, t)
}

// shortNet reads a network whose address is a single number.
func shortNet(q qualifiers, t token) (node, error) {
	address, mask := t.number, uint32(math.MaxUint32)
	for address != 0 && address&0xff000000 == 0 {
		address <<= 8
		mask <<= 8
	}
	return network4(q, t, address, mask)
}

func (p *parser) prefix(q qualifiers, t token) (node, error) {
	length := p.take()
	limit := uint32(32)
	if t.kind == tokenIPv6 {
		limit = 128
	}
	if length.kind != tokenNumber || length.number > limit {
		return nil, fail(length, "the prefix length of %s is a number from 0 to %d, not %s", t.text, limit, length)
	}
	if t.kind == tokenIPv6 {
		return p.network6(q, t, int(length.number))
	}
	address, _, err := dotted(t)
	if err != nil {
		return nil, err
	}
	return network4(q, t, address, prefixMask(int(length.number)))
}

func (p *parser) withMask(q qualifiers, t token) (node, error) {
	m := p.take()
	if t.kind != tokenDotted || m.kind != tokenDotted {
		return nil, fail(m, "mask stands between two IPv4 addresses: write a prefix length, as in 10.0.0.0/8")
	}
	address, _, err := dotted(t)
	if err != nil {
		return nil, err
	}
	mask, _, err := dotted(m)
	if err != nil {
		return nil, err
	}
	return network4(q, t, address, mask)
}

func network4(q qualifiers, t token, address, mask uint32) (node, error) {
	n, err := hostsOf(q, t, 0)
	if err != nil {
		return nil, err
	}
	if address&^mask != 0 {
		var network [4]byte
		binary.BigEndian.PutUint32(network[:], address&mask)
		return nil, fail(t, "%s has bits set behind its mask: write %s", t, netip.AddrFrom4(network))
	}
	n.address, n.mask = []uint32{address}, []uint32{mask}
	return n, nil
}

func (p *parser) network6(q qualifiers, t token, bits int) (node, error) {
	n, err := hostsOf(q, t, 1)
	if err != nil {
		return nil, err
	}
	if masked := netip.PrefixFrom(t.ipv6, bits).Masked().Addr(); masked != t.ipv6 {
		return nil, fail(t, "%s has bits set behind its mask: write %s", t, masked)
	}
	bytes := t.ipv6.As16()
	for i := range 4 {
		n.address = append(n.address, binary.BigEndian.Uint32(bytes[4*i:]))
		n.mask = append(n.mask, prefixMask(min(max(bits-32*i, 0), 32)))
	}
	return n, nil
}

func prefixMask(bits int) uint32 { return uint32(uint64(math.MaxUint32) << (32 - bits)) }

// dotted reads two to four numbers of an IPv4 address, and returns how many bits
// they fill.
func dotted(t token) (address uint32, bits int, err error) {
	parts := strings.Split(t.text, ".")
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return 0, 0, fail(t, "%s is not an IPv4 address: its numbers go up to 255", t)
		}
		address |= uint32(n) << (24 - 8*i)
	}
	return address, 8 * len(parts), nil
}
