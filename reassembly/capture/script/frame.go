package script

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"wirelag/reassembly/capture"
)

// TCP control bits (RFC 9293 §3.1).
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
	urg
	ece
	cwr
)

const (
	protocolTCP = 6
	protocolUDP = 17

	maxOptions  = 40    // bytes of TCP options (RFC 9293 §3.1)
	maxDatagram = 65535 // the IPv4 total length; the IPv6 payload length is held to the same
)

// checksum says how a transport checksum is written.
type checksum uint8

const (
	goodChecksum checksum = iota
	badChecksum
	partialChecksum // the pseudo header's sum alone, as checksum offload leaves it
)

// segment is everything that a frame is made of.
type segment struct {
	src, dst netip.AddrPort
	toServer bool // decides the link-layer addresses
	vlans    []uint16
	udp      bool
	ipid     uint16
	ttl      uint8

	seq, ack uint32
	flags    uint8
	window   uint16
	checksum checksum
	payload  string

	mss           uint16 // 0: no option
	wscale        int    // noWindowScale: no option
	sackPermitted bool
	timestamps    bool
	tsval, tsecr  uint32
	sack          [][2]uint32
	fastOpen      bool
	cookie        []byte
}

const noWindowScale = -1

// end is the sequence number after the segment.
func (s *segment) end() uint32 {
	end := s.seq + uint32(len(s.payload))
	if s.flags&syn != 0 {
		end++
	}
	if s.flags&fin != 0 {
		end++
	}
	return end
}

// frame builds the whole frame.
func (s *segment) frame(link capture.LinkType) ([]byte, error) {
	transport, err := s.transport()
	if err != nil {
		return nil, err
	}
	b, err := s.appendLink(nil, link)
	if err != nil {
		return nil, err
	}
	b, err = s.appendIP(b, len(transport))
	if err != nil {
		return nil, err
	}
	return append(b, transport...), nil
}

func (s *segment) ipv6() bool { return s.src.Addr().Is6() }

func (s *segment) protocol() uint8 {
	if s.udp {
		return protocolUDP
	}
	return protocolTCP
}

// appendLink appends the link-layer header.
func (s *segment) appendLink(b []byte, link capture.LinkType) ([]byte, error) {
	if len(s.vlans) > 0 && link != capture.LinkTypeEthernet {
		return nil, fmt.Errorf("vlan needs link ethernet")
	}
	ethertype, family := uint16(0x0800), uint32(2)
	if s.ipv6() {
		ethertype, family = 0x86dd, 30
	}
	client, server := []byte{2, 0, 0, 0, 0, 1}, []byte{2, 0, 0, 0, 0, 2}
	from, to := server, client
	if s.toServer {
		from, to = client, server
	}
	switch link {
	case capture.LinkTypeEthernet:
		b = append(append(b, to...), from...)
		for i, id := range s.vlans {
			tag := uint16(0x8100)
			if i < len(s.vlans)-1 {
				tag = 0x88a8
			}
			b = binary.BigEndian.AppendUint16(b, tag)
			b = binary.BigEndian.AppendUint16(b, id)
		}
		b = binary.BigEndian.AppendUint16(b, ethertype)
	case capture.LinkTypeNull:
		b = binary.LittleEndian.AppendUint32(b, family)
	case capture.LinkTypeLoop:
		b = binary.BigEndian.AppendUint32(b, family)
	case capture.LinkTypeLinuxSLL:
		b = append(b, 0, 0, 0, 1, 0, 6)
		b = append(append(b, from...), 0, 0)
		b = binary.BigEndian.AppendUint16(b, ethertype)
	case capture.LinkTypeLinuxSLL2:
		b = binary.BigEndian.AppendUint16(b, ethertype)
		b = append(b, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6)
		b = append(append(b, from...), 0, 0)
	}
	return b, nil
}

// appendIP appends the IP header of a datagram that carries size bytes.
func (s *segment) appendIP(b []byte, size int) ([]byte, error) {
	src, dst := s.src.Addr().AsSlice(), s.dst.Addr().AsSlice()
	if s.ipv6() {
		if size > maxDatagram {
			return nil, tooLong(size)
		}
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(size))
		b = append(b, s.protocol(), s.ttl)
		return append(append(b, src...), dst...), nil
	}
	if size+20 > maxDatagram {
		return nil, tooLong(size)
	}
	start := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(20+size))
	b = binary.BigEndian.AppendUint16(b, s.ipid)
	b = append(b, 0x40, 0, s.ttl, s.protocol(), 0, 0) // don't fragment
	b = append(append(b, src...), dst...)
	binary.BigEndian.PutUint16(b[start+10:], ^fold(sum(0, b[start:])))
	return b, nil
}

func tooLong(size int) error {
	return fmt.Errorf("%d bytes do not fit into an IP datagram (split cuts a payload into segments)", size)
}

// transport builds the TCP segment or UDP datagram with its checksum.
func (s *segment) transport() ([]byte, error) {
	b := binary.BigEndian.AppendUint16(nil, s.src.Port())
	b = binary.BigEndian.AppendUint16(b, s.dst.Port())
	at := 16
	if s.udp {
		at = 6
		b = binary.BigEndian.AppendUint16(b, uint16(8+len(s.payload)))
		b = append(b, 0, 0)
	} else {
		options := s.options()
		if len(options) > maxOptions {
			return nil, fmt.Errorf("%d bytes of TCP options, no more than %d fit", len(options), maxOptions)
		}
		b = binary.BigEndian.AppendUint32(b, s.seq)
		b = binary.BigEndian.AppendUint32(b, s.ack)
		b = append(b, byte(20+len(options))/4<<4, s.flags)
		b = binary.BigEndian.AppendUint16(b, s.window)
		b = append(b, 0, 0, 0, 0)
		b = append(b, options...)
	}
	b = append(b, s.payload...)
	binary.BigEndian.PutUint16(b[at:], s.transportChecksum(b))
	return b, nil
}

// transportChecksum is the checksum to write (RFC 9293 §3.1, RFC 768) over b,
// whose checksum field is zero.
func (s *segment) transportChecksum(b []byte) uint16 {
	pseudo := sum(0, s.src.Addr().AsSlice())
	pseudo = sum(pseudo, s.dst.Addr().AsSlice())
	pseudo += uint64(len(b)) + uint64(s.protocol())
	if s.checksum == partialChecksum {
		return fold(pseudo)
	}
	check := ^fold(sum(pseudo, b))
	if s.checksum == badChecksum {
		check ^= 0x5555
	}
	if s.udp && check == 0 {
		return 0xffff
	}
	return check
}

// options encodes the TCP options, padded to a multiple of four bytes.
func (s *segment) options() []byte {
	var b []byte
	if s.mss > 0 {
		b = binary.BigEndian.AppendUint16(append(b, 2, 4), s.mss)
	}
	if s.wscale != noWindowScale {
		b = append(b, 1, 3, 3, byte(s.wscale))
	}
	if s.sackPermitted {
		b = append(b, 1, 1, 4, 2)
	}
	if s.timestamps {
		b = binary.BigEndian.AppendUint32(append(b, 1, 1, 8, 10), s.tsval)
		b = binary.BigEndian.AppendUint32(b, s.tsecr)
	}
	if len(s.sack) > 0 {
		b = append(b, 1, 1, 5, byte(2+8*len(s.sack)))
		for _, edges := range s.sack {
			b = binary.BigEndian.AppendUint32(b, edges[0])
			b = binary.BigEndian.AppendUint32(b, edges[1])
		}
	}
	if s.fastOpen {
		b = append(append(b, 34, byte(2+len(s.cookie))), s.cookie...)
	}
	for len(b)%4 != 0 {
		b = append(b, 1)
	}
	return b
}

// sum adds b to an Internet checksum (RFC 1071) in the making; all parts but
// the last have an even length.
func sum(total uint64, b []byte) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		total += uint64(b[0])<<8 | uint64(b[1])
	}
	if len(b) == 1 {
		total += uint64(b[0]) << 8
	}
	return total
}

func fold(total uint64) uint16 {
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}
