package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"wirelag/rules"
)

// baseline is what a file says of findings that are known.
type baseline struct {
	file     string
	findings map[string]*accepted // by fingerprint
}

// accepted is a finding that is known. It is new again when it is more severe.
type accepted struct {
	fingerprint, rule string
	severity          rules.Severity
	where             string // for who reads the file
	note              string // of who accepted it
	line              int    // of the file
	seen              bool   // in this analysis
}

const (
	baselineVersion  = "1"
	maxBaseline      = 10_000   // findings
	maxBaselineBytes = 16 << 20 // of the file
)

var fingerprintForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// readBaseline reads the file called name; "" accepts nothing.
func readBaseline(name string) (*baseline, error) {
	b := &baseline{file: name, findings: map[string]*accepted{}}
	if name == "" {
		return b, nil
	}
	text, err := readSmallFile(name, maxBaselineBytes)
	if err != nil {
		return nil, fmt.Errorf("%w (--write-baseline makes a baseline)", err)
	}
	document, err := parseYAML(text)
	if err == nil {
		err = b.take(document)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return b, nil
}

// take takes the members of the file. Errors begin with the line.
func (b *baseline) take(document *yaml.Node) error {
	if document == nil {
		return fmt.Errorf(" is empty; a baseline begins with baseline: %s", baselineVersion)
	}
	versioned := false
	err := eachMember(document, "a baseline", func(key, value *yaml.Node) error {
		switch key.Value {
		case "baseline":
			versioned = true
			if value.Value != baselineVersion {
				return place(value, "this is version %s of a baseline, and %s is all that is known", value.Value, baselineVersion)
			}
			return nil
		case "findings":
			return b.takeFindings(value)
		}
		return place(key, "%s", unknown("member", key.Value, []string{"baseline", "findings"}))
	})
	if err == nil && !versioned {
		return place(document, "baseline: %s is missing", baselineVersion)
	}
	return err
}

func (b *baseline) takeFindings(list *yaml.Node) error {
	if list.Kind != yaml.SequenceNode {
		return place(list, "findings takes a list (- fingerprint: …)")
	}
	for _, n := range list.Content {
		a, err := acceptedOf(n)
		if err != nil {
			return err
		}
		if before := b.findings[a.fingerprint]; before != nil {
			return place(n, "the finding stands in line %d already", before.line)
		}
		b.findings[a.fingerprint] = a
	}
	return nil
}

func acceptedOf(n *yaml.Node) (*accepted, error) {
	a := &accepted{line: n.Line, severity: rules.Error}
	texts := map[string]*string{"fingerprint": &a.fingerprint, "rule": &a.rule, "where": &a.where, "note": &a.note}
	err := eachMember(n, "a finding", func(key, value *yaml.Node) error {
		text, found := texts[key.Value]
		switch {
		case value.Kind != yaml.ScalarNode:
			return place(value, "%s takes one value", key.Value)
		case found:
			*text = value.Value
			return nil
		case key.Value != "severity":
			return place(key, "%s", unknown("member", key.Value, append(slices.Sorted(maps.Keys(texts)), "severity")))
		}
		severity, ok := severityOf(value.Value)
		if !ok {
			return place(value, "severity: want one of info, warning, error")
		}
		a.severity = severity
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case !fingerprintForm.MatchString(a.fingerprint):
		return nil, place(n, "the finding needs a fingerprint of 16 hexadecimal digits, as reports have them")
	case rules.Find(a.rule) == nil:
		return nil, place(n, "%s", unknown("rule", a.rule, ruleIDs()))
	}
	return a, nil
}

// accepts reports whether f is known.
func (b *baseline) accepts(f *rules.Finding) bool {
	if len(b.findings) == 0 {
		return false
	}
	a := b.findings[f.Fingerprint()]
	if a == nil {
		return false
	}
	a.seen = true
	return f.Severity <= a.severity
}

// maxStale is how many findings that did not show up are told.
const maxStale = 10

// tellStale tells which of the known findings did not show up though their rules
// were asked.
func (b *baseline) tellStale(w io.Writer, asked []*rules.Rule) {
	var stale []*accepted
	for _, a := range b.findings {
		if !a.seen && slices.Contains(asked, rules.Find(a.rule)) {
			stale = append(stale, a)
		}
	}
	slices.SortFunc(stale, func(a, b *accepted) int { return cmp.Compare(a.line, b.line) })
	for _, a := range stale[:min(len(stale), maxStale)] {
		complain(w, fmt.Errorf("%s:%d: %s did not show up any more: %s (take it out?)", b.file, a.line, a.rule, cmp.Or(a.where, a.fingerprint)))
	}
	if more := len(stale) - maxStale; more > 0 {
		complain(w, fmt.Errorf("%s: and %d more known findings did not show up", b.file, more))
	}
}
