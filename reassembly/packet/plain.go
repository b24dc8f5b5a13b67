package packet

import (
	"encoding/binary"

	"wirelag/reassembly/capture"
)

// notPlain says that a frame needs the whole walk.
const notPlain Kind = 0

// plain decodes the frames that nearly all captures consist of: TCP in IPv4
// without options or IPv6 without extension headers, whole datagrams, on
// the usual link types with at most one VLAN tag. It is the walk's straight
// version, without what it need not check; anything else is notPlain.
func (d *Decoder) plain(p *capture.Packet, s *Segment) Kind {
	offset, etherType := plainLink(p.Interface.LinkType, p.Data)
	switch etherType {
	case etherTypeIPv4:
		return d.plainIPv4(p.Data[offset:], s)
	case etherTypeIPv6:
		return d.plainIPv6(p.Data[offset:], s)
	}
	return notPlain
}

// plainLink says where the network header begins and what it is, 0 if that
// takes a closer look. The offset lies within b.
func plainLink(t capture.LinkType, b []byte) (offset int, etherType uint16) {
	if len(b) < 20 {
		return 0, 0
	}
	switch t {
	case capture.LinkTypeEthernet:
		etherType = binary.BigEndian.Uint16(b[12:])
		if etherType == etherTypeVLAN {
			return 18, binary.BigEndian.Uint16(b[16:])
		}
		return 14, etherType
	case capture.LinkTypeLinuxSLL:
		if binary.BigEndian.Uint16(b[2:]) != arphrdNetlink {
			return 16, binary.BigEndian.Uint16(b[14:])
		}
	case capture.LinkTypeLinuxSLL2:
		if binary.BigEndian.Uint16(b[8:]) != arphrdNetlink {
			return 20, binary.BigEndian.Uint16(b)
		}
	case capture.LinkTypeNull:
		return 4, familyEtherType(binary.LittleEndian.Uint32(b))
	case capture.LinkTypeRaw, capture.LinkTypeIPv4, capture.LinkTypeIPv6:
		return 0, versionEtherType(b[0])
	}
	return 0, 0
}

func (d *Decoder) plainIPv4(b []byte, s *Segment) Kind {
	const ordinary = 4<<4 | ipv4HeaderBytes/4
	if len(b) < ipv4HeaderBytes || b[0] != ordinary || b[9] != protocolTCP ||
		binary.BigEndian.Uint16(b[6:])&ipv4FragmentBits != 0 {
		return notPlain
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total < ipv4HeaderBytes {
		return notPlain
	}
	s.setIPv4(b)
	return d.tcp(view{b[ipv4HeaderBytes:min(total, len(b))], total - ipv4HeaderBytes}, s)
}

func (d *Decoder) plainIPv6(b []byte, s *Segment) Kind {
	if len(b) < ipv6HeaderBytes || b[0]>>4 != 6 || b[6] != protocolTCP {
		return notPlain
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length == 0 {
		return notPlain
	}
	s.setIPv6(b)
	b = b[ipv6HeaderBytes:]
	return d.tcp(view{b[:min(length, len(b))], length}, s)
}
