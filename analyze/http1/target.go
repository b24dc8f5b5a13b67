package http1

import (
	"iter"
	"strings"
)

// AbsoluteForm reports whether the request's target is in absolute form
// ("http://host/path"), as it is sent to proxies (RFC 9112 §3.2.2).
func (m *Message) AbsoluteForm() bool {
	if strings.HasPrefix(m.Target, "/") {
		return false
	}
	scheme, _, found := strings.Cut(m.Target, "://")
	return found && scheme != "" && !strings.ContainsAny(scheme, "/?#")
}

// Path is the path and query of the request's target, in origin form whatever
// the form of the target: "/" where it has none.
func (m *Message) Path() string {
	if !m.AbsoluteForm() {
		return m.Target
	}
	_, rest, _ := strings.Cut(m.Target, "://")
	i := strings.IndexAny(rest, "/?#")
	switch {
	case i < 0:
		return "/"
	case rest[i] == '/':
		return rest[i:]
	}
	return "/" + rest[i:]
}

// Authority is the host, and the port where one is given, that the request is
// for: that of a target in absolute form, or else what the Host field says
// (RFC 9112 §3.2.2).
func (m *Message) Authority() string {
	if !m.AbsoluteForm() {
		host, _ := m.Get("Host")
		return host
	}
	_, rest, _ := strings.Cut(m.Target, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

// List yields the elements of the comma-separated list that the fields called
// name (any case) make together (RFC 9110 §5.6.1). Empty ones are left out.
func (m *Message) List(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !m.mayHave(name) {
			return
		}
		for list := range m.Fields.called(name) {
			item := ""
			for more := true; more; {
				item, list, more = strings.Cut(list, ",")
				if item = trimmed(item); item != "" && !yield(item) {
					return
				}
			}
		}
	}
}
