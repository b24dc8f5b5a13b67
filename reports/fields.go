package reports

import "wirelag/analyze/http1"

// headers appends the fields of a message's head.
func (e *encoder) headers(b []byte, m *http1.Message) []byte {
	latest := &e.latest[m.Role]
	b = append(b, '[')
	if latest.head.is(m) {
		return append(append(b, latest.json...), ']')
	}
	start, ends := len(b), e.ends[:0]
	for i := range headers(m) {
		if i > 0 {
			b = append(b, ',')
		}
		if latest.head.has(m, i) {
			b = append(b, latest.field(i)...)
		} else {
			name, value, redacted := e.redact.header(m, i)
			b = appendField(b, name, value, redacted)
		}
		ends = append(ends, len(b)-start)
	}
	const longest = 32 << 10
	if e.ends = ends; len(b)-start <= longest && e.redact.hosts == nil { // names are as they were captured
		e.ends = latest.learn(m, b[start:], ends)
	}
	return append(b, ']')
}

// latestHead is that of the latest request, or response, and the JSON of its fields: most
// of the next one's are the same, in the same places.
type latestHead struct {
	head headOf
	json []byte
	ends []int // of the fields in it
}

// field is the JSON of field i.
func (l *latestHead) field(i int) []byte {
	start := 0
	if i > 0 {
		start = l.ends[i-1] + len(",")
	}
	return l.json[start:l.ends[i]]
}

// learn takes the head of m, and returns memory for the ends of the next.
func (l *latestHead) learn(m *http1.Message, json []byte, ends []int) (spare []int) {
	spare = l.ends
	l.head.take(m)
	l.json, l.ends = append(l.json[:0], json...), ends
	return spare
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
