package rules

import (
	"path/filepath"
	"strings"
	"testing"

	"wirelag/reassembly/capture"
)

// TestCaptures runs all rules over the recorded captures in testdata:
//
//	rules-ID-WHAT.pcap   shows what the rule ID looks for
//	near-ID-WHAT.pcap    looks like it: the rule is silent
func TestCaptures(t *testing.T) {
	for _, kind := range []string{"rules", "near"} {
		files, err := filepath.Glob("testdata/" + kind + "-*.pcap")
		if err != nil || len(files) == 0 {
			t.Fatalf("no captures: %v", err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				rule := ruleOf(strings.TrimPrefix(filepath.Base(file), kind+"-"))
				if rule == nil {
					t.Fatal("the name begins with no rule's ID")
				}
				src, errs := capture.OpenAll([]string{file}, nil)
				if len(errs) > 0 {
					t.Fatal(errs)
				}
				defer src.Close()
				found := false
				for _, f := range judge(t, src, All, nil) {
					found = found || f.Rule == rule
				}
				if found != (kind == "rules") {
					t.Errorf("%s was found: %v", rule.ID, found)
				}
			})
		}
	}
}

// ruleOf returns the rule whose ID, and a dash, name begins with: the longest.
func ruleOf(name string) (found *Rule) {
	for _, r := range All {
		if strings.HasPrefix(name, r.ID+"-") && (found == nil || len(r.ID) > len(found.ID)) {
			found = r
		}
	}
	return found
}
