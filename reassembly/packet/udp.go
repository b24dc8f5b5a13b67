package packet

import "encoding/binary"

const udpHeaderBytes = 8

// udp walks a UDP header (RFC 768) and, behind it, the tunnels known by their port.
func (d *Decoder) udp(v view, s *Segment) Kind {
	b := v.data
	if len(b) < udpHeaderBytes {
		return d.short(v, udpHeader)
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length == 0 { // a jumbogram, RFC 2675 §4, or segmentation offload
		length = v.length
	}
	if length < udpHeaderBytes {
		return d.damaged(udpHeader)
	}
	v = v.limit(length).from(udpHeaderBytes)
	to := binary.BigEndian.Uint16(b[2:])
	if kind := d.udpTunnel(to, v, s); kind != notTunnel {
		return kind
	}
	*s = Segment{
		Mark:      s.Mark,
		Src:       Endpoint{s.Src.addr, binary.BigEndian.Uint16(b)},
		Dst:       Endpoint{s.Dst.addr, to},
		IPID:      s.IPID,
		TTL:       s.TTL,
		Cut:       v.cut(),
		Length:    uint32(v.length),
		Payload:   v.data,
		Interface: s.Interface,
	}
	return UDP
}

// notTunnel says that a datagram does not begin like the tunnel that has its
// port: any client may use that port, too.
const notTunnel Kind = 0

const (
	portGTP      = 2152
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portGeneve   = 6081
	portOldVXLAN = 8472 // Linux's default until it is told otherwise
)

func (d *Decoder) udpTunnel(port uint16, v view, s *Segment) Kind {
	switch port {
	case portVXLAN, portOldVXLAN:
		return d.vxlan(v, s)
	case portVXLANGPE:
		return d.vxlanGPE(v, s)
	case portGeneve:
		return d.geneve(v, s)
	case portGTP:
		return d.gtp(v, s)
	}
	return notTunnel
}

// vxlan walks a VXLAN header (RFC 7348 §5). The group policy extension is let pass.
func (d *Decoder) vxlan(v view, s *Segment) Kind {
	const (
		headerBytes  = 8
		validNetwork = 0x08
		groupPolicy  = 0x80
	)
	b := v.data
	if len(b) < headerBytes || b[0]&^groupPolicy != validNetwork || b[7] != 0 {
		return notTunnel
	}
	if b[0]&groupPolicy == 0 && (b[1] != 0 || b[2] != 0 || b[3] != 0) {
		return notTunnel
	}
	return d.ethernet(v.from(headerBytes), s)
}

// vxlanGPE walks the header of VXLAN's generic protocol extension
// (draft-ietf-nvo3-vxlan-gpe §3).
func (d *Decoder) vxlanGPE(v view, s *Segment) Kind {
	const (
		headerBytes   = 8
		versionAndOAM = 0x31
		reserved      = 0xc0
		validNetwork  = 0x08
		nextProtocol  = 0x04
		nextIPv4      = 1
		nextIPv6      = 2
		nextEthernet  = 3
	)
	b := v.data
	if len(b) < headerBytes || b[0]&(versionAndOAM|reserved|validNetwork) != validNetwork || b[7] != 0 {
		return notTunnel
	}
	next := byte(nextEthernet)
	if b[0]&nextProtocol != 0 {
		next = b[3]
	}
	switch v = v.from(headerBytes); next {
	case nextIPv4:
		return d.ipv4(v, s)
	case nextIPv6:
		return d.ipv6(v, s)
	case nextEthernet:
		return d.ethernet(v, s)
	}
	return notTunnel
}

// geneve walks a Geneve header (RFC 8926 §3.4).
func (d *Decoder) geneve(v view, s *Segment) Kind {
	const (
		version      = 0xc0
		optionLength = 0x3f
		reserved     = 0x3f
	)
	b := v.data
	if len(b) < 8 || b[0]&version != 0 || b[1]&reserved != 0 || b[7] != 0 {
		return notTunnel
	}
	t := binary.BigEndian.Uint16(b[2:])
	if t != etherTypeBridged && t != etherTypeIPv4 && t != etherTypeIPv6 {
		return notTunnel
	}
	n := 8 + int(b[0]&optionLength)*4
	if len(b) < n {
		return d.short(v, tunnelHeader)
	}
	return d.etherType(t, v.from(n), s)
}

// gtp walks the header of a GTP-U user packet (3GPP TS 29.281 §5).
func (d *Decoder) gtp(v view, s *Segment) Kind {
	const (
		versionAndType = 0xf0 // with the reserved bit
		gtpUser        = 0x30 // version 1, GTP
		anyOptional    = 0x07
		hasExtension   = 0x04
		userPacket     = 255
	)
	b := v.data
	if len(b) < 8 || b[0]&versionAndType != gtpUser || b[1] != userPacket {
		return notTunnel
	}
	if int(binary.BigEndian.Uint16(b[2:])) != v.length-8 {
		return notTunnel
	}
	v = v.from(8)
	if b[0]&anyOptional == 0 {
		return d.ip(v, s)
	}
	if len(v.data) < 4 {
		return d.short(v, tunnelHeader)
	}
	extended := b[0]&hasExtension != 0 && v.data[3] != 0
	for v = v.from(4); extended; {
		if !d.deeper() {
			return d.blocked(tooManyLayers)
		}
		if len(v.data) < 4 {
			return d.short(v, tunnelHeader)
		}
		n := int(v.data[0]) * 4
		if n == 0 {
			return d.damaged(tunnelHeader)
		}
		if len(v.data) < n {
			return d.short(v, tunnelHeader)
		}
		extended = v.data[n-1] != 0
		v = v.from(n)
	}
	return d.ip(v, s)
}
