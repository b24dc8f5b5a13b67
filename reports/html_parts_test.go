package reports

import (
	"strings"
	"testing"
	"time"

	"wirelag/reassembly/capture"
)

// What holds a message up is told where it happens.
func TestPageTellsOfStalls(t *testing.T) {
	text := pageText(pageOf(t, htmlOptions(), "nagle.pcap"))
	for _, want := range []string{
		"43.6 ms: Nagle's algorithm and a delayed acknowledgement 15 0.117 s",
		"to server POST /save?size=50 seq 181 · ack 801 · len 166 small segment, unacknowledged",
		"of it delayed acknowledgement 43.6 ms", "Round trip 10.1 ms",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Both sides of a proxy are compared, secrets masked.
func TestPageComparesBothSidesOfAProxy(t *testing.T) {
	text := pageText(reportOnScript(t, `
a 10.0.0.1:40000 > 10.0.0.2:3128
b 10.0.0.2:50000 > 10.0.0.3:80
0ms  a > SYN
1ms  a < SYN ACK
1ms  a > ACK
2ms  a > "GET /x HTTP/1.1\r\nHost: h\r\nAuthorization: Basic one\r\nUser-Agent: u\r\nConnection: x\r\n\r\n"
3ms  b > SYN
4ms  b < SYN ACK
4ms  b > ACK
5ms  b > "GET /x HTTP/1.1\r\nHost: h\r\nAuthorization: Basic one\r\nUser-Agent: u\r\nVia: 1.1 p\r\n\r\n"
25ms b < "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: s\r\n\r\n"
26ms a < "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: s\r\nVia: 1.1 p\r\n\r\n"
27ms a > FIN ACK
28ms a < FIN ACK
28ms a > ACK
27ms b > FIN ACK
28ms b < FIN ACK
28ms b > ACK
`, "html", htmlOptions()))
	for _, want := range []string{
		"Authorization Basic *** Basic *** User-Agent", "Connection x removed", "Via 1.1 p added", "User-Agent u u Connection",
		"start line HTTP/1.1 200 OK HTTP/1.1 200 OK Content-Length 0 0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q in …%.600s", want, text[max(0, strings.Index(text, "Upstream of the proxy")):])
		}
	}
}

// What is beyond the links of a finding is counted, whether it lists that or not.
func TestLinksSayHowManyThereAre(t *testing.T) {
	ids := make([]uint64, 100)
	for i := range ids {
		ids[i] = uint64(i) + 1
	}
	for _, c := range []struct {
		listed, total int
		last          string
	}{
		{1, 1, "1"}, {maxLinks, maxLinks, "12"}, {maxLinks + 1, maxLinks + 1, "and 1 more"}, {100, 100, "and 88 more"}, {100, 2950, "and 2,938 more"},
	} {
		links := links(ids[:c.listed], c.total, func(uint64) string { return "" })
		if got := links[len(links)-1].Text; got != c.last {
			t.Errorf("%d of %d: %q, want %q", c.listed, c.total, got, c.last)
		}
	}
}

func TestPortsInTimeWait(t *testing.T) {
	c := closes{first: 0, width: portSlot}
	for i := range 1000 { // one a second
		c.add(capture.Time(i) * capture.Time(time.Second))
	}
	held := c.held(time.Minute)
	if len(c.slots) > portSlots || c.total != 1000 {
		t.Errorf("%d slots, %d closes", len(c.slots), c.total)
	}
	for i, n := range held {
		want := 60
		if passed := int(time.Duration(i+1) * c.width / time.Second); passed < 60 {
			want = passed
		}
		if i < len(held)-1 && (int(n) < want-4 || int(n) > want+4) {
			t.Errorf("after %v: %d ports, want %d", time.Duration(i+1)*c.width, n, want)
		}
	}
}

func TestRoundSteps(t *testing.T) {
	for _, c := range []struct{ d, want time.Duration }{
		{0, time.Microsecond}, {3 * time.Microsecond, 5 * time.Microsecond}, {51 * time.Millisecond, 100 * time.Millisecond},
		{100 * time.Millisecond, 100 * time.Millisecond}, {3 * time.Hour, 20000 * time.Second},
	} {
		if got := roundStep(c.d); got != c.want {
			t.Errorf("%v: %v, want %v", c.d, got, c.want)
		}
	}
	for _, c := range []struct {
		t, step time.Duration
		want    string
	}{
		{1500 * time.Millisecond, 500 * time.Millisecond, "1.5 s"}, {50 * time.Millisecond, 10 * time.Millisecond, "50 ms"},
		{1025 * time.Millisecond, 5 * time.Millisecond, "1.025 s"}, {70 * time.Second, 10 * time.Second, "70 s"}, {30 * time.Microsecond, 5 * time.Microsecond, "30 µs"},
	} {
		if got := axisText(c.t, c.step); got != c.want {
			t.Errorf("%v in steps of %v: %q, want %q", c.t, c.step, got, c.want)
		}
	}
}
