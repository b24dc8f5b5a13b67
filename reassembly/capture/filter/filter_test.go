package filter

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"wirelag/reassembly/capture"
)

// Every error is one line that says where and what to do.
func TestErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"tcp prot 80", `column 5: expected host, net, port or proto behind tcp, found "prot"`},
		{"TCP port 80", `column 1: "TCP" is not known: write it in lower case, tcp`},
		{"host example.com", `column 6: "example.com" is a name, and names are not looked up: give an address`},
		{"src example", `column 5: "example" is a name, and names are not looked up: give an address`},
		{"port 80-90", `column 6: "80-90" is a range: use portrange`},
		{"port 70000", `column 6: "70000" is not a port: give it as a number from 0 to 65535`},
		{"port nonsense", `column 6: "nonsense" is not a port: give it as a number from 0 to 65535`},
		{"port 1.2", `column 6: "1.2" is not a port: give it as a number from 0 to 65535`},
		{"portrange a-b", `column 11: "a-b" is not a range of ports, as in 8000-8100: give it as a number from 0 to 65535`},
		{"port 09", `column 6: 09 is not a number of 32 bits`},
		{"ip port 80", `column 9: ip has no ports: use tcp or udp, as in tcp port 80`},
		{"tcp host 1.2.3.4", `column 10: tcp does not go with addresses: write tcp and host 1.2.3.4`},
		{"tcp net 10", `column 9: tcp does not go with addresses: write tcp and net 10`},
		{"10.0.0.1", `column 1: say what "10.0.0.1" is: host or net, with src or dst in front if need be`},
		{"80", `column 1: say what "80" is: port, host or net`},
		{"tcp or 443", `column 8: say what "443" is: port, host or net`},
		{"len > 5 or 443", `column 12: say what "443" is: port, host or net`},
		{"(port 80", `column 9: expected ) at the end, found the end`},
		{"port (80 or 443", `column 16: expected ) at the end, found the end`},
		{"port (80 443)", `column 10: expected and, or, or ) for the ( in column 6, found "443"`},
		{"port 80)", `column 8: there is no ( for this )`},
		{"port 80 90", `column 9: expected and, or, or the end, found "90"`},
		{"tcp (port 80)", `column 5: expected and, or, or the end, found "("`},
		{"tcp 80", `column 5: "80" is not an address: give all of it, or use port or net`},
		{"host 10", `column 6: "10" is not an address: give all of it, or use port or net`},
		{"host 10.0.0.300", `column 6: "10.0.0.300" is not an IPv4 address: its numbers go up to 255`},
		{"host 10.0.0.0/8", `column 14: a prefix length goes with net: write net 10.0.0.0/…`},
		{"host", `column 5: expected an address, found the end`},
		{"net", `column 4: expected a network, as in 10.0.0.0/8, found the end`},
		{"port (", `column 7: expected a port, found the end`},
		{"net 10.1.0.0/8", `column 5: "10.1.0.0" has bits set behind its mask: write 10.0.0.0`},
		{"net 10.0.0.1 mask 255.0.0.0", `column 5: "10.0.0.1" has bits set behind its mask: write 10.0.0.0`},
		{"net 2001:db8::1/32", `column 5: "2001:db8::1" has bits set behind its mask: write 2001:db8::`},
		{"net 10.0.0.0/33", `column 14: the prefix length of 10.0.0.0 is a number from 0 to 32, not "33"`},
		{"net ::/129", `column 8: the prefix length of :: is a number from 0 to 128, not "129"`},
		{"net example", `column 5: "example" is not a network: give its address, as in net 10.0.0.0/8`},
		{"net 10.0.0.0 mask 8", `column 19: mask stands between two IPv4 addresses: write a prefix length, as in 10.0.0.0/8`},
		{"ip6 host 1.2.3.4", `column 10: "1.2.3.4" is not an address of ip6`},
		{"arp host ::1", `column 10: "::1" is not an address of arp`},
		{"ether host 10.0.0.1", `column 12: expected a hardware address behind ether, as in 00:11:22:33:44:55, found "10.0.0.1"`},
		{"host 00:11:22:33:44:55", `column 6: "00:11:22:33:44:55" is a hardware address: write ether in front, as in ether host 00:11:22:33:44:55`},
		{"ether", `column 1: "ether" alone is no condition: follow it by host, proto, broadcast or multicast`},
		{"ether proto 5", `column 13: an EtherType is at least 0x600; below are LLC frames, which are not supported`},
		{"ether proto 0x10000", `column 13: "0x10000" is too large for the number of a protocol`},
		{"ip proto 256", `column 10: "256" is too large for the number of a protocol`},
		{"ip proto nonsense", `column 10: there is no protocol called "nonsense" here: give its number`},
		{"ip proto 1.2", `column 10: "1.2" is not the number of a protocol`},
		{"tcp proto 6", `column 11: tcp proto is not supported: use ip, ip6 or ether in front of proto, or nothing`},
		{"src proto 6", `column 11: src and dst do not go with proto`},
		{"gateway gw", `column 1: "gateway" is not supported: names are not looked up; use ether host with the gateway's hardware address, and not host with its IP address`},
		{"mpls 5", `column 1: "mpls" is not supported: look at the bytes with ether[offset:size], or filter with tcpdump first`},
		{"tcp protochain 6", `column 5: "protochain" is not supported: use proto, which looks at the first header and behind a fragment header`},
		{"ip broadcast", `column 4: ip broadcast needs the mask of the network, which is not known: use dst host with the address`},
		{"tcp multicast", `column 5: "multicast" does not go with tcp`},
		{"vlan 5000", `column 6: expected a number from 0 to 4095 behind vlan, found "5000"`},
		{"greater tcp", `column 9: expected a number from 0 to 4294967295 behind greater, found "tcp"`},
		{"tcp and and udp", `column 9: expected a condition, found "and"`},
		{"not", `column 4: the filter ends where a condition is expected`},
		{"port 80 or", `column 11: the filter ends where a condition is expected`},
		{"len", `column 1: a number alone is no condition: compare it with another, as in len > 100`},
		{"tcp and len", `column 9: a number alone is no condition: compare it with another, as in len > 100`},
		{"not len", `column 1: a number alone is no condition: compare it with another, as in len > 100`},
		{"tcp[13] & 2", `column 1: a number alone is no condition: compare it with another, as in len > 100`},
		{"(443)", `column 1: a number alone is no condition: compare it with another, as in len > 100`},
		{"len > ", `column 7: expected a number, found the end`},
		{"len > tcp", `column 7: expected a number, found "tcp"`},
		{"len / 0 = 1", `column 5: division by zero`},
		{"len << 32 = 1", `column 5: a shift by more than 31 bits`},
		{"ip[0", `column 5: expected ] behind the offset, found the end`},
		{"ip[0:3] = 1", `column 6: the size of a field is 1, 2 or 4 bytes, not "3"`},
		{"ip[99999999] = 1", `column 1: there is no frame with a byte that far from its start`},
		{"foo[1] = 2", `column 1: "foo" has no bytes to look at: use ether, ip, ip6, arp, tcp, udp, icmp or icmp6`},
		{"tcp §", `column 5: "§" is not part of the language`},
		{`ip proto \`, `column 10: a backslash stands before a name, as in \tcp`},
		{"nonsense", `column 1: "nonsense" is not known`},
		{strings.Repeat("(", 200) + "tcp", `column 102: the filter nests deeper than 100 levels`},
		{strings.Repeat("not ", 200) + "tcp", `column 405: the filter nests deeper than 100 levels`},
		{"len > " + strings.Repeat("len - (", 30) + "len" + strings.Repeat(")", 30), `column 116: the calculation nests too deep: write the simpler operand on the right`},
		{strings.Repeat("x", maxTextBytes+1), `column 1: the filter is longer than 65536 bytes`},
		{"host 10.0.0.1" + strings.Repeat(" or 10.0.0.2", 400), `column 1: the filter needs more than the 4096 instructions that a program may have: shorten it, e.g. with net or portrange`},
	} {
		_, err := Parse(test.text)
		if err == nil || err.Error() != test.want {
			t.Errorf("%.60q:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

// What frames of a link type do not have is an error for them alone.
func TestLinkTypesWithout(t *testing.T) {
	for _, test := range []struct {
		text     string
		linkType capture.LinkType
		want     string
	}{
		{"tcp and vlan 5", capture.LinkTypeRaw, "column 9: frames of link type raw have no VLAN tags"},
		{"ether host 0:1:2:3:4:5", capture.LinkTypeLinuxSLL, "column 12: frames of link type linux-sll have no hardware addresses"},
		{"broadcast", capture.LinkTypeNull, "column 1: frames of link type null have no hardware addresses"},
		{"multicast", capture.LinkTypeLinuxSLL2, "column 1: frames of link type linux-sll2 have no hardware addresses"},
		{"tcp", capture.LinkTypeIEEE80211Radio, "there are no filters for frames of link type ieee802-11-radiotap"},
	} {
		e, err := Parse(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Compile(test.linkType); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.text, err, test.want)
		}
		if Supports(test.linkType) == strings.Contains(test.want, "no filters") {
			t.Errorf("%s: supported: %v", test.linkType, Supports(test.linkType))
		}
	}
}

// Loopback headers are read in any byte order, with the IPv6 of any system.
func TestAddressFamilies(t *testing.T) {
	for _, linkType := range []capture.LinkType{capture.LinkTypeNull, capture.LinkTypeLoop} {
		ip, ip6 := compiled(t, "ip", linkType), compiled(t, "ip6", linkType)
		for family, want := range map[uint32]*Program{2: ip, 10: ip6, 23: ip6, 24: ip6, 28: ip6, 30: ip6} {
			for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
				data := order.AppendUint32(nil, family)
				if ip.Match(data, 4) != (want == ip) || ip6.Match(data, 4) != (want == ip6) {
					t.Errorf("%s: family %d, %v: ip %v, ip6 %v", linkType, family, order, ip.Match(data, 4), ip6.Match(data, 4))
				}
			}
		}
	}
}

// Unlike tcpdump's, our programs check that both operands of a calculation are
// there.
func TestOperandsArePresent(t *testing.T) {
	p := compiled(t, "ip[0] + tcp[13] > 0", capture.LinkTypeEthernet)
	tcp, udp := compiled(t, "ip and tcp and ip[6:2] & 0x1fff = 0", capture.LinkTypeEthernet), 0
	for _, f := range framesOf(capture.LinkTypeEthernet) {
		if uint32(len(f.data)) < f.length {
			continue
		}
		if p.Match(f.data, f.length) != tcp.Match(f.data, f.length) {
			t.Errorf("frame %x: %v", f.data, p.Match(f.data, f.length))
		}
		udp++
	}
	if udp < 200 {
		t.Errorf("%d frames", udp)
	}
}

// A program with jumps of more than 255 instructions says the same as its parts.
func TestLongJumps(t *testing.T) {
	frames := framesOf(capture.LinkTypeEthernet)
	parts := []string{"tcp port 80", "udp port 53", "icmp6", "src host 10.0.0.1", "net 2001:db8::/32", "ip[8] < 64"}
	var filler []string
	for i := range 40 {
		filler = append(filler, fmt.Sprintf("host 172.16.0.%d", i))
	}
	long := strings.Join(filler, " or ")
	for _, part := range parts {
		short := compiled(t, part, capture.LinkTypeEthernet)
		for text, negated := range map[string]bool{
			part + " or " + long:                 false,
			long + " or " + part:                 false,
			part + " and not (" + long + ")":     false,
			"not (" + long + ") and " + part:     false,
			"not (" + part + " or " + long + ")": true,
			"not (not (" + long + ") and " + part + ") and (ip or ip6 or not ip)": true,
		} {
			p := compiled(t, text, capture.LinkTypeEthernet)
			if len(p.code) < 500 {
				t.Fatalf("%d instructions are no long program", len(p.code))
			}
			for _, f := range frames {
				if uint32(len(f.data)) < f.length {
					continue
				}
				if got := p.Match(f.data, f.length); got == negated == short.Match(f.data, f.length) {
					t.Errorf("%.60s…: frame %x: %v", text, f.data, got)
					break
				}
			}
		}
	}
}

// The laws of logic hold, also for cut frames, where both sides load the same in
// the same order.
func TestLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		linkType := pick(r, linkTypes...)
		a, b := pick(r, expressions[1:]...), pick(r, expressions[1:]...)
		for _, law := range [][2]string{
			{"not not (" + a + ")", a},
			{"not ((" + a + ") or (" + b + "))", "not (" + a + ") and not (" + b + ")"},
			{"not ((" + a + ") and (" + b + "))", "not (" + a + ") or not (" + b + ")"},
			{"(" + a + ") && (" + b + ") || !(" + a + ")", "(((" + a + ") and (" + b + ")) or not (" + a + "))"},
		} {
			left, right := compiled(t, law[0], linkType), compiled(t, law[1], linkType)
			for _, f := range framesOf(linkType)[:60] {
				if left.Match(f.data, f.length) != right.Match(f.data, f.length) {
					t.Errorf("%s: %s differs from %s: frame %x", linkType, law[0], law[1], f.data)
					break
				}
			}
		}
	}
}

// runLive runs a program for the kernel: its extensions are replaced by what they
// would return.
func runLive(t *testing.T, code []bpf.RawInstruction, f frame, extensions map[bpf.Extension]uint32) bool {
	t.Helper()
	code = append([]bpf.RawInstruction(nil), code...)
	for i, in := range code {
		if load, ok := in.Disassemble().(bpf.LoadExtension); ok && load.Num != bpf.ExtLen {
			value, known := extensions[load.Num]
			if !known {
				t.Fatalf("extension %d is loaded", load.Num)
			}
			code[i] = bpf.RawInstruction{Op: ldImm, K: value}
		}
	}
	p, err := newProgram(code)
	if err != nil {
		t.Fatal(err)
	}
	return p.Match(f.data, f.length)
}

// What a program for files says of a frame, the one for the kernel says of it too,
// where the tag was taken off or not.
func TestLiveTags(t *testing.T) {
	for _, text := range []string{
		"vlan", "vlan 5", "vlan 5 and tcp port 80", "vlan and host 10.0.0.1 or net 2001:db8::/32", "vlan and vlan", "vlan 5 and vlan 10 and ip",
		"not vlan", "not vlan 5", "vlan and tcp[13] & 2 != 0", "(vlan 10) and ip[8] < 64 and not port 22",
	} {
		inFile := compiled(t, text, capture.LinkTypeEthernet)
		e, _ := Parse(text)
		code, err := e.Live(capture.LinkTypeEthernet, 96)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range framesOf(capture.LinkTypeEthernet) {
			if uint32(len(f.data)) < f.length {
				continue
			}
			want := inFile.Match(f.data, f.length)
			if got := runLive(t, code, f, map[bpf.Extension]uint32{bpf.ExtVLANTagPresent: 0, bpf.ExtVLANTag: 0}); got != want {
				t.Errorf("%s: frame %x, as it was: %v", text, f.data, got)
			}
			if !compiled(t, "vlan", capture.LinkTypeEthernet).Match(f.data, f.length) {
				continue
			}
			tag := uint32(binary.BigEndian.Uint16(f.data[14:]))
			without := frame{append(append([]byte(nil), f.data[:12]...), f.data[16:]...), f.length - 4}
			if got := runLive(t, code, without, map[bpf.Extension]uint32{bpf.ExtVLANTagPresent: 1, bpf.ExtVLANTag: tag}); got != want {
				t.Errorf("%s: frame %x, its tag taken off: %v", text, f.data, got)
			}
		}
	}
}

// The verdict on what is kept is the snaplen.
func TestLiveSnaplen(t *testing.T) {
	for _, text := range []string{"", "tcp", "vlan"} {
		e, _ := Parse(text)
		for snaplen, want := range map[uint32]uint32{0: wholeFrame, 96: 96} {
			code, err := e.Live(capture.LinkTypeEthernet, snaplen)
			if err != nil {
				t.Fatal(err)
			}
			returned := map[uint32]bool{}
			for _, in := range code {
				if in.Op == retK {
					returned[in.K] = true
				}
			}
			if !returned[want] || len(returned) > 2 || returned[0] != (text != "") {
				t.Errorf("%q with snaplen %d returns %v", text, snaplen, returned)
			}
		}
	}
}

// On all interfaces a frame is looked at as its kind of hardware wants it.
func TestLiveAny(t *testing.T) {
	const ethernet, loopback, tunnel, radio = 1, 772, 65534, 803
	kinds := []Hardware{{ethernet, capture.LinkTypeEthernet}, {tunnel, capture.LinkTypeRaw}, {loopback, capture.LinkTypeEthernet}}
	e, _ := Parse("tcp port 80")
	code, err := e.LiveAny(kinds, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		p := compiled(t, "tcp port 80", kind.Type)
		for _, f := range framesOf(kind.Type) {
			got := runLive(t, code, f, map[bpf.Extension]uint32{bpf.ExtLinkLayerType: uint32(kind.Number)})
			if got != p.Match(f.data, f.length) {
				t.Errorf("hardware %d: frame %x: %v", kind.Number, f.data, got)
			}
			if runLive(t, code, f, map[bpf.Extension]uint32{bpf.ExtLinkLayerType: radio}) {
				t.Errorf("frame %x of a radio is kept", f.data)
			}
		}
	}
	empty, _ := Parse("")
	if code, err := empty.LiveAny(kinds, 0); err != nil || len(code) != 1 {
		t.Errorf("without a filter: %v, %v", code, err)
	}
	tags, _ := Parse("vlan")
	if code, err = tags.LiveAny(kinds, 0); err != nil {
		t.Fatal(err)
	}
	tagged := map[bpf.Extension]uint32{bpf.ExtLinkLayerType: ethernet, bpf.ExtVLANTagPresent: 1}
	if f := (frame{make([]byte, 60), 60}); !runLive(t, code, f, tagged) {
		t.Error("a tag of Ethernet is not found")
	} else if tagged[bpf.ExtLinkLayerType] = tunnel; runLive(t, code, f, tagged) {
		t.Error("a tunnel has tags")
	}
	if _, err := tags.LiveAny(kinds[1:2], 0); err == nil {
		t.Error("VLAN tags of nothing but tunnels are asked for without an error")
	}
}

// length is the frame's on the wire, whatever was captured of it.
func TestLengthOfCutFrames(t *testing.T) {
	p := compiled(t, "greater 100", capture.LinkTypeEthernet)
	if data := make([]byte, 60); !p.Match(data, 1500) || p.Match(data, 60) {
		t.Error("the captured length is taken for the frame's")
	}
}

func TestReadProgram(t *testing.T) {
	p, err := ReadProgram(strings.NewReader("4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	ip := frame{data: append(make([]byte, 12), 8, 0)}
	if !p.Match(ip.data, 14) || p.Match(make([]byte, 14), 14) {
		t.Error("wrong verdicts")
	}
	if code := p.Live(96); code[2].K != 96 || code[3].K != 0 || p.code[2].K != 262144 {
		t.Errorf("with a snaplen: %v", code)
	}
	if code := p.Live(0); code[2].K != 262144 {
		t.Errorf("without a snaplen: %v", code)
	}
	for text, want := range map[string]string{
		"":                               "line 1 must be a number of instructions from 1 to 4096, as tcpdump -ddd prints it",
		"5000\n":                         "line 1 must be a number of instructions from 1 to 4096, as tcpdump -ddd prints it",
		"1 2\n":                          "line 1 must be a number of instructions from 1 to 4096, as tcpdump -ddd prints it",
		"(000) ret #0":                   "line 1 must be a number of instructions from 1 to 4096, as tcpdump -ddd prints it",
		"2\n6 0 0 0\n":                   "there are only 1 of the 2 instructions that line 1 says",
		"1\n6 0 0 0\n6 0 0 0\n":          "line 3: there are more instructions than the 1 that line 1 says",
		"1\n6 0 0\n":                     "line 2 is not an instruction of four numbers, as tcpdump -ddd prints it",
		"1\n6 0 0 0 0\n":                 "line 2 is not an instruction of four numbers, as tcpdump -ddd prints it",
		"1\n6 0 0 -1\n":                  "line 2 is not an instruction of four numbers, as tcpdump -ddd prints it",
		"1\n40 0 0 12\n":                 "the program does not end with a return",
		"2\n5 0 0 1\n6 0 0 0\n":          "instruction 0: it jumps behind the end of the program",
		"2\n5 0 0 4294967295\n6 0 0 0\n": "instruction 0: it jumps behind the end of the program",
		"2\n21 0 1 0\n6 0 0 0\n":         "instruction 0: it jumps behind the end of the program",
		"2\n52 0 0 0\n6 0 0 0\n":         "instruction 0: it divides by zero",
		"2\n100 0 0 32\n6 0 0 0\n":       "instruction 0: it shifts by more than 31 bits",
		"2\n96 0 0 16\n6 0 0 0\n":        "instruction 0: there is no memory slot 16",
		"2\n65535 0 0 0\n6 0 0 0\n":      "instruction 0: there is no operation 0xffff",
	} {
		if _, err := ReadProgram(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
