package analyze_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
)

// Messages of DNS: a query for the IPv4 address of shop.test, its answer
// 10.0.0.2 (TTL 300 s), and the length before each over TCP.
const (
	dnsHost     = `\x04shop\x04test\x00\x00\x01\x00\x01`
	dnsQuery    = `\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00` + dnsHost
	dnsAnswer   = `\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00` + dnsHost + `\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\x0a\x00\x00\x02`
	dnsQueryTCP = `\x00\x1b` + dnsQuery
	dnsReplyTCP = `\x00\x2b` + dnsAnswer
)

// TestLookup shows the connections that had a lookup or a name, the DNS phases
// of their exchanges, and what the capture's health says of datagrams.
func TestLookup(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"captured at the client", `
			d 10.0.0.1:5000 > 10.0.0.53:53 udp
			c 10.0.0.1:40000 > 10.0.0.2:80
			0ms   d > "` + dnsQuery + `"
			20ms  d < "` + dnsAnswer + `"
			21ms  c > SYN
			31ms  c < SYN ACK
			31ms  c > ACK
			31ms  c > "GET /1 HTTP/1.0\r\n\r\n"
			41ms  c < "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"
			42ms  c > "GET /2 HTTP/1.0\r\nHost: www.shop.test\r\n\r\n"
			52ms  c < "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"`,
			[]string{
				"1.1 /1: dns 20ms connect 10ms total 40ms",
				"1.2 /2: dns -1ns connect -1ns total 10ms",
				"connection 1: www.shop.test, looked up in 20ms",
			}},
		{"captured on the way", `
			d 10.0.0.1:5000 > 10.0.0.53:53 udp
			c 10.0.0.1:40000 > 10.0.0.2:80
			0ms   d > "` + dnsQuery + `"
			20ms  d < "` + dnsAnswer + `"
			27ms  c > SYN
			31ms  c < SYN ACK
			37ms  c > ACK
			37ms  c > "GET / HTTP/1.0\r\n\r\n"
			41ms  c < "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"`,
			[]string{
				"1.1 /: dns 26ms connect 10ms total 46ms",
				"connection 1: shop.test, looked up in 26ms",
			}},
		{"two connections", `
			d 10.0.0.1:5000 > 10.0.0.53:53 udp
			c 10.0.0.1:40000 > 10.0.0.2:80
			e 10.0.0.1:40001 > 10.0.0.2:80
			0ms   d > "` + dnsQuery + `"
			20ms  d < "` + dnsAnswer + `"
			21ms  c > SYN
			21ms  e > SYN
			31ms  c < SYN ACK
			31ms  c > ACK
			31ms  c > "GET /1 HTTP/1.0\r\n\r\n"
			31ms  e < SYN ACK
			31ms  e > ACK
			31ms  e > "GET /2 HTTP/1.0\r\n\r\n"
			41ms  e < "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"
			41ms  e > ACK
			41ms  c < "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"`,
			[]string{
				"2.2 /2: dns -1ns connect 10ms total 20ms",
				"1.1 /1: dns 20ms connect 10ms total 40ms",
				"connection 1: shop.test, looked up in 20ms",
				"connection 2: shop.test",
			}},
		{"opened before the capture", `
			d 10.0.0.9:5000 > 10.0.0.53:53 udp
			c 10.0.0.1:40000 > 10.0.0.2:80
			0ms   d > "` + dnsQuery + `"
			20ms  d < "` + dnsAnswer + `"
			31ms  c > "GET / HTTP/1.0\r\n\r\n"
			41ms  c < "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"`,
			[]string{
				"1.1 /: dns -1ns connect -1ns total 0s",
				"connection 1: shop.test",
			}},
		{"over TCP", `
			d 10.0.0.1:5000 > 10.0.0.53:53
			c 10.0.0.1:40000 > 10.0.0.2:80
			0ms   d > SYN
			10ms  d < SYN ACK
			10ms  d > ACK
			10ms  d > "` + dnsQueryTCP + `" split=2
			40ms  d < "` + dnsReplyTCP + `" split=20
			41ms  c > SYN
			51ms  c < SYN ACK
			51ms  c > ACK
			51ms  c > "GET / HTTP/1.0\r\n\r\n"
			61ms  c < "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"`,
			[]string{
				"2.1 /: dns 40ms connect 10ms total 60ms",
				"connection 2: shop.test, looked up in 40ms",
			}},
		{"over TCP with a hole", `
			d 10.0.0.1:5000 > 10.0.0.53:53
			c 10.0.0.1:40000 > 10.0.0.2:80
			0ms   d > SYN
			10ms  d < SYN ACK
			10ms  d > ACK
			10ms  d > "` + dnsQueryTCP + `"
			39ms  unseen d < "` + dnsReplyTCP[:24] + `"
			40ms  d < "` + dnsReplyTCP[24:] + `"
			40ms  d > ACK
			41ms  c > SYN`,
			nil},
		{"HTTP on the port of DNS", `
			c 10.0.0.1:40000 > 10.0.0.2:53
			0ms   c > SYN
			10ms  c < SYN ACK
			10ms  c > ACK
			10ms  c > "GET / HTTP/1.0\r\n\r\n"
			20ms  c < "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"`,
			[]string{"1.1 /: dns -1ns connect 10ms total 20ms"}},
		{"damaged messages", `
			d 10.0.0.1:5000 > 10.0.0.53:53 udp
			0ms   d > "` + dnsQuery[:40] + `"
			20ms  d < "what?"`,
			[]string{"undecodable 2"}},
		{"other protocols", `
			m 10.0.0.1:5353 > 224.0.0.251:5353 udp
			l 10.0.0.1:5000 > 224.0.0.252:5355 udp
			0ms   m > "` + dnsAnswer + `"
			20ms  l > "?"`,
			nil},
		{"QUIC", `
			q 10.0.0.1:5000 > 10.0.0.2:443 udp
			p 10.0.0.1:5000 > 10.0.0.2:4433 udp
			0ms   q > "\xc3\x00\x00\x00\x01\x08aaaaaaaa\x00" repeat("x", 1200)
			1ms   q < "\xcf\x6b\x33\x43\xcf\x00\x08aaaaaaaa" repeat("x", 1200)
			2ms   q < "\xca\x00\x00\x00\x00\x00\x08aaaaaaaa\x00\x00\x00\x01"
			3ms   q > "\x4f" repeat("x", 20)
			4ms   q > "\x40" repeat("x", 19)           # too short
			5ms   q > "\xc3\x12\x34\x56\x78\x08aaaaaaaa" repeat("x", 1200) # no version
			6ms   q > "\x16\xfe\xfd\x00\x00" repeat("x", 100) # DTLS
			7ms   p > "\xc3\x00\x00\x00\x01\x08aaaaaaaa\x00" repeat("x", 1200)`,
			[]string{"quic 4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := script.Parse(strings.ReplaceAll(c.script, "\t", ""))
			if err != nil {
				t.Fatal(err)
			}
			if got := lookups(t, s); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// lookups runs s and tells what TestLookup compares.
func lookups(t *testing.T, s *script.Script) (lines []string) {
	tell := func(format string, a ...any) { lines = append(lines, fmt.Sprintf(format, a...)) }
	total, err := analyze.Run(context.Background(), s.Source(), analyze.Listener{
		Exchange: func(x *analyze.Exchange) {
			tell("%d.%d %s: dns %v connect %v total %v", x.Connection.ID, x.ID, x.Request.Target, x.Timing.DNS, x.Timing.Connect, x.Timing.Total())
		},
		Closed: func(c *analyze.Connection) {
			if c.ServerName == "" {
				return
			}
			line := fmt.Sprintf("connection %d: %s", c.ID, c.ServerName)
			if d, ok := c.LookupTime(); ok {
				line += fmt.Sprintf(", looked up in %v", d)
			}
			tell("%s", line)
		},
	}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range total.Health {
		if h.Kind == "quic" || h.Kind == "undecodable" || strings.HasPrefix(h.Kind, "limit") {
			tell("%s %d", h.Kind, h.Count)
		}
	}
	return lines
}
