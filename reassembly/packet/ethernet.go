package packet

import "encoding/binary"

// EtherTypes (https://www.iana.org/assignments/ieee-802-numbers).
const (
	etherTypeIPv4           = 0x0800
	etherTypeBridged        = 0x6558 // transparent Ethernet bridging: a whole frame
	etherTypeVLAN           = 0x8100 // IEEE 802.1Q
	etherTypeIPv6           = 0x86dd
	etherTypePPP            = 0x880b
	etherTypeMPLS           = 0x8847
	etherTypeMPLSMulticast  = 0x8848
	etherTypePPPoEDiscovery = 0x8863
	etherTypePPPoE          = 0x8864
	etherTypeServiceVLAN    = 0x88a8 // IEEE 802.1ad
	etherTypeARP            = 0x0806
	etherTypeMACsec         = 0x88e5
	etherTypeOldQinQ        = 0x9100 // before 802.1ad, like the next
	etherTypeOlderQinQ      = 0x9200

	minEtherType = 0x0600 // smaller values are the length of an LLC frame
)

const ethernetHeaderBytes = 14

func (d *Decoder) ethernet(v view, s *Segment) Kind {
	if len(v.data) < ethernetHeaderBytes {
		return d.short(v, linkHeader)
	}
	return d.etherType(binary.BigEndian.Uint16(v.data[12:]), v.from(ethernetHeaderBytes), s)
}

// etherType walks what follows an EtherType.
func (d *Decoder) etherType(t uint16, v view, s *Segment) Kind {
	for ; d.deeper(); t, v = binary.BigEndian.Uint16(v.data[2:]), v.from(4) {
		switch t {
		case etherTypeIPv4:
			return d.ipv4(v, s)
		case etherTypeIPv6:
			return d.ipv6(v, s)
		case etherTypeVLAN, etherTypeServiceVLAN, etherTypeOldQinQ, etherTypeOlderQinQ:
			if len(v.data) < 4 {
				return d.short(v, linkHeader)
			}
			continue
		case etherTypePPPoE:
			return d.pppoe(v, s)
		case etherTypePPP:
			return d.ppp(v, s)
		case etherTypeMPLS, etherTypeMPLSMulticast:
			return d.mpls(v, s)
		case etherTypeBridged:
			return d.ethernet(v, s)
		case etherTypeMACsec:
			return d.blocked(macsec)
		}
		if t < minEtherType {
			return d.llc(v.limit(int(t)), s)
		}
		return NotIP
	}
	return d.blocked(tooManyLayers)
}

// llc walks an IEEE 802.2 header: IPv4 has a number there, all else comes
// behind a SNAP header (RFC 1042).
func (d *Decoder) llc(v view, s *Segment) Kind {
	const (
		sapIPv4       = 0x06
		sapSNAP       = 0xaa
		unnumberedInf = 0x03
	)
	if v.length < 3 {
		return NotIP
	}
	b := v.data
	if len(b) < 3 {
		return d.short(v, linkHeader)
	}
	switch {
	case b[2] != unnumberedInf || b[0] != b[1]:
		return NotIP
	case b[0] == sapIPv4:
		return d.ipv4(v.from(3), s)
	case b[0] != sapSNAP:
		return NotIP
	case len(b) < 8:
		return d.short(v, linkHeader)
	}
	const bridgeTunnel = 0x0000f8 // IEEE 802.1H
	organization := uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5])
	t := binary.BigEndian.Uint16(b[6:])
	if organization != 0 && organization != bridgeTunnel || t < minEtherType {
		return NotIP
	}
	return d.etherType(t, v.from(8), s)
}

// mpls walks a label stack (RFC 3032). What is below it does not say its type:
// IP begins with its version, a pseudowire's control word with 0 (RFC 4385).
func (d *Decoder) mpls(v view, s *Segment) Kind {
	for bottom := false; !bottom; v = v.from(4) {
		if !d.deeper() {
			return d.blocked(tooManyLayers)
		}
		if len(v.data) < 4 {
			return d.short(v, linkHeader)
		}
		bottom = v.data[2]&1 != 0
	}
	if len(v.data) < 1 {
		return d.short(v, linkHeader)
	}
	switch {
	case versionEtherType(v.data[0]) != 0:
		return d.ip(v, s)
	case v.data[0]>>4 == 0 && len(v.data) >= 4 && plausibleEthernet(v.from(4)):
		return d.ethernet(v.from(4), s)
	case plausibleEthernet(v):
		return d.ethernet(v, s)
	case v.cut() && len(v.data) < 4+ethernetHeaderBytes:
		return d.short(v, linkHeader)
	}
	return d.blocked(unknownLabelled)
}

// plausibleEthernet reports whether v begins like an Ethernet frame of a type
// that is met in tunnels.
func plausibleEthernet(v view) bool {
	if len(v.data) < ethernetHeaderBytes {
		return false
	}
	t := binary.BigEndian.Uint16(v.data[12:])
	switch t {
	case etherTypeIPv4, etherTypeIPv6, etherTypeARP, etherTypeVLAN, etherTypeServiceVLAN,
		etherTypeMPLS, etherTypePPPoE, etherTypePPPoEDiscovery:
		return true
	}
	return t > 0 && t < minEtherType && int(t) <= v.length-ethernetHeaderBytes
}
