package reports

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// schemaNumber changes when a program that reads the JSON would have to:
// members are added without changing it. docs/schema/wirelag-1.schema.json is
// its description.
const schemaNumber = 1

// jsonWriter writes the report as one object. Connections, exchanges and
// findings are encoded as they come and sorted by number in spools.
type jsonWriter struct {
	w       io.Writer
	version string
	encoder encoder
	spool   spool
	told    spool // findings
	found   findingSums
	spent   Budget
	proxied proxied
}

func newJSON(w io.Writer, o Options) Writer {
	return &jsonWriter{w: w, version: o.Version, encoder: newEncoder(o), proxied: proxied{selected: o.Selected}, spool: spool{limit: spoolMemory}, told: spool{limit: spoolMemory / 4}}
}

func (j *jsonWriter) Connection(c *analyze.Connection) error {
	return j.spool.add(spoolKey{connection: c.ID}, j.encoder.connection(j.spool.room(), c))
}

func (j *jsonWriter) Exchange(x *analyze.Exchange) error {
	j.spent.add(x)
	return j.spool.add(spoolKey{connection: x.Connection.ID, exchange: x.ID}, j.encoder.exchange(j.spool.room(), x))
}

func (j *jsonWriter) Finding(f *rules.Finding) error {
	j.found.add(f)
	return j.told.add(spoolKey{connection: f.ID}, j.encoder.finding(j.told.room(), f))
}

func (j *jsonWriter) Close(c *analyze.Capture) error {
	defer j.spool.close()
	defer j.told.close()
	if c == nil {
		return nil
	}
	w := bufio.NewWriterSize(j.w, 1<<16)
	head, err := encodeMembers([]member{
		{"wirelag", programObject{j.version, schemaNumber}},
		{"capture", captureObjectOf(c, &j.encoder.redact)},
		{"summary", summaryObjectOf(c, &j.found, j.spent.without(&j.proxied.Budget))},
	})
	if err != nil {
		return err
	}
	w.WriteString("{\n")
	w.Write(head)
	w.WriteString(`"connections":[`)
	if err := j.connections(w); err != nil {
		return err
	}
	w.WriteString("],\n\"findings\":[")
	if err := j.findings(w); err != nil {
		return err
	}
	w.WriteString("]\n}\n")
	return w.Flush()
}

// findings writes a finding a line.
func (j *jsonWriter) findings(w *bufio.Writer) error {
	separator := "\n"
	err := j.told.each(func(_ spoolKey, record []byte) error {
		w.WriteString(separator)
		separator = ",\n"
		w.WriteByte('{')
		w.Write(record)
		return w.WriteByte('}')
	})
	if separator != "\n" {
		w.WriteByte('\n')
	}
	return err
}

// connections writes a connection a line and, within it, an exchange a line with
// its links.
func (j *jsonWriter) connections(w *bufio.Writer) error {
	var last spoolKey
	hops := 0
	endExchange := func() {
		if last.exchange != 0 {
			endHops(w, hops)
			w.WriteByte('}')
		}
		hops = 0
	}
	err := j.spool.each(func(key spoolKey, record []byte) error {
		first := last == spoolKey{}
		if key.hop != 0 {
			if key.connection != last.connection || key.exchange != last.exchange {
				return nil // of an exchange that is not told
			}
			hops++
			return writeHop(w, hops-1, record)
		}
		endExchange()
		switch {
		case key.exchange != 0 && key.connection != last.connection:
			return fmt.Errorf("exchange %d has no connection", key.exchange)
		case key.exchange == 0 && first:
			w.WriteString("\n{")
		case key.exchange == 0:
			w.WriteString("]},\n{")
		case last.exchange == 0:
			w.WriteString("\n{")
		default:
			w.WriteString(",\n{")
		}
		last = key
		w.Write(record)
		if key.exchange == 0 {
			w.WriteString(`,"exchanges":[`)
		}
		return nil
	})
	endExchange()
	if last != (spoolKey{}) {
		w.WriteString("]}\n")
	}
	return err
}

// programObject names the program and the version of the JSON's shape.
type programObject struct {
	Version string `json:"version"`
	Schema  int    `json:"schema"`
}

type captureObject struct {
	Files       []fileObject   `json:"files"`
	Packets     uint64         `json:"packets"`
	Bytes       uint64         `json:"bytes"`
	TCPPackets  uint64         `json:"tcp_packets"`
	Start       *string        `json:"start"`
	End         *string        `json:"end"`
	Health      []healthObject `json:"health"`
	Interrupted bool           `json:"interrupted"`
}

type fileObject struct {
	Name      string   `json:"name"`
	Format    string   `json:"format"`
	LinkTypes []string `json:"link_types"`
	Packets   uint64   `json:"packets"`
	Bytes     uint64   `json:"bytes"`
	Snaplen   uint32   `json:"snaplen"`
	Damage    string   `json:"damage,omitempty"`
	// ClockOffset is in milliseconds.
	ClockOffset json.RawMessage `json:"clock_offset_ms,omitempty"`
}

type healthObject struct {
	Kind    string `json:"kind"`
	Count   uint64 `json:"count"`
	Meaning string `json:"meaning"`
}

type summaryObject struct {
	Connections uint64         `json:"connections"`
	Exchanges   uint64         `json:"exchanges"`
	Requests    uint64         `json:"requests"`
	Responses   uint64         `json:"responses"`
	Findings    findingsObject `json:"findings"`
	CostMS      float64        `json:"cost_ms"`
	Budget      budgetObject   `json:"budget"`
}

type findingsObject struct {
	Error   uint64 `json:"error"`
	Warning uint64 `json:"warning"`
	Info    uint64 `json:"info"`
	Known   uint64 `json:"known,omitempty"`
}

func captureObjectOf(c *analyze.Capture, r *redactor) captureObject {
	o := captureObject{
		Files: []fileObject{}, Packets: c.Packets, Bytes: c.Bytes, TCPPackets: c.TCPPackets,
		Health: []healthObject{}, Interrupted: c.Interrupted,
	}
	if c.Packets > 0 {
		o.Start, o.End = timeString(c.Start), timeString(c.End)
	}
	for _, f := range c.Files {
		o.Files = append(o.Files, fileObjectOf(f, r))
	}
	for i := range c.Health {
		h := &c.Health[i]
		o.Health = append(o.Health, healthObject{h.Kind, h.Count, r.meaning(c, h)})
	}
	return o
}

func fileObjectOf(f *capture.File, r *redactor) fileObject {
	o := fileObject{
		Name: r.fileName(f), Format: f.Format.String(), LinkTypes: []string{},
		Packets: f.Packets, Bytes: f.Bytes, Snaplen: f.Snaplen, Damage: r.damage(f),
	}
	if f.ClockOffset != 0 {
		o.ClockOffset = appendOffset(nil, f.ClockOffset)
	}
	for _, t := range f.LinkTypes {
		o.LinkTypes = append(o.LinkTypes, t.String())
	}
	return o
}

func timeString(t capture.Time) *string {
	s := t.UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
	return &s
}

func summaryObjectOf(c *analyze.Capture, found *findingSums, spent *Budget) summaryObject {
	return summaryObject{
		Connections: c.Connections, Exchanges: c.Exchanges, Requests: c.Requests, Responses: c.Responses,
		Findings: findingsObject{found.of[rules.Error], found.of[rules.Warning], found.of[rules.Info], found.known},
		CostMS:   milliseconds(found.cost), Budget: budgetObjectOf(spent),
	}
}

// member is a member of the report's object.
type member struct {
	name  string
	value any
}

// encodeMembers encodes each on a line of its own, with a comma behind it.
func encodeMembers(members []member) ([]byte, error) {
	var b bytes.Buffer
	encode := json.NewEncoder(&b)
	encode.SetEscapeHTML(false)
	for _, m := range members {
		fmt.Fprintf(&b, "%q:", m.name)
		if err := encode.Encode(m.value); err != nil {
			return nil, fmt.Errorf("encode %s: %w", m.name, err)
		}
		b.Truncate(b.Len() - len("\n"))
		b.WriteString(",\n")
	}
	return appendInert(nil, b.Bytes()), nil
}
