package packet

import (
	"testing"

	"wirelag/reassembly/capture"
)

// hotFrames are what captures consist of.
func hotFrames() map[string]*capture.Packet {
	timestamps := unhex(`0101 080a 00000001 00000002`)
	ack := withOptions(timestamps)[:32]
	data := join(ack, make([]byte, 1448))
	return map[string]*capture.Packet{
		"Ethernet/IPv4/ACK":  frame(capture.LinkTypeEthernet, ether(0x0800, ipv4(protocolTCP, ack))),
		"Ethernet/IPv4/1448": frame(capture.LinkTypeEthernet, ether(0x0800, ipv4(protocolTCP, data))),
		"VLAN/IPv4/ACK":      frame(capture.LinkTypeEthernet, ether(0x8100, join(unhex(`0064 0800`), ipv4(protocolTCP, ack)))),
		"SLL2/IPv6/1448":     frame(capture.LinkTypeLinuxSLL2, join(unhex(`86dd 0000 00000002 0001 00 06 0200000000010000`), ipv6(protocolTCP, data))),
		"VXLAN/IPv4/ACK": frame(capture.LinkTypeEthernet, ether(0x0800, ipv4(protocolUDP, udp(4789,
			join(unhex(`08000000 00002a00`), ether(0x0800, ipv4(protocolTCP, ack))))))),
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	for name, p := range hotFrames() {
		var d Decoder
		var s Segment
		if kind := d.Decode(p, &s); kind != TCP {
			t.Errorf("%s: kind %d", name, kind)
		}
		if n := testing.AllocsPerRun(100, func() { d.Decode(p, &s) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, p := range hotFrames() {
		b.Run(name, func(b *testing.B) {
			var d Decoder
			var s Segment
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(p, &s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/packet")
		})
	}
}

func BenchmarkChecksum(b *testing.B) {
	for _, bm := range []struct {
		name  string
		bytes int
	}{{"ACK", 32}, {"512", maxVerified}} {
		b.Run(bm.name, func(b *testing.B) {
			segment := make([]byte, bm.bytes)
			var s Segment
			for b.Loop() {
				verify(segment, &s)
			}
		})
	}
}

func BenchmarkFragments(b *testing.B) {
	segment := longSegment(8000)
	var packets []*capture.Packet
	for from := 0; from < len(segment); from += 1480 {
		packets = append(packets, frame(capture.LinkTypeRaw, fragmentIPv4(1, segment, from, min(from+1480, len(segment)))))
	}
	var d Decoder
	var s Segment
	b.SetBytes(int64(len(segment)))
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range packets {
			d.Decode(p, &s)
		}
	}
}
