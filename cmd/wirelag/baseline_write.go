package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"wirelag/reports"
	"wirelag/rules"
)

// acceptedFindings are those of an analysis, on their way to a baseline; nil when
// none is asked for.
type acceptedFindings struct {
	out      *destination
	findings map[string]*accepted // by fingerprint
}

// openBaseline begins the baseline that --write-baseline asks for.
func (a *reporter) openBaseline() (*acceptedFindings, error) {
	if a.options.writeBaseline == "" {
		return nil, nil
	}
	out, err := openDestination(a.options.writeBaseline, "baseline", nil)
	if err != nil {
		return nil, &failure{statusOutput, err}
	}
	return &acceptedFindings{out: out, findings: map[string]*accepted{}}, nil
}

// add accepts a finding.
func (b *acceptedFindings) add(f *rules.Finding, o reports.Options) {
	if b == nil || len(b.findings) > maxBaseline {
		return
	}
	fingerprint := f.Fingerprint()
	a := b.findings[fingerprint]
	if a == nil {
		a = &accepted{fingerprint: fingerprint, rule: f.Rule.ID, where: reports.Where(f, o)}
		b.findings[fingerprint] = a
	}
	a.severity = max(a.severity, f.Severity)
}

// commit writes the baseline, with the notes that the one before has.
func (b *acceptedFindings) commit(before *baseline) error {
	if b == nil {
		return nil
	}
	if err := b.write(before); err != nil {
		b.out.abandon()
		return err
	}
	return b.out.commit()
}

// abandon leaves what was there; it reports whether a baseline was on its way.
func (b *acceptedFindings) abandon() bool {
	if b == nil {
		return false
	}
	b.out.abandon()
	return true
}

func (b *acceptedFindings) write(before *baseline) error {
	if len(b.findings) > maxBaseline {
		return fmt.Errorf("more than %d different findings (choose with --rules)", maxBaseline)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# Known findings: with wirelag analyze --baseline FILE all others are new, and\n"+
		"# these where they are more severe.\nbaseline: %s\nfindings:", baselineVersion)
	if len(b.findings) == 0 {
		text.WriteString(" []")
	}
	text.WriteByte('\n')
	sorted := slices.SortedFunc(maps.Values(b.findings), func(a, b *accepted) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.where, b.where), cmp.Compare(a.fingerprint, b.fingerprint))
	})
	for _, a := range sorted {
		fmt.Fprintf(&text, "- fingerprint: %q\n  rule: %s\n  severity: %s\n  where: %s\n", a.fingerprint, a.rule, a.severity, quoted(a.where))
		if noted := before.findings[a.fingerprint]; noted != nil && noted.note != "" {
			fmt.Fprintf(&text, "  note: %s\n", quoted(noted.note))
		}
	}
	_, err := io.WriteString(b.out, text.String())
	return err
}

// quoted is s, which need not be printable, as a scalar of YAML.
func quoted(s string) string {
	text, err := yaml.Marshal(&yaml.Node{Kind: yaml.ScalarNode, Value: s, Style: yaml.DoubleQuotedStyle})
	if err != nil {
		panic("a string has a form in YAML: " + err.Error())
	}
	return strings.TrimSuffix(string(text), "\n")
}
