package script

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"wirelag/reassembly/capture"
)

// decode decodes a whole frame, and verifies its IP and transport checksums.
func decode(t *testing.T, p capture.Packet) (gopacket.Packet, bool) {
	t.Helper()
	first := map[capture.LinkType]gopacket.Decoder{
		capture.LinkTypeEthernet: layers.LinkTypeEthernet,
		capture.LinkTypeRaw:      layers.LinkTypeRaw,
		capture.LinkTypeNull:     layers.LinkTypeNull,
		capture.LinkTypeLoop:     layers.LinkTypeLoop,
		capture.LinkTypeLinuxSLL: layers.LinkTypeLinuxSLL,
	}[p.Interface.LinkType]
	decoded := gopacket.NewPacket(p.Data, first, gopacket.Default)
	network, transport := decoded.NetworkLayer(), decoded.TransportLayer()
	if network == nil || transport == nil {
		t.Fatalf("packet %v: no transport layer in %v", p.Frame, decoded)
	}
	if ip, ok := network.(*layers.IPv4); ok && sum16(ip.Contents) != 0xffff {
		t.Errorf("packet %v: wrong IP checksum", p.Frame)
	}
	pseudo := append(network.NetworkFlow().Src().Raw(), network.NetworkFlow().Dst().Raw()...)
	body := append(transport.LayerContents(), transport.LayerPayload()...)
	protocol := byte(protocolTCP)
	if transport.LayerType() == layers.LayerTypeUDP {
		protocol = protocolUDP
	}
	pseudo = append(pseudo, 0, 0, byte(len(body)>>8), byte(len(body)), 0, protocol)
	return decoded, sum16(append(pseudo, body...)) == 0xffff
}

// sum16 is the one's complement sum of b (RFC 1071), written for itself as an
// oracle of sum.
func sum16(b []byte) int {
	total := 0
	for i, octet := range b {
		if i%2 == 0 {
			total += int(octet) << 8
		} else {
			total += int(octet)
		}
		total = total%0x10000 + total/0x10000
	}
	return total
}

// summary tells a packet the way tests compare it: sequence and acknowledgement
// numbers as they are, the options that are set, and the payload.
func summary(t *testing.T, p capture.Packet) string {
	t.Helper()
	decoded, good := decode(t, p)
	var b strings.Builder
	fmt.Fprintf(&b, "%v", p.Time.Sub(defaultStart))
	if udp, ok := decoded.TransportLayer().(*layers.UDP); ok {
		fmt.Fprintf(&b, " udp %d>%d %q", udp.SrcPort, udp.DstPort, udp.Payload)
		return b.String()
	}
	tcp := decoded.TransportLayer().(*layers.TCP)
	fmt.Fprintf(&b, " %d>%d", tcp.SrcPort, tcp.DstPort)
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{tcp.SYN, "SYN"}, {tcp.FIN, "FIN"}, {tcp.RST, "RST"}, {tcp.PSH, "PSH"},
		{tcp.ACK, "ACK"}, {tcp.URG, "URG"}, {tcp.ECE, "ECE"}, {tcp.CWR, "CWR"},
	} {
		if flag.set {
			b.WriteString(" " + flag.name)
		}
	}
	fmt.Fprintf(&b, " seq=%d", tcp.Seq)
	if tcp.ACK {
		fmt.Fprintf(&b, " ack=%d", tcp.Ack)
	}
	if tcp.Window != 65535 {
		fmt.Fprintf(&b, " win=%d", tcp.Window)
	}
	for _, o := range tcp.Options {
		if o.OptionType > layers.TCPOptionKindNop {
			fmt.Fprintf(&b, " %v=%x", o.OptionType, o.OptionData)
		}
	}
	if len(tcp.Payload) > 20 {
		fmt.Fprintf(&b, " %d bytes", len(tcp.Payload))
	} else if len(tcp.Payload) > 0 {
		fmt.Fprintf(&b, " %q", tcp.Payload)
	}
	if !good {
		b.WriteString(" badsum")
	}
	return b.String()
}

func parse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
