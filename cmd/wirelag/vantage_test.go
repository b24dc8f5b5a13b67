package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
	"wirelag/reassembly/packet"
)

// twoConnections is what a client 10 ms away sees of a proxy (.2), and the proxy
// of a server (.3).
const twoConnections = `
f 10.0.0.1:40000 > 10.0.0.2:80 timestamps
b 10.0.0.2:50000 > 10.0.0.3:8080
0ms    f > SYN
20ms   f < SYN ACK
20ms   f > ACK
21ms   f > "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
32ms   b > SYN
52ms   b < SYN ACK
52ms   b > ACK
53ms   b > "GET / HTTP/1.1\r\nHost: b\r\n\r\n"
73ms   b < ACK
73ms   b < "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" repeat("x", 3000) split
74ms   b > ACK
90ms   f < "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" repeat("x", 3000) split
91ms   f > ACK
200ms  f > "GET /again HTTP/1.1\r\nHost: a\r\n\r\n"
240ms  f < "HTTP/1.1 204 No Content\r\n\r\n"
241ms  f > FIN
262ms  f < FIN
262ms  f > ACK
`

// at is how packets look somewhere else: those to a server are seen later, and
// those to a client earlier, by as much, and all by another clock.
func at(packets []capture.Packet, farther, ahead time.Duration) []capture.Packet {
	seen := slices.Clone(packets)
	var decoder packet.Decoder
	var s packet.Segment
	for i := range seen {
		decoder.Decode(&seen[i], &s)
		late := farther
		if s.Src.Port() < s.Dst.Port() {
			late = -farther
		}
		seen[i].Time = seen[i].Time.Add(late + ahead)
	}
	slices.SortStableFunc(seen, func(a, b capture.Packet) int { return int(a.Time - b.Time) })
	return seen
}

// of returns the packets of connections to a port.
func of(packets []capture.Packet, port uint16) []capture.Packet {
	var decoder packet.Decoder
	var s packet.Segment
	return slices.DeleteFunc(slices.Clone(packets), func(p capture.Packet) bool {
		decoder.Decode(&p, &s)
		return s.Src.Port() != port && s.Dst.Port() != port
	})
}

// inputs writes captures to files called by their names, .pcapng as such with an
// interface for each capture.
func inputs(t *testing.T, files captures) []string {
	t.Helper()
	folder := t.TempDir()
	var names []string
	for name, interfaces := range files {
		path := filepath.Join(folder, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".pcapng") {
			_, err = f.Write(pcapng(interfaces))
		} else {
			err = script.WritePcap(f, interfaces[0])
		}
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		names = append(names, path)
	}
	slices.Sort(names)
	return names
}

// pcapng returns a capture of several interfaces, in the order of time.
func pcapng(interfaces [][]capture.Packet) []byte {
	little := binary.LittleEndian
	block := func(b []byte, kind uint32, body []byte) []byte {
		body = append(body, make([]byte, -len(body)&3)...)
		size := uint32(len(body) + 12)
		b = little.AppendUint32(little.AppendUint32(b, kind), size)
		return little.AppendUint32(append(b, body...), size)
	}
	words := func(n ...uint32) (b []byte) {
		for _, n := range n {
			b = little.AppendUint32(b, n)
		}
		return b
	}
	b := block(nil, 0x0a0d0d0a, words(0x1a2b3c4d, 1, math.MaxUint32, math.MaxUint32))
	type numbered struct {
		capture.Packet
		of int
	}
	var all []numbered
	for i, packets := range interfaces {
		b = block(b, 1, words(1, 1<<18, 9|1<<16, 9, 0)) // nanoseconds
		for _, p := range packets {
			all = append(all, numbered{p, i})
		}
	}
	slices.SortStableFunc(all, func(a, b numbered) int { return int(a.Time - b.Time) })
	for _, p := range all {
		head := words(uint32(p.of), uint32(p.Time>>32), uint32(p.Time), uint32(len(p.Data)), p.Length)
		b = block(b, 6, append(head, p.Data...))
	}
	return b
}

// report returns the JSON report of captures, without what the names, numbers
// and formats of files decide, and without the members named.
func report(t *testing.T, files captures, without ...string) map[string]any {
	t.Helper()
	got := wirelag(t, nil, append([]string{"analyze", "--format", "json"}, inputs(t, files)...)...)
	if got.status != statusDone {
		t.Fatalf("status %d, %s", got.status, got.stderr)
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(got.stdout), &tree); err != nil {
		t.Fatal(err)
	}
	drop := map[string]bool{"files": true, "file": true, "last_file": true, "first_frame": true, "last_frame": true}
	for _, name := range without {
		drop[name] = true
	}
	prune(tree, drop)
	return tree
}

func prune(tree any, drop map[string]bool) {
	switch tree := tree.(type) {
	case map[string]any:
		maps.DeleteFunc(tree, func(name string, _ any) bool { return drop[name] })
		for _, v := range tree {
			prune(v, drop)
		}
	case []any:
		for _, v := range tree {
			prune(v, drop)
		}
	}
}

func parse(t *testing.T, source string) []capture.Packet {
	t.Helper()
	parsed, err := script.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Packets
}

// pieces cuts the capture called name (with a verb for the number) into several.
func pieces(files captures, name string, packets []capture.Packet, size int) {
	n := 0
	for piece := range slices.Chunk(packets, size) {
		files[fmt.Sprintf(name, n)] = [][]capture.Packet{piece}
		n++
	}
}

// captures are the contents of files by name, for each interface.
type captures = map[string][][]capture.Packet

// What two hosts captured of the same connections is told once, as the client's
// side saw it, whatever the clocks and files.
func TestTwoHosts(t *testing.T) {
	client := of(parse(t, twoConnections), 80)
	server := func(ahead time.Duration) []capture.Packet { return at(client, 10*time.Millisecond, ahead) }
	told := func(c captures) map[string]any {
		return report(t, c, "clock_offset_ms", "vantages", "health", "packets", "bytes", "tcp_packets", "end")
	}
	one, two := told(captures{"c.pcap": {client}}), told(captures{"c.pcap": {client}, "s.pcap": {server(0)}})
	if !reflect.DeepEqual(two, one) {
		t.Errorf("two points: %v\none point: %v", two, one)
	}
	variants := map[string]captures{
		"files called otherwise": {"z.pcap": {client}, "a.pcap": {server(0)}},
		"pcapng":                 {"c.pcapng": {client}, "s.pcapng": {server(0)}},
	}
	for _, ahead := range []time.Duration{3700 * time.Millisecond, -200 * time.Millisecond, -24 * time.Hour} {
		variants[fmt.Sprint("server ahead by ", ahead)] = captures{"c.pcap": {client}, "s.pcap": {server(ahead)}}
		variants[fmt.Sprint("one file, server ahead by ", ahead)] = captures{"both.pcapng": {client, server(ahead)}}
		cut := captures{}
		pieces(cut, "c%d.pcap", client, 4)
		pieces(cut, "s%d.pcap", server(ahead), 5)
		variants[fmt.Sprint("rotated, server ahead by ", ahead)] = cut
	}
	const offset = "clock_offset_ms"
	want := report(t, captures{"c.pcap": {client}, "s.pcap": {server(0)}}, offset, "vantages")
	for name, files := range variants {
		if got := report(t, files, offset, "vantages"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\nwant %v", name, got, want)
		}
	}
}

// vantages are those of a report's connections, with their clocks.
func vantages(tree map[string]any) string {
	var all []string
	for _, c := range tree["connections"].([]any) {
		c := c.(map[string]any)
		all = append(all, fmt.Sprint(c["vantages"], c["clock_offset_ms"]))
	}
	return strings.Join(all, "\n")
}

func TestClockOffsets(t *testing.T) {
	client := of(parse(t, twoConnections), 80)
	got := vantages(report(t, captures{
		"c.pcap": {client}, "s.pcapng": {at(client, 10*time.Millisecond, -200*time.Millisecond)},
	}))
	want := `[map[clock_offset_ms:0 interface: leads:true packets:13] map[clock_offset_ms:-200 interface: leads:false packets:13]] 0`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Both sides of a proxy keep their order where captures share connections.
func TestProxyWithSkewedClocks(t *testing.T) {
	packets := parse(t, twoConnections)
	front, back := of(packets, 80), of(packets, 8080)
	proxy := slices.Concat(at(front, 10*time.Millisecond, 0), back)
	slices.SortStableFunc(proxy, func(a, b capture.Packet) int { return int(a.Time - b.Time) })
	skewed := func(proxys, servers time.Duration) map[string]any {
		return report(t, captures{
			"client.pcap": {front}, "proxy.pcap": {at(proxy, 0, proxys)}, "server.pcap": {at(back, 10*time.Millisecond, servers)},
		}, "clock_offset_ms")
	}
	want := skewed(0, 0)
	if got := skewed(5*time.Second, -time.Minute); !reflect.DeepEqual(got, want) {
		t.Errorf("skewed: %v\nwant %v", got, want)
	}
}

// The two sides of a proxy alone share no connections.
func TestNoVantages(t *testing.T) {
	packets := parse(t, twoConnections)
	got := report(t, captures{"back.pcap": {of(packets, 8080)}, "front.pcap": {of(packets, 80)}})
	if v := vantages(got); strings.Contains(v, "leads") {
		t.Errorf("vantages: %s", v)
	}
}

// The text report shows which points saw the same connections.
func TestCapturePointsInText(t *testing.T) {
	client := of(parse(t, twoConnections), 80)
	server := at(client, 10*time.Millisecond, -2*time.Second)
	names := inputs(t, captures{"client.pcap": {client}, "server.pcap": {server}})
	got := wirelag(t, nil, names...).stdout
	_, section, _ := strings.Cut(got, "Capture points that saw the same connections\n")
	section, _, _ = strings.Cut(section, "\n\n")
	const want = `  Capture      Connections  Told by it  Packets  Clock ahead by
  client.pcap            1           1       13               0
  server.pcap            1           0       13         −2.00 s`
	if section != want {
		t.Errorf("got\n%s\nwant\n%s\nin %s", section, want, got)
	}
}
