package packet

import "encoding/binary"

// serial walks PPP on a serial line, with or without HDLC-like framing
// (RFC 1662). Cisco's HDLC is met under the same link types.
func (d *Decoder) serial(v view, s *Segment) Kind {
	const (
		ciscoUnicast   = 0x0f
		ciscoMulticast = 0x8f
	)
	if len(v.data) < 2 {
		return d.short(v, linkHeader)
	}
	if address := v.data[0]; (address == ciscoUnicast || address == ciscoMulticast) && v.data[1] == 0 {
		return d.ciscoHDLC(v, s)
	}
	return d.ppp(v, s)
}

// ppp walks a PPP frame from its address or its protocol field on.
func (d *Decoder) ppp(v view, s *Segment) Kind {
	const unnumberedInf = 0x03
	// The address is 0xff; pppd's captures have the direction in its place.
	if len(v.data) >= 2 && v.data[1] == unnumberedInf && (v.data[0] == 0xff || v.data[0] <= 1) {
		v = v.from(2)
	}
	protocol, n := pppProtocol(v.data)
	if n == 0 {
		return d.short(v, linkHeader)
	}
	return d.pppPayload(protocol, v.from(n), s)
}

// pppProtocol reads a PPP protocol field, which may be compressed to one byte
// (RFC 1661 §6.5), and says how long it is, 0 if b ends in it. 0xff begins an
// address.
func pppProtocol(b []byte) (protocol uint16, n int) {
	switch {
	case len(b) >= 1 && b[0]&1 != 0 && b[0] != 0xff:
		return uint16(b[0]), 1
	case len(b) >= 2:
		return binary.BigEndian.Uint16(b), 2
	}
	return 0, 0
}

func (d *Decoder) pppPayload(protocol uint16, v view, s *Segment) Kind {
	switch protocol {
	case 0x0021:
		return d.ipv4(v, s)
	case 0x0057:
		return d.ipv6(v, s)
	case 0x0281, 0x0283:
		return d.mpls(v, s)
	case 0x002d, 0x002f, // TCP/IP header compression, RFC 1144
		0x003d,         // multilink fragment, RFC 1990
		0x0053, 0x0055, // encryption, RFC 1968
		0x00fb, 0x00fd: // compression, RFC 1962
		return d.blocked(pppCompressed)
	}
	return NotIP
}

// pppoe walks a PPPoE session header (RFC 2516 §4).
func (d *Decoder) pppoe(v view, s *Segment) Kind {
	const (
		headerBytes    = 6
		versionAndType = 0x11
		codeSession    = 0
	)
	b := v.data
	if len(b) < headerBytes {
		return d.short(v, linkHeader)
	}
	switch {
	case b[0] != versionAndType:
		return d.damaged(linkHeader)
	case b[1] != codeSession:
		return NotIP
	}
	payload := v.from(headerBytes).limit(int(binary.BigEndian.Uint16(b[4:])))
	// Middleboxes that inject ACKs were seen to count padding into the IP length.
	d.firm = true
	protocol, n := pppProtocol(payload.data)
	if n == 0 {
		return d.short(payload, linkHeader)
	}
	return d.pppPayload(protocol, payload.from(n), s)
}
