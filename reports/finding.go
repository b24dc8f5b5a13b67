package reports

import (
	"cmp"
	"slices"
	"time"

	"wirelag/rules"
)

// finding appends the members of a finding, without the braces.
func (e *encoder) finding(b []byte, f *rules.Finding) []byte {
	b = append(b, `"id":`...)
	b = appendUint(b, f.ID)
	b = append(b, `,"fingerprint":"`...)
	b = append(b, e.redact.fingerprint(f)...)
	if f.Known {
		b = append(b, `","known":true,"rule":"`...)
	} else {
		b = append(b, `","rule":"`...)
	}
	b = append(b, f.Rule.ID...)
	b = append(b, `","severity":"`...)
	b = append(b, f.Severity.String()...)
	b = append(b, `","confidence":"`...)
	b = append(b, f.Confidence.String()...)
	b = append(b, '"')
	b = appendIDs(b, "connections", f.Connections, f.ConnectionsTotal)
	b = appendIDs(b, "exchanges", f.Exchanges, f.ExchangesTotal)
	frames := e.framesOf(f.Evidence)
	total := f.EvidenceTotal
	if total == len(f.Evidence) {
		total = len(frames) // nothing was left out
	}
	b = appendIDs(b, "frames", frames, total)
	b = append(b, `,"start":`...)
	b = e.mark(b, f.Start)
	b = append(b, `,"end":`...)
	b = e.mark(b, f.End)
	b = append(b, `,"evidence":[`...)
	b = e.evidence(b, f)
	b = append(b, `],"filter":`...)
	b = appendString(b, e.redact.filter(f))
	b = append(b, `,"count":`...)
	b = appendInt(b, int64(f.Count))
	b = append(b, `,"cost_ms":`...)
	b = appendMillis(b, max(f.Cost, 0))
	b = append(b, `,"bytes_lost":`...)
	b = appendInt(b, f.BytesLost)
	b = append(b, `,"title":`...)
	b = appendString(b, f.Title())
	b = append(b, `,"detail":`...)
	b = appendString(b, e.redact.detail(f))
	b = append(b, `,"advice":`...)
	b = appendString(b, e.redact.advice(f))
	b = append(b, `,"references":[`...)
	for i, reference := range f.Rule.Doc.References {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, reference)
	}
	return append(b, ']')
}

// appendIDs appends a list and, where it was capped, how many there are.
func appendIDs(b []byte, name string, ids []uint64, total int) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, `":[`...)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendUint(b, id)
	}
	b = append(b, ']')
	if total <= len(ids) {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, `_total":`...)
	return appendInt(b, int64(total))
}

// framesOf are the numbers of the frames that evidence names, each once; valid
// until the next call.
func (e *encoder) framesOf(evidence []rules.Evidence) []uint64 {
	e.shown, e.numbers = e.shown[:0], e.numbers[:0]
	for _, shown := range evidence {
		if !shown.Mark.IsZero() {
			e.shown = append(e.shown, shown.Mark.Frame)
		}
	}
	slices.Sort(e.shown)
	for _, f := range slices.Compact(e.shown) {
		e.numbers = append(e.numbers, f.Number())
	}
	return e.numbers
}

func (e *encoder) evidence(b []byte, f *rules.Finding) []byte {
	separator := `{"file":`
	for i := range f.Evidence {
		shown := &f.Evidence[i]
		if shown.Mark.IsZero() {
			continue
		}
		b = append(b, separator...)
		separator = `,{"file":`
		b = appendInt(b, int64(shown.Mark.Frame.File()))
		b = append(b, `,"frame":`...)
		b = appendUint(b, shown.Mark.Frame.Number())
		b = append(b, `,"time":`...)
		b = e.time(b, shown.Mark.Time)
		b = append(b, `,"what":`...)
		b = appendString(b, e.redact.evidence(f, shown))
		b = append(b, '}')
	}
	return b
}

// findingSums counts findings.
type findingSums struct {
	of    [rules.Error + 1]uint64 // by severity
	known uint64                  // those that were accepted before
	cost  time.Duration
	lost  int64 // bytes
}

func (s *findingSums) add(f *rules.Finding) {
	s.of[f.Severity]++
	if f.Known {
		s.known++
	}
	s.cost += max(f.Cost, 0)
	s.lost += f.BytesLost
}

func (s *findingSums) merge(t *findingSums) {
	for severity, n := range t.of {
		s.of[severity] += n
	}
	s.cost += t.cost
	s.lost += t.lost
}

func (s *findingSums) total() (n uint64) {
	for _, of := range s.of {
		n += of
	}
	return n
}

// Where says in a line what a finding is about: client, server and, where it is
// about a request, that.
func Where(f *rules.Finding, o Options) string {
	r := newRedactor(o)
	where := r.client(f.Connection).Addr().String() + " → " + r.server(f.Connection).String()
	if subject := r.subject(f); subject != "" {
		where += ", " + subject
	}
	return Printable(where)
}

// worstFirst orders findings by severity, then by what they cost.
func worstFirst(a, b *rules.Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Cost, a.Cost),
		cmp.Compare(b.BytesLost, a.BytesLost), cmp.Compare(a.ID, b.ID))
}
