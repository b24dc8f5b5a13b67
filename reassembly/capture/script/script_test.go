package script

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	goparser "go/parser"
	gotoken "go/token"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"wirelag/reassembly/capture"
)

func hexFields(fields ...[]byte) string {
	var words []string
	for _, f := range fields {
		words = append(words, hex.EncodeToString(f))
	}
	return strings.Join(words, " ")
}

// TestPackageComment parses the example of the package comment.
func TestPackageComment(t *testing.T) {
	file, err := goparser.ParseFile(gotoken.NewFileSet(), "script.go", nil, goparser.ParseComments|goparser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(file.Doc.Text(), "\n\n")
	example, _, _ = strings.Cut(example, "\n\n")
	s := parse(t, example)
	if len(s.Packets) != 5 {
		t.Errorf("%d packets, want 5", len(s.Packets))
	}
	want := []Want{{Frame: capture.NewFrame(0, 5), Line: 6, Text: `server-think-time "1.22s"`}}
	if !reflect.DeepEqual(s.Wants, want) {
		t.Errorf("wants %+v, want %+v", s.Wants, want)
	}
}

func TestGoldenBytes(t *testing.T) {
	s := parse(t, `
		c 10.0.0.1:40000 > 10.0.0.2:80
		0ms c > SYN
		1ms c < "ok" # want x`)
	want := []string{
		"020000000002 020000000001 0800" +
			" 45 00 0030 0001 4000 40 06 26c5 0a000001 0a000002" +
			" 9c40 0050 000f4240 00000000 70 02 ffff 903d 0000 020405b4 01010402",
		"020000000001 020000000002 0800" +
			" 45 00 002a 8001 4000 40 06 a6ca 0a000002 0a000001" +
			" 0050 9c40 b2dfa041 000f4241 50 18 ffff fa5a 0000 6f6b",
	}
	for i, w := range want {
		if got := hex.EncodeToString(s.Packets[i].Data); got != strings.ReplaceAll(w, " ", "") {
			t.Errorf("packet %d:\ngot  %s\nwant %s", i+1, got, w)
		}
	}
}

func TestWants(t *testing.T) {
	s := parse(t, `# want none
		c 10.0.0.1:1 > 10.0.0.2:80   # the client's, want nothing
		0ms c > "a # want b"         # want rule "with # and \" in it" # want key=value
		0ms c > repeat("a", 9) split=3 # note # want last
		lost c > FIN                 # want lost`)
	want := []Want{
		{0, 1, "none"},
		{capture.NewFrame(0, 1), 3, `rule "with # and \" in it"`},
		{capture.NewFrame(0, 1), 3, "key=value"},
		{capture.NewFrame(0, 4), 4, "last"},
		{0, 5, "lost"},
	}
	if !reflect.DeepEqual(s.Wants, want) {
		t.Errorf("got  %+v\nwant %+v", s.Wants, want)
	}
}

func TestErrors(t *testing.T) {
	const declared = "c 10.0.0.1:1 > 10.0.0.2:80\nu 10.0.0.1:1 > 10.0.0.2:53 udp\nv [::1]:1 > [::2]:80\n"
	for _, test := range []struct{ script, want string }{
		{"link foo", `line 1: unknown link type "foo"`},
		{"link", "line 1: want one value behind link"},
		{"snaplen 0", "line 1: want a number from 1 to 2147483647"},
		{"start yesterday", "line 1: parsing time"},
		{"start 0001-01-01T00:00:00Z", "line 1: start lies between"},
		{"\n\"text\"", "line 2: want a time"},
		{"c 10.0.0.1 > 10.0.0.2:80", "line 1: not an ip:port"},
		{"c 10.0.0.1:1 10.0.0.2:80", "line 1: want TIME CONNECTION"},
		{"c 10.0.0.1:1 > [::1]:80", "line 1: want two IPv4 or two IPv6"},
		{"c 10.0.0.1:1 > 10.0.0.2:80 fast", `line 1: unknown option "fast"`},
		{"c 10.0.0.1:1 > 10.0.0.2:80 win=65536", "line 1: win: want a number from 0 to 65535"},
		{"c 10.0.0.1:1 > 10.0.0.2:80 vlan=1,4096", "line 1: vlan: want a number from 0 to 4095"},
		{"c 10.0.0.1:1 > 10.0.0.2:80 \"x\"", "line 1: a declaration has no payload"},
		{declared + "c 10.0.0.1:1 > 10.0.0.2:80", "line 4: connection c stands for another already"},
		{declared + "0ms x > SYN", "line 4: connection x is not declared"},
		{declared + "c > SYN", "line 4: want TIME CONNECTION"},
		{declared + "0ms c = SYN", "line 4: want > or <"},
		{declared + "0ms c", "line 4: want a connection and a direction"},
		{declared + "0ms c >", "line 4: want flags or a payload"},
		{declared + "0ms c > syn", `line 4: unknown word "syn"`},
		{declared + "0ms c > SYN foo=1", `line 4: unknown option "foo"`},
		{declared + "5 c > SYN", "line 4: want a time like"},
		{declared + "+9999999h c > SYN", "line 4: "},
		{declared + "90000h c > SYN", "line 4: time 90000h0m0s lies too far"},
		{declared + "0ms c > \"x", "line 4: no Go string literal"},
		{declared + "0ms c > repeat(\"x\" 3)", "line 4: want repeat("},
		{declared + "0ms c > repeat(\"x\", 99999999)", "line 4: more than"},
		{declared + "0ms c > repeat(\"x\", 2999999) repeat(\"x\", 2999999)", "line 4: more than"},
		{declared + "0ms c > repeat(\"x\", 65535)", "line 4: 65555 bytes do not fit"},
		{declared + "0ms c > ACK seq=x", "line 4: want a number like"},
		{declared + "0ms c > ACK sack=1-2", "line 4: want blocks like"},
		{declared + "0ms c > ACK sack=[1-+2]", "line 4: a SACK block counts"},
		{declared + "0ms c > ACK sack=[1-2,3-4,5-6,7-8,9-10]", "line 4: 44 bytes of TCP options"},
		{declared + "0ms c > ACK every=1ms", "line 4: every needs split"},
		{declared + "0ms c > \"xxx\" split=1 every=80000h", "line 4: time 160000h0m0s lies too far"},
		{declared + "0ms c > ACK split", "line 4: split needs a payload"},
		{declared + "0ms dup c >", "line 4: dup: no frame was captured before"},
		{declared + "0ms c > ACK\n0ms dup c > FIN", "line 5: dup repeats a frame as it is, without FIN"},
		{declared + "0ms c > ACK\nlost dup c >", "line 5: dup repeats a frame of the capture"},
		{declared + "0ms again c >", "line 4: again: no such segment"},
		{declared + "0ms c > SYN\n0ms again c > \"x\"", "line 5: again repeats"},
		{declared + "0ms u > \"x\" win=3", "line 4: a datagram has no win"},
		{declared + "0ms v > \"x\" ipid=3", "line 4: IPv6 has no ipid"},
		{declared + "0ms c > ACK\nlink raw", "line 5: link stands before the first packet"},
		{"link raw\n" + declared + "0ms c > ACK vlan=3", "line 5: vlan needs link ethernet"},
	} {
		_, err := Parse(test.script)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s\ngot:  %v\nwant: %s…", test.script, err, test.want)
		}
	}
}

func TestBoundedFrames(t *testing.T) {
	for _, line := range []string{
		"0ms c > repeat(\"x\", 4000000) split=60000\n",
		"lost c > repeat(\"x\", 4000000) split=60000\n",
	} {
		text := "c 10.0.0.1:1 > 10.0.0.2:80\n" + strings.Repeat(line, 9)
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), "line 10: more than 33554432 bytes of frames") {
			t.Errorf("36 MB by %s: %v, want an error", line, err)
		}
	}
}

func TestWritePcap(t *testing.T) {
	s := parse(t, `
		snaplen 80
		start 2026-02-03T04:05:06.789Z
		c 10.0.0.1:1 > 10.0.0.2:80
		1ns c > repeat("x", 1000)
		2s  c > "short"
		2s  c > "shorter" snaplen=60 drops=2`)
	var file bytes.Buffer
	if err := WritePcap(&file, s.Packets); err != nil {
		t.Fatal(err)
	}
	header := "4d3cb2a1 0200 0400 00000000 00000000 50000000 01000000"
	if got := hexFields(file.Next(24)); got != strings.ReplaceAll(header, " ", "") {
		t.Errorf("header %s, want %s", got, header)
	}
	start := uint32(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC).Unix())
	for i, want := range [][4]uint32{ // seconds, nanoseconds, bytes captured and on the wire
		{start, 789_000_001, 80, 1054},
		{start + 2, 789_000_000, 59, 59},
		{start + 2, 789_000_000, 60, 61},
	} {
		var got [4]uint32
		if err := binary.Read(&file, binary.LittleEndian, &got); err != nil {
			t.Fatal(err)
		}
		if data := file.Next(int(got[2])); got != want || !bytes.Equal(data, s.Packets[i].Data) {
			t.Errorf("packet %d: record %v, want %v", i+1, got, want)
		}
	}
	if file.Len() != 0 {
		t.Errorf("%d bytes behind the last packet", file.Len())
	}
}

func TestSource(t *testing.T) {
	s := parse(t, `
		c 10.0.0.1:1 > 10.0.0.2:80
		5ms c > "1"
		6ms c > "2"
		4ms c > "3" snaplen=20
		5ms c > "4"
		3ms c > "5"`)
	var source capture.Source = s.Source()
	var batch capture.Batch
	var kept []byte
	var frames []string
	for source.Read(&batch) == nil {
		if kept == nil {
			kept = batch.Packets[0].Data
		}
		for _, p := range batch.Packets {
			if !bytes.Equal(p.Data, s.Packets[len(frames)].Data) {
				t.Errorf("packet %v: other bytes than in the script", p.Frame)
			}
			frames = append(frames, p.Frame.String())
		}
	}
	if got := strings.Join(frames, " "); got != "1 2 3 4 5" {
		t.Errorf("frames %s", got)
	}
	if len(batch.Packets) != 0 || !bytes.Equal(kept, bytes.Repeat([]byte{0xdb}, len(kept))) {
		t.Errorf("at the end the batch holds %d packets and its bytes are %x", len(batch.Packets), kept)
	}
	f := source.Files()[0]
	if f.Packets != 5 || f.Bytes != 4*55+20 || f.CutPackets != 1 || f.ClockBackward != 2 ||
		f.First != s.Packets[4].Time || f.Last != s.Packets[1].Time {
		t.Errorf("file %+v", f)
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzParse checks what holds for every script that is accepted.
func FuzzParse(f *testing.F) {
	doc, err := os.ReadFile("script.go")
	if err != nil {
		f.Fatal(err)
	}
	for _, example := range strings.Split(string(doc), "\n//\n") {
		f.Add(strings.ReplaceAll(example, "//\t", ""))
	}
	const declared = "c 10.0.0.1:1 > 10.0.0.2:80 timestamps\nd [::1]:1 > [::2]:53 udp\n"
	f.Add("link sll\nsnaplen 200\n" + declared + "lost c > SYN\n+1s again c > # want x # want y\n0ms dup c >\n0ms d < \"x\"")
	f.Add(declared + "0ms c > repeat(\"xy\", 3000) \"z\" split=900 every=3ms\n0ms again c > seq=901\n5ms c < ACK sack=[1-3] dsack=[@7-@9] win=4")
	f.Add(declared + "0ms c > keepalive noack tfo=aabb badsum\n0ms unseen c < FIN seq=+100 ack=-3 vlan=1,2 ttl=3 ipid=7\n1ms c > RST partsum")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if s != nil || !strings.HasPrefix(err.Error(), "line ") {
				t.Fatalf("script %v, error %v", s, err)
			}
			return
		}
		for i, p := range s.Packets {
			if p.Frame.Number() != uint64(i+1) || int(p.Length) < len(p.Data) || p.Length < 28 {
				t.Fatalf("packet %d: frame %v, %d of %d bytes", i+1, p.Frame, len(p.Data), p.Length)
			}
			if i == 100 {
				break
			}
			whole := int(p.Length) == len(p.Data) && s.Interface.LinkType != capture.LinkTypeLinuxSLL2
			if !whole || strings.Contains(text, "sum") || strings.Contains(text, "vlan") {
				continue
			}
			if _, good := decode(t, p); !good {
				t.Fatalf("packet %d: wrong checksum", i+1)
			}
		}
		for _, w := range s.Wants {
			if w.Frame.Number() > uint64(len(s.Packets)) || w.Line < 1 {
				t.Fatalf("expectation %+v of %d packets", w, len(s.Packets))
			}
		}
		if err := WritePcap(io.Discard, s.Packets); err != nil {
			t.Fatal(err)
		}
	})
}
