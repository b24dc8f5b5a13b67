package reports

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
)

// begun is when the client began x, by its own clock: with the lookup and the
// connection, where it waited for those.
func begun(x *analyze.Exchange) capture.Time {
	toClient, _ := x.Connection.RTTClient()
	if x.Request == nil {
		return x.Earliest().Start.Readable.Add(toClient / 2)
	}
	before := max(x.Timing.DNS, 0) + max(x.Timing.Connect, 0)
	return x.Request.First.Time.Add(-toClient/2 - before)
}

// harEntry appends an entry but for its closing brace.
func (e *encoder) harEntry(b []byte, x *analyze.Exchange) []byte {
	phases := harPhases(x)
	b = append(b, `{"startedDateTime":`...)
	b = e.time(b, begun(x))
	b = append(b, `,"time":`...)
	b = appendMillis(b, phases.Total())
	b = append(b, `,"request":`...)
	b = e.harRequest(b, x)
	b = append(b, `,"response":`...)
	b = e.harResponse(b, x)
	b = append(b, `,"cache":{},"timings":{`...)
	b = appendHARTimings(b, phases)
	b = append(b, `},"serverIPAddress":"`...)
	b = e.redact.server(x.Connection).Addr().AppendTo(b)
	b = append(b, `","connection":"`...)
	b = appendUint(b, x.Connection.ID)
	b = append(b, `","_server_port":`...)
	b = appendUint(b, uint64(e.redact.server(x.Connection).Port()))
	b = append(b, `,"_client":{`...)
	b = appendAddress(b, e.redact.client(x.Connection))
	b = append(b, `},"_exchange":`...)
	return appendUint(b, x.ID)
}

// harPhases are the phases of x, and those of an exchange without response: its
// client waits until the connection ends, and receives nothing.
func harPhases(x *analyze.Exchange) analyze.Timing {
	t := x.Timing
	if x.Request == nil || x.Response != nil {
		return t
	}
	if _, _, ended := x.Connection.Ended(); ended {
		toClient, _ := x.Connection.RTTClient()
		_, learned := x.Connection.Failed()
		t.Wait = max(learned.Sub(x.Request.End.At.Time.Add(-toClient/2)), 0)
		t.Receive = 0
	}
	return t
}

// appendHARTimings appends the phases. Those that an archive must have are 0
// where they are not known, and then named under _unknown.
func appendHARTimings(b []byte, t analyze.Timing) []byte {
	known := t
	t.Send, t.Wait, t.Receive = max(t.Send, 0), max(t.Wait, 0), max(t.Receive, 0)
	b = appendPhases(b, &t)
	separator := `,"_unknown":["`
	for _, phase := range [...]struct {
		name string
		time time.Duration
	}{{"send", known.Send}, {"wait", known.Wait}, {"receive", known.Receive}} {
		if phase.time < 0 {
			b = append(b, separator...)
			b = append(b, phase.name...)
			separator = `","`
		}
	}
	if separator == `","` {
		b = append(b, `"]`...)
	}
	b = append(b, `,"_causes":{`...)
	return append(appendCauses(b, &t.Causes), '}')
}

func (e *encoder) harRequest(b []byte, x *analyze.Exchange) []byte {
	m := x.Request
	if m == nil {
		b = append(b, `{"method":"","url":"`...)
		b = e.harURL(b, x)
		return append(b, `","httpVersion":"","cookies":[],"headers":[],"queryString":[],"headersSize":-1,"bodySize":-1,`+
			`"comment":"the request is not in the capture"}`...)
	}
	b = append(b, `{"method":`...)
	b = appendString(b, e.redact.method(m))
	b = append(b, `,"url":"`...)
	b = e.harURL(b, x)
	b = append(b, `","queryString":[`...)
	b = appendQuery(b, e.redact.target(m))
	b = append(b, ']')
	return append(e.harMessage(b, m, "Cookie"), '}')
}

func (e *encoder) harResponse(b []byte, x *analyze.Exchange) []byte {
	m := x.Response
	if m == nil {
		b = append(b, `{"status":0,"statusText":"","httpVersion":"","cookies":[],"headers":[],"content":{"size":0,"mimeType":"x-unknown"},`+
			`"redirectURL":"","headersSize":-1,"bodySize":-1,"_transferSize":0,"_error":"no response: `...)
		b = append(b, whyNot(x.Connection)...)
		return append(b, `"}`...)
	}
	b = append(b, `{"status":`...)
	b = appendInt(b, int64(m.Status))
	b = append(b, `,"statusText":`...)
	b = appendString(b, e.redact.reason(m))
	b = append(b, `,"content":{"size":`...)
	b = appendInt(b, e.contentSize(m))
	b = append(b, `,"mimeType":`...)
	if mime := e.redact.get(m, "Content-Type"); len(mime) > 0 {
		b = appendString(b, mime)
	} else {
		b = append(b, `"x-unknown"`...)
	}
	b = append(b, `},"redirectURL":`...)
	b = appendString(b, e.redact.get(m, "Location"))
	b = append(b, `,"_transferSize":`...)
	b = appendInt(b, m.WireBytes)
	if !m.Complete {
		b = append(b, `,"_error":"not the whole response: `...)
		b = append(b, whyNot(x.Connection)...)
		b = append(b, '"')
	}
	return append(e.harMessage(b, m, "Set-Cookie"), '}')
}

// harMessage appends what requests and responses have in common; cookies names
// the field with theirs.
func (e *encoder) harMessage(b []byte, m *http1.Message, cookies string) []byte {
	b = append(b, `,"httpVersion":"HTTP/`...)
	b = appendVersion(b, m.Version)
	if m.Version.Major == 2 {
		b = append(b, `.0`...)
	}
	b = append(b, `","cookies":[`...)
	b = e.harCookies(b, m, cookies)
	b = append(b, `],"headers":[`...)
	for i := range headers(m) {
		if i > 0 {
			b = append(b, ',')
		}
		name, value, redacted := e.redact.header(m, i)
		b = append(b, `{"name":`...)
		b = appendString(b, name)
		b = append(b, `,"value":`...)
		b = appendValue(b, value, redacted)
		b = append(b, '}')
	}
	b = append(b, `],"headersSize":`...)
	b = appendInt(b, m.HeaderBytes)
	b = append(b, `,"bodySize":`...)
	b = appendInt(b, m.BodyBytes)
	b = append(b, `,"_frames":{`...)
	at := len(b)
	b = e.frames(b, m.First.Frame, m.Last.Frame)
	b = append(b[:at], b[at+len(","):]...)
	return append(b, '}')
}

// contentSize is the size of the content, -1 when its coding hides that.
func (e *encoder) contentSize(m *http1.Message) int64 {
	if coding := e.redact.get(m, "Content-Encoding"); len(coding) > 0 && m.BodyBytes > 0 && !bytes.EqualFold(coding, []byte("identity")) {
		return -1
	}
	return m.BodyBytes
}

// whyNot says what became of the connection of a message that is not there, or
// not all of it.
func whyNot(c *analyze.Connection) string {
	_, by, ended := c.Ended()
	rst, resetBy := c.RST()
	side := "server"
	switch {
	case !c.Intact():
		return "bytes of the connection are missing from the capture"
	case !rst.IsZero():
		if resetBy == c.ClientSide() {
			side = "client"
		}
		return "the " + side + " reset the connection"
	case ended:
		if by == c.ClientSide() {
			side = "client"
		}
		return "the " + side + " closed the connection"
	}
	return "the capture shows no end of the connection"
}

// harCookies appends the cookies in the fields called name.
func (e *encoder) harCookies(b []byte, m *http1.Message, name string) []byte {
	first := true
	for i := range headers(m) {
		called, value, masked := e.redact.header(m, i)
		if !strings.EqualFold(called, name) {
			continue
		}
		if masked == nil {
			masked = []byte(value)
		}
		for more := true; more; {
			var pair []byte
			pair, masked, more = bytes.Cut(masked, []byte{';'})
			if len(bytes.TrimSpace(pair)) == 0 {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = appendPair(b, bytes.TrimSpace(pair))
			if name == "Set-Cookie" {
				b = appendCookieAttributes(b[:len(b)-1], masked)
				b = append(b, '}')
				more = false
			}
		}
	}
	return b
}

// appendPair appends "name=value" as an object; what has no "=" is a value.
func appendPair(b, pair []byte) []byte {
	name, value, found := bytes.Cut(pair, []byte{'='})
	if !found {
		name, value = nil, pair
	}
	b = append(b, `{"name":`...)
	b = appendString(b, name)
	b = append(b, `,"value":`...)
	b = appendString(b, value)
	return append(b, '}')
}

// appendCookieAttributes appends what a Set-Cookie field says beside the cookie
// (RFC 6265 §4.1.1). Of several, the last counts.
func appendCookieAttributes(b, attributes []byte) []byte {
	var path, domain []byte
	httpOnly, secure := false, false
	for more := true; more; {
		var attribute []byte
		attribute, attributes, more = bytes.Cut(attributes, []byte{';'})
		name, value, _ := bytes.Cut(bytes.TrimSpace(attribute), []byte{'='})
		switch {
		case bytes.EqualFold(name, []byte("HttpOnly")):
			httpOnly = true
		case bytes.EqualFold(name, []byte("Secure")):
			secure = true
		case bytes.EqualFold(name, []byte("Path")):
			path = value
		case bytes.EqualFold(name, []byte("Domain")):
			domain = value
		}
	}
	if path != nil {
		b = appendString(append(b, `,"path":`...), path)
	}
	if domain != nil {
		b = appendString(append(b, `,"domain":`...), domain)
	}
	b = append(b, `,"httpOnly":`...)
	b = strconv.AppendBool(b, httpOnly)
	b = append(b, `,"secure":`...)
	return strconv.AppendBool(b, secure)
}
