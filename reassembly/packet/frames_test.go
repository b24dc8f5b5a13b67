package packet

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"wirelag/reassembly/capture"
)

// The innermost packets of the frames in these tests: a segment from port 40000
// to port 80 with sequence number 1000, acknowledgment 2000, flags PSH and ACK,
// window 500 and the payload "GET /".
var (
	plainTCP  = unhex(`9c40 0050 000003e8 000007d0 5018 01f4 0000 0000`, `47455420 2f`)
	innerIPv4 = ipv4(protocolTCP, plainTCP)
	innerIPv6 = ipv6(protocolTCP, plainTCP)
)

// unhex reads hexadecimal digits, which may be grouped by spaces.
func unhex(lines ...string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(lines, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func word(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// ether is an Ethernet frame with an EtherType.
func ether(etherType int, payload []byte) []byte {
	return join(unhex(`020000000001 020000000002`), word(etherType), payload)
}

// ipv4 is a datagram from 10.1.2.3 to 10.4.5.6 with identification 0x1234 and TTL 61.
func ipv4(protocol int, payload []byte) []byte {
	return join(unhex(`4500`), word(20+len(payload)), unhex(`1234 4000 3d`), []byte{byte(protocol)},
		unhex(`0000 0a010203 0a040506`), payload)
}

// ipv6 is a datagram from 2001:db8::1 to 2001:db8::2 with hop limit 61.
func ipv6(next int, payload []byte) []byte {
	return join(unhex(`60000000`), word(len(payload)), []byte{byte(next), 61},
		unhex(`20010db8000000000000000000000001`, `20010db8000000000000000000000002`), payload)
}

// udp is a datagram from port 53535.
func udp(port int, payload []byte) []byte {
	return join(word(53535), word(port), word(8+len(payload)), word(0), payload)
}

// frame is a captured frame whole.
func frame(t capture.LinkType, data []byte) *capture.Packet {
	return &capture.Packet{
		Mark:      capture.Mark{Time: 1_000_000_000, Frame: 7},
		Data:      data,
		Length:    uint32(len(data)),
		Interface: &capture.Interface{LinkType: t},
	}
}

// snap is p as captured with a snaplen of n bytes.
func snap(p *capture.Packet, n int) *capture.Packet {
	cut := *p
	cut.Data = p.Data[:n:n]
	return &cut
}

// check fails unless s, which came from p or from fragments, keeps the promises of Decode.
func check(t *testing.T, p *capture.Packet, kind Kind, s *Segment) {
	t.Helper()
	if kind < TCP || kind > Undecodable {
		t.Fatalf("kind %d", kind)
	}
	if s.Mark != p.Mark || s.Interface != p.Interface {
		t.Error("Mark or Interface is not the packet's")
	}
	if kind != TCP && kind != UDP {
		return
	}
	if len(s.Payload) > int(s.Length) || s.Cut != (len(s.Payload) < int(s.Length)) {
		t.Errorf("%d bytes of payload, Length %d, Cut %v", len(s.Payload), s.Length, s.Cut)
	}
	if s.Options.SACKCount > 4 || s.Options.WindowScale > 14 {
		t.Errorf("options %+v", s.Options)
	}
	if s.Cut && s.Checksum != ChecksumUnverified {
		t.Errorf("checksum %d of a cut segment", s.Checksum)
	}
}
