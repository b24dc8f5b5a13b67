package analyze

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"wirelag/reassembly/capture"
)

// Selection says which exchanges are to be told. What is left out is analysed
// all the same. The zero Selection takes all.
type Selection struct {
	hosts, paths []string
	statuses     []statusRange
	since, until moment
}

// statusRange is a range of status codes; the zero value stands for no response.
type statusRange struct{ low, high int }

// moment is a time, or a time after the start of the capture.
type moment struct {
	at    capture.Time
	after time.Duration
	kind  momentKind
}

type momentKind uint8

const (
	noMoment momentKind = iota
	absolute
	relative
)

// Hosts takes the exchanges whose server is called, or has the address of, one
// of the patterns ("*" stands for any characters, "?" for one).
func (s *Selection) Hosts(patterns ...string) { s.hosts = append(s.hosts, patterns...) }

// Paths takes the exchanges whose target's path matches one of the patterns.
func (s *Selection) Paths(patterns ...string) { s.paths = append(s.paths, patterns...) }

// Status takes the exchanges with a status such as "404", "5xx", "500-504", or
// "none" for those without a response. The error says what is expected.
func (s *Selection) Status(text string) error {
	low, high := text, text
	switch {
	case text == "none":
		s.statuses = append(s.statuses, statusRange{})
		return nil
	case len(text) == 3 && strings.EqualFold(text[1:], "xx"):
		low, high = text[:1]+"00", text[:1]+"99"
	case strings.Contains(text, "-"):
		low, high, _ = strings.Cut(text, "-")
	}
	from, err1 := strconv.ParseUint(low, 10, 16)
	to, err2 := strconv.ParseUint(high, 10, 16)
	if err1 != nil || err2 != nil || from < 100 || to < from || to > 999 {
		return fmt.Errorf("%q is no status: use 404, 5xx, 500-504 or none", text)
	}
	s.statuses = append(s.statuses, statusRange{int(from), int(to)})
	return nil
}

// Since takes the exchanges that began then or later: at a time (RFC 3339), or
// so long after the capture's start ("+10s").
func (s *Selection) Since(text string) (err error) {
	s.since, err = parseMoment(text)
	return err
}

// Until takes the exchanges that began before then.
func (s *Selection) Until(text string) (err error) {
	s.until, err = parseMoment(text)
	return err
}

func parseMoment(text string) (moment, error) {
	if after, ok := strings.CutPrefix(text, "+"); ok {
		d, err := time.ParseDuration(after)
		if err != nil || d < 0 {
			return moment{}, fmt.Errorf("%q is no time: use +10s for ten seconds after the start, or a date such as 2026-01-02T15:04:05Z", text)
		}
		return moment{after: d, kind: relative}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return moment{at: capture.Time(t.UnixNano()), kind: absolute}, nil
		}
	}
	return moment{}, fmt.Errorf("%q is no time: use +10s for ten seconds after the start, or a date such as 2026-01-02T15:04:05Z", text)
}

func (m moment) in(start capture.Time) capture.Time {
	if m.kind == relative {
		return start.Add(m.after)
	}
	return m.at
}

// Of returns l restricted to the exchanges that are selected.
func (s *Selection) Of(l Listener) Listener {
	tell := l.Exchange
	if tell == nil || s.all() {
		return l
	}
	start, started := capture.Time(0), false
	tick := l.Tick
	l.Tick = func(now capture.Time) {
		if !started {
			start, started = now, true
		}
		if tick != nil {
			tick(now)
		}
	}
	l.Exchange = func(x *Exchange) {
		if s.takes(x, start) {
			tell(x)
		}
	}
	if hop := l.Hop; hop != nil {
		l.Hop = func(h *Hop) {
			if s.takes(h.Front, start) || s.takes(h.Back, start) {
				hop(h)
			}
		}
	}
	return l
}

func (s *Selection) all() bool {
	return len(s.hosts)+len(s.paths)+len(s.statuses) == 0 && s.since.kind == noMoment && s.until.kind == noMoment
}

func (s *Selection) takes(x *Exchange, start capture.Time) bool {
	return s.takesHost(x) && s.takesPath(x) && s.takesStatus(x) && s.takesTime(x, start)
}

func (s *Selection) takesHost(x *Exchange) bool {
	if len(s.hosts) == 0 {
		return true
	}
	names := []string{x.Connection.ServerName, x.Connection.Server().Addr().String()}
	if x.Request != nil {
		host, _ := x.Request.Get("Host")
		names = append(names, host)
	}
	for _, name := range names {
		name = withoutPort(name)
		for _, pattern := range s.hosts {
			if name != "" && matches(strings.ToLower(pattern), strings.ToLower(name)) {
				return true
			}
		}
	}
	return false
}

func withoutPort(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if name, port, ok := strings.Cut(host, ":"); ok && !strings.Contains(port, ":") {
		return name
	}
	if name, _, ok := strings.Cut(strings.TrimPrefix(host, "["), "]"); ok {
		return name
	}
	return host
}

func (s *Selection) takesPath(x *Exchange) bool {
	if len(s.paths) == 0 {
		return true
	}
	if x.Request == nil {
		return false
	}
	path := x.Request.Target
	if _, rest, ok := strings.Cut(path, "://"); ok { // absolute form
		_, rest, _ = strings.Cut(rest, "/")
		path = "/" + rest
	}
	path, _, _ = strings.Cut(path, "?")
	for _, pattern := range s.paths {
		if matches(pattern, path) {
			return true
		}
	}
	return false
}

func (s *Selection) takesStatus(x *Exchange) bool {
	if len(s.statuses) == 0 {
		return true
	}
	status := 0
	if x.Response != nil {
		status = x.Response.Status
	}
	for _, r := range s.statuses {
		if r.low <= status && status <= r.high {
			return true
		}
	}
	return false
}

func (s *Selection) takesTime(x *Exchange, start capture.Time) bool {
	m := x.Request
	if m == nil {
		m = x.Response
	}
	began := m.Start.At.Time
	return (s.since.kind == noMoment || began >= s.since.in(start)) &&
		(s.until.kind == noMoment || began < s.until.in(start))
}

// matches reports whether text matches a pattern in which "*" stands for any
// characters and "?" for one. It takes time in proportion to both lengths' product.
func matches(pattern, text string) bool {
	star, resume := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
