package rules

import (
	"fmt"
	"strings"
)

// SeverityText names the severities that the rule reports: "info/warning".
func (r *Rule) SeverityText() string {
	names := make([]string, len(r.Severities))
	for i, s := range r.Severities {
		names[i] = s.String()
	}
	return strings.Join(names, "/")
}

// Section is a part of a rule's page.
type Section struct{ Title, Text string }

// Page is the rule's whole page, in the order in which it is read. Sections
// without text are left out.
func (r *Rule) Page() []Section {
	var options strings.Builder
	for i, o := range r.Options {
		if i > 0 {
			options.WriteString("; ")
		}
		fmt.Fprintf(&options, "%s: %s (default %s)", o.Name, o.Doc, o)
	}
	all := []Section{
		{"What it means", r.Doc.What},
		{"What is measured", r.Doc.Measured},
		{"Options", options.String()},
		{"Capture point", r.Doc.CapturePoint},
		{"When it is likely, not certain", r.Doc.Likely},
		{"When it is silent", r.Doc.Limits},
		{"What to do", r.Doc.Cure},
		{"Replaced by", r.replacedBy()},
		{"References", strings.Join(r.Doc.References, ", ")},
	}
	var page []Section
	for _, s := range all {
		if s.Text != "" {
			page = append(page, s)
		}
	}
	return page
}

// replacedBy names the rules that take precedence, and why.
func (r *Rule) replacedBy() string {
	var parts []string
	for _, p := range precedence {
		if p.loser == r {
			parts = append(parts, p.winner.ID+" ("+p.why+")")
		}
	}
	return strings.Join(parts, "; ")
}

// Groups are the groups of the catalogue in its order, each with its rules.
func Groups() (names []Group, rules map[Group][]*Rule) {
	rules = map[Group][]*Rule{}
	for _, r := range All {
		if rules[r.Group] == nil {
			names = append(names, r.Group)
		}
		rules[r.Group] = append(rules[r.Group], r)
	}
	return names, rules
}

// Catalogue is all rules' pages as Markdown.
func Catalogue() string {
	var b strings.Builder
	b.WriteString("# Rules\n\nWhat `wirelag rules` prints, in one page. It is written from the rules themselves; do not edit it.\n")
	names, rules := Groups()
	for _, name := range names {
		fmt.Fprintf(&b, "\n## %s\n", name)
		for _, r := range rules[name] {
			fmt.Fprintf(&b, "\n### %s\n\n*%s* — %s\n", r.ID, r.SeverityText(), r.Title)
			for _, s := range r.Page() {
				fmt.Fprintf(&b, "\n**%s.** %s\n", s.Title, s.Text)
			}
		}
	}
	return b.String()
}
