package packet

import (
	"fmt"
	"testing"

	"wirelag/reassembly/capture"
)

// encapsulations are frames of every link type and encapsulation, around
// innerIPv4 or innerIPv6.
var encapsulations = []struct {
	name string
	link capture.LinkType
	data []byte
}{
	{"ethernet", capture.LinkTypeEthernet, ether(0x0800, innerIPv4)},
	{"ethernet ipv6", capture.LinkTypeEthernet, ether(0x86dd, innerIPv6)},
	{"ethernet padded", capture.LinkTypeEthernet, join(ether(0x0800, innerIPv4), unhex(`00000000000000`))},
	{"802.3 snap", capture.LinkTypeEthernet, ether(8+45, join(unhex(`aaaa03 000000 0800`), innerIPv4))},
	{"802.3 snap 802.1h", capture.LinkTypeEthernet, ether(8+65, join(unhex(`aaaa03 0000f8 86dd`), innerIPv6))},
	{"802.3 llc ip", capture.LinkTypeEthernet, ether(3+45, join(unhex(`060603`), innerIPv4))},
	{"vlan", capture.LinkTypeEthernet, ether(0x8100, join(unhex(`0064 0800`), innerIPv4))},
	{"vlan ipv6", capture.LinkTypeEthernet, ether(0x8100, join(unhex(`0064 86dd`), innerIPv6))},
	{"802.1ad", capture.LinkTypeEthernet, ether(0x88a8, join(unhex(`00c8 8100 0064 0800`), innerIPv4))},
	{"three vlans", capture.LinkTypeEthernet, ether(0x9100, join(unhex(`0001 9200 0002 8100 0003 86dd`), innerIPv6))},
	{"pppoe", capture.LinkTypeEthernet, ether(0x8864, join(unhex(`11 00 0001 002f 0021`), innerIPv4))},
	{"pppoe ipv6 in vlan", capture.LinkTypeEthernet, ether(0x8100, join(unhex(`0007 8864 11 00 0001 0043 0057`), innerIPv6))},
	{"mpls", capture.LinkTypeEthernet, ether(0x8847, join(unhex(`00010 1ff`), innerIPv4))},
	{"mpls stack", capture.LinkTypeEthernet, ether(0x8848, join(unhex(`00010 0ff 00011 0ff 00012 1ff`), innerIPv6))},
	{"mpls pseudowire", capture.LinkTypeEthernet, ether(0x8847, join(unhex(`00010 1ff`), ether(0x0800, innerIPv4)))},
	{"mpls pseudowire, control word", capture.LinkTypeEthernet, ether(0x8847, join(unhex(`00010 1ff 00000001`), ether(0x0800, innerIPv4)))},

	{"sll", capture.LinkTypeLinuxSLL, join(unhex(`0004 0001 0006 020000000001 0000 0800`), innerIPv4)},
	{"sll vlan", capture.LinkTypeLinuxSLL, join(unhex(`0000 0001 0006 020000000001 0000 8100 0064 86dd`), innerIPv6)},
	{"sll llc", capture.LinkTypeLinuxSLL, join(unhex(`0000 0001 0006 020000000001 0000 0004 aaaa03 000000 0800`), innerIPv4)},
	{"sll2", capture.LinkTypeLinuxSLL2, join(unhex(`86dd 0000 00000002 0001 00 06 0200000000010000`), innerIPv6)},
	{"sll2 ipv4", capture.LinkTypeLinuxSLL2, join(unhex(`0800 0000 00000002 0304 04 00 0000000000000000`), innerIPv4)},
	{"null little endian", capture.LinkTypeNull, join(unhex(`02000000`), innerIPv4)},
	{"null big endian", capture.LinkTypeNull, join(unhex(`00000002`), innerIPv4)},
	{"null linux", capture.LinkTypeNull, join(unhex(`0a000000`), innerIPv6)},
	{"null windows", capture.LinkTypeNull, join(unhex(`17000000`), innerIPv6)},
	{"null openbsd", capture.LinkTypeNull, join(unhex(`18000000`), innerIPv6)},
	{"null freebsd", capture.LinkTypeNull, join(unhex(`0000001c`), innerIPv6)},
	{"null darwin", capture.LinkTypeNull, join(unhex(`1e000000`), innerIPv6)},
	{"loop", capture.LinkTypeLoop, join(unhex(`00000018`), innerIPv6)},
	{"raw", capture.LinkTypeRaw, innerIPv4},
	{"raw ipv6", capture.LinkTypeRaw, innerIPv6},
	{"raw bsd", capture.LinkTypeRawBSD, innerIPv4},
	{"raw openbsd", capture.LinkTypeRawOpenBSD, innerIPv6},
	{"ipv4", capture.LinkTypeIPv4, innerIPv4},
	{"ipv6", capture.LinkTypeIPv6, innerIPv6},
	{"ppp", capture.LinkTypePPP, join(unhex(`0021`), innerIPv4)},
	{"ppp framed", capture.LinkTypePPP, join(unhex(`ff03 0057`), innerIPv6)},
	{"ppp compressed protocol", capture.LinkTypePPP, join(unhex(`21`), innerIPv4)},
	{"ppp mpls", capture.LinkTypePPP, join(unhex(`ff03 0281 00010 1ff`), innerIPv4)},
	{"ppp-hdlc", capture.LinkTypePPPHDLC, join(unhex(`ff03 0021`), innerIPv4)},
	{"ppp-hdlc of cisco", capture.LinkTypePPPHDLC, join(unhex(`0f00 0800`), innerIPv4)},
	{"pppd", capture.LinkTypePPPD, join(unhex(`0103 0021`), innerIPv4)},
	{"ppp with direction", capture.LinkTypePPPWithDirection, join(unhex(`01 ff03 0021`), innerIPv4)},
	{"pppoe link", capture.LinkTypePPPoE, join(unhex(`11 00 0001 002f 0021`), innerIPv4)},
	{"cisco hdlc", capture.LinkTypeCiscoHDLC, join(unhex(`0f00 86dd`), innerIPv6)},
	{"enc", capture.LinkTypeEnc, join(unhex(`02000000 00000000 00000000`), innerIPv4)},
	{"pflog", capture.LinkTypePFLog, join(unhex(`3d020000`), make([]byte, 60), innerIPv4)},
	{"nflog", capture.LinkTypeNFLog, join(unhex(`0200 0005`, `0800 0100 0800 0100`, `0500 0a00 00 000000`, `3100 0900`), innerIPv4, make([]byte, 3))},
	{"nflog big endian", capture.LinkTypeNFLog, join(unhex(`0a00 0005`, `0008 0001 0800 0100`, `0045 0009`), innerIPv6)},
	{"ppi", capture.LinkTypePPI, join(unhex(`00 00 0c00 01000000`, `00000000`), ether(0x0800, innerIPv4))},
	{"pktap", capture.LinkTypePktap, join(unhex(`10000000 01000000 01000000 00000000`), ether(0x86dd, innerIPv6))},

	{"802.11", capture.LinkTypeIEEE80211, join(unhex(`0801 0000`, wirelessAddresses, `1000`, snapIPv4), innerIPv4)},
	{"802.11 qos", capture.LinkTypeIEEE80211, join(unhex(`8802 0000`, wirelessAddresses, `1000`, `0000`, snapIPv4), innerIPv4)},
	{"802.11 qos, ht control", capture.LinkTypeIEEE80211, join(unhex(`8882 0000`, wirelessAddresses, `1000`, `0000 00000000`, snapIPv4), innerIPv4)},
	{"802.11 four addresses", capture.LinkTypeIEEE80211, join(unhex(`0803 0000`, wirelessAddresses, `1000`, `020000000004`, snapIPv4), innerIPv4)},
	{"802.11 aggregate", capture.LinkTypeIEEE80211, join(unhex(`8801 0000`, wirelessAddresses, `1000`, `8000`, `020000000001 020000000002 0035`, snapIPv4), innerIPv4)},
	{"802.11 with frame check", capture.LinkTypeIEEE80211, join(unhex(`0801 0000`, wirelessAddresses, `1000`, snapIPv4), innerIPv4, unhex(`deadbeef`))},
	{"radiotap", capture.LinkTypeIEEE80211Radio, join(unhex(`00 00 0800 00000000`, `0801 0000`, wirelessAddresses, `1000`, snapIPv4), innerIPv4)},
	{"radiotap, padded header", capture.LinkTypeIEEE80211Radio,
		join(unhex(`00 00 1900 030000a0 00000020 00000000`, `0000000000000000`, `20`, `8801 0000`, wirelessAddresses, `1000 0000 0000`, snapIPv4), innerIPv4)},
	{"prism", capture.LinkTypeIEEE80211Prism, join(unhex(`44000000 90000000`), make([]byte, 136), unhex(`0801 0000`, wirelessAddresses, `1000`, snapIPv4), innerIPv4)},
	{"avs", capture.LinkTypeIEEE80211AVS, join(unhex(`80211001 00000040`), make([]byte, 56), unhex(`0801 0000`, wirelessAddresses, `1000`, snapIPv4), innerIPv4)},
	{"avs as prism", capture.LinkTypeIEEE80211Prism, join(unhex(`80211001 00000040`), make([]byte, 56), unhex(`0801 0000`, wirelessAddresses, `1000`, snapIPv4), innerIPv4)},

	{"ipv4 options", capture.LinkTypeRaw, unhex(`4700 0035 1234 4000 3d 06 0000 0a010203 0a040506`, `0101 0101 0101 0100`, `9c40 0050 000003e8 000007d0 5018 01f4 0000 0000 47455420 2f`)},
	{"ipv6 extensions", capture.LinkTypeRaw, ipv6(protocolHopByHop, join(
		unhex(`3c 00 0104 00000000`, `2b 01 0104 00000000 0000000000000000`, `33 02 00 00 00000000 20010db8000000000000000000000009`, `87 04 0000 00000001 00000001 000000000000000000000000`, `06 00 0104 00000000`), plainTCP))},
	{"ipv6 atomic fragment", capture.LinkTypeRaw, ipv6(protocolFragment, join(unhex(`06 00 0000 00000001`), plainTCP))},
	{"ipv4 authentication header", capture.LinkTypeRaw, ipv4(protocolAH, join(unhex(`06 04 0000 00000001 00000001 000000000000000000000000`), plainTCP))},

	{"ipip", capture.LinkTypeRaw, ipv4(protocolIPv4, innerIPv4)},
	{"6in4", capture.LinkTypeRaw, ipv4(protocolIPv6, innerIPv6)},
	{"4in6", capture.LinkTypeRaw, ipv6(protocolIPv4, innerIPv4)},
	{"6in6", capture.LinkTypeRaw, ipv6(protocolIPv6, innerIPv6)},
	{"mpls in ip", capture.LinkTypeRaw, ipv4(protocolMPLS, join(unhex(`00010 1ff`), innerIPv4))},
	{"gre", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`0000 0800`), innerIPv4))},
	{"gre, all fields", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`b000 86dd 00000000 0000002a 00000001`), innerIPv6))},
	{"gre in ipv6, mpls", capture.LinkTypeRaw, ipv6(protocolGRE, join(unhex(`0000 8847 00010 1ff`), innerIPv4))},
	{"nvgre", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`2000 6558 00002a00`), ether(0x0800, innerIPv4)))},
	{"pptp", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`3081 880b 0031 0001 00000001 00000000`, `ff03 0021`), innerIPv4))},
	{"erspan i", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`0000 88be`), ether(0x0800, innerIPv4)))},
	{"erspan ii", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`1000 88be 00000001`, `1001 0001 00000000`), ether(0x8100, join(unhex(`0064 0800`), innerIPv4))))},
	{"erspan iii", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`1000 22eb 00000001`, `2001 0001 00000000 0000 0000`), ether(0x86dd, innerIPv6)))},
	{"erspan iii, subheader", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`1000 22eb 00000001`, `2001 0001 00000000 0000 0001 0000000000000000`), ether(0x86dd, innerIPv6)))},
	{"erspan iii, ip", capture.LinkTypeRaw, ipv4(protocolGRE, join(unhex(`1000 22eb 00000001`, `2001 0001 00000000 0000 0800`), innerIPv6))},
	{"vxlan", capture.LinkTypeEthernet, ether(0x0800, ipv4(protocolUDP, udp(4789, join(unhex(`08000000 00002a00`), ether(0x0800, innerIPv4)))))},
	{"vxlan, old port, policy", capture.LinkTypeEthernet, ether(0x86dd, ipv6(protocolUDP, udp(8472, join(unhex(`88000005 00002a00`), ether(0x8100, join(unhex(`0064 86dd`), innerIPv6))))))},
	{"vxlan-gpe", capture.LinkTypeRaw, ipv4(protocolUDP, udp(4790, join(unhex(`0c000003 00002a00`), ether(0x0800, innerIPv4))))},
	{"vxlan-gpe, ipv6", capture.LinkTypeRaw, ipv4(protocolUDP, udp(4790, join(unhex(`0c000002 00002a00`), innerIPv6)))},
	{"geneve", capture.LinkTypeRaw, ipv4(protocolUDP, udp(6081, join(unhex(`0000 6558 00002a00`), ether(0x0800, innerIPv4))))},
	{"geneve, options, ip", capture.LinkTypeRaw, ipv4(protocolUDP, udp(6081, join(unhex(`0200 0800 00002a00`, `0102 8001 00000000`), innerIPv4)))},
	{"gtp", capture.LinkTypeRaw, ipv4(protocolUDP, udp(2152, join(unhex(`30 ff 002d 0000002a`), innerIPv4)))},
	{"gtp, extension", capture.LinkTypeRaw, ipv4(protocolUDP, udp(2152, join(unhex(`34 ff 0049 0000002a`, `0000 00 85`, `01 0009 00`), innerIPv6)))},
	{"mirrored in a tunnel in a tunnel", capture.LinkTypeEthernet, ether(0x0800, ipv4(protocolUDP, udp(4789, join(unhex(`08000000 00002a00`),
		ether(0x8100, join(unhex(`0064 0800`), ipv4(protocolGRE, join(unhex(`0000 0800`), ipv4(protocolIPv6, innerIPv6)))))))))},
}

const (
	wirelessAddresses = `020000000001 020000000002 020000000003`
	snapIPv4          = `aaaa03 000000 0800`
)

func TestEncapsulations(t *testing.T) {
	for _, tt := range encapsulations {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			var s Segment
			p := frame(tt.link, tt.data)
			kind := d.Decode(p, &s)
			if kind != TCP {
				t.Fatalf("kind %d, %v", kind, d.Stats().Undecodable)
			}
			check(t, p, kind, &s)
			if got := describe(&s); got != whole4 && got != whole6 {
				t.Errorf("got %s", got)
			}
			if s.Src.Addr().Is4() && s.IPID != 0x1234 || s.Src.Addr().Is6() && s.IPID != 0 {
				t.Errorf("IPID %#x", s.IPID)
			}
		})
	}
}

// What describe tells of innerIPv4 and innerIPv6.
const (
	whole4 = `10.1.2.3:40000 > 10.4.5.6:80 seq 1000 ack 2000 flags 18 window 500 ttl 61 length 5 "GET /"`
	whole6 = `[2001:db8::1]:40000 > [2001:db8::2]:80 seq 1000 ack 2000 flags 18 window 500 ttl 61 length 5 "GET /"`
)

func describe(s *Segment) string {
	return fmt.Sprintf("%v > %v seq %d ack %d flags %02x window %d ttl %d length %d %q",
		s.Src.AddrPort(), s.Dst.AddrPort(), s.Seq, s.Ack, uint8(s.Flags), s.Window, s.TTL, s.Length, s.Payload)
}

// A frame cut anywhere decodes to the same segment, with less payload, or not at
// all. In front of a tunnel header it is the outer datagram.
func TestCutAnywhere(t *testing.T) {
	for _, tt := range encapsulations {
		whole := frame(tt.link, tt.data)
		var d Decoder
		var want, s Segment
		d.Decode(whole, &want)
		for n := range tt.data {
			p := snap(whole, n)
			kind := d.Decode(p, &s)
			check(t, p, kind, &s)
			switch {
			case kind == TCP && (s.Src != want.Src || s.Dst != want.Dst || s.Seq != want.Seq || s.Length != want.Length):
				t.Errorf("%s cut at %d: %s", tt.name, n, describe(&s))
			case kind != TCP && kind != UDP && kind != Undecodable:
				t.Errorf("%s cut at %d: kind %d", tt.name, n, kind)
			}
		}
		if got := d.Stats(); got.CutHeaders == 0 || got.Undecodable["tcp header cut"] != tcpHeaderBytes {
			t.Errorf("%s: %d headers cut, %v", tt.name, got.CutHeaders, got.Undecodable)
		}
	}
}

func TestNotTCP(t *testing.T) {
	tests := []struct {
		name string
		link capture.LinkType
		data []byte
		kind Kind
		why  string
	}{
		{"arp", capture.LinkTypeEthernet, ether(0x0806, make([]byte, 28)), NotIP, ""},
		{"spanning tree", capture.LinkTypeEthernet, ether(38, join(unhex(`424203`), make([]byte, 43))), NotIP, ""},
		{"cisco discovery", capture.LinkTypeEthernet, ether(40, join(unhex(`aaaa03 00000c 2000`), make([]byte, 38))), NotIP, ""},
		{"pppoe discovery", capture.LinkTypeEthernet, ether(0x8863, make([]byte, 46)), NotIP, ""},
		{"ppp link control", capture.LinkTypePPP, unhex(`ff03 c021 01010004`), NotIP, ""},
		{"netlink", capture.LinkTypeLinuxSLL, join(unhex(`0004 0338 0000 0000000000000000 0000`), innerIPv4), NotIP, ""},
		{"netlink, whose family is the number of IPv4", capture.LinkTypeLinuxSLL, join(unhex(`0004 0338 0000 0000000000000000 0800`), innerIPv4), NotIP, ""},
		{"netlink in the second version", capture.LinkTypeLinuxSLL2, join(unhex(`0800 0000 00000002 0338 00 00 0000000000000000`), innerIPv4), NotIP, ""},
		{"other address family", capture.LinkTypeNull, unhex(`07000000 00000000`), NotIP, ""},
		{"beacon", capture.LinkTypeIEEE80211, join(unhex(`8000`), make([]byte, 40)), NotIP, ""},
		{"802.11 no data", capture.LinkTypeIEEE80211, join(unhex(`4801`), make([]byte, 22)), NotIP, ""},
		{"pktap record", capture.LinkTypePktap, unhex(`0c000000 00000000 01000000`), NotIP, ""},
		{"nflog prefix alone", capture.LinkTypeNFLog, unhex(`0200 0005 0500 0a00 00 000000`), NotIP, ""},
		{"icmp error", capture.LinkTypeRaw, ipv4(1, join(unhex(`0301 0000 00000000`), innerIPv4)), OtherIP, ""},
		{"icmpv6 error", capture.LinkTypeRaw, ipv6(58, join(unhex(`0100 0000 00000000`), innerIPv6)), OtherIP, ""},
		{"no next header", capture.LinkTypeRaw, ipv6(59, nil), OtherIP, ""},
		{"encrypted", capture.LinkTypeRaw, ipv4(50, make([]byte, 40)), OtherIP, ""},
		{"gre keepalive", capture.LinkTypeRaw, ipv4(protocolGRE, unhex(`0000 0000`)), OtherIP, ""},
		{"pptp acknowledgment", capture.LinkTypeRaw, ipv4(protocolGRE, unhex(`2081 880b 0000 0001 00000001`)), OtherIP, ""},
		{"dns", capture.LinkTypeRaw, ipv4(protocolUDP, udp(53, make([]byte, 12))), UDP, ""},
		{"dns answer to vxlan's port", capture.LinkTypeRaw, ipv4(protocolUDP, udp(4789, unhex(`1a2b 8180 0001 0000 0000 0000`))), UDP, ""},
		{"dns answer to vxlan-gpe's port", capture.LinkTypeRaw, ipv4(protocolUDP, udp(4790, unhex(`1a2b 8180 0001 0000 0000 0000`))), UDP, ""},
		{"dns answer to geneve's port", capture.LinkTypeRaw, ipv4(protocolUDP, udp(6081, unhex(`002b 8180 0001 0000 0000 0000`))), UDP, ""},
		{"dns answer to gtp's port", capture.LinkTypeRaw, ipv4(protocolUDP, udp(2152, unhex(`30ff 8180 0001 0000 0000 0000`))), UDP, ""},

		{"unknown link type", 147, ether(0x0800, innerIPv4), Undecodable, "link type user0"},
		{"no ip version", capture.LinkTypeRaw, unhex(`15000000`), Undecodable, "link-layer header"},
		{"empty", capture.LinkTypeRaw, nil, Undecodable, "link-layer header"},
		{"macsec", capture.LinkTypeEthernet, ether(0x88e5, make([]byte, 46)), Undecodable, "macsec"},
		{"ppp compressed", capture.LinkTypePPP, unhex(`ff03 00fd 9000`), Undecodable, "ppp compressed or encrypted"},
		{"pppoe version", capture.LinkTypeEthernet, ether(0x8864, join(unhex(`12 00 0001 002f 0021`), innerIPv4)), Undecodable, "link-layer header"},
		{"mpls payload", capture.LinkTypeEthernet, ether(0x8847, join(unhex(`00010 1ff`), make([]byte, 60))), Undecodable, "mpls payload"},
		{"802.11 encrypted", capture.LinkTypeIEEE80211, join(unhex(`0841`), make([]byte, 60)), Undecodable, "802.11 encrypted"},
		{"802.11 fragment", capture.LinkTypeIEEE80211, join(unhex(`0805`), make([]byte, 60)), Undecodable, "802.11 fragment"},
		{"802.11 bad check", capture.LinkTypeIEEE80211Radio, join(unhex(`0000 0900 02000000 40`, `0801`), make([]byte, 60)), Undecodable, "802.11 bad frame check sequence"},
		{"gre version", capture.LinkTypeRaw, ipv4(protocolGRE, unhex(`0002 0800`)), Undecodable, "tunnel header"},
		{"gre routing", capture.LinkTypeRaw, ipv4(protocolGRE, unhex(`4000 0800 00000000`)), Undecodable, "gre source routing"},
		{"ipv4 header length", capture.LinkTypeRaw, join(unhex(`44`), innerIPv4[1:]), Undecodable, "ipv4 header"},
		{"ipv4 total length", capture.LinkTypeRaw, join(innerIPv4[:2], unhex(`0013`), innerIPv4[4:]), Undecodable, "ipv4 header"},
		{"ipv6 under ipv4's type", capture.LinkTypeEthernet, ether(0x0800, innerIPv6), Undecodable, "ipv4 header"},
		{"ipv4 under ipv6's type", capture.LinkTypeEthernet, ether(0x86dd, innerIPv4), Undecodable, "ipv6 header"},
		{"ipv6 extension too long", capture.LinkTypeRaw, ipv6(protocolDestination, join(unhex(`06 20 0104 00000000`), plainTCP)), Undecodable, "ip extension header"},
		{"tcp header short", capture.LinkTypeRaw, ipv4(protocolTCP, plainTCP[:19]), Undecodable, "tcp header"},
		{"tcp data offset small", capture.LinkTypeRaw, ipv4(protocolTCP, join(plainTCP[:12], unhex(`40`), plainTCP[13:])), Undecodable, "tcp header"},
		{"tcp data offset large", capture.LinkTypeRaw, ipv4(protocolTCP, join(plainTCP[:12], unhex(`70`), plainTCP[13:])), Undecodable, "tcp header"},
		{"udp header short", capture.LinkTypeRaw, ipv4(protocolUDP, unhex(`0035 0035 0008`)), Undecodable, "udp header"},
		{"udp length", capture.LinkTypeRaw, ipv4(protocolUDP, unhex(`0035 0035 0007 0000`)), Undecodable, "udp header"},
		{"nested vlans", capture.LinkTypeEthernet, ether(0x8100, bytesOf(`0001 8100`, 50)), Undecodable, "too many nested headers"},
		{"nested labels", capture.LinkTypeEthernet, ether(0x8847, bytesOf(`00010 0ff`, 50)), Undecodable, "too many nested headers"},
		{"nested extensions", capture.LinkTypeRaw, ipv6(protocolDestination, bytesOf(`3c 00 0104 00000000`, 50)), Undecodable, "too many nested headers"},
		{"nested ppi", capture.LinkTypePPI, bytesOf(`0000 0800 c0000000`, 50), Undecodable, "too many nested headers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			var s Segment
			kind := d.Decode(frame(tt.link, tt.data), &s)
			if kind != tt.kind {
				t.Errorf("kind %d, want %d", kind, tt.kind)
			}
			stats := d.Stats()
			if stats.Frames[tt.kind] != 1 || tt.why != "" && stats.Undecodable[tt.why] != 1 {
				t.Errorf("frames %v, undecodable %v, want %q", stats.Frames, stats.Undecodable, tt.why)
			}
			if tt.why == "" && len(stats.Undecodable) != 0 || len(stats.Undecodable) > 1 {
				t.Errorf("undecodable %v", stats.Undecodable)
			}
		})
	}
}

func bytesOf(digits string, times int) []byte {
	var all []byte
	for range times {
		all = append(all, unhex(digits)...)
	}
	return all
}

func TestAggregateOfSeveral(t *testing.T) {
	subframe := join(unhex(`020000000001 020000000002 0035`, snapIPv4), innerIPv4, make([]byte, 1))
	data := join(unhex(`8801 0000`, wirelessAddresses, `1000`, `8000`), subframe, subframe)
	var d Decoder
	var s Segment
	if kind := d.Decode(frame(capture.LinkTypeIEEE80211, data), &s); kind != TCP || describe(&s) != whole4 {
		t.Errorf("kind %d, %s", kind, describe(&s))
	}
	if got := d.Stats().Undecodable["802.11 aggregate, all but the first"]; got != 1 {
		t.Errorf("%d aggregates counted", got)
	}
}

func TestLinkTypeNamesBounded(t *testing.T) {
	var d Decoder
	var s Segment
	for n := range 100 {
		d.Decode(frame(capture.LinkType(60000+n), innerIPv4), &s)
	}
	undecodable := d.Stats().Undecodable
	if len(undecodable) != maxLinkTypes+1 || undecodable["other link types"] != 100-maxLinkTypes {
		t.Errorf("%d names: %v", len(undecodable), undecodable)
	}
}
