package reports

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/rules"
)

// story is what text shows as one: the findings of a rule between a client and
// a server, told by the worst of them.
type story struct {
	worst    *rules.Finding
	severity rules.Severity
	findings int
	count    int
	cost     time.Duration
}

type storyKey struct {
	rule   *rules.Rule
	client netip.Addr
	server netip.AddrPort
}

// stories gathers findings for text, in bounded memory.
type stories struct {
	least rules.Severity
	all   map[storyKey]*story
	order []*story
	more  int // findings beyond maxStories
	found findingSums
}

// maxStories is how many stories are told apart.
const maxStories = 4096

func (s *stories) add(f *rules.Finding) {
	s.found.add(f)
	if f.Severity < s.least {
		return
	}
	key := storyKey{f.Rule, f.Connection.Client().Addr(), f.Connection.Server()}
	t := s.all[key]
	if t == nil {
		if len(s.all) >= maxStories {
			s.more++
			return
		}
		if s.all == nil {
			s.all = map[storyKey]*story{}
		}
		t = &story{worst: f}
		s.all[key] = t
		s.order = append(s.order, t)
	}
	t.findings++
	t.count += f.Count
	t.cost += f.Cost
	t.severity = max(t.severity, f.Severity)
	if f.Severity > t.worst.Severity || f.Severity == t.worst.Severity && f.Cost > t.worst.Cost {
		t.worst = f
	}
}

// sorted returns the stories, the most severe and costly first.
func (s *stories) sorted() []*story {
	slices.SortStableFunc(s.order, func(a, b *story) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(b.cost, a.cost), cmp.Compare(a.worst.ID, b.worst.ID))
	})
	return s.order
}

// verdictLine says in one line what was found.
func (p *page) verdictLine(v *findingSums, c *analyze.Capture) {
	var parts []string
	for s := rules.Error; ; s-- {
		if n := v.of[s]; n > 0 {
			parts = append(parts, counted(n, severityWord(s)))
		}
		if s == rules.Info {
			break
		}
	}
	switch {
	case len(parts) == 0:
		p.line(fmt.Sprintf("Nothing to complain about in %s.", counted(c.Exchanges, "exchange")), bold)
	case v.cost == 0:
		p.line(strings.Join(parts, ", "), bold)
	default:
		p.line(fmt.Sprintf("%s: %s lost", strings.Join(parts, ", "), duration(v.cost)), bold)
	}
}

func severityWord(s rules.Severity) string {
	if s == rules.Info {
		return "remark"
	}
	return s.String()
}

var severityStyles = [...]style{rules.Info: faint, rules.Warning: yellow, rules.Error: red}

// findings tells the first of the stories.
func (p *page) findings(s *stories, rows int, k clock) {
	all := s.sorted()
	if len(all) == 0 {
		return
	}
	p.title("Findings")
	for i, t := range all {
		if i == rows {
			break
		}
		if i > 0 {
			p.text.WriteByte('\n')
		}
		p.story(t, k)
	}
	if hidden := len(all) - min(rows, len(all)) + s.more; hidden > 0 {
		p.line(fmt.Sprintf("  and %s more (--top)", count(uint64(hidden))), faint)
	}
}

func (p *page) story(t *story, k clock) {
	f := t.worst
	head := fmt.Sprintf("%s  %s", strings.ToUpper(t.severity.String()), f.Rule.ID)
	if t.cost > 0 {
		head += "  " + duration(t.cost)
	}
	if t.count > 1 {
		head += fmt.Sprintf("  %s×", count(uint64(t.count)))
	}
	if f.Confidence == rules.Likely {
		head += "  (likely)"
	}
	p.line("  "+head, severityStyles[t.severity])
	p.item(f.Title() + ": " + between(f))
	p.item(f.Detail)
	p.item("Why: " + firstSentence(f.Rule.Doc.What))
	p.item("Do: " + f.Advice)
	for i, e := range f.Evidence {
		if i == maxEvidence {
			p.item(fmt.Sprintf("and %s more packets", count(uint64(f.EvidenceTotal-i))))
			break
		}
		p.line(fmt.Sprintf("    %s  %s  %s", frameName(e.Mark.Frame.Number()), k.moment(e.Mark.Time), Printable(e.What)), faint)
	}
	p.item(f.Filter())
}

// maxEvidence is how many packets of a finding text shows.
const maxEvidence = 6

func frameName(n uint64) string { return fmt.Sprintf("frame %d", n) }

// item writes one paragraph of a story.
func (p *page) item(s string) {
	for _, line := range Wrap(Printable(s), p.width-6) {
		p.line("    "+line, normal)
	}
}

// between names client and server.
func between(f *rules.Finding) string {
	c := f.Connection
	server := c.Server().String()
	if c.ServerName != "" {
		server = c.ServerName + " (" + server + ")"
	}
	return fmt.Sprintf("%s → %s", c.Client().Addr(), server)
}

// firstSentence is the beginning of a text up to its first full stop.
func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}
