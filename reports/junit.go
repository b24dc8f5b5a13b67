package reports

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/rules"
)

// junitWriter writes a test suite in the JUnit XML format of Ant and Jenkins: a
// test case for each rule that was asked, which fails once with all findings that
// are new and severe enough. (Of several failures in a test case Jenkins shows
// one, and GitLab none that can be read.) Everything else, and capture health, is
// in the suite's output.
type junitWriter struct {
	w       io.Writer
	options Options
	redact  redactor
	failed  map[*rules.Rule]*ruled
	passed  map[*rules.Rule]*ruled
}

// ruled are findings of one rule.
type ruled struct {
	sums  findingSums
	worst top[*rules.Finding]
}

// maxFailures is how many findings of a rule are told.
const maxFailures = 25

func newJUnit(w io.Writer, o Options) Writer {
	return &junitWriter{
		w: w, options: o, redact: newRedactor(o),
		failed: map[*rules.Rule]*ruled{}, passed: map[*rules.Rule]*ruled{},
	}
}

func (j *junitWriter) Connection(*analyze.Connection) error { return nil }

func (j *junitWriter) Exchange(*analyze.Exchange) error { return nil }

func (j *junitWriter) Hop(*analyze.Hop) error { return nil }

func (j *junitWriter) Finding(f *rules.Finding) error {
	of := j.passed
	if f.Severity >= j.options.FailOn && !f.Known {
		of = j.failed
	}
	r := of[f.Rule]
	if r == nil {
		r = &ruled{worst: top[*rules.Finding]{n: maxFailures, order: worstFirst}}
		of[f.Rule] = r
	}
	r.sums.add(f)
	r.worst.add(f)
	return nil
}

func (j *junitWriter) Close(c *analyze.Capture) error {
	if c == nil {
		return nil
	}
	x := &xmlWriter{bufio.NewWriter(j.w)}
	x.WriteString(xml.Header)
	tests, errors, cost := len(j.options.Rules), 0, time.Duration(0)
	if c.Interrupted {
		tests, errors = tests+1, 1
	}
	for _, r := range j.failed {
		cost += r.sums.cost
	}
	x.WriteString("<testsuites>\n<testsuite")
	x.attributes("name", "wirelag", "package", "wirelag", "id", "0", "hostname", "localhost",
		"timestamp", c.Start.UTC().Format("2006-01-02T15:04:05"), "time", seconds(cost),
		"tests", fmt.Sprint(tests), "failures", fmt.Sprint(len(j.failed)), "errors", fmt.Sprint(errors), "skipped", "0")
	x.WriteString(">\n<properties>\n")
	x.property("version", j.options.Version)
	x.property("fail-on", j.options.FailOn.String())
	for _, f := range c.Files {
		x.property("capture", j.redact.fileName(f))
	}
	x.WriteString("</properties>\n")
	how := newTelling(c, &j.options, &j.redact)
	for _, r := range j.options.Rules {
		j.testCase(x, r, &how)
	}
	if c.Interrupted {
		x.WriteString(`<testcase classname="wirelag" name="capture" time="0"><error type="interrupted" message="the analysis was interrupted"/></testcase>` + "\n")
	}
	x.WriteString("<system-out>")
	x.text(j.output(c))
	x.WriteString("</system-out>\n<system-err/>\n</testsuite>\n</testsuites>\n")
	return x.Flush()
}

func (j *junitWriter) testCase(x *xmlWriter, r *rules.Rule, how *telling) {
	failed := j.failed[r]
	x.WriteString("<testcase")
	if failed == nil {
		x.attributes("classname", className(r), "name", r.ID, "time", "0")
		x.WriteString("/>\n")
		return
	}
	x.attributes("classname", className(r), "name", r.ID, "time", seconds(failed.sums.cost))
	x.WriteString("><failure")
	failed.worst.settle()
	message := failed.sums.String() + ": " + r.Title
	if lost := loss(failed.sums.cost, failed.sums.lost); lost != "" {
		message += ", " + lost
	}
	x.attributes("type", failed.worst.items[0].Severity.String(), "message", message)
	x.WriteString(">")
	for _, f := range failed.worst.items {
		x.text(j.tell(f, how))
	}
	if more := failed.worst.shown - uint64(len(failed.worst.items)); more > 0 {
		x.text("and " + count(more) + " more\n")
	}
	x.WriteString("</failure></testcase>\n")
}

// className groups rules in what shows packages and classes.
func className(r *rules.Rule) string {
	return "wirelag." + cmp.Or(strings.ReplaceAll(string(r.Group), ".", " "), "rules")
}

// tell is what there is to say of a finding, in lines.
func (j *junitWriter) tell(f *rules.Finding, how *telling) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n", f.Severity, j.redact.fingerprint(f), place(f, &j.redact))
	if lost := loss(f.Cost, f.BytesLost); lost != "" {
		fmt.Fprintf(&b, "%s\n", lost)
	}
	fmt.Fprintf(&b, "%s\n", Printable(j.redact.detail(f)))
	packets, more := firstPackets(f)
	for _, e := range packets {
		frame := e.Mark.Frame.String()
		if file := how.file(e.Mark.Frame); file != "" {
			frame += " of " + file
		}
		fmt.Fprintf(&b, "  frame %s, %s: %s\n", frame, how.clock.moment(e.Mark.Time), Printable(j.redact.evidence(f, &e)))
	}
	if more > 0 {
		fmt.Fprintf(&b, "  and %s more\n", count(uint64(more)))
	}
	fmt.Fprintf(&b, "%s\n%s\n\n", Printable(j.redact.advice(f)), j.redact.filter(f))
	return b.String()
}

// output is capture health, and the findings that fail nothing.
func (j *junitWriter) output(c *analyze.Capture) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n", counted(c.Connections, "connection"), exchanges(c))
	for _, h := range c.Health {
		fmt.Fprintf(&b, "capture health: %s ×%s: %s\n", h.Kind, count(h.Count), Printable(j.redact.meaning(c, &h)))
	}
	for _, r := range j.options.Rules {
		passed := j.passed[r]
		if passed == nil {
			continue
		}
		passed.worst.settle()
		for _, f := range passed.worst.items {
			severity := f.Severity.String()
			if f.Known {
				severity = "known " + severity
			}
			fmt.Fprintf(&b, "%s %s %s: %s: %s\n", severity, r.ID, j.redact.fingerprint(f), place(f, &j.redact), Printable(j.redact.detail(f)))
		}
		if more := passed.worst.shown - uint64(len(passed.worst.items)); more > 0 {
			fmt.Fprintf(&b, "and %s more of %s\n", count(more), r.ID)
		}
	}
	return b.String()
}

// seconds shows d as a decimal number.
func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", max(d, 0).Seconds()) }

// xmlWriter writes XML. Text must be printable, but for ends of lines: XML 1.0
// §2.2 has no way to write control characters.
type xmlWriter struct{ *bufio.Writer }

func (x *xmlWriter) text(s string) {
	for line := range strings.Lines(s) {
		xml.EscapeText(x, []byte(Printable(strings.TrimSuffix(line, "\n"))))
		if strings.HasSuffix(line, "\n") {
			x.WriteByte('\n')
		}
	}
}

// attributes writes names and values.
func (x *xmlWriter) attributes(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		x.WriteString(" " + pairs[i] + `="`)
		xml.EscapeText(x, []byte(Printable(pairs[i+1])))
		x.WriteByte('"')
	}
}

func (x *xmlWriter) property(name, value string) {
	x.WriteString("<property")
	x.attributes("name", name, "value", value)
	x.WriteString("/>\n")
}
