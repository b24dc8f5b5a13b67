package analyze_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// traffic writes random connections as a script. The target of each request is
// the reason phrase of its response, so that a wrong pair shows.
type traffic struct {
	random *rand.Rand
	lines  []trafficLine
	// pipelining lets requests go out before the response to the one before.
	pipelining bool
}

type trafficLine struct {
	at   int // ms
	text string
}

// randomTraffic is the script of some connections that run at the same time.
func randomTraffic(t testing.TB, seed uint64, pipelining bool) *script.Script {
	t.Helper()
	w := &traffic{random: rand.New(rand.NewPCG(seed, 7)), pipelining: pipelining}
	connections := 1 + w.random.IntN(3)
	for i := range connections {
		w.connection(string(rune('a'+i)), 1+w.random.IntN(200))
	}
	slices.SortStableFunc(w.lines, func(a, b trafficLine) int { return a.at - b.at })
	var b strings.Builder
	for i := range connections {
		fmt.Fprintf(&b, "%c 10.0.0.%d:%d > 10.0.9.1:80", 'a'+i, 1+w.random.IntN(2), 40000+i)
		if w.random.IntN(2) == 0 {
			b.WriteString(" timestamps")
		}
		b.WriteByte('\n')
	}
	for _, l := range w.lines {
		fmt.Fprintf(&b, "%dms %s\n", l.at, l.text)
	}
	s, err := script.Parse(b.String())
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, b.String())
	}
	return s
}

func (w *traffic) line(at int, format string, a ...any) {
	w.lines = append(w.lines, trafficLine{at, fmt.Sprintf(format, a...)})
}

// connection writes a connection: handshake, exchanges, close.
func (w *traffic) connection(name string, at int) {
	rtt := 5 + w.random.IntN(40)
	w.line(at, "%s > SYN", name)
	w.line(at+rtt, "%s < SYN ACK", name)
	w.line(at+rtt, "%s > ACK", name)
	at += rtt + 1
	for n := 0; n < 12; {
		burst := 1
		if w.pipelining && w.random.IntN(3) == 0 {
			burst += w.random.IntN(3)
		}
		at = w.burst(name, n, burst, at, rtt)
		n += burst
	}
	w.line(at, "%s > FIN", name)
	w.line(at+rtt, "%s < FIN", name)
	w.line(at+rtt, "%s > ACK", name)
}

// burst writes some requests, sent without waiting, then their responses.
func (w *traffic) burst(name string, n, burst, at, rtt int) int {
	for i := range burst {
		w.line(at, "%s > %s", name, w.request(name, n+i))
		at += w.random.IntN(3)
	}
	at += rtt
	for i := range burst {
		for _, part := range w.response(name, n+i) {
			w.line(at, "%s < %s", name, part)
			if w.random.IntN(2) == 0 {
				w.line(at, "%s > ACK", name)
			}
			at += w.random.IntN(5)
		}
	}
	w.line(at, "%s > ACK", name)
	return at + w.random.IntN(30)
}

func (w *traffic) request(name string, n int) string {
	head := fmt.Sprintf(`/%s/%d HTTP/1.1\r\nHost: a\r\n`, name, n)
	if w.random.IntN(4) > 0 {
		return `"GET ` + head + `\r\n"`
	}
	size := w.random.IntN(3000)
	return fmt.Sprintf(`"POST %sContent-Length: %d\r\n\r\n" repeat("q", %d) split`, head, size, size)
}

// response is the parts of a response, each a line of the script.
func (w *traffic) response(name string, n int) []string {
	var parts []string
	if w.random.IntN(8) == 0 {
		parts = append(parts, fmt.Sprintf(`"HTTP/1.1 103 /%s/%d\r\n\r\n"`, name, n))
	}
	status := fmt.Sprintf(`HTTP/1.1 200 /%s/%d\r\n`, name, n)
	size := 1 + w.random.IntN(4000)
	switch w.random.IntN(20) {
	case 0, 1, 2, 3, 4:
		return append(parts, fmt.Sprintf(`"%sTransfer-Encoding: chunked\r\n\r\n%x\r\n" repeat("c", %d)`, status, size, size), `"\r\n0\r\n\r\n"`)
	case 5, 6, 7, 8:
		return append(parts, fmt.Sprintf(`"%sContent-Length: 0\r\n\r\n"`, status))
	case 9, 10, 11, 12:
		return append(parts, fmt.Sprintf(`"%sContent-Length: %d\r\n\r\n"`, status, size), fmt.Sprintf(`repeat("b", %d) split`, size))
	case 13: // more than it says
		return append(parts, fmt.Sprintf(`"%sContent-Length: %d\r\n\r\n"`, status, size), fmt.Sprintf(`repeat("b", %d) split`, size+3))
	}
	return append(parts, fmt.Sprintf(`"%sContent-Length: %d\r\n\r\n" repeat("b", %d) split`, status, size, size))
}

// pairs tells for every request what answers it: the reason phrase of its
// response, "-" without one. A response without request is a "-", too.
func (h *heard) pairs() []string {
	var lines []string
	for _, x := range h.exchanges {
		request, response := "-", "-"
		if x.Request != nil {
			request = x.Request.Target
		}
		if x.Response != nil {
			response = x.Response.Reason
		}
		lines = append(lines, request+" "+response)
	}
	slices.Sort(lines)
	return lines
}

// wrongPairs are the exchanges whose parts do not belong together.
func (h *heard) wrongPairs() []string {
	var wrong []string
	for _, x := range h.exchanges {
		if x.Request == nil {
			continue
		}
		for _, m := range append(slices.Clone(x.Interim), x.Response) {
			if m != nil && m.Reason != "" && m.Reason != x.Request.Target {
				wrong = append(wrong, x.Request.Target+" "+m.Reason)
			}
		}
	}
	return wrong
}

// play runs the packets as a capture.
func play(t testing.TB, s *script.Script, packets []capture.Packet) *heard {
	t.Helper()
	return listen(t, (&script.Script{Packets: packets, Interface: s.Interface}).Source())
}

// summary is what was heard without what counts packets.
func (h *heard) summary() []string {
	var lines []string
	for _, c := range h.connections {
		lines = append(lines, describeConnection(c))
	}
	for _, x := range h.exchanges {
		lines = append(lines, fmt.Sprintf("%d %s | %s | %s", x.Connection.ID,
			describeRequest(x.Request), describeResponse(x), describePhases(x.Timing)))
	}
	for _, i := range h.capture.Health {
		if i.Kind != "duplicate" {
			lines = append(lines, i.Kind)
		}
	}
	return lines
}

func (h *heard) health(kind string) uint64 {
	i := slices.IndexFunc(h.capture.Health, func(i analyze.HealthItem) bool { return i.Kind == kind })
	if i < 0 {
		return 0
	}
	return h.capture.Health[i].Count
}
