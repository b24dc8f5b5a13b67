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

// Section is a part of a rule's page: a heading and paragraphs.
type Section struct {
	Title      string
	Paragraphs []string
}

// Page is the rule's whole page, in the order in which it is read. Sections
// that have nothing to say are left out.
func (r *Rule) Page() []Section {
	var page []Section
	for _, s := range []Section{
		{"What it means", []string{r.Doc.What}},
		{"What is measured", []string{r.Doc.Measured}},
		{"Options", r.describeOptions()},
		{"Where the capture was taken", []string{r.Doc.CapturePoint}},
		{"When it is likely instead of certain", []string{r.Doc.Likely}},
		{"When it is silent", []string{r.Doc.Limits}},
		{"Precedence", r.precedence()},
		{"What to do", []string{r.Doc.Cure}},
		{"References", []string{strings.ReplaceAll(strings.Join(r.Doc.References, ", "), "HTTP-DG", "HTTP: The Definitive Guide")}},
	} {
		if strings.Join(s.Paragraphs, "") != "" {
			page = append(page, s)
		}
	}
	return page
}

func (r *Rule) describeOptions() (lines []string) {
	for _, o := range r.Options {
		lines = append(lines, fmt.Sprintf("%s: %s (default %s)", o.Name, o.Doc, o))
	}
	return lines
}

// precedence tells what the rule replaces and what replaces it, and why.
func (r *Rule) precedence() (lines []string) {
	for _, p := range precedence {
		about := "exchange"
		if p.on == sameConnection {
			about = "connection"
		}
		switch r {
		case p.loser:
			lines = append(lines, fmt.Sprintf("%s, on the same %s, replaces it: %s.", p.winner.ID, about, p.why))
		case p.winner:
			lines = append(lines, fmt.Sprintf("It replaces %s on the same %s: %s.", p.loser.ID, about, p.why))
		}
	}
	return lines
}

// Chapter is a group of the catalogue with its rules.
type Chapter struct {
	Group Group
	Rules []*Rule
}

// Chapters are the groups in the order of the catalogue.
func Chapters() (chapters []Chapter) {
	for _, r := range All {
		if n := len(chapters); n == 0 || chapters[n-1].Group != r.Group {
			chapters = append(chapters, Chapter{Group: r.Group})
		}
		last := &chapters[len(chapters)-1]
		last.Rules = append(last.Rules, r)
	}
	return chapters
}

// Markdown is the catalogue and every page in it as a document.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Rules\n\n" +
		"What `wirelag rules` and `wirelag rules ID` print, in one page. It is written from the rules themselves:\n" +
		"`go test ./rules -update` rewrites it.\n")
	chapters := Chapters()
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n**%s**\n\n| rule | severity | |\n| --- | --- | --- |\n", c.Group)
		for _, r := range c.Rules {
			fmt.Fprintf(&b, "| [%s](#%[1]s) | %s | %s |\n", r.ID, r.SeverityText(), r.Title)
		}
	}
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n", c.Group)
		for _, r := range c.Rules {
			r.markdown(&b)
		}
	}
	return b.String()
}

func (r *Rule) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s: %s\n", r.ID, r.SeverityText(), escapeMarkdown(r.Title))
	for _, s := range r.Page() {
		if len(s.Paragraphs) == 1 {
			fmt.Fprintf(b, "\n**%s.** %s\n", s.Title, escapeMarkdown(s.Paragraphs[0]))
			continue
		}
		fmt.Fprintf(b, "\n**%s**\n\n", s.Title)
		for _, paragraph := range s.Paragraphs {
			fmt.Fprintf(b, "- %s\n", escapeMarkdown(paragraph))
		}
	}
}

// escapeMarkdown keeps characters that Markdown would take for its own.
func escapeMarkdown(s string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "|", `\|`).Replace(s)
}
