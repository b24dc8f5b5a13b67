package reports

import (
	"bytes"
	"html/template"
)

// maxPageJSON bounds the JSON within a page.
const maxPageJSON = 1 << 20

// json is the data of the page in the shape of the JSON report: of connections,
// exchanges and findings those that are shown, as far as there is room. It stands
// in a script element, where "<" could end it.
func (d *drawer) json(drawings []*drawing) (template.JS, error) {
	e := newEncoder(d.options)
	head, err := encodeMembers([]member{
		{"wirelag", programObject{d.options.Version, schemaNumber}},
		{"capture", captureObjectOf(d.capture, &d.redact)},
		{"summary", summaryObjectOf(d.capture, &d.htmlWriter.stories.found, d.spent())},
	})
	if err != nil {
		return "", err
	}
	b := append([]byte("{\n"), head...)
	b = append(b, `"connections":[`...)
	for i, each := range drawings {
		before := len(b)
		b = appendSeparated(b, i, func(b []byte) []byte { return e.connection(b, each.connection) })
		b = append(b, `,"exchanges":[`...)
		for j, x := range each.exchanges {
			b = appendSeparated(b, j, func(b []byte) []byte { return e.exchange(b, x.Exchange) })
			b = append(b, '}')
		}
		b = append(b, "]}"...)
		if len(b) > maxPageJSON {
			b = b[:before]
			break
		}
	}
	b = append(b, "],\n\"findings\":["...)
	room := len(b) + maxPageJSON/2
	for i, s := range d.stories {
		before := len(b)
		b = appendSeparated(b, i, func(b []byte) []byte { return e.finding(b, s.worst) })
		b = append(b, '}')
		if len(b) > room {
			b = b[:before]
			break
		}
	}
	b = append(b, "]\n}"...)
	return template.JS(bytes.ReplaceAll(b, []byte("<"), []byte(`\u003c`))), nil
}

// appendSeparated begins object number i of a list on a line of its own.
func appendSeparated(b []byte, i int, members func([]byte) []byte) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return members(append(b, "\n{"...))
}
