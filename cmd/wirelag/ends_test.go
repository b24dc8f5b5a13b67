package main

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"wirelag/reassembly/capture"
)

// watched is a host with a connection that is idle from the beginning, one without an
// answer, and one that goes on all the time.
const watched = `
i 10.0.0.1:40000 > 10.0.0.2:80
u 10.0.0.1:40001 > 10.0.0.3:80
g 10.0.0.1:40002 > 10.0.0.2:80
0ms     i > SYN
1ms     i < SYN ACK
1ms     i > ACK
2ms     i > "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
3ms     i < "HTTP/1.1 204 No Content\r\n\r\n"
4ms     i > ACK
10ms    g > SYN
11ms    g < SYN ACK
11ms    g > ACK
20ms    u > SYN
1020ms  u > SYN
1100ms  g > "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
1101ms  g < "HTTP/1.1 204 No Content\r\n\r\n"
1102ms  g > ACK
40000ms g > "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
40001ms g < "HTTP/1.1 204 No Content\r\n\r\n"
40002ms g > ACK
80000ms g > "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
80001ms g < "HTTP/1.1 204 No Content\r\n\r\n"
80002ms g > ACK
`

// elsewhere is traffic of other hosts.
const elsewhere = `
o 10.9.0.1:40000 > 10.9.0.2:80
0ms     o > SYN
1ms     o < SYN ACK
1ms     o > ACK
2ms     o > "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
3ms     o < "HTTP/1.1 204 No Content\r\n\r\n"
4ms     o > ACK
40000ms o > "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
40001ms o < "HTTP/1.1 204 No Content\r\n\r\n"
40002ms o > ACK
80000ms o > "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
80001ms o < "HTTP/1.1 204 No Content\r\n\r\n"
80002ms o > ACK
`

// What is open when its capture ends is judged by the end of that one, in as many files as
// it may be, whatever else there is.
func TestEndsOfCaptures(t *testing.T) {
	host, other := parse(t, watched), parse(t, elsewhere)
	begin := host[:slices.IndexFunc(host, func(p capture.Packet) bool { return p.Time.Sub(host[0].Time) > 2*time.Second })]
	later := func(d time.Duration) []capture.Packet { return at(other, 0, d) }
	both := []string{"connect-failed", "idle-connection"}
	cut, named := captures{}, captures{}
	pieces(cut, "c%d.pcap", host, 7)
	pieces(named, "c%d.pcap", host, 7)
	named["first.pcap"], named["second.pcap"], named["third.pcap"] = named["c0.pcap"], named["c1.pcap"], named["c2.pcap"]
	delete(named, "c0.pcap")
	delete(named, "c1.pcap")
	delete(named, "c2.pcap")
	for _, c := range []struct {
		name  string
		files captures
		want  []string
	}{
		{"one file", captures{"a.pcap": {host}}, both},
		{"it ends before", captures{"a.pcap": {begin}}, nil},
		{"in pieces", cut, both},
		{"in pieces with names of their own", named, both},
		{"another captures at the same time", captures{"a.pcap": {host}, "b.pcap": {other}}, both},
		{"another captures for longer", captures{"a.pcap": {begin}, "b.pcap": {other}}, nil},
		{"another captures for longer, by the names a next piece", captures{"a1.pcap": {begin}, "a2.pcap": {other}}, nil},
		{"another captures soon after", captures{"a.pcap": {begin}, "b.pcap": {later(1500 * time.Millisecond)}}, nil},
		{"another captures a day after", captures{"a.pcap": {begin}, "b.pcap": {later(24 * time.Hour)}}, nil},
		{"another captures a day after, by the names a next piece", captures{"a1.pcap": {begin}, "a2.pcap": {later(24 * time.Hour)}}, nil},
		{"another interface of the same capture", captures{"a.pcapng": {begin, other}}, both},
	} {
		for _, options := range [][]string{{"--jobs", "1"}, {"--jobs", "2"}, {"--filter", "host 10.0.0.1 or host 10.9.0.1"}} {
			args := append([]string{"analyze", "--format", "json"}, options...)
			if got := reportedRules(t, append(args, inputs(t, c.files)...)); !slices.Equal(got, c.want) {
				t.Errorf("%s, %v: %v, want %v", c.name, options, got, c.want)
			}
		}
	}
}

// reportedRules are those of the rules of which a report has findings, sorted.
func reportedRules(t *testing.T, args []string) []string {
	t.Helper()
	got := wirelag(t, nil, args...)
	var report struct{ Findings []struct{ Rule string } }
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		t.Fatalf("%v: %s", err, got.stderr)
	}
	var ids []string
	for _, f := range report.Findings {
		ids = append(ids, f.Rule)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
