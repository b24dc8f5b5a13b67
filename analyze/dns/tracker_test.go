package dns_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"wirelag/analyze/dns"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
	"wirelag/reassembly/packet"
)

// endpoints stand before each script: two clients, their resolvers and servers.
const endpoints = `
a 10.0.0.1:5001 > 10.0.0.53:53 udp
b 10.0.0.1:5002 > 10.0.0.53:53 udp
c 10.0.0.1:5003 > 10.0.0.54:53 udp
i [2001:db8::1]:5004 > [2001:db8::53]:53 udp
o 10.0.0.9:5005 > 10.0.0.53:53 udp
s 10.0.0.1:40001 > 10.0.0.2:80
t 10.0.0.1:40002 > 10.0.0.2:80
u 10.0.0.1:40003 > 10.0.0.3:80
z 10.0.0.9:40004 > 10.0.0.2:80
v [2001:db8::1]:40005 > [2001:db8::2]:80
m 10.0.0.1:5353 > 224.0.0.251:5353 udp
`

// TestConnect shows what led to a connection on the line of its SYN.
func TestConnect(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"one query", `
			0ms  a > ask(7 A www.example)
			20ms a < reply(7 A www.example: 10.0.0.2)
			21ms s > SYN                                 # want www.example 20ms tries=1 retries=0 failures=0`},
		{"nothing asked", `
			0ms  s > SYN                                 # want nothing`},
		{"another host", `
			0ms  a > ask(7 A www.example)
			20ms a < reply(7 A www.example: 10.0.0.77)
			21ms s > SYN                                 # want nothing`},
		{"another client asked", `
			0ms  o > ask(7 A www.example)
			20ms o < reply(7 A www.example: 10.0.0.2)
			21ms s > SYN                                 # want www.example`},
		{"letters' case", `
			0ms  a > ask(7 A wWw.eXample)
			20ms a < reply(7 A WwW.exaMple: 10.0.0.2)
			21ms s > SYN                                 # want www.example 20ms tries=1 retries=0 failures=0`},
		{"aliases", `
			0ms  a > ask(7 A www.example)
			20ms a < reply(7 A www.example: CNAME a.cdn, CNAME b.cdn, 10.0.0.2, 10.0.0.3)
			21ms u > SYN                                 # want www.example 20ms tries=1 retries=0 failures=0`},
		{"alias in a circle", `
			0ms  a > ask(7 A www.example)
			20ms a < reply(7 A www.example: CNAME b.example, CNAME www.example)
			21ms s > SYN                                 # want nothing`},
		{"IPv4 and IPv6 side by side", `
			0ms   a > ask(7 A www.example)
			0ms   a > ask(8 AAAA www.example)
			20ms  a < reply(7 A www.example: 10.0.0.2)
			150ms a < reply(8 AAAA www.example: EMPTY)
			151ms s > SYN                                # want www.example 150ms tries=2 retries=0 failures=0`},
		{"IPv6 is not waited for", `
			0ms   a > ask(7 A www.example)
			0ms   a > ask(8 AAAA www.example)
			20ms  a < reply(7 A www.example: 10.0.0.2)
			70ms  s > SYN                                # want www.example 20ms tries=2 retries=0 failures=0
			150ms a < reply(8 AAAA www.example: 2001:db8::2)`},
		{"IPv4 after IPv6", `
			0ms   a > ask(7 AAAA www.example)
			20ms  a < reply(7 AAAA www.example: EMPTY)
			21ms  b > ask(8 A www.example)
			51ms  b < reply(8 A www.example: 10.0.0.2)
			52ms  s > SYN                                # want www.example 51ms tries=2 retries=0 failures=0`},
		{"over IPv6", `
			0ms   i > ask(8 AAAA www.example)
			20ms  i < reply(8 AAAA www.example: 2001:db8::2)
			21ms  v > SYN                                # want www.example 20ms tries=1 retries=0 failures=0`},
		{"a late HTTPS record", `
			0ms   a > ask(7 A www.example)
			0ms   a > ask(9 HTTPS www.example)
			20ms  a < reply(7 A www.example: 10.0.0.2)
			90ms  a < reply(9 HTTPS www.example: EMPTY)
			91ms  s > SYN                                # want www.example 20ms tries=2 retries=0 failures=0`},
		{"sent again", `
			0s    a > ask(7 A www.example)
			1s    a > ask(7 A www.example)
			1012ms a < reply(7 A www.example: 10.0.0.2)
			1013ms s > SYN                               # want www.example 1.012s tries=2 retries=1 failures=0`},
		{"sent again from another port, to another resolver", `
			0s    a > ask(7 A www.example)
			5s    b > ask(8 A www.example)
			10s   c > ask(9 A www.example)
			10010ms c < reply(9 A www.example: 10.0.0.2)
			10011ms s > SYN                              # want www.example 10.01s tries=3 retries=2 failures=0`},
		{"two threads look up the same name", `
			0ms   a > ask(7 A www.example)
			30ms  a > ask(8 A www.example)
			50ms  a < reply(7 A www.example: 10.0.0.2)
			51ms  s > SYN                                # want www.example 50ms tries=2 retries=0 failures=0
			80ms  a < reply(8 A www.example: 10.0.0.2)`},
		{"sent again with another identifier", `
			0s    a > ask(7 A www.example)
			1s    a > ask(8 A www.example)
			1012ms a < reply(8 A www.example: 10.0.0.2)
			1013ms s > SYN                               # want www.example 1.012s tries=2 retries=1 failures=0`},
		{"both sent again though one was answered", `
			0s    a > ask(7 A www.example)
			0s    a > ask(8 AAAA www.example)
			10ms  a < reply(7 A www.example: 10.0.0.2)
			5s    a > ask(7 A www.example)
			5010ms a < reply(7 A www.example: 10.0.0.2)
			5011ms a > ask(8 AAAA www.example)
			5021ms a < reply(8 AAAA www.example: EMPTY)
			5022ms s > SYN                               # want www.example 5.021s tries=4 retries=2 failures=0`},
		{"the answer to the first of two queries", `
			0s    a > ask(7 A www.example)
			1s    a > ask(7 A www.example)
			1001ms a < reply(7 A www.example: 10.0.0.2)
			1030ms a < reply(7 A www.example: 10.0.0.2)
			1031ms s > SYN                               # want www.example 1.001s tries=2 retries=1 failures=0`},
		{"several resolvers at once", `
			0ms   a > ask(7 A www.example)
			1ms   c > ask(7 A www.example)
			30ms  c < reply(7 A www.example: 10.0.0.2)
			31ms  s > SYN                                # want www.example 30ms tries=2 retries=0 failures=0
			40ms  a < reply(7 A www.example: 10.0.0.2)`},
		{"copies", `
			0ms   a > ask(7 A www.example)
			0ms   dup a >
			20ms  a < reply(7 A www.example: 10.0.0.2)
			20ms  dup a <
			300ms dup a >
			320ms s > SYN                                # want www.example 20ms tries=1 retries=0 failures=0`},
		{"a resolver fails", `
			0ms   a > ask(7 A www.example)
			30ms  a < reply(7 A www.example: SERVFAIL)
			31ms  c > ask(8 A www.example)
			61ms  c < reply(8 A www.example: 10.0.0.2)
			62ms  s > SYN                                # want www.example 61ms tries=2 retries=0 failures=1`},
		{"a resolver fails for both", `
			0ms   a > ask(7 A www.example)
			0ms   a > ask(8 AAAA www.example)
			30ms  a < reply(7 A www.example: SERVFAIL)
			30ms  a < reply(8 AAAA www.example: SERVFAIL)
			31ms  c > ask(9 A www.example)
			31ms  c > ask(10 AAAA www.example)
			61ms  c < reply(9 A www.example: 10.0.0.2)
			62ms  c < reply(10 AAAA www.example: EMPTY)
			62ms  s > SYN                                # want www.example 62ms tries=4 retries=0 failures=1`},
		{"search list, the domain first", `
			0ms   a > ask(7 A api.test.corp.example)
			45ms  a < reply(7 A api.test.corp.example: NXDOMAIN)
			45ms  b > ask(8 A api.test)
			90ms  b < reply(8 A api.test: 10.0.0.2)
			91ms  s > SYN                                # want api.test 90ms tries=2 retries=0 failures=1`},
		{"search list, the name first", `
			0ms   a > ask(7 A api)
			45ms  a < reply(7 A api: NXDOMAIN)
			45ms  b > ask(8 A api.corp.example)
			90ms  b < reply(8 A api.corp.example: 10.0.0.2)
			91ms  s > SYN                                # want api.corp.example 90ms tries=2 retries=0 failures=1`},
		{"a cluster's search list, both kinds", `
			0ms   a > ask(1 A shop.prod.a.svc.local)
			0ms   a > ask(2 AAAA shop.prod.a.svc.local)
			5ms   a < reply(1 A shop.prod.a.svc.local: NXDOMAIN)
			6ms   a < reply(2 AAAA shop.prod.a.svc.local: NXDOMAIN)
			50ms  b > ask(3 A shop.prod.svc.local)
			50ms  b > ask(4 AAAA shop.prod.svc.local)
			55ms  b < reply(3 A shop.prod.svc.local: NXDOMAIN)
			56ms  b < reply(4 AAAA shop.prod.svc.local: NXDOMAIN)
			57ms  c > ask(5 A shop.prod)
			57ms  c > ask(6 AAAA shop.prod)
			70ms  c < reply(5 A shop.prod: 10.0.0.2)
			80ms  c < reply(6 AAAA shop.prod: EMPTY)
			81ms  s > SYN                                # want shop.prod 80ms tries=6 retries=0 failures=2`},
		{"a failure of another host", `
			0ms   a > ask(7 A www.gone)
			45ms  a < reply(7 A www.gone: NXDOMAIN)
			85ms  b > ask(8 A www.example)
			90ms  b < reply(8 A www.example: 10.0.0.2)
			91ms  s > SYN                                # want www.example 5ms tries=1 retries=0 failures=0`},
		{"a failure long before", `
			0ms   a > ask(7 A api.corp)
			45ms  a < reply(7 A api.corp: NXDOMAIN)
			400ms b > ask(8 A api)
			410ms b < reply(8 A api: 10.0.0.2)
			411ms s > SYN                                # want api 10ms tries=1 retries=0 failures=0`},
		{"the first name has no such address, the other kind is on its way", `
			0ms   a > ask(7 A www.gone)
			0ms   a > ask(8 AAAA www.gone)
			45ms  a < reply(8 AAAA www.gone: EMPTY)
			46ms  b > ask(9 A www.example)
			90ms  b < reply(9 A www.example: 10.0.0.2)
			91ms  s > SYN                                # want www.example 44ms tries=1 retries=0 failures=0`},
		{"truncated, asked again", `
			0ms   a > ask(7 A www.example)
			20ms  a < reply(7 A www.example: TC, 10.0.0.2)
			400ms b > ask(8 A www.example)
			420ms b < reply(8 A www.example: 10.0.0.2)
			421ms s > SYN                                # want www.example 420ms tries=2 retries=0 failures=0`},
		{"the second connection", `
			0ms   a > ask(7 A www.example)
			20ms  a < reply(7 A www.example: 10.0.0.2, 10.0.0.3)
			21ms  s > SYN                                # want www.example 20ms tries=1 retries=0 failures=0
			21ms  t > SYN                                # want www.example
			25ms  u > SYN                                # want www.example 20ms tries=1 retries=0 failures=0`},
		{"asked anew", `
			0ms   a > ask(7 A www.example)
			20ms  a < reply(7 A www.example: 10.0.0.2 ttl=0)
			21ms  s > SYN                                # want www.example 20ms tries=1 retries=0 failures=0
			22ms  b > ask(8 A www.example)
			27ms  b < reply(8 A www.example: 10.0.0.2)
			28ms  t > SYN                                # want www.example 5ms tries=1 retries=0 failures=0`},
		{"asked well before", `
			0ms   a > ask(7 A www.example)
			20ms  a < reply(7 A www.example: 10.0.0.2)
			5021ms s > SYN                               # want www.example
			5022ms t > SYN                               # want www.example`},
		{"asked just before", `
			0ms   a > ask(7 A www.example)
			20ms  a < reply(7 A www.example: 10.0.0.2)
			5019ms s > SYN                               # want www.example 20ms tries=1 retries=0 failures=0`},
		{"the answer has expired", `
			0s    a > ask(7 A www.example)
			1s    a < reply(7 A www.example: 10.0.0.2 ttl=300)
			300s  s > SYN                                # want www.example
			302s  t > SYN                                # want nothing`},
		{"an alias expires before its address", `
			0s    a > ask(7 A www.example)
			1s    a < reply(7 A www.example: CNAME x.example ttl=70, 10.0.0.2)
			70s   s > SYN                                # want www.example
			72s   s > SYN                                # want nothing`},
		{"the query is not in the capture", `
			0ms   a < reply(7 A www.example: 10.0.0.2)
			1ms   s > SYN                                # want www.example`},
		{"the answer is not in the capture", `
			0ms   a > ask(7 A www.example)
			30ms  s > SYN                                # want nothing`},
		{"two clients", `
			0ms   a > ask(7 A one.example)
			0ms   o > ask(7 A two.example)
			20ms  o < reply(7 A two.example: 10.0.0.2)
			30ms  a < reply(7 A one.example: 10.0.0.2)
			31ms  z > SYN                                # want two.example 20ms tries=1 retries=0 failures=0
			31ms  s > SYN                                # want one.example 30ms tries=1 retries=0 failures=0`},
		{"an attempt that was given up", `
			0s    a > ask(7 A www.example)
			10s   a > ask(8 A www.example)
			20s   a > ask(9 A www.example)
			30s   a > ask(10 A www.example)
			40s   a > ask(11 A www.example)
			50s   a > ask(12 A www.example)
			61s   a > ask(13 A www.example)
			61020ms a < reply(13 A www.example: 10.0.0.2)
			61021ms s > SYN                              # want www.example 20ms tries=1 retries=0 failures=0`},
		{"another protocol, another port, another type", `
			0ms   m > ask(7 A www.example)
			1ms   m < reply(7 A www.example: 10.0.0.2)
			2ms   a > "GET / HTTP/1.1\r\n\r\n"
			3ms   a > ask(8 TXT www.example)
			4ms   a < reply(8 TXT www.example: EMPTY)
			5ms   s > SYN                                # want nothing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := script.Parse(endpoints + strings.ReplaceAll(withMessages(t, c.script), "\t", ""))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, w := range s.Wants {
				want = append(want, fmt.Sprintf("%v: %s", w.Frame, strings.TrimSpace(w.Text)))
			}
			if got := connects(t, s); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// connects runs a script and tells what led to each connection.
func connects(t *testing.T, s *script.Script) []string {
	tracker := dns.NewTracker()
	var got []string
	each(t, s, func(kind packet.Kind, p *packet.Segment) {
		switch kind {
		case packet.UDP:
			tracker.Datagram(p)
		case packet.TCP:
			lookup, name := tracker.Connect(p.Src.Addr(), p.Dst.Addr(), p.Mark)
			got = append(got, fmt.Sprintf("%v: %s%s", p.Frame, cmp.Or(name, "nothing"), describe(lookup)))
		}
	})
	return got
}

func describe(l *dns.Lookup) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf(" %v tries=%d retries=%d failures=%d", l.Seen(), l.Tries, l.Retries, l.Failures)
}

// each decodes the packets of a script.
func each(t *testing.T, s *script.Script, f func(packet.Kind, *packet.Segment)) {
	t.Helper()
	var (
		decoder packet.Decoder
		batch   capture.Batch
		segment packet.Segment
	)
	source := s.Source()
	for {
		err := source.Read(&batch)
		for i := range batch.Packets {
			f(decoder.Decode(&batch.Packets[i], &segment), &segment)
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSteps(t *testing.T) {
	s, err := script.Parse(endpoints + strings.ReplaceAll(withMessages(t, `
		0s     a > ask(7 A api.corp)
		0s     a > ask(8 AAAA api.corp)
		1s     a > ask(7 A api.corp)
		1010ms a < reply(7 A api.corp: NXDOMAIN)
		1011ms b > ask(9 A api)
		1020ms b < reply(9 A api: SERVFAIL)
		1021ms c > ask(9 A api)
		1030ms c < reply(9 A api: TC)
		1031ms c > ask(10 A api)
		1040ms c < reply(10 A api: 10.0.0.2)
		1041ms s > SYN
	`), "\t", ""))
	if err != nil {
		t.Fatal(err)
	}
	tracker := dns.NewTracker()
	var lookup *dns.Lookup
	each(t, s, func(kind packet.Kind, p *packet.Segment) {
		if kind == packet.UDP {
			tracker.Datagram(p)
			return
		}
		lookup, _ = tracker.Connect(p.Src.Addr(), p.Dst.Addr(), p.Mark)
	})
	if lookup == nil {
		t.Fatal("no lookup")
	}
	var got []string
	for _, step := range lookup.Steps {
		got = append(got, fmt.Sprintf("%v %v", step.Frame, step))
	}
	want := []string{
		"1 query: A api.corp",
		"2 query: AAAA api.corp",
		"3 query sent again: A api.corp",
		"4 no such name: A api.corp",
		"5 query: A api",
		"6 SERVFAIL: A api",
		"7 query: A api",
		"8 truncated answer: A api",
		"9 query: A api",
		"10 answer: A api",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if lookup.Failures != 2 || lookup.Resolver.String() != "10.0.0.54" || lookup.Client.String() != "10.0.0.1" {
		t.Errorf("%d failures, %v asked %v", lookup.Failures, lookup.Client, lookup.Resolver)
	}
	if lookup.Start.Frame.Number() != 1 || lookup.End.Frame.Number() != 10 {
		t.Errorf("from packet %v to %v", lookup.Start.Frame, lookup.End.Frame)
	}
}
