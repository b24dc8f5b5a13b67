package reports

import "wirelag/analyze/http1"

// headers appends the fields of a message's head.
func (e *encoder) headers(b []byte, m *http1.Message) []byte {
	latest := &e.latest[m.Role]
	b = append(b, '[')
	for i := range headers(m) {
		if i > 0 {
			b = append(b, ',')
		}
		if i < len(latest) && latest[i].json != nil && isHeader(m, i, latest[i].name, latest[i].value) {
			b = append(b, latest[i].json...)
			continue
		}
		start := len(b)
		name, value, redacted := e.redact.header(m, i)
		b = appendField(b, name, value, redacted)
		if i < len(latest) && e.redact.hosts == nil { // name is as it was captured
			latest[i].learn(name, value, b[start:])
		}
	}
	return append(b, ']')
}

// latestFields are fields of the latest request, or response, and their JSON: most
// of the next one's are the same, in the same places.
type latestFields [32]latestField

type latestField struct{ name, value, json []byte }

// learn takes the place of what was there, unless it is long.
func (l *latestField) learn(name, value string, json []byte) {
	const longest = 1 << 10
	if len(json) > longest {
		return
	}
	l.name = append(l.name[:0], name...)
	l.value = append(l.value[:0], value...)
	l.json = append(l.json[:0], json...)
}

// trailers appends the fields behind a message's body.
func (e *encoder) trailers(b []byte, m *http1.Message) []byte {
	b = append(b, '[')
	for i := range trailers(m) {
		if i > 0 {
			b = append(b, ',')
		}
		name, value, redacted := e.redact.trailer(m, i)
		b = appendField(b, name, value, redacted)
	}
	return append(b, ']')
}

func appendField(b []byte, name, value string, redacted []byte) []byte {
	b = appendString(append(b, '['), name)
	b = appendValue(append(b, ','), value, redacted)
	return append(b, ']')
}

// appendValue appends what may be shown of the value of a field.
func appendValue(b []byte, value string, redacted []byte) []byte {
	if redacted != nil {
		return appendString(b, redacted)
	}
	return appendString(b, value)
}
