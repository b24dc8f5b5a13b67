package packet

import (
	"encoding/binary"

	"wirelag/reassembly/capture"
)

// link walks a frame from its link-layer header on
// (https://www.tcpdump.org/linktypes.html).
func (d *Decoder) link(t capture.LinkType, v view, s *Segment) Kind {
	if !d.deeper() {
		return d.blocked(tooManyLayers)
	}
	switch t {
	case capture.LinkTypeEthernet:
		return d.ethernet(v, s)
	case capture.LinkTypeLinuxSLL:
		return d.cooked(v, 14, 2, 16, s)
	case capture.LinkTypeLinuxSLL2:
		return d.cooked(v, 0, 8, 20, s)
	case capture.LinkTypeNull, capture.LinkTypeLoop:
		return d.loopback(v, s)
	case capture.LinkTypeRaw, capture.LinkTypeRawBSD, capture.LinkTypeRawOpenBSD,
		capture.LinkTypeIPv4, capture.LinkTypeIPv6:
		return d.ip(v, s)
	case capture.LinkTypePPP, capture.LinkTypePPPHDLC, capture.LinkTypePPPD:
		return d.serial(v, s)
	case capture.LinkTypePPPWithDirection:
		return d.behind(v, 1, capture.LinkTypePPP, s)
	case capture.LinkTypePPPoE:
		return d.pppoe(v, s)
	case capture.LinkTypeCiscoHDLC:
		return d.ciscoHDLC(v, s)
	case capture.LinkTypeEnc:
		return d.behind(v, 12, capture.LinkTypeRaw, s)
	case capture.LinkTypePFLog:
		return d.pflog(v, s)
	case capture.LinkTypeNFLog:
		return d.nflog(v, s)
	case capture.LinkTypePPI:
		return d.ppi(v, s)
	case capture.LinkTypePktap:
		return d.pktap(v, s)
	case capture.LinkTypeIEEE80211:
		return d.wireless(v, 0, s)
	case capture.LinkTypeIEEE80211Radio:
		return d.radiotap(v, s)
	case capture.LinkTypeIEEE80211Prism, capture.LinkTypeIEEE80211AVS:
		return d.monitor(v, s)
	}
	return d.unknownLink(t)
}

// behind goes on with link type t behind a header of n bytes.
func (d *Decoder) behind(v view, n int, t capture.LinkType, s *Segment) Kind {
	if len(v.data) < n {
		return d.short(v, linkHeader)
	}
	return d.link(t, v.from(n), s)
}

// arphrdNetlink marks messages of the kernel in a cooked capture: their
// protocol field is no EtherType.
const arphrdNetlink = 824

// cooked is Linux's replacement for the link-layer headers of all interfaces.
// The arguments are where its fields are: EtherType, ARPHRD_ type, end.
func (d *Decoder) cooked(v view, etherType, hardware, end int, s *Segment) Kind {
	if len(v.data) < end {
		return d.short(v, linkHeader)
	}
	const (
		rawNovell = 1
		llc       = 4
	)
	switch t := binary.BigEndian.Uint16(v.data[etherType:]); {
	case binary.BigEndian.Uint16(v.data[hardware:]) == arphrdNetlink, t == rawNovell:
		return NotIP
	case t == llc:
		return d.llc(v.from(end), s)
	default:
		return d.etherType(t, v.from(end), s)
	}
}

// loopback begins with an address family in the byte order of the host, or of
// the network (OpenBSD).
func (d *Decoder) loopback(v view, s *Segment) Kind {
	if len(v.data) < 4 {
		return d.short(v, linkHeader)
	}
	family := binary.LittleEndian.Uint32(v.data)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(v.data)
	}
	return d.etherType(familyEtherType(family), v.from(4), s)
}

// familyEtherType translates an address family. AF_INET is 2 everywhere,
// AF_INET6 differs: Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin.
func familyEtherType(family uint32) uint16 {
	switch family {
	case 2:
		return etherTypeIPv4
	case 10, 23, 24, 28, 30:
		return etherTypeIPv6
	}
	return 0
}

// ciscoHDLC is an address, a control byte and an EtherType.
func (d *Decoder) ciscoHDLC(v view, s *Segment) Kind {
	if len(v.data) < 4 {
		return d.short(v, linkHeader)
	}
	return d.etherType(binary.BigEndian.Uint16(v.data[2:]), v.from(4), s)
}

// pflog begins with its length, without the padding.
func (d *Decoder) pflog(v view, s *Segment) Kind {
	if len(v.data) < 1 {
		return d.short(v, linkHeader)
	}
	return d.behind(v, (int(v.data[0])+3)&^3, capture.LinkTypeRaw, s)
}

// ppi is a header of little-endian fields in front of another link type.
func (d *Decoder) ppi(v view, s *Segment) Kind {
	if len(v.data) < 8 {
		return d.short(v, linkHeader)
	}
	n := int(binary.LittleEndian.Uint16(v.data[2:]))
	t := binary.LittleEndian.Uint32(v.data[4:])
	if n < 8 || t > 0xffff {
		return d.damaged(linkHeader)
	}
	return d.behind(v, n, capture.LinkType(t), s)
}

// pktap is a header of little-endian fields in front of another link type.
func (d *Decoder) pktap(v view, s *Segment) Kind {
	if len(v.data) < 12 {
		return d.short(v, linkHeader)
	}
	const aPacket = 1
	n, record := binary.LittleEndian.Uint32(v.data), binary.LittleEndian.Uint32(v.data[4:])
	t := binary.LittleEndian.Uint32(v.data[8:])
	switch {
	case n < 12 || n > 0xffff || t > 0xffff:
		return d.damaged(linkHeader)
	case record != aPacket:
		return NotIP
	}
	return d.behind(v, int(n), capture.LinkType(t), s)
}

// nflog is a list of attributes, one of which is the IP packet.
func (d *Decoder) nflog(v view, s *Segment) Kind {
	const payload = 9
	if len(v.data) < 4 {
		return d.short(v, linkHeader)
	}
	for v = v.from(4); len(v.data) >= 4; {
		length, attribute := nflogAttribute(v)
		switch {
		case length < 4:
			return d.damaged(linkHeader)
		case attribute == payload:
			return d.ip(v.limit(length).from(4), s)
		case (length+3)&^3 > len(v.data):
			return d.short(v, linkHeader)
		}
		v = v.from((length + 3) &^ 3)
	}
	if v.length == 0 {
		return NotIP
	}
	return d.short(v, linkHeader)
}

// nflogAttribute reads the length (itself and the type included) and type of
// the attribute at v. They are in the byte order of the host that captured,
// which is the one in which the attribute fits.
func nflogAttribute(v view) (length int, attribute uint16) {
	length = int(binary.LittleEndian.Uint16(v.data))
	if length >= 4 && length <= v.length {
		return length, binary.LittleEndian.Uint16(v.data[2:])
	}
	return int(binary.BigEndian.Uint16(v.data)), binary.BigEndian.Uint16(v.data[2:])
}
