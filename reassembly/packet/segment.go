// Package packet finds the TCP segment (or UDP datagram) in a captured frame:
// it walks link-layer headers, tags, tunnels, IPv4 and IPv6 with their
// extension headers, and reassembles IP fragments. It keeps nothing but the
// fragments that wait for their rest, in bounded memory, and counters of what
// it could not decode.
package packet

import (
	"cmp"
	"encoding/binary"
	"net/netip"

	"wirelag/reassembly/capture"
)

// Endpoint is an IP address and a port, without pointers and comparable. IPv4
// addresses are held in their IPv4-mapped form.
type Endpoint struct {
	addr address
	port uint16
}

// address is an IPv6 address as two numbers: it is copied and compared for each packet.
type address struct{ high, low uint64 }

// addressOf reads an IPv6 address.
func addressOf(b []byte) address {
	return address{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// mappedAddress reads an IPv4 address (RFC 4291 §2.5.5.2).
func mappedAddress(b []byte) address {
	return address{low: 0xffff<<32 | uint64(binary.BigEndian.Uint32(b))}
}

// NewEndpoint returns the endpoint of a.
func NewEndpoint(a netip.AddrPort) Endpoint {
	b := a.Addr().As16()
	return Endpoint{addressOf(b[:]), a.Port()}
}

// Addr is the address, as IPv4 if it is one.
func (e Endpoint) Addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], e.addr.high)
	binary.BigEndian.PutUint64(b[8:], e.addr.low)
	return netip.AddrFrom16(b).Unmap()
}

// Host is the endpoint without its port.
func (e Endpoint) Host() Endpoint { return Endpoint{addr: e.addr} }

// AddrWords is the address as two numbers, of which the first counts more in Compare.
func (e *Endpoint) AddrWords() (high, low uint64) {
	return e.addr.high, e.addr.low
}

// Port is the port number.
func (e Endpoint) Port() uint16 { return e.port }

// AddrPort is the endpoint as the standard library has it.
func (e Endpoint) AddrPort() netip.AddrPort { return netip.AddrPortFrom(e.Addr(), e.port) }

// Flags are the control bits of a TCP segment (RFC 9293 §3.1).
type Flags uint8

// The control bits.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Has reports whether all bits of g are set in f.
func (f Flags) Has(g Flags) bool { return f&g == g }

// Checksum is what the TCP checksum says of a segment.
type Checksum uint8

// What the checksum says. It is not verified where the frame is cut, and only
// for segments short enough that verifying them costs next to nothing.
const (
	ChecksumUnverified Checksum = iota
	ChecksumGood
	ChecksumBad
	ChecksumPartial // the pseudo header's sum alone, or nothing yet: the adapter fills in the rest (offload)
)

// Block is one block of a SACK option (RFC 2018): sequence numbers from Left up
// to but not including Right.
type Block struct{ Left, Right uint32 }

// Options are the TCP options that matter here.
type Options struct {
	MSS            uint16 // 0 when absent (RFC 9293 §3.7.1)
	WindowScale    uint8  // shift count, at most 14, valid when HasWindowScale (RFC 7323 §2)
	SACKCount      uint8  // how many of SACK are valid
	HasWindowScale bool
	HasTimestamps  bool
	SACKPermitted  bool
	Cut            bool   // the snaplen cut them: what is absent may have been there
	FastOpen       bool   // a TCP Fast Open cookie or cookie request (RFC 7413), experimental or not
	TSVal, TSEcr   uint32 // valid when HasTimestamps (RFC 7323 §3)
	SACK           [4]Block
}

// Segment is one TCP segment as captured.
type Segment struct {
	capture.Mark
	Src, Dst Endpoint
	// Payload is what was captured of the payload; borrowed, like Packet.Data.
	Payload   []byte
	Interface *capture.Interface
	Length    uint32 // of the payload on the wire
	Seq, Ack  uint32
	Window    uint16 // as on the wire, unscaled
	Flags     Flags
	Checksum  Checksum
	IPID      uint16 // the IPv4 identification; 0 with IPv6
	TTL       uint8  // or hop limit
	Cut       bool   // Payload is shorter than Length: the snaplen cut the frame
	Options   Options
}

// Refuses reports whether s answers a SYN where nothing listens (RFC 9293 §3.10.7.1): what
// it acknowledges is the SYN, and it has no number of its own.
func (s *Segment) Refuses() bool {
	return s.Flags&(RST|ACK|SYN) == RST|ACK && s.Seq == 0 && s.Length == 0
}

// End is the sequence number after the segment: SYN and FIN count one each.
func (s *Segment) End() uint32 {
	end := s.Seq + s.Length
	if s.Flags&SYN != 0 {
		end++
	}
	if s.Flags&FIN != 0 {
		end++
	}
	return end
}

// Kind is what a frame turned out to be.
type Kind uint8

// The kinds of frames.
const (
	// TCP: the Segment is filled in whole.
	TCP Kind = iota + 1
	// UDP: Mark, Src, Dst, Length, Payload, Cut, TTL, IPID and Interface of the
	// Segment are filled in, the rest is zero.
	UDP
	// Fragment: part of an IP datagram that is not complete yet. Of the Segment,
	// this kind and those below set Mark and Interface; the rest is undefined.
	Fragment
	// OtherIP: IP that carries neither TCP nor UDP.
	OtherIP
	// NotIP: a link-layer frame without IP in it (ARP, LLC, control frames).
	NotIP
	// Undecodable: damaged, cut inside a header, or a link type or encapsulation that is not known.
	Undecodable
)

// Compare orders endpoints by address and port, in the way of bytes.Compare.
func (e Endpoint) Compare(f Endpoint) int {
	return cmp.Or(cmp.Compare(e.addr.high, f.addr.high), cmp.Compare(e.addr.low, f.addr.low), cmp.Compare(e.port, f.port))
}
