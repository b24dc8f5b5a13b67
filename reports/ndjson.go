package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"wirelag/analyze"
	"wirelag/rules"
)

// ndjsonWriter writes an object a line, each with its type, as soon as it is
// known. Every line is one Write.
type ndjsonWriter struct {
	w       io.Writer
	version string
	encoder encoder
	line    []byte
	found   findingSums
	spent   Budget
	proxied proxied
}

func newNDJSON(w io.Writer, o Options) Writer {
	return &ndjsonWriter{w: w, version: o.Version, encoder: newEncoder(o), proxied: proxied{selected: o.Selected}}
}

func (n *ndjsonWriter) Connection(c *analyze.Connection) error {
	n.line = append(n.line[:0], `{"type":"connection",`...)
	n.line = n.encoder.connection(n.line, c)
	return n.end()
}

func (n *ndjsonWriter) Exchange(x *analyze.Exchange) error {
	n.spent.add(x)
	n.line = append(n.line[:0], `{"type":"exchange","connection":`...)
	n.line = appendUint(n.line, x.Connection.ID)
	n.line = append(n.line, ',')
	n.line = n.encoder.exchange(n.line, x)
	return n.end()
}

func (n *ndjsonWriter) Finding(f *rules.Finding) error {
	n.found.add(f)
	n.line = append(n.line[:0], `{"type":"finding",`...)
	n.line = n.encoder.finding(n.line, f)
	return n.end()
}

func (n *ndjsonWriter) end() error {
	n.line = append(n.line, "}\n"...)
	_, err := n.w.Write(n.line)
	return err
}

func (n *ndjsonWriter) Close(c *analyze.Capture) error {
	if c == nil {
		return nil
	}
	type captureLine struct {
		Type    string        `json:"type"`
		Wirelag programObject `json:"wirelag"`
		captureObject
	}
	type summaryLine struct {
		Type string `json:"type"`
		summaryObject
	}
	var lines bytes.Buffer
	encode := json.NewEncoder(&lines)
	encode.SetEscapeHTML(false)
	for _, line := range []any{
		captureLine{"capture", programObject{n.version, schemaNumber}, captureObjectOf(c, &n.encoder.redact)},
		summaryLine{"summary", summaryObjectOf(c, &n.found, n.spent.without(&n.proxied.Budget))},
	} {
		if err := encode.Encode(line); err != nil {
			return fmt.Errorf("write the last lines: %w", err)
		}
	}
	_, err := n.w.Write(appendInert(nil, lines.Bytes()))
	return err
}
