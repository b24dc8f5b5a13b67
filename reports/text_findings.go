package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// verdict is what a report comes to.
type verdict struct {
	found, known *findingSums
	capture      *analyze.Capture
	time         time.Duration // of the clients that was looked at; 0 when unknown
	asked        int           // how many rules
}

func newVerdict(s *stories, c *analyze.Capture, spent *Budget, o Options) *verdict {
	v := &verdict{found: &s.found, known: &s.known, capture: c, asked: len(o.Rules)}
	if !o.Selected { // findings are about all exchanges
		v.time = spent.Spent.Total()
	}
	return v
}

// verdict says it in one line.
func (p *page) verdict(v *verdict) {
	line, as := v.String(), bold
	if v.found.of[rules.Error] > 0 {
		as = boldRed
	} else if v.found.of[rules.Warning] > 0 {
		as = boldYellow
	}
	p.flow("", "", line, as)
	p.text.WriteByte('\n')
}

func (v *verdict) String() string {
	if v.capture.Connections == 0 && v.capture.Exchanges == 0 {
		return "Nothing to judge: there are no TCP connections in the capture."
	}
	s := v.found
	line, lost := s.String(), ""
	switch {
	case s.total() == 0:
		line = "Nothing to complain about"
	case s.of[rules.Info] == s.total():
		if s.cost > 0 {
			line += ", " + duration(s.cost)
		}
		line = "Nothing to complain about (" + line + ")"
	default:
		lost = v.lost()
	}
	if v.known.total() > 0 {
		line += " (known: " + v.known.String() + ")"
	}
	line += " in " + scope(v.capture)
	if v.asked < len(rules.All) {
		line += fmt.Sprintf(", by %d of %d rules", v.asked, len(rules.All))
	}
	return line + lost + "."
}

// lost is ": 1.20 s lost; the exchanges took 3.40 s", or what can be said of that.
// The one need not be a part of the other: what was lost may lie between exchanges,
// or where none came about.
func (v *verdict) lost() string {
	lost := loss(v.found.cost, v.found.lost)
	switch {
	case lost == "":
		return ""
	case v.found.cost == 0 || v.time <= 0:
		return ": " + lost
	case v.capture.Exchanges == 1:
		return ": " + lost + "; the exchange took " + duration(v.time)
	}
	return ": " + lost + "; the exchanges took " + duration(v.time)
}

// scope is what the verdict is about.
func scope(c *analyze.Capture) string {
	if c.Exchanges > 0 {
		return counted(c.Exchanges, "exchange")
	}
	return counted(c.Connections, "connection") + " without a readable HTTP exchange"
}

// String is what there is of each severity, the worst first: "1 error, 2 warnings".
func (s *findingSums) String() string {
	var parts []string
	for severity, n := range slices.Backward(s.of[:]) {
		switch {
		case n == 0:
		case rules.Severity(severity) == rules.Info:
			parts = append(parts, count(n)+" info")
		default:
			parts = append(parts, counted(n, rules.Severity(severity).String()))
		}
	}
	return strings.Join(parts, ", ")
}

// loss is how much time and how many bytes were lost; "" when nothing was.
func loss(cost time.Duration, bytes int64) string {
	switch {
	case cost > 0 && bytes > 0:
		return duration(cost) + " and " + size(bytes) + " lost"
	case cost > 0:
		return duration(cost) + " lost"
	case bytes > 0:
		return size(bytes) + " lost"
	}
	return ""
}

var severityStyles = [...]style{rules.Info: faint, rules.Warning: yellow, rules.Error: red}

// telling is what telling stories takes.
type telling struct {
	clock clock
	files []string // short names; nil where there is one
	// explained has the rules that were told of before, and the advice that was
	// given: neither reason nor advice is repeated.
	explained map[*rules.Rule]string
}

func newTelling(c *analyze.Capture, o *Options, r *redactor) telling {
	how := telling{clock: newClock(c, o.Zone)}
	if o.SeveralFiles {
		how.files = r.shortNames(c.Files)
	}
	return how
}

// file is the name of a frame's file, "" where there is one.
func (t *telling) file(f capture.Frame) string {
	if i := f.File(); i < len(t.files) {
		return t.files[i]
	}
	return ""
}

// findings tells the first of the stories.
func (p *page) findings(s *stories, rows int, how telling) {
	all := s.sorted()
	if len(all) == 0 {
		return
	}
	p.title("Findings")
	how.explained = map[*rules.Rule]string{}
	shown, hidden := chapters(all, rows)
	hidden.merge(&s.more)
	for i, t := range shown {
		if i > 0 {
			p.text.WriteByte('\n')
		}
		p.story(t.story, &how)
		p.alike(&t)
	}
	if hidden.total() > 0 {
		p.text.WriteByte('\n')
		p.line(fmt.Sprintf("  and %s more (%s)", &hidden, s.whereMore()), faint)
	}
	if s.under.total() > 0 {
		p.line(fmt.Sprintf("  without %s (--min-severity)", &s.under), faint)
	}
}

// alike says that a rule has the same to say of other clients and servers.
func (p *page) alike(t *toldStory) {
	if t.alike == 0 {
		return
	}
	s := "the same between another client and server"
	if t.alike > 1 {
		s = fmt.Sprintf("the same between %s other clients and servers", count(uint64(t.alike)))
	}
	s += ": " + counted(uint64(t.alikeCount), "time")
	if lost := loss(t.alikeCost, t.alikeLost); lost != "" {
		s += ", " + lost
	}
	p.labelled("also", faint, s, normal)
}

func (p *page) story(t *story, how *telling) {
	f := t.worst
	given, again := how.explained[f.Rule]
	advice := p.redact.advice(f)
	p.labelled(t.severity.String(), severityStyles[t.severity], f.Rule.ID+": "+f.Title(), bold)
	p.labelled("", faint, t.tally()+place(f, p.redact), normal)
	p.labelled("what", faint, Printable(p.redact.detail(f)), normal)
	if !again {
		p.labelled("why", faint, opening(f.Rule.Doc.What), normal)
	}
	if advice != given {
		p.labelled("do", faint, Printable(advice), normal)
	}
	p.evidence(f, how)
	p.labelledLines("filter", faint, wrapFilter(p.redact.filter(f), p.width-labelIndent), normal)
	how.explained[f.Rule] = advice
}

// tally is how often and at what cost, with a colon behind it where there is
// anything to say.
func (t *story) tally() string {
	var parts []string
	switch t.known {
	case 0:
	case t.findings:
		parts = append(parts, "known")
	default:
		parts = append(parts, count(uint64(t.known))+" of "+count(uint64(t.findings))+" known")
	}
	if times := t.times(); times != "" {
		parts = append(parts, times)
	}
	if lost := loss(t.cost, t.lost); lost != "" {
		parts = append(parts, lost)
	}
	if t.worst.Confidence == rules.Likely {
		parts = append(parts, "likely")
	}
	if t.findings > 1 {
		parts = append(parts, "the worst is")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + ": "
}

// mostName is how many columns of a host's name are shown with a finding.
const mostName = 40

// place names client and server, and the exchanges.
func place(f *rules.Finding, r *redactor) string {
	c := f.Connection
	client := r.client(c).String()
	if f.ConnectionsTotal > 1 || f.Rule.Per == rules.PerPair {
		client = r.client(c).Addr().String()
	}
	s := client + " → " + r.server(c).String()
	if name := r.serverName(c); len(name) > 0 {
		s += " (" + cutStart(Printable(string(name)), mostName) + ")"
	}
	return s + numbered("connection", f.Connections, f.ConnectionsTotal) + numbered("exchange", f.Exchanges, f.ExchangesTotal)
}

// maxNumbers is how many connections and exchanges of a finding text names.
const maxNumbers = 5

// numbered is ", exchange 3" or ", exchanges 3, 4, 5 and 7 more".
func numbered(what string, ids []uint64, total int) string {
	if len(ids) == 0 {
		return ""
	}
	if total == 1 {
		return ", " + what + " " + strconv.FormatUint(ids[0], 10)
	}
	var b strings.Builder
	fmt.Fprintf(&b, ", %ss ", what)
	for i, id := range ids[:min(len(ids), maxNumbers)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.FormatUint(id, 10))
	}
	if more := total - maxNumbers; more > 0 {
		fmt.Fprintf(&b, " and %s more", count(uint64(more)))
	}
	return b.String()
}

// maxEvidence is how many packets of a finding text shows.
const maxEvidence = 6

var beforeOperators = strings.NewReplacer(" && ", "\n&& ", " || ", "\n|| ")

// wrapFilter breaks a display filter into lines, before its operators.
func wrapFilter(s string, width int) (lines []string) {
	line := ""
	for term := range strings.SplitSeq(beforeOperators.Replace(s), "\n") {
		if line != "" && text.StringWidth(line+" "+term) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+term, " ")
	}
	return append(lines, line)
}

// evidence shows packets: number, time and what they show.
func (p *page) evidence(f *rules.Finding, how *telling) {
	packets, more := firstPackets(f)
	var rows [][3]string
	var widths [2]int
	for _, e := range packets {
		row := [3]string{e.Mark.Frame.String(), how.clock.moment(e.Mark.Time), Printable(p.redact.evidence(f, &e))}
		if file := how.file(e.Mark.Frame); file != "" {
			row[2] += " (" + file + ")"
		}
		widths[0], widths[1] = max(widths[0], len(row[0])), max(widths[1], len(row[1]))
		rows = append(rows, row)
	}
	label := "frames"
	indent := widths[0] + gap + widths[1] + gap
	for _, row := range rows {
		lines := Wrap(row[2], min(p.width-labelIndent, mostProse)-indent)
		for i := range lines {
			lead := strings.Repeat(" ", indent)
			if i == 0 {
				lead = fmt.Sprintf("%*s  %*s  ", widths[0], row[0], widths[1], row[1])
			}
			lines[i] = lead + lines[i]
		}
		p.labelledLines(label, faint, lines, normal)
		label = ""
	}
	if more > 0 {
		p.labelled(label, faint, fmt.Sprintf("and %s more", count(uint64(more))), normal)
	}
}

// firstPackets are the packets that stand first in the evidence of f, each once
// and by time, and how many more there are.
func firstPackets(f *rules.Finding) (packets []rules.Evidence, more int) {
	more = f.EvidenceTotal
	for _, e := range f.Evidence {
		known := e.Mark.IsZero() || slices.Contains(packets, e)
		if !known && len(packets) == maxEvidence {
			break
		}
		if more--; !known {
			packets = append(packets, e)
		}
	}
	slices.SortStableFunc(packets, func(a, b rules.Evidence) int {
		return cmp.Or(cmp.Compare(a.Mark.Time, b.Mark.Time), cmp.Compare(a.Mark.Frame, b.Mark.Frame))
	})
	return packets, more
}

const (
	labelWidth  = len("warning")
	labelIndent = gap + labelWidth + gap
	mostProse   = 100 // columns that can be read with ease
)

// labelled writes s in as many lines as it takes, beside a label.
func (p *page) labelled(label string, labelAs style, s string, as style) {
	p.labelledLines(label, labelAs, Wrap(s, min(p.width-labelIndent, mostProse)), as)
}

// labelledLines writes lines beside a label, and cuts those that do not fit.
func (p *page) labelledLines(label string, labelAs style, lines []string, as style) {
	indent := strings.Repeat(" ", labelIndent)
	lead := indent
	if label != "" {
		padding := strings.Repeat(" ", gap+labelWidth-len(label))
		lead = strings.Repeat(" ", gap) + p.paint(label, labelAs) + padding
	}
	for _, line := range lines {
		p.text.WriteString(lead + p.paint(cut(line, p.width-labelIndent), as) + "\n")
		lead = indent
	}
}

// enough is how long the reason for a finding is at least, in bytes.
const enough = 80

// opening is as many sentences at the beginning of s as say enough.
func opening(s string) string {
	end := 0
	for end < enough {
		stop := strings.Index(s[end:], ". ")
		if stop < 0 {
			return s
		}
		end += stop + len(". ")
	}
	return s[:end-1]
}
