package rules

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite README.md")

// README.md is written from the rules.
func TestReadme(t *testing.T) {
	want := Markdown()
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("README.md is not what the rules say; go test ./rules -update rewrites it")
	}
}

// A page says everything that has to be known of a rule, in sentences.
func TestPages(t *testing.T) {
	for _, r := range All {
		page := map[string]string{}
		for _, s := range r.Page() {
			page[s.Title] = strings.Join(s.Paragraphs, "\n")
		}
		for _, title := range []string{
			"What it means", "What is measured", "Where the capture was taken", "When it is silent", "What to do", "References",
		} {
			if page[title] == "" {
				t.Errorf("%s: nothing under %q", r.ID, title)
			}
		}
		for _, o := range r.Options {
			if !strings.Contains(page["Options"], o.Name+": ") || !strings.Contains(page["Options"], "(default "+o.String()+")") {
				t.Errorf("%s: option %s is not on its page", r.ID, o.Name)
			}
		}
		for title, text := range page {
			if strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
				t.Errorf("%s, %s: blanks too many: %q", r.ID, title, text)
			}
			if title != "Options" && title != "References" && !strings.HasSuffix(strings.TrimSuffix(text, ")"), ".") {
				t.Errorf("%s, %s: does not end in a full stop: %q", r.ID, title, text)
			}
		}
		if !strings.Contains(page["References"], "RFC ") && !strings.Contains(page["References"], "Definitive Guide") {
			t.Errorf("%s: neither book nor RFC among its references", r.ID)
		}
	}
}

// A group stands in one place.
func TestChapters(t *testing.T) {
	seen := map[Group]bool{}
	total := 0
	for _, c := range Chapters() {
		if seen[c.Group] {
			t.Errorf("%s: its rules do not stand together", c.Group)
		}
		seen[c.Group] = true
		total += len(c.Rules)
	}
	if total != len(All) {
		t.Errorf("%d rules in the chapters, %d in all", total, len(All))
	}
}
