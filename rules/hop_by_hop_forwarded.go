package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var hopByHopForwarded = &Rule{
	ID:         "hop-by-hop-forwarded",
	Title:      "a proxy passed on fields that were meant for itself",
	Group:      Proxies,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "Connection names the fields of a message that are meant for the next recipient alone; Keep-Alive, Proxy-Connection, Proxy-Authorization, TE and Upgrade always are. " +
			"A proxy must remove them. Passed on they make two ends agree on things that the proxy between them does not do, and credentials meant for the proxy reach the server.",
		Measured: "The same field with the same value (of a field that Connection names: one of its lines) on both sides of the proxy, though Connection named it on the receiving side, or though it is Keep-Alive, Proxy-Connection, " +
			"Proxy-Authorization, TE or Upgrade; or a Connection field that still names the other sender's own fields; or \"Connection: keep-alive\" of HTTP/1.0 passed on both ways by a relay " +
			"that then does not serve the kept connection. Cost = 0.",
		CapturePoint: "Both sides of the proxy must be in the capture: taken on the proxy, or several files given together.",
		Likely: "Where the two exchanges may not be the same request on both sides of a proxy: too little of addresses, ids and content shows it, others would fit as well, or they were captured by clocks that cannot be compared and nothing in them is unique. " +
			"Said only where it is true of all that would fit.",
		Limits: "Silent where a proxy would send the same by itself: Keep-Alive of a response counts when the relay sends it without \"Connection: keep-alive\" or repeats a count of requests that is not its own, TE and Upgrade when Connection " +
			"does not name them (or nothing was changed), Upgrade when the protocol was not switched (to WebSocket: when Connection does not name it), HTTP2-Settings when Connection does not name it, Proxy- fields when the next hop is no proxy. Transfer-Encoding, Trailer, and fields meant for all recipients are " +
			"never flagged. Silent about relays that open their upstream connection within 0.8 ms and change no byte: they do not look at HTTP. Exchanges are matched within 60 s. Of the names in the Connection field of a message, the first 256 count.",
		Cure:       "Configure or update the proxy so that it removes Connection, every field that it names, and the fields above from both requests and responses (RFC 9110 §7.6.1); with nginx, clear the field by proxy_set_header or proxy_hide_header.",
		References: []string{"HTTP-DG §4.3.1", "HTTP-DG §4.5.6", "RFC 9110 §7.6.1", "RFC 9110 §7.8", "RFC 9110 §10.1.4", "RFC 9110 §11.7.2"},
	},
	Listen: func(p *Pass) analyze.Listener {
		counts := &countdowns{of: map[uint64]countdown{}}
		kept := keptListener(p, func(k *keptRelay) { reportKept(p, k) })
		return analyze.Join(kept, analyze.Listener{
			Hop:    func(h *analyze.Hop) { judgeHop(p, h, counts) },
			Closed: func(c *analyze.Connection) { delete(counts.of, c.ID) },
		})
	},
}

// judgeHop compares what came to a proxy with what left it.
func judgeHop(p *Pass, h *analyze.Hop, counts *countdowns) {
	front, back := h.Front, h.Back
	same := analyze.SameFields(front.Request, back.Request) && front.Request.Target == back.Request.Target
	answered := h.Answered && headWhole(front.Response) && headWhole(back.Response)
	unchanged := same && (!answered || analyze.SameFields(front.Response, back.Response))
	if unchanged && byteRelay(front.Connection, back.Connection) {
		return
	}
	if !h.Joined && headWhole(front.Request) && headWhole(back.Request) {
		passed := inAnyCase(h, passedInRequest(h, same), func(h *analyze.Hop) []string {
			return passedInRequest(h, analyze.SameFields(h.Front.Request, h.Back.Request))
		})
		reportPassed(p, h, front.Request, back.Request, back, passed)
	}
	if answered {
		passed := inAnyCase(h, passedInResponse(h, unchanged, counts.repeated(front)), func(h *analyze.Hop) []string {
			if !headWhole(h.Front.Response) || !headWhole(h.Back.Response) {
				return nil
			}
			return passedInResponse(h, false, false)
		})
		reportPassed(p, h, back.Response, front.Response, front, passed)
	}
}

// inAnyCase is what of passed is true whichever of the exchanges that may be an end of h
// is the right one.
func inAnyCase(h *analyze.Hop, passed []string, judge func(*analyze.Hop) []string) []string {
	if h.Unsettled {
		return nil
	}
	other := func(front, back *analyze.Exchange) {
		if len(passed) > 0 {
			also := judge(&analyze.Hop{Front: front, Back: back})
			passed = slices.DeleteFunc(passed, func(name string) bool { return !slices.Contains(also, name) })
		}
	}
	for _, front := range h.OtherFronts {
		other(front, h.Back)
	}
	for _, back := range h.OtherBacks {
		other(h.Front, back)
	}
	return passed
}

// byteRelayMax is how soon a relay that does not look at HTTP connects upstream
// when a client has connected to it.
const byteRelayMax = 800 * time.Microsecond

// byteRelay reports whether what joins the two connections may pass bytes on
// without looking at them: it connected upstream before it can have read a
// request, or when it did is not in the capture.
func byteRelay(front, back *analyze.Connection) bool {
	if front.Established().IsZero() || back.SYN().IsZero() {
		return true
	}
	toProxy, _ := front.RTTServer()
	fromProxy, _ := back.RTTClient()
	lag := back.SYN().Sub(front.Established()) - (toProxy+fromProxy)/2
	return lag >= -byteRelayMax && lag <= byteRelayMax
}

// hasSame reports whether both messages have a field called name with the same value,
// in however many lines (RFC 9110 §5.3).
func hasSame(in, out *http1.Message, name string) bool {
	return hasField(in, name) && hasField(out, name) && slices.Equal(slices.Collect(in.List(name)), slices.Collect(out.List(name)))
}

// linesOf are the values of the fields of m, by their names in lower case.
func linesOf(m *http1.Message) map[string][]string {
	lines := map[string][]string{}
	for _, f := range m.Fields.All() {
		name := strings.ToLower(f.Name)
		lines[name] = append(lines[name], f.Value)
	}
	return lines
}

// passedOn reports whether a field was received and sent on: a line of it, or all of it in
// other lines (RFC 9110 §5.3).
func passedOn(received, sent []string) bool {
	if len(received) == 0 || len(sent) == 0 {
		return false
	}
	is := map[string]bool{}
	for _, line := range received {
		is[line] = true
	}
	return slices.ContainsFunc(sent, func(line string) bool { return is[line] }) || slices.Equal(elements(received), elements(sent))
}

// elements are those of the comma-separated list that lines make together.
func elements(lines []string) (list []string) {
	for item := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if item = strings.Trim(item, " \t"); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// nominatedIn lists the fields that Connection names in what the proxy received
// and that it sent on.
func nominatedIn(in, out *http1.Message) (passed []string) {
	names := nominated(in)
	if len(names) == 0 {
		return nil
	}
	received, sent, named := linesOf(in), linesOf(out), map[string]bool{}
	for name := range out.List("Connection") {
		named[strings.ToLower(name)] = true
	}
	for _, name := range names {
		lower := strings.ToLower(name)
		switch {
		case lower == "http2-settings" && named[lower]: // part of an Upgrade, and a library's constant (RFC 7540 §3.2.1)
		case passedOn(received[lower], sent[lower]):
			passed = append(passed, shown(name)+" (which Connection names)")
		case named[lower]:
			passed = append(passed, "a Connection field that names "+shown(name))
		}
	}
	return passed
}

func passedInRequest(h *analyze.Hop, same bool) (passed []string) {
	in, out := h.Front.Request, h.Back.Request
	passed = nominatedIn(in, out)
	if hasSame(in, out, "Keep-Alive") {
		passed = append(passed, "Keep-Alive")
	}
	if !out.AbsoluteForm() {
		for _, name := range [...]string{"Proxy-Connection", "Proxy-Authorization"} {
			if hasSame(in, out, name) {
				passed = append(passed, name)
			}
		}
	}
	if hasSame(in, out, "TE") && (same || !out.HasToken("Connection", "te")) {
		passed = append(passed, "TE")
	}
	response := h.Back.Response
	if hasSame(in, out, "Upgrade") && response != nil && response.Status != 101 && (same && !handsOn(out) || !out.HasToken("Connection", "upgrade")) {
		passed = append(passed, "Upgrade")
	}
	return passed
}

// handsOn reports whether an Upgrade asks for what proxies hand on once the server
// agrees (RFC 6455 §1.3): one that the server declined tells nothing of the proxy.
func handsOn(request *http1.Message) bool { return request.HasToken("Upgrade", "websocket") }

// passedInResponse lists what a response still has that was not meant to be passed on.
// repeated: so has it a count of requests that is not the proxy's own.
func passedInResponse(h *analyze.Hop, unchanged, repeated bool) (passed []string) {
	in, out := h.Back.Response, h.Front.Response
	passed = nominatedIn(in, out)
	if hasSame(in, out, "Keep-Alive") && (repeated || !out.HasToken("Connection", "keep-alive")) {
		passed = append(passed, "Keep-Alive")
	}
	if hasSame(in, out, "Proxy-Connection") && !h.Back.Request.AbsoluteForm() {
		passed = append(passed, "Proxy-Connection")
	}
	if hasSame(in, out, "Upgrade") && out.Status != 101 && out.Status != 426 && (unchanged || !out.HasToken("Connection", "upgrade")) {
		passed = append(passed, "Upgrade")
	}
	return passed
}

// reportPassed reports what of the message in, which the proxy received, is
// still in out, which is on x.
func reportPassed(p *Pass, h *analyze.Hop, in, out *http1.Message, x *analyze.Exchange, passed []string) {
	if len(passed) == 0 {
		return
	}
	received := h.Front
	if x == received {
		received = h.Back
	}
	i := Instance{
		Connection: x.Connection,
		Exchange:   x,
		Also:       received,
		Severity:   Error,
		Detail: fmt.Sprintf("The proxy between %s and %s passed on with a %s: %s.",
			h.Front.Connection.Client(), h.Back.Connection.Server(), whose(in), enumerate(passed)),
		Evidence: []Evidence{
			{in.HeadEnd.At, whose(in) + " as the proxy received it"},
			{out.HeadEnd.At, "the same as the proxy sent it"},
		},
	}
	if !h.Certain {
		i.Confidence = Likely
	}
	p.Report(i)
}

// reportKept reports a relay that passed keep-alive on both ways and kept
// neither connection in use.
func reportKept(p *Pass, k *keptRelay) {
	if k.hop == nil || k.hop.Unsettled || !k.unanswered() || !k.isBlind() {
		return
	}
	in, out := k.hop.Front.Request, k.hop.Back.Request
	if out.Version != http1.HTTP10 || !hasSame(in, out, "Connection") || !hasSame(k.hop.Back.Response, k.hop.Front.Response, "Connection") {
		return
	}
	reportPassed(p, k.hop, in, out, k.hop.Back, []string{"\"Connection: keep-alive\", though it serves no second request on the connection"})
}

// countdowns are the latest counts of requests (Keep-Alive: max=N) on connections
// to proxies. A server that counts for itself counts down on each of its connections.
type countdowns struct {
	of map[uint64]countdown // by connection
}

type countdown struct {
	exchange uint64
	left     int32
}

// repeated reports whether the count in x's response is no countdown of the
// connection that it came on: it did not become less.
func (d *countdowns) repeated(x *analyze.Exchange) bool {
	left := analyze.PromiseOf(x.Response).Max
	if left < 0 {
		return false
	}
	before, known := d.of[x.Connection.ID]
	if _, _, ended := x.Connection.Ended(); !ended && (known || len(d.of) < maxKept) {
		d.of[x.Connection.ID] = countdown{x.ID, left}
	}
	return known && before.exchange < x.ID && left >= before.left
}
