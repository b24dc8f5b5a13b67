package packet

import "encoding/binary"

// IP protocol numbers (https://www.iana.org/assignments/protocol-numbers).
const (
	protocolHopByHop     = 0
	protocolIPv4         = 4
	protocolTCP          = 6
	protocolUDP          = 17
	protocolIPv6         = 41
	protocolRouting      = 43
	protocolFragment     = 44
	protocolGRE          = 47
	protocolAH           = 51
	protocolDestination  = 60
	protocolMobility     = 135
	protocolMPLS         = 137
	protocolHostIdentity = 139
	protocolShim6        = 140
)

const (
	ipv4HeaderBytes = 20
	ipv6HeaderBytes = 40

	ipv4MoreFragments  = 1 << 13
	ipv4FragmentOffset = 1<<13 - 1
	ipv4FragmentBits   = ipv4MoreFragments | ipv4FragmentOffset
)

// maxDatagram bounds datagrams whose header does not tell their length, or
// tells it in a jumbo payload option (RFC 2675). Linux hands up to 8·64 KiB to
// the adapter at once.
const maxDatagram = 1 << 20

// versionEtherType is the EtherType for an IP header's first byte, 0 if it is none.
func versionEtherType(first byte) uint16 {
	switch first >> 4 {
	case 4:
		return etherTypeIPv4
	case 6:
		return etherTypeIPv6
	}
	return 0
}

// ip walks IPv4 or IPv6, as the first byte says.
func (d *Decoder) ip(v view, s *Segment) Kind {
	if len(v.data) < 1 {
		return d.short(v, linkHeader)
	}
	switch versionEtherType(v.data[0]) {
	case etherTypeIPv4:
		return d.ipv4(v, s)
	case etherTypeIPv6:
		return d.ipv6(v, s)
	}
	return d.damaged(linkHeader)
}

// ipv4 walks an IPv4 header (RFC 791 §3.1). Its checksum is not looked at: a
// wrong one is usually one that the adapter fills in later.
func (d *Decoder) ipv4(v view, s *Segment) Kind {
	if !d.deeper() {
		return d.blocked(tooManyLayers)
	}
	b := v.data
	if len(b) < ipv4HeaderBytes {
		return d.short(v, ipv4Header)
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // segmentation offload: more than 65,535 bytes, or not known yet
		total = v.length
	}
	if b[0]>>4 != 4 || header < ipv4HeaderBytes || total < header || total > maxDatagram {
		return d.damaged(ipv4Header)
	}
	v = d.datagram(v, total)
	if len(v.data) < header {
		return d.short(v, ipv4Header)
	}
	s.setIPv4(b)
	v = v.from(header)
	if binary.BigEndian.Uint16(b[6:])&ipv4FragmentBits != 0 {
		return d.ipv4Fragment(b, v, s)
	}
	return d.transport(b[9], v, s)
}

// setIPv4 takes what s keeps of an IPv4 header.
func (s *Segment) setIPv4(b []byte) {
	s.Src.addr, s.Dst.addr = mappedAddress(b[12:16]), mappedAddress(b[16:20])
	s.IPID = binary.BigEndian.Uint16(b[4:])
	s.TTL = b[8]
}

// ipv6 walks an IPv6 header and its extension headers (RFC 8200).
func (d *Decoder) ipv6(v view, s *Segment) Kind {
	if !d.deeper() {
		return d.blocked(tooManyLayers)
	}
	b := v.data
	if len(b) < ipv6HeaderBytes {
		return d.short(v, ipv6Header)
	}
	if b[0]>>4 != 6 {
		return d.damaged(ipv6Header)
	}
	s.setIPv6(b)
	length := int(binary.BigEndian.Uint16(b[4:]))
	v = v.from(ipv6HeaderBytes)
	if length == 0 {
		length = v.length
		if jumbo := jumboLength(b[6], v.data); jumbo > 0 {
			length = jumbo
		}
	}
	if length > maxDatagram {
		return d.damaged(ipv6Header)
	}
	return d.extensions(b[6], d.datagram(v, length), s)
}

// setIPv6 takes what s keeps of an IPv6 header.
func (s *Segment) setIPv6(b []byte) {
	s.Src.addr = addressOf(b[8:24])
	s.Dst.addr = addressOf(b[24:40])
	s.IPID = 0
	s.TTL = b[7]
}

// jumboLength finds the jumbo payload option (RFC 2675) in a hop-by-hop header
// at b, if that is next, and returns its value, else 0.
func jumboLength(next byte, b []byte) int {
	const (
		pad1  = 0
		jumbo = 0xc2
	)
	if next != protocolHopByHop || len(b) < 2 {
		return 0
	}
	options := b[2:min(len(b), (int(b[1])+1)*8)]
	for len(options) >= 2 {
		n := 2 + int(options[1])
		switch {
		case options[0] == pad1:
			n = 1
		case n > len(options):
			return 0
		case options[0] == jumbo && n == 6:
			return int(min(binary.BigEndian.Uint32(options[2:]), maxDatagram+1))
		}
		options = options[n:]
	}
	return 0
}

// extensions walks IPv6 extension headers, of which IPv4 has the authentication header, too.
func (d *Decoder) extensions(next byte, v view, s *Segment) Kind {
	for {
		unit, least := 8, 1
		switch next {
		case protocolAH: // RFC 4302 §2.2
			unit, least = 4, 2
		case protocolHopByHop, protocolDestination, protocolRouting,
			protocolMobility, protocolHostIdentity, protocolShim6:
		case protocolFragment:
			return d.ipv6Fragment(v, s)
		default:
			return d.transport(next, v, s)
		}
		if !d.deeper() {
			return d.blocked(tooManyLayers)
		}
		if len(v.data) < 8 {
			return d.short(v, extensionHeader)
		}
		n := (int(v.data[1]) + least) * unit
		if len(v.data) < n {
			return d.short(v, extensionHeader)
		}
		if next == protocolRouting {
			s.reroute(v.data[:n])
		}
		next, v = v.data[0], v.from(n)
	}
}

// reroute sets the destination to the final one of a routing header that has
// segments left: the connection, and its checksum, are with that (RFC 8200 §8.1).
func (s *Segment) reroute(b []byte) {
	const (
		source         = 0 // RFC 5095: deprecated
		mobile         = 2 // RFC 6275 §6.4
		segmentRouting = 4 // RFC 8754: the last address comes first
	)
	if b[3] == 0 || len(b) < 8+16 {
		return
	}
	switch b[2] {
	case source, mobile:
		s.Dst.addr = addressOf(b[(len(b)-8)/16*16-8:])
	case segmentRouting:
		s.Dst.addr = addressOf(b[8:])
	}
}

// transport walks what an IP datagram carries.
func (d *Decoder) transport(protocol byte, v view, s *Segment) Kind {
	switch protocol {
	case protocolTCP:
		return d.tcp(v, s)
	case protocolUDP:
		return d.udp(v, s)
	case protocolIPv4:
		return d.ipv4(v, s)
	case protocolIPv6:
		return d.ipv6(v, s)
	case protocolGRE:
		return d.gre(v, s)
	case protocolMPLS:
		return d.mpls(v, s)
	case protocolAH:
		return d.extensions(protocol, v, s)
	}
	return OtherIP
}
