package filter

import (
	"golang.org/x/net/bpf"

	"wirelag/reassembly/capture"
)

// EtherTypes.
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherRARP = 0x8035
	etherIPv6 = 0x86dd

	// Below, the field is a length (IEEE 802.3 §3.2.6).
	minEtherType = 0x600
)

// tagTypes are the EtherTypes in front of a VLAN tag: IEEE 802.1Q, 802.1ad, and
// what came before that.
var tagTypes = []uint32{0x8100, 0x88a8, 0x9100}

// layout says where frames of a link type have what.
type layout struct {
	network   uint32 // offset of the network header
	etherType uint32 // offset of its EtherType, if is is byEtherType
	ethernet  bool   // frames have hardware addresses and may have tags
	is        func(c *compiler, etherType uint16) *cond
}

func layoutOf(t capture.LinkType) (layout, bool) {
	switch t {
	case capture.LinkTypeEthernet:
		return layout{network: 14, etherType: 12, ethernet: true, is: byEtherType}, true
	case capture.LinkTypeLinuxSLL:
		return layout{network: 16, etherType: 14, is: byEtherType}, true
	case capture.LinkTypeLinuxSLL2:
		return layout{network: 20, etherType: 0, is: byEtherType}, true
	case capture.LinkTypeRaw, capture.LinkTypeRawBSD, capture.LinkTypeRawOpenBSD:
		return layout{is: byVersion}, true
	case capture.LinkTypeIPv4:
		return layout{is: only(etherIPv4)}, true
	case capture.LinkTypeIPv6:
		return layout{is: only(etherIPv6)}, true
	case capture.LinkTypeNull, capture.LinkTypeLoop:
		return layout{network: 4, is: byFamily}, true
	}
	return layout{}, false
}

func byEtherType(c *compiler, etherType uint16) *cond {
	return equal(load(c.layout.etherType, 2), uint32(etherType))
}

func byVersion(_ *compiler, etherType uint16) *cond {
	version := map[uint16]uint32{etherIPv4: 0x40, etherIPv6: 0x60}[etherType]
	if version == 0 {
		return never
	}
	return equal(masked(load(0, 1), 0xf0), version)
}

func only(carried uint16) func(*compiler, uint16) *cond {
	return func(_ *compiler, etherType uint16) *cond {
		if etherType == carried {
			return always
		}
		return never
	}
}

// byFamily looks at an address family, which stands in the byte order of the host
// that captured, or in network byte order. AF_INET is 2 everywhere, AF_INET6
// differs: Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin.
func byFamily(_ *compiler, etherType uint16) *cond {
	families := map[uint16][]uint32{etherIPv4: {2}, etherIPv6: {24, 28, 30, 10, 23}}[etherType]
	any := never
	for _, family := range families {
		any = or(any, equal(load(0, 4), family<<24), equal(load(0, 4), family))
	}
	return any
}

// tagTakenOff is true for frames whose outermost VLAN tag the kernel took off.
var tagTakenOff = equal([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}}, 1)

// hardwareIs is true for frames of a kind of interface.
func hardwareIs(number uint16) *cond {
	return equal([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLinkLayerType}}, uint32(number))
}
