package rules

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// TestSignsHideNothing checks that rules find the same in every capture of
// testdata, and alone in their own scripts, when they hear of all exchanges.
func TestSignsHideNothing(t *testing.T) {
	check := func(t *testing.T, name string, source func() capture.Source, enabled []*Rule, options Values) {
		t.Helper()
		found := foundBy(t, source(), enabled, options, signsOf)
		all := foundBy(t, source(), enabled, options, func(*analyze.Exchange) signs { return ^signs(0) })
		if !slices.Equal(found, all) {
			t.Errorf("%s: found\n%s\nof all exchanges\n%s", name, strings.Join(found, "\n"), strings.Join(all, "\n"))
		}
	}
	for _, s := range stories(t) {
		packets := script.Script{Packets: s.packets, Interface: s.packets[0].Interface}
		check(t, s.name, func() capture.Source { return packets.Source() }, All, nil)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".txt")
		for _, c := range readCases(t, file) {
			check(t, id+", "+c.name, func() capture.Source { return c.script.Source() }, c.enabled, c.options)
			if rule := Find(id); rule != nil {
				check(t, id+" alone, "+c.name, func() capture.Source { return c.script.Source() }, []*Rule{rule}, c.options)
			}
		}
	}
}

// foundBy is what rules find that hear of exchanges by what signs gives.
func foundBy(t *testing.T, src capture.Source, enabled []*Rule, options Values, of func(*analyze.Exchange) signs) (found []string) {
	t.Helper()
	l := newLedger(func(f *Finding) { found = append(found, show(f)) }, nil)
	if _, err := analyze.Run(context.Background(), src, l.listener(enabled, options, newExchangeHooks(of)), analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	return found
}
