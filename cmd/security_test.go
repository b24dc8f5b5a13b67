package cmd_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// SECURITY.md says of every module why it is there.
func TestDependenciesAreReviewed(t *testing.T) {
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	security, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^\t(\S+) v\S+`).FindAllStringSubmatch(string(module), -1)
	if len(required) < 10 {
		t.Fatalf("%d modules in go.mod", len(required))
	}
	for _, r := range required {
		if !strings.Contains(string(security), r[1]) {
			t.Errorf("SECURITY.md does not tell what %s is for", r[1])
		}
	}
}
