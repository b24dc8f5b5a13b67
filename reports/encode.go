package reports

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// encoder appends connections and exchanges as JSON; docs/schema has the shape
// and the meaning of each member. It is written by hand because millions of
// them are encoded, and appending allocates nothing.
type encoder struct {
	redact redactor
	files  bool // frame numbers need the index of their file
	second secondCache
	latest [2]latestHead // of requests and of responses
	ends   []int         // memory for the next

	shown   []capture.Frame // of a finding's evidence
	numbers []uint64        // of those frames
}

func newEncoder(o Options) encoder {
	return encoder{redact: newRedactor(o), files: o.SeveralFiles}
}

// connection appends the members of a connection, without the braces and
// without its exchanges.
func (e *encoder) connection(b []byte, c *analyze.Connection) []byte {
	b = append(b, `"id":`...)
	b = appendUint(b, c.ID)
	b = append(b, `,"client":{`...)
	b = appendAddress(b, e.redact.client(c))
	b = append(b, `},"server":{`...)
	b = appendAddress(b, e.redact.server(c))
	b = append(b, `,"name":`...)
	b = appendString(b, e.redact.serverName(c))
	b = append(b, `},"opened":`...)
	b = e.time(b, c.First().Time)
	b = append(b, `,"closed":`...)
	b = e.mark(b, c.ClosedAt())
	b = append(b, `,"state":"`...)
	b = append(b, c.State().String()...)
	b = append(b, `","closed_by":`...)
	b = append(b, closedBy(c.Connection)...)
	b = append(b, `,"close":"`...)
	b = append(b, c.Close().String()...)
	b = append(b, `","protocol":"`...)
	b = append(b, c.Protocol.String()...)
	b = append(b, '"')
	b = e.frames(b, c.First().Frame, c.Last().Frame)
	b = append(b, `,"packets":`...)
	b = appendUint(b, c.Packets())
	b = e.roundTrips(b, c.Connection)
	b = append(b, `,"client_bytes":`...)
	b = appendInt(b, c.Bytes(reassembly.ToServer))
	b = append(b, `,"server_bytes":`...)
	b = appendInt(b, c.Bytes(reassembly.ToClient))
	b = append(b, `,"retransmissions":`...)
	b = appendUint(b, c.Retransmissions())
	b = append(b, `,"mid_stream":`...)
	b = strconv.AppendBool(b, c.MidStream())
	if shared := c.Shared(); shared != nil {
		b = e.vantages(b, shared)
	}
	return append(b, `,"tls":null`...)
}

func appendAddress(b []byte, a netip.AddrPort) []byte {
	b = append(b, `"ip":"`...)
	b = a.Addr().AppendTo(b)
	b = append(b, `","port":`...)
	return appendUint(b, uint64(a.Port()))
}

func closedBy(c *reassembly.Connection) string {
	side, ok := c.ClosedBy()
	switch {
	case !ok:
		return "null"
	case side == c.ClientSide():
		return `"client"`
	}
	return `"server"`
}

func (e *encoder) roundTrips(b []byte, c *reassembly.Connection) []byte {
	b = append(b, `,"rtt_ms":`...)
	b = appendMillis(b, known(c.RTT()))
	b = append(b, `,"rtt_client_ms":`...)
	b = appendMillis(b, known(c.RTTClient()))
	b = append(b, `,"rtt_server_ms":`...)
	b = appendMillis(b, known(c.RTTServer()))
	b = append(b, `,"setup_ms":`...)
	return appendMillis(b, known(c.Setup()))
}

// exchange appends the members of an exchange, without the braces.
func (e *encoder) exchange(b []byte, x *analyze.Exchange) []byte {
	b = append(b, `"id":`...)
	b = appendUint(b, x.ID)
	b = append(b, `,"stream":`...)
	b = appendUint(b, uint64(x.Stream))
	b = append(b, `,"request":`...)
	b = e.request(b, x.Request)
	b = append(b, `,"response":`...)
	b = e.response(b, x.Response)
	b = append(b, `,"interim":[`...)
	for i, m := range x.Interim {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(b, int64(m.Status))
	}
	b = append(b, `],"timing":{`...)
	b = appendTiming(b, &x.Timing)
	return append(b, '}')
}

func (e *encoder) request(b []byte, m *http1.Message) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"method":`...)
	b = appendString(b, e.redact.method(m))
	b = append(b, `,"target":`...)
	b = appendString(b, e.redact.target(m))
	b = append(b, `,"host":`...)
	b = appendString(b, e.redact.requestHost(m))
	return e.message(b, m)
}

func (e *encoder) response(b []byte, m *http1.Message) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"status":`...)
	b = appendInt(b, int64(m.Status))
	b = append(b, `,"reason":`...)
	b = appendString(b, e.redact.reason(m))
	return e.message(b, m)
}

// message appends what requests and responses have in common, and closes them.
func (e *encoder) message(b []byte, m *http1.Message) []byte {
	b = append(b, `,"version":"`...)
	b = appendVersion(b, m.Version)
	b = append(b, `","headers":`...)
	b = e.headers(b, m)
	if trailers(m) > 0 {
		b = append(b, `,"trailers":`...)
		b = e.trailers(b, m)
	}
	if m.FieldsCut > 0 || m.BytesCut > 0 {
		b = append(b, `,"headers_cut":`...)
		b = appendInt(b, int64(m.FieldsCut))
		b = append(b, `,"header_bytes_cut":`...)
		b = appendInt(b, m.BytesCut)
	}
	b = append(b, `,"header_bytes":`...)
	b = appendInt(b, m.HeaderBytes)
	b = append(b, `,"body_bytes":`...)
	b = appendInt(b, m.BodyBytes)
	b = append(b, `,"framing":"`...)
	b = append(b, m.Framing.String()...)
	b = append(b, `","complete":`...)
	b = strconv.AppendBool(b, m.Complete)
	if m.Lost > 0 {
		b = append(b, `,"lost_bytes":`...)
		b = appendUint(b, m.Lost)
	}
	if m.Problems != 0 {
		b = append(b, `,"problems":`...)
		b = appendProblems(b, m.Problems)
	}
	b = append(b, `,"start":`...)
	b = e.mark(b, m.First)
	b = append(b, `,"end":`...)
	b = e.mark(b, m.Last)
	b = e.frames(b, m.First.Frame, m.Last.Frame)
	return append(b, '}')
}

// appendVersion appends "1.0", "1.1", "2".
func appendVersion(b []byte, v http1.Version) []byte {
	if v == http1.HTTP11 {
		return append(b, "1.1"...)
	}
	b = appendUint(b, uint64(v.Major))
	if v.Major >= 2 {
		return b
	}
	b = append(b, '.')
	return appendUint(b, uint64(v.Minor))
}

func appendProblems(b []byte, p http1.Problem) []byte {
	separator := byte('[')
	for name := range strings.SplitSeq(p.String(), " ") {
		b = append(b, separator)
		b = appendString(b, name)
		separator = ','
	}
	return append(b, ']')
}

func appendTiming(b []byte, t *analyze.Timing) []byte {
	b = appendPhases(b, t)
	b = append(b, `,"total":`...)
	b = appendMillis(b, totalOf(t))
	b = append(b, `,"causes":{`...)
	b = appendCauses(b, &t.Causes)
	return append(b, '}')
}

func appendPhases(b []byte, t *analyze.Timing) []byte {
	b = append(b, `"blocked":`...)
	b = appendMillis(b, t.Blocked)
	b = append(b, `,"dns":`...)
	b = appendMillis(b, t.DNS)
	b = append(b, `,"connect":`...)
	b = appendMillis(b, t.Connect)
	b = append(b, `,"ssl":`...)
	b = appendMillis(b, t.SSL)
	b = append(b, `,"send":`...)
	b = appendMillis(b, t.Send)
	b = append(b, `,"wait":`...)
	b = appendMillis(b, t.Wait)
	b = append(b, `,"receive":`...)
	return appendMillis(b, t.Receive)
}

func appendCauses(b []byte, c *analyze.Causes) []byte {
	if *c == (analyze.Causes{}) {
		return append(b, `"nagle":0,"delayed_ack":0,"slow_start":0,"retransmission":0,"window":0`...)
	}
	b = append(b, `"nagle":`...)
	b = appendMillis(b, c.Nagle)
	b = append(b, `,"delayed_ack":`...)
	b = appendMillis(b, c.DelayedACK)
	b = append(b, `,"slow_start":`...)
	b = appendMillis(b, c.SlowStart)
	b = append(b, `,"retransmission":`...)
	b = appendMillis(b, c.Retransmission)
	b = append(b, `,"window":`...)
	return appendMillis(b, c.Window)
}

// totalOf is how long an exchange took, or analyze.Unknown when the wait for the
// response, and so most of it, is not known.
func totalOf(t *analyze.Timing) time.Duration {
	if t.Wait < 0 {
		return analyze.Unknown
	}
	return t.Total()
}
