package reports

import (
	"io"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/rules"
)

// csvWriter writes a line for each exchange, as soon as it is over (RFC 4180).
// docs/formats.md has the columns.
type csvWriter struct {
	w       io.Writer
	encoder encoder
	line    []byte
	begun   bool
}

func newCSV(w io.Writer, o Options) Writer {
	return &csvWriter{w: w, encoder: newEncoder(o)}
}

func (c *csvWriter) Connection(*analyze.Connection) error { return nil }

func (c *csvWriter) Hop(*analyze.Hop) error { return nil }

func (c *csvWriter) Finding(*rules.Finding) error { return nil }

func (c *csvWriter) Exchange(x *analyze.Exchange) error {
	if err := c.head(); err != nil {
		return err
	}
	c.line = c.line[:0]
	for i := range csvColumns {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.line = csvColumns[i].append(&c.encoder, c.line, x)
	}
	return c.end()
}

func (c *csvWriter) Close(described *analyze.Capture) error {
	if described == nil {
		return nil
	}
	return c.head()
}

// head writes the names of the columns, once.
func (c *csvWriter) head() error {
	if c.begun {
		return nil
	}
	c.begun = true
	for i := range csvColumns {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.line = append(c.line, csvColumns[i].name...)
	}
	return c.end()
}

func (c *csvWriter) end() error {
	c.line = append(c.line, "\r\n"...)
	_, err := c.w.Write(c.line)
	return err
}

// csvColumns are a promise: columns are added at the end, and none goes.
var csvColumns = [...]struct {
	name   string
	append func(e *encoder, b []byte, x *analyze.Exchange) []byte
}{
	{"exchange", func(_ *encoder, b []byte, x *analyze.Exchange) []byte { return appendUint(b, x.ID) }},
	{"connection", func(_ *encoder, b []byte, x *analyze.Exchange) []byte {
		return appendUint(b, x.Connection.ID)
	}},
	{"stream", func(_ *encoder, b []byte, x *analyze.Exchange) []byte {
		return appendUint(b, uint64(x.Stream))
	}},
	{"client_ip", func(e *encoder, b []byte, x *analyze.Exchange) []byte {
		return e.redact.client(x.Connection).Addr().AppendTo(b)
	}},
	{"client_port", func(e *encoder, b []byte, x *analyze.Exchange) []byte {
		return appendUint(b, uint64(e.redact.client(x.Connection).Port()))
	}},
	{"server_ip", func(e *encoder, b []byte, x *analyze.Exchange) []byte {
		return e.redact.server(x.Connection).Addr().AppendTo(b)
	}},
	{"server_port", func(e *encoder, b []byte, x *analyze.Exchange) []byte {
		return appendUint(b, uint64(e.redact.server(x.Connection).Port()))
	}},
	{"host", func(e *encoder, b []byte, x *analyze.Exchange) []byte {
		return appendCell(b, e.redact.hostOfExchange(x))
	}},
	{"method", ofRequest(func(e *encoder, b []byte, m *http1.Message) []byte { return appendCell(b, e.redact.method(m)) })},
	{"target", ofRequest(func(e *encoder, b []byte, m *http1.Message) []byte { return appendCell(b, e.redact.target(m)) })},
	{"version", ofRequest(appendVersionCell)},
	{"status", ofResponse(func(_ *encoder, b []byte, m *http1.Message) []byte { return appendInt(b, int64(m.Status)) })},
	{"reason", ofResponse(func(e *encoder, b []byte, m *http1.Message) []byte { return appendCell(b, e.redact.reason(m)) })},
	{"start", func(e *encoder, b []byte, x *analyze.Exchange) []byte {
		return e.time(b, x.Earliest().First.Time)
	}},
	{"blocked_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Blocked })},
	{"dns_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.DNS })},
	{"connect_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Connect })},
	{"ssl_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.SSL })},
	{"send_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Send })},
	{"wait_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Wait })},
	{"receive_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Receive })},
	{"total_ms", ofTiming(totalOf)},
	{"nagle_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Causes.Nagle })},
	{"delayed_ack_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Causes.DelayedACK })},
	{"slow_start_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Causes.SlowStart })},
	{"retransmission_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Causes.Retransmission })},
	{"window_ms", ofTiming(func(t *analyze.Timing) time.Duration { return t.Causes.Window })},
	{"request_header_bytes", ofRequest(appendHeaderBytes)},
	{"request_body_bytes", ofRequest(appendBodyBytes)},
	{"request_complete", ofRequest(appendComplete)},
	{"request_file", ofRequest(appendFile)},
	{"request_first_frame", ofRequest(appendFirstFrame)},
	{"request_last_frame", ofRequest(appendLastFrame)},
	{"response_header_bytes", ofResponse(appendHeaderBytes)},
	{"response_body_bytes", ofResponse(appendBodyBytes)},
	{"response_complete", ofResponse(appendComplete)},
	{"response_file", ofResponse(appendFile)},
	{"response_first_frame", ofResponse(appendFirstFrame)},
	{"response_last_frame", ofResponse(appendLastFrame)},
}

type appendMessage = func(e *encoder, b []byte, m *http1.Message) []byte

// ofRequest appends what f does of the request, nothing without one.
func ofRequest(f appendMessage) func(e *encoder, b []byte, x *analyze.Exchange) []byte {
	return func(e *encoder, b []byte, x *analyze.Exchange) []byte {
		if x.Request == nil {
			return b
		}
		return f(e, b, x.Request)
	}
}

func ofResponse(f appendMessage) func(e *encoder, b []byte, x *analyze.Exchange) []byte {
	return func(e *encoder, b []byte, x *analyze.Exchange) []byte {
		if x.Response == nil {
			return b
		}
		return f(e, b, x.Response)
	}
}

// ofTiming appends a duration, nothing where it is not known.
func ofTiming(f func(t *analyze.Timing) time.Duration) func(e *encoder, b []byte, x *analyze.Exchange) []byte {
	return func(_ *encoder, b []byte, x *analyze.Exchange) []byte {
		d := f(&x.Timing)
		if d < 0 {
			return b
		}
		return appendMillis(b, d)
	}
}

func appendVersionCell(_ *encoder, b []byte, m *http1.Message) []byte {
	return appendVersion(b, m.Version)
}

func appendHeaderBytes(_ *encoder, b []byte, m *http1.Message) []byte {
	return appendInt(b, m.HeaderBytes)
}

func appendBodyBytes(_ *encoder, b []byte, m *http1.Message) []byte {
	return appendInt(b, m.BodyBytes)
}

func appendComplete(_ *encoder, b []byte, m *http1.Message) []byte {
	return strconv.AppendBool(b, m.Complete)
}

func appendFile(_ *encoder, b []byte, m *http1.Message) []byte {
	return appendInt(b, int64(m.First.Frame.File()))
}

func appendFirstFrame(_ *encoder, b []byte, m *http1.Message) []byte {
	return appendUint(b, m.First.Frame.Number())
}

func appendLastFrame(_ *encoder, b []byte, m *http1.Message) []byte {
	return appendUint(b, m.Last.Frame.Number())
}

// appendCell appends captured text as a quoted field. A backslash is doubled,
// bytes that are not UTF-8 are written as \xNN, and characters that are not
// printable as \xNN, \uNNNN or \UNNNNNNNN. A spreadsheet would calculate what
// begins like a formula: an apostrophe before it makes it text. Text that begins
// with an apostrophe gets one too, so that the first can always be taken away.
func appendCell[S string | []byte](b []byte, s S) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if i == 0 && beginsFormula(r) {
			b = append(b, '\'')
		}
		switch {
		case r == '"' || r == '\\':
			b = append(b, s[i], s[i])
		case size == 1 && (r == utf8.RuneError || !unicode.IsPrint(r)):
			b = append(b, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&0xf])
		case unicode.IsPrint(r):
			b = append(b, s[i:i+size]...)
		default:
			b = appendCodePoint(b, r)
		}
		i += size
	}
	return append(b, '"')
}

// beginsFormula reports whether a spreadsheet takes text with r at its beginning
// for a formula (https://owasp.org/www-community/attacks/CSV_Injection); or
// whether r is what tells it not to.
func beginsFormula(r rune) bool {
	switch r {
	case '=', '+', '-', '@', '\'', '＝', '＋', '－', '＠':
		return true
	}
	return false
}
