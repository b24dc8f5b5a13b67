package packet

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"wirelag/reassembly/capture"
)

// randomPacket builds a well-formed segment in random layers.
type randomPacket struct {
	*rand.Rand
	layers []gopacket.SerializableLayer
}

func (r *randomPacket) add(l gopacket.SerializableLayer) { r.layers = append(r.layers, l) }

func (r *randomPacket) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// link adds a link-layer header and up to three tags.
func (r *randomPacket) link(etherType layers.EthernetType) {
	var tags []layers.EthernetType
	for range r.IntN(3) {
		tags = append(tags, []layers.EthernetType{layers.EthernetTypeDot1Q, layers.EthernetTypeQinQ}[r.IntN(2)])
	}
	types := append(tags, etherType)
	r.add(&layers.Ethernet{SrcMAC: r.bytes(6), DstMAC: r.bytes(6), EthernetType: types[0]})
	for i := range tags {
		r.add(&layers.Dot1Q{VLANIdentifier: uint16(r.IntN(4096)), Type: types[i+1]})
	}
}

// network adds an IP header, with options or an extension header at times.
func (r *randomPacket) network(ipv6 bool, protocol layers.IPProtocol) gopacket.NetworkLayer {
	if !ipv6 {
		ip := &layers.IPv4{Version: 4, Id: uint16(r.Uint32()), TTL: uint8(r.IntN(256)), Protocol: protocol, SrcIP: r.bytes(4), DstIP: r.bytes(4)}
		if r.IntN(4) == 0 {
			ip.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
		}
		r.add(ip)
		return ip
	}
	ip := &layers.IPv6{Version: 6, HopLimit: uint8(r.IntN(256)), NextHeader: protocol, SrcIP: r.bytes(16), DstIP: r.bytes(16)}
	// Addresses that are mapped IPv4 would be the same Endpoint as those.
	ip.SrcIP[0], ip.DstIP[0] = 0x20, 0x20
	r.add(ip)
	return ip
}

// tunnel adds a tunnel, up to the EtherType of what it carries.
func (r *randomPacket) tunnel(etherType layers.EthernetType) {
	r.link(layers.EthernetTypeIPv4)
	switch r.IntN(3) {
	case 0:
		ip := r.network(false, layers.IPProtocolUDP)
		udp := &layers.UDP{SrcPort: 50000, DstPort: 4789}
		udp.SetNetworkLayerForChecksum(ip)
		r.add(udp)
		r.add(&layers.VXLAN{ValidIDFlag: true, VNI: r.Uint32() >> 8})
		r.link(etherType)
	case 1:
		r.network(false, layers.IPProtocolGRE)
		r.add(&layers.GRE{Protocol: etherType, KeyPresent: r.IntN(2) == 0, SeqPresent: r.IntN(2) == 0})
	case 2:
		protocol := layers.IPProtocolIPv4
		if etherType == layers.EthernetTypeIPv6 {
			protocol = layers.IPProtocolIPv6
		}
		r.network(false, protocol)
	}
}

func (r *randomPacket) tcp(ip gopacket.NetworkLayer) {
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(r.IntN(65536)), DstPort: layers.TCPPort(r.IntN(65536)),
		Seq: r.Uint32(), Ack: r.Uint32(), Window: uint16(r.Uint32()), Urgent: uint16(r.Uint32()),
		FIN: r.IntN(4) == 0, SYN: r.IntN(4) == 0, RST: r.IntN(4) == 0, PSH: r.IntN(2) == 0,
		ACK: r.IntN(4) != 0, URG: r.IntN(4) == 0, ECE: r.IntN(4) == 0, CWR: r.IntN(4) == 0,
	}
	for range r.IntN(3) {
		tcp.Options = append(tcp.Options, layers.TCPOption{OptionType: 1, OptionLength: 1})
	}
	if r.IntN(2) == 0 {
		tcp.Options = append(tcp.Options, layers.TCPOption{OptionType: 8, OptionLength: 10, OptionData: r.bytes(8)})
	}
	if r.IntN(4) == 0 {
		tcp.Options = append(tcp.Options, layers.TCPOption{OptionType: 2, OptionLength: 4, OptionData: r.bytes(2)})
	}
	tcp.SetNetworkLayerForChecksum(ip)
	r.add(tcp)
	r.add(gopacket.Payload(r.bytes(r.IntN(300))))
}

func (r *randomPacket) build(t *testing.T) []byte {
	t.Helper()
	r.layers = nil
	ipv6 := r.IntN(2) == 0
	etherType := layers.EthernetTypeIPv4
	if ipv6 {
		etherType = layers.EthernetTypeIPv6
	}
	if r.IntN(2) == 0 {
		r.link(etherType)
	} else {
		r.tunnel(etherType)
	}
	r.tcp(r.network(ipv6, layers.IPProtocolTCP))
	buffer := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, r.layers...); err != nil {
		t.Fatalf("build packet: %v", err)
	}
	return bytes.Clone(buffer.Bytes())
}

// gopacket reads the same from well-formed packets.
func TestAgainstGopacket(t *testing.T) {
	r := &randomPacket{Rand: rand.New(rand.NewPCG(1, 2))}
	var d Decoder
	var s Segment
	for n := range 5000 {
		data := r.build(t)
		p := frame(capture.LinkTypeEthernet, data)
		kind := d.Decode(p, &s)
		if kind != TCP {
			t.Fatalf("packet %d: kind %d\n%x", n, kind, data)
		}
		check(t, p, kind, &s)
		compare(t, gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default), &s)
		if t.Failed() {
			t.Fatalf("packet %d\n%x", n, data)
		}
	}
	if stats := d.Stats(); stats.VerifiedChecksums == 0 || stats.BadChecksums != 0 || stats.PartialChecksums != 0 {
		t.Errorf("%+v", stats)
	}
}

// compare wants s to be what the innermost layers of want say.
func compare(t *testing.T, want gopacket.Packet, s *Segment) {
	t.Helper()
	var src, dst net.IP
	var id uint16
	var ttl uint8
	var tcp *layers.TCP
	for _, layer := range want.Layers() {
		switch l := layer.(type) {
		case *layers.IPv4:
			src, dst, id, ttl = l.SrcIP, l.DstIP, l.Id, l.TTL
		case *layers.IPv6:
			src, dst, id, ttl = l.SrcIP, l.DstIP, 0, l.HopLimit
		case *layers.TCP:
			tcp = l
		}
	}
	if tcp == nil {
		t.Fatalf("gopacket finds no TCP: %v", want)
	}
	from, _ := netip.AddrFromSlice(src)
	to, _ := netip.AddrFromSlice(dst)
	if s.Src != NewEndpoint(netip.AddrPortFrom(from, uint16(tcp.SrcPort))) || s.Dst != NewEndpoint(netip.AddrPortFrom(to, uint16(tcp.DstPort))) {
		t.Errorf("%v > %v, want %v:%d > %v:%d", s.Src.AddrPort(), s.Dst.AddrPort(), from, tcp.SrcPort, to, tcp.DstPort)
	}
	if s.Seq != tcp.Seq || s.Ack != tcp.Ack || s.Window != tcp.Window || s.IPID != id || s.TTL != ttl {
		t.Errorf("seq %d ack %d window %d id %d ttl %d", s.Seq, s.Ack, s.Window, s.IPID, s.TTL)
	}
	for flag, want := range map[Flags]bool{FIN: tcp.FIN, SYN: tcp.SYN, RST: tcp.RST, PSH: tcp.PSH, ACK: tcp.ACK, URG: tcp.URG, ECE: tcp.ECE, CWR: tcp.CWR} {
		if s.Flags.Has(flag) != want {
			t.Errorf("flags %08b, want %08b set %v", s.Flags, flag, want)
		}
	}
	if !bytes.Equal(s.Payload, tcp.Payload) || s.Length != uint32(len(tcp.Payload)) {
		t.Errorf("payload %x, want %x", s.Payload, tcp.Payload)
	}
}
