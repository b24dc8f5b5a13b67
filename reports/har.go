package reports

import (
	"bufio"
	"encoding/binary"
	"io"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// harWriter writes an HTTP archive (HAR 1.2,
// http://www.softwareishard.com/blog/har-12-spec/) with an entry for each
// exchange, in the order in which the client began them, and without bodies.
// What HAR has no member for stands in members that begin with "_".
type harWriter struct {
	w       io.Writer
	version string
	encoder encoder
	entries spool // by exchange: its entry, then its findings
	told    spool // findings
}

func newHAR(w io.Writer, o Options) Writer {
	return &harWriter{
		w: w, version: o.Version, encoder: newEncoder(o),
		entries: spool{limit: spoolMemory / 2}, told: spool{limit: spoolMemory / 4},
	}
}

func (h *harWriter) Connection(*analyze.Connection) error { return nil }

func (h *harWriter) Hop(*analyze.Hop) error { return nil }

func (h *harWriter) Exchange(x *analyze.Exchange) error {
	b := binary.BigEndian.AppendUint64(h.entries.room(), sortable(begun(x)))
	return h.entries.add(spoolKey{exchange: x.ID}, h.encoder.harEntry(b, x))
}

// Finding is told with each of its exchanges, and in full behind the entries.
func (h *harWriter) Finding(f *rules.Finding) error {
	for _, id := range f.Exchanges {
		b := append(h.entries.room(), `{"id":`...)
		b = appendUint(b, f.ID)
		b = append(b, `,"rule":"`...)
		b = append(b, f.Rule.ID...)
		b = append(b, `","severity":"`...)
		b = append(b, f.Severity.String()...)
		b = append(b, `"}`...)
		if err := h.entries.add(spoolKey{exchange: id, hop: f.ID}, b); err != nil {
			return err
		}
	}
	return h.told.add(spoolKey{connection: f.ID}, h.encoder.finding(h.told.room(), f))
}

func (h *harWriter) Close(c *analyze.Capture) error {
	defer h.entries.close()
	defer h.told.close()
	if c == nil {
		return nil
	}
	sorted := spool{limit: spoolMemory / 2}
	defer sorted.close()
	if err := h.sortByStart(&sorted); err != nil {
		return err
	}
	described, err := encodeMembers([]member{{"_capture", captureObjectOf(c, &h.encoder.redact)}})
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(h.w, 1<<16)
	w.WriteString("{\"log\":{\n\"version\":\"1.2\",\n\"creator\":{\"name\":\"wirelag\",\"version\":")
	w.Write(appendString(nil, h.version))
	w.WriteString("},\n\"pages\":[],\n")
	w.Write(described)
	w.WriteString(`"entries":[`)
	if err := writeRecords(w, &sorted, "\n", ""); err != nil {
		return err
	}
	w.WriteString("],\n\"_findings\":[")
	if err := writeRecords(w, &h.told, "\n{", "}"); err != nil {
		return err
	}
	w.WriteString("]\n}}\n")
	return w.Flush()
}

// writeRecords writes the elements of an array, each between before and after.
func writeRecords(w *bufio.Writer, s *spool, before, after string) error {
	first := true
	err := s.each(func(_ spoolKey, record []byte) error {
		if !first {
			w.WriteByte(',')
		}
		first = false
		w.WriteString(before)
		w.Write(record)
		_, err := w.WriteString(after)
		return err
	})
	if !first {
		w.WriteByte('\n')
	}
	return err
}

// sortByStart adds whole entries, with their findings, to sorted.
func (h *harWriter) sortByStart(sorted *spool) error {
	var key spoolKey // of the entry in hand
	entry, findings := []byte(nil), 0
	end := func() error {
		if key.exchange == 0 {
			return nil
		}
		if findings > 0 {
			entry = append(entry, ']')
		}
		return sorted.add(key, append(append(sorted.room(), entry...), '}'))
	}
	err := h.entries.each(func(k spoolKey, record []byte) error {
		if k.hop == 0 {
			if err := end(); err != nil {
				return err
			}
			start := binary.BigEndian.Uint64(record)
			key, entry, findings = spoolKey{connection: start, exchange: k.exchange}, append(entry[:0], record[8:]...), 0
			return nil
		}
		if k.exchange != key.exchange {
			return nil // of an exchange that is not told
		}
		if findings++; findings == 1 {
			entry = append(entry, `,"_findings":[`...)
		} else {
			entry = append(entry, ',')
		}
		entry = append(entry, record...)
		return nil
	})
	if err != nil {
		return err
	}
	return end()
}

// sortable orders moments before and after 1970 as unsigned numbers.
func sortable(t capture.Time) uint64 { return uint64(t) ^ 1<<63 }
