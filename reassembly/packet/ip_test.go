package packet

import (
	"net/netip"
	"testing"

	"wirelag/reassembly/capture"
)

// What a frame and its IP header say of the payload's length.
func TestLengths(t *testing.T) {
	const header = ethernetHeaderBytes + ipv4HeaderBytes + tcpHeaderBytes
	total := func(packet []byte, at, n int) []byte {
		return join(packet[:at], word(n), packet[at+2:])
	}
	big := func(n int) []byte { return join(plainTCP, make([]byte, n)) }
	tests := []struct {
		name   string
		link   capture.LinkType
		data   []byte
		wire   int // length of the frame, 0 if data is all
		length uint32
		have   int
	}{
		{"ethernet padding", capture.LinkTypeEthernet, join(ether(0x0800, ipv4(protocolTCP, plainTCP[:20])), make([]byte, 6)), 0, 0, 0},
		{"ipv6 trailer", capture.LinkTypeEthernet, join(ether(0x86dd, innerIPv6), make([]byte, 4)), 0, 5, 5},
		{"802.3 padding", capture.LinkTypeEthernet, join(ether(8+45, join(unhex(snapIPv4), total(innerIPv4, 2, 0))), make([]byte, 6)), 0, 5, 5},
		{"snaplen", capture.LinkTypeEthernet, ether(0x0800, total(innerIPv4, 2, 1500))[:header+2], 1514, 1460, 2},
		{"snaplen at the payload", capture.LinkTypeEthernet, ether(0x0800, total(innerIPv4, 2, 1500))[:header], 1514, 1460, 0},
		{"ip longer than the frame", capture.LinkTypeEthernet, ether(0x0800, total(innerIPv4, 2, 1500)), 0, 1460, 5},
		{"ipv6 longer than the frame", capture.LinkTypeEthernet, ether(0x86dd, total(innerIPv6, 4, 1440)), 0, 1420, 5},
		{"ip longer than pppoe", capture.LinkTypePPPoE, join(unhex(`11 00 0001 002f 0021`), total(innerIPv4, 2, 46), unhex(`00`)), 0, 5, 5},
		{"ip longer than the tunnel", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`0000 0800`), total(innerIPv4, 2, 1500))), 0, 1460, 5},
		{"segmentation offload", capture.LinkTypeEthernet, ether(0x0800, total(ipv4(protocolTCP, big(2891)), 2, 0)), 0, 2896, 2896},
		{"segmentation offload, vlan, cut", capture.LinkTypeEthernet, ether(0x8100, join(unhex(`0064 0800`), total(innerIPv4, 2, 0))), 4 + header + 100_000, 100_000, 5},
		{"big tcp", capture.LinkTypeEthernet, ether(0x86dd, total(innerIPv6, 4, 0)), ethernetHeaderBytes + 60 + 180_000, 180_000, 5},
		{"big tcp, jumbo option", capture.LinkTypeRaw, total(ipv6(protocolHopByHop, join(unhex(`06 00 c204 00030000`), plainTCP)), 4, 0), 40 + 0x30000, 0x30000 - 28, 5},
		{"jumbo option behind padding", capture.LinkTypeRaw, total(ipv6(protocolHopByHop, join(unhex(`06 01 00 0101 00 00 00 c204 00030000 0000`), plainTCP)), 4, 0), 40 + 0x30000, 0x30000 - 36, 5},
		{"wire length less than captured", capture.LinkTypeRaw, innerIPv4, 3, 5, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := frame(tt.link, tt.data)
			if tt.wire != 0 {
				p.Length = uint32(tt.wire)
			}
			var d Decoder
			var s Segment
			kind := d.Decode(p, &s)
			if kind != TCP {
				t.Fatalf("kind %d, %v", kind, d.Stats().Undecodable)
			}
			check(t, p, kind, &s)
			if s.Length != tt.length || len(s.Payload) != tt.have {
				t.Errorf("length %d, %d captured, want %d, %d", s.Length, len(s.Payload), tt.length, tt.have)
			}
		})
	}
}

func TestLengthsTooLarge(t *testing.T) {
	for _, data := range [][]byte{
		join(innerIPv4[:2], word(0), innerIPv4[4:]),
		join(innerIPv6[:4], word(0), innerIPv6[6:]),
		join(innerIPv6[:4], word(0), unhex(`00`), innerIPv6[7:40], unhex(`06 00 c204 ffffffff`), plainTCP),
	} {
		p := frame(capture.LinkTypeRaw, data)
		p.Length = 1<<32 - 1
		var d Decoder
		var s Segment
		if kind := d.Decode(p, &s); kind != Undecodable {
			t.Errorf("kind %d, length %d", kind, s.Length)
		}
	}
}

// The ends of a connection are those of a routing header, while it is under way.
func TestRoutingHeader(t *testing.T) {
	const (
		first = `20010db800000000000000000000000a`
		last  = `20010db800000000000000000000000b`
	)
	tests := []struct {
		name, header, want string
	}{
		{"type 0", `06 04 00 01 00000000` + first + last, "2001:db8::b"},
		{"type 0, arrived", `06 04 00 00 00000000` + first + last, "2001:db8::2"},
		{"mobile node", `06 02 02 01 00000000` + first, "2001:db8::a"},
		{"segments", `06 04 04 01 01000000` + first + last, "2001:db8::a"},
		{"segments and an option", `06 05 04 01 01000000` + first + last + `0506000000000000`, "2001:db8::a"},
		{"type 3", `06 02 03 01 00000000` + first, "2001:db8::2"},
		{"no address", `06 00 00 01 00000000`, "2001:db8::2"},
	}
	for _, tt := range tests {
		var d Decoder
		var s Segment
		kind := d.Decode(frame(capture.LinkTypeRaw, ipv6(protocolRouting, join(unhex(tt.header), plainTCP))), &s)
		if want := netip.MustParseAddr(tt.want); kind != TCP || s.Dst.Addr() != want {
			t.Errorf("%s: kind %d, %v, want %v", tt.name, kind, s.Dst.Addr(), want)
		}
	}
}

func TestUDP(t *testing.T) {
	answer := ipv4(protocolUDP, udp(53, unhex(`0001 8180`)))
	p := frame(capture.LinkTypeRaw, join(answer, unhex(`00`)))
	var d Decoder
	s := Segment{Seq: 1, Flags: SYN, Options: Options{MSS: 1}}
	kind := d.Decode(p, &s)
	if kind != UDP {
		t.Fatalf("kind %d", kind)
	}
	check(t, p, kind, &s)
	want := `10.1.2.3:53535 > 10.4.5.6:53 seq 0 ack 0 flags 00 window 0 ttl 61 length 4 "\x00\x01\x81\x80"`
	if got := describe(&s); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d.Decode(snap(p, 29), &s)
	if s.Length != 4 || len(s.Payload) != 1 || !s.Cut {
		t.Errorf("cut: length %d, payload %x, %v", s.Length, s.Payload, s.Cut)
	}
}
