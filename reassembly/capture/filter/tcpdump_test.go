package filter

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"wirelag/reassembly/capture"
)

var update = flag.Bool("update", false, "ask the tcpdump of this machine for the programs in testdata/tcpdump.txt")

const programsFile = "testdata/tcpdump.txt"

// linkTypes are those whose verdicts are compared.
var linkTypes = []capture.LinkType{
	capture.LinkTypeEthernet, capture.LinkTypeLinuxSLL, capture.LinkTypeLinuxSLL2, capture.LinkTypeRaw,
	capture.LinkTypeIPv4, capture.LinkTypeIPv6, capture.LinkTypeNull, capture.LinkTypeLoop,
}

// expressions are asked for every link type.
var expressions = []string{
	"", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "esp", "ip", "ip6", "arp", "rarp",
	"not tcp", "not (tcp or udp)", "!udp", "not icmp6",
	"port 80", "tcp port 80", "udp port 53", "sctp port 80", "src port 80", "dst port 80", "tcp src port 443", "src or dst port 80",
	"src and dst port 443", "not port 22", "not tcp port 80", "port 80 or 443", "tcp port 80 or 443", "port (80 or 443 or 8050)",
	"port not 80", "tcp port 80 and not src port 443", "tcp dst port 80 or tcp src port 80",
	"portrange 8000-8100", "tcp portrange 22-80", "src portrange 8000-8050", "portrange 100-50", "not udp portrange 0-65535", "portrange 80",
	"port 0", "port 65535", "port 0x50", "port 0120",
	"host 10.0.0.1", "src host 10.0.0.1", "dst host 10.0.0.1", "src 10.0.0.1", "src and dst host 10.0.0.1", "ip host 10.0.0.1", "arp host 10.0.0.1",
	"rarp src host 10.0.0.2", "host 10.0.0.1 or 10.0.0.2", "host 10.0.0.1 and 10.0.0.2", "not host 10.0.0.1", "host 10.0.0.1 and not port 22",
	"host (10.0.0.1 or 192.168.1.7) and tcp", "host 10.1", "host 2001:db8::1", "src host 2001:db8::1", "ip6 host fe80::1", "not host 2001:db8::1",
	"net 10.0.0.0/8", "net 10", "net 10.0", "src net 10.0.0.0/30", "dst net 192.168.1", "net 10.0.0.0 mask 255.255.255.0", "net 10.0.0.0 mask 255.0.0.255",
	"net 0.0.0.0/0", "net 10.0.0.1", "ip net 10.1.0.0/16", "net 2001:db8::/32", "src net 2001:db8:0:0::/64", "dst net fe80::/10", "net ::/0", "ip6 net ff00::/8",
	"ip proto 6", "ip proto \\tcp", "ip6 proto 17", "ip6 proto 44", "proto 47", "proto \\icmp", "ip proto (6 or 17)", "ip proto 1 or 2",
	"ether proto 0x800", "ether proto \\ip6", "ether proto 0x806 or 0x8035", "ip multicast", "ip6 multicast",
	"less 60", "greater 100", "len > 100", "len <= 54", "len - 14 = 40", "len != 60", "not less 60",
	"tcp[tcpflags] & tcp-syn != 0", "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn", "tcp[tcpflags] == tcp-syn or tcp[13] = 0x12", "tcp[13] & 7 != 0",
	"tcp[0:2] = 80", "tcp[2:2] > 1024", "not tcp[tcpflags] & tcp-rst != 0", "tcp[tcpflags] & tcp-push != 0 and port 80",
	"tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420", "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
	"udp[4:2] < 30", "icmp[icmptype] = icmp-echo", "icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply", "icmp6[icmp6type] = icmp6-echo", "icmp[0] = 3 and icmp[icmpcode] = 1",
	"ip[6:2] & 0x1fff != 0", "ip[6] & 0x20 != 0", "ip[8] < 64", "ip[0] & 0xf != 5", "ip[2:2] > 100", "ip[16] >= 224", "ip6[6] = 6", "ip6[40:2] = 80", "arp[6:2] = 1",
	"ip[ip[0] & 0xf] = 6", "ip[0] + ip[1] > ip[9] * 4", "ip[9] / ip[8] = 6", "ip[9] % 5 = 1", "ip[9] ^ 6 = 0", "ip[8] << 2 > 200", "ip[9] % 4 + 1 = 1", "ip[9] - 1 % 3 = 5", "ip[9] ^ 3 & 1 = 7", "ip[8] - ip[9] ^ 7 = 63", "ip[9] * 2 ^ 1 | 4 = 42", "ip[8] >> 1 = 32", "ip[2:2] | 1 = 41",
	"ip[8] - 65 > 0xfffffff0", "-ip[9] = 0xfffffffa", "4 < ip[9]", "ip[9] + 1 * 2 = 8", "ip[4:4] & 0xff00ff00 != 0", "1 = 1", "1 + 1 = 3", "2 * 3 > 5 and tcp",
	"ether[0] & 1 != 0", "ether[12:2] = 0x800", "link[0:4] = 0x00112233", "ether[len - 1] = 0",
	"tcp or udp and port 80", "tcp and (port 80 or port 443) and not host 10.0.0.2", "ip and not (tcp or icmp) or ip6", "(((tcp)))", "not not tcp", "not (not tcp and not udp)",
	"tcp && port 80 || !ip", "host 10.0.0.1 and port 80 or 443 and not 53",
}

// ethernet are asked for Ethernet alone.
var ethernet = []string{
	"ether host 00:11:22:33:44:55", "ether src 00:11:22:33:44:55", "ether dst 00-11-22-33-44-55", "ether host 2:0:0:0:0:1", "link host 00:11:22:33:44:55 and tcp",
	"ether broadcast", "broadcast", "ether multicast", "multicast and not broadcast", "not ether multicast",
	"vlan", "vlan 5", "vlan 5 and tcp port 80", "vlan and tcp port 80", "not vlan", "vlan and vlan", "vlan 5 and vlan 10 and ip", "vlan 0",
	"tcp port 80 or (vlan and tcp port 80)", "vlan and host 10.0.0.1", "vlan or tcp", "vlan and ip[8] < 64", "vlan and tcp[13] & 2 != 0", "vlan and arp", "vlan and ip6 and not port 80",
	"vlan and ether host 00:11:22:33:44:55", "vlan 5 or vlan 10", "not vlan and port 80", "vlan and vlan and tcp portrange 22-80", "vlan and ether[12:2] = 0x8100",
}

// randomFile has expressions made at random of all parts of the language, for
// Ethernet alone: how those parts go together.
const randomFile = "testdata/random.txt"

func expressionsFor(t testing.TB, linkType capture.LinkType) []string {
	if linkType != capture.LinkTypeEthernet {
		return expressions
	}
	content, err := os.ReadFile(randomFile)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(expressions, ethernet, strings.Split(strings.TrimSpace(string(content)), "\n"))
}

// Our programs give the verdicts of tcpdump's.
func TestVerdictsAreThoseOfTcpdump(t *testing.T) {
	if *update {
		writePrograms(t)
	}
	theirs := readPrograms(t)
	for _, linkType := range linkTypes {
		frames := framesOf(linkType)
		for _, text := range expressionsFor(t, linkType) {
			reference, ok := theirs[programKey(linkType, text)]
			if !ok {
				t.Errorf("%s, %q: %s has no program; -update asks tcpdump for it", linkType, text, programsFile)
				continue
			}
			compareVerdicts(t, linkType, text, reference, frames)
		}
	}
}

// compareVerdicts compares ours with those of a reference, which is nil if
// tcpdump says that the expression rejects all frames. What tcpdump's optimizer
// makes does not load what cannot matter any more: it may keep a frame that is cut
// inside a header, where ours gives up.
func compareVerdicts(t *testing.T, linkType capture.LinkType, text string, reference *Program, frames []frame) {
	t.Helper()
	ours := compiled(t, text, linkType)
	wrong, givenUp := 0, 0
	for i, f := range frames {
		want := reference != nil && reference.Match(f.data, f.length)
		got := ours.Match(f.data, f.length)
		cut := uint32(len(f.data)) < f.length
		switch {
		case got == want:
		case cut && !got:
			givenUp++
		default:
			if wrong++; wrong == 1 {
				t.Errorf("%s, %q: frame %d (%d of %d bytes) %x: kept %v, by tcpdump %v", linkType, text, i, len(f.data), f.length, f.data, got, want)
			}
		}
	}
	if wrong > 1 {
		t.Errorf("%s, %q: %d of %d verdicts are wrong", linkType, text, wrong, len(frames))
	}
	if givenUp > 20 {
		t.Errorf("%s, %q: %d cut frames are given up", linkType, text, givenUp)
	}
}

// Frames and expressions go together: hardly an expression keeps all or none.
func TestFramesTellExpressionsApart(t *testing.T) {
	frames := framesOf(capture.LinkTypeEthernet)
	verdicts := map[string]string{}
	trivial := 0
	for _, text := range expressionsFor(t, capture.LinkTypeEthernet) {
		p := compiled(t, text, capture.LinkTypeEthernet)
		var bits strings.Builder
		kept := 0
		for _, f := range frames {
			if p.Match(f.data, f.length) {
				kept++
			}
			fmt.Fprint(&bits, p.Match(f.data, f.length))
		}
		if kept == 0 || kept == len(frames) {
			trivial++
		}
		verdicts[bits.String()] = text
	}
	if trivial > 40 || len(verdicts) < 200 {
		t.Errorf("%d expressions keep all or none of the frames; there are %d different verdicts", trivial, len(verdicts))
	}
}

func compiled(t testing.TB, text string, linkType capture.LinkType) *Program {
	t.Helper()
	e, err := Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	p, err := e.Compile(linkType)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return p
}

// The machine of x/net/bpf agrees with ours where it knows all of a program, on
// frames that are not cut.
func TestMachine(t *testing.T) {
	tried := 0
	for key, p := range readPrograms(t) {
		linkType, _, _ := strings.Cut(key, " ")
		instructions, known := []bpf.Instruction(nil), false
		if p != nil {
			instructions, known = bpf.Disassemble(p.code)
		}
		if !known {
			continue
		}
		theirs, err := bpf.NewVM(instructions)
		if err != nil {
			continue // it does not know all operations
		}
		tried++
		for _, f := range framesOf(linkTypeNamed(t, linkType)) {
			want, err := theirs.Run(f.data)
			if got := p.run(f.data, uint32(len(f.data))); err == nil && int(got) != want {
				t.Errorf("%s: frame %x: %d, by x/net/bpf %d", key, f.data, got, want)
				break
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d programs were tried", tried)
	}
}

func linkTypeNamed(t *testing.T, name string) capture.LinkType {
	for _, linkType := range linkTypes {
		if linkType.String() == name {
			return linkType
		}
	}
	t.Fatalf("no link type %s", name)
	return 0
}

func programKey(linkType capture.LinkType, text string) string {
	return linkType.String() + " " + text
}

// readPrograms reads the file of programs: a line with link type and expression,
// and one with what tcpdump -ddd says, or "rejects all".
func readPrograms(t *testing.T) map[string]*Program {
	content, err := os.ReadFile(programsFile)
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]*Program{}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		if lines[i+1] == rejectsAll {
			programs[lines[i]] = nil
			continue
		}
		p, err := ReadProgram(strings.NewReader(strings.ReplaceAll(lines[i+1], ", ", "\n")))
		if err != nil {
			t.Fatalf("%s: %v", lines[i], err)
		}
		programs[lines[i]] = p
	}
	return programs
}

const rejectsAll = "rejects all"

func writePrograms(t *testing.T) {
	var out bytes.Buffer
	for _, linkType := range linkTypes {
		empty := filepath.Join(t.TempDir(), "empty.pcap")
		header := binary.LittleEndian.AppendUint32([]byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00"), uint32(linkType))
		if err := os.WriteFile(empty, header, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, text := range expressionsFor(t, linkType) {
			fmt.Fprintf(&out, "%s\n%s\n", programKey(linkType, text), askTcpdump(t, empty, text))
		}
	}
	if err := os.WriteFile(programsFile, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

func askTcpdump(t *testing.T, file, text string) string {
	t.Helper()
	cmd := exec.Command("tcpdump", "-ddd", "-r", file, "--", text)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	switch err := cmd.Run(); {
	case strings.Contains(stderr.String(), "expression rejects all packets"):
		return rejectsAll
	case err != nil:
		t.Fatalf("tcpdump, %q: %v: %s", text, err, stderr.String())
	}
	return strings.ReplaceAll(strings.TrimSpace(stdout.String()), "\n", ", ")
}
