// Package cmd_test checks what holds for the repository as a whole: who may
// import what, formatting, and the names at its top.
package cmd_test

import (
	"bytes"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = ".."

// topLevel are the names that may stand at the top of the repository.
var topLevel = []string{
	"cmd", "reassembly", "analyze", "rules", "reports", "testdata", "go.mod", "go.sum",
	"README.md", "LICENSE", "SECURITY.md", "CONTRIBUTING.md", "docs", ".ci", ".git", ".gitignore",
}

// order is the direction of data and imports, from left to right. A name with
// /... stands for the packages below it.
var order = []string{
	"reassembly/capture", "reassembly/capture/...", "reassembly/packet", "reassembly/vantage", "reassembly/reuse", "reassembly/pack", "reassembly",
	"analyze/...", "analyze", "rules", "reports", "cmd", "cmd/...",
}

// homes are the parts of the repository that may import the packages of a
// module, tests included.
var homes = map[string][]string{
	"github.com/google/gopacket":    {"reassembly", "reassembly/..."},
	"github.com/jedib0t/go-pretty/": {"reports", "cmd/..."},
	"github.com/spf13/cobra":        {"cmd/..."},
	"github.com/prometheus/":        {"cmd/..."},
}

// shared are third-party packages that several packages may import.
var shared = []string{"golang.org/x/sys/", "golang.org/x/net/bpf"}

// forTests are packages for tests, and who may import them apart from tests.
var forTests = map[string][]string{
	"reassembly/capture/script":   nil,
	"reassembly/capture/generate": {"cmd/gencapture"},
}

// unit is a package of the repository, by its folder, with what it imports: the
// folder for packages of the repository, the import path for others. Files of
// all platforms count.
type unit struct {
	folder      string
	imports     []string
	testImports []string
}

func TestArchitecture(t *testing.T) {
	units := load(t)
	if len(units) < 3 {
		t.Fatalf("%d packages found", len(units))
	}
	for _, problem := range slices.Concat(directions(units), thirdParty(units), testOnly(units)) {
		t.Error(problem)
	}
}

func TestFormatting(t *testing.T) {
	eachGoFile(t, func(name string, content []byte) {
		formatted, err := format.Source(content)
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(formatted, content) {
			t.Errorf("%s is not formatted: run gofmt -w %[1]s", name)
		}
	})
}

func TestTopLevelNames(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s stands at the top of the repository", e.Name())
		}
	}
}

// directions finds imports that do not point to the left.
func directions(units []unit) (problems []string) {
	for _, u := range units {
		from := position(u.folder)
		if from < 0 {
			problems = append(problems, fmt.Sprintf("%s has no place in the order of packages", u.folder))
			continue
		}
		for _, imported := range u.imports {
			to := position(imported)
			if isThirdParty(imported) || to < 0 || to < from {
				continue
			}
			if to == from && (within(u.folder, imported) || within(imported, u.folder)) {
				continue
			}
			problems = append(problems, fmt.Sprintf("%s imports %s, which does not stand to its left", u.folder, imported))
		}
	}
	return problems
}

// thirdParty finds packages of others that are imported outside of their home,
// or by several packages.
func thirdParty(units []unit) (problems []string) {
	importers := map[string][]string{}
	for _, u := range units {
		for _, imported := range slices.Concat(u.imports, u.testImports) {
			for module, home := range homes {
				if strings.HasPrefix(imported, module) && !slices.ContainsFunc(home, matches(u.folder)) {
					problems = append(problems, fmt.Sprintf("%s imports %s, which belongs to %s", u.folder, imported, strings.Join(home, " and ")))
				}
			}
		}
		for _, imported := range u.imports {
			if isThirdParty(imported) && !slices.ContainsFunc(shared, prefixOf(imported)) {
				importers[imported] = append(importers[imported], u.folder)
			}
		}
	}
	for _, imported := range slices.Sorted(maps.Keys(importers)) {
		if by := importers[imported]; len(by) > 1 {
			problems = append(problems, fmt.Sprintf("%s is imported by %s: by one package only", imported, strings.Join(by, " and ")))
		}
	}
	return problems
}

// testOnly finds imports of packages for tests in code that is none.
func testOnly(units []unit) (problems []string) {
	for _, u := range units {
		for _, imported := range u.imports {
			if users, ok := forTests[imported]; ok && !slices.Contains(users, u.folder) {
				problems = append(problems, fmt.Sprintf("%s imports %s, which is for tests", u.folder, imported))
			}
		}
	}
	return problems
}

// position is the place of a folder in the order, or −1.
func position(folder string) int { return slices.IndexFunc(order, matches(folder)) }

// matches returns a function that reports whether a name of the order, or a
// name with /..., stands for the folder.
func matches(folder string) func(string) bool {
	return func(pattern string) bool {
		if above, below := strings.CutSuffix(pattern, "/..."); below {
			return within(folder, above)
		}
		return folder == pattern
	}
}

func within(folder, above string) bool { return strings.HasPrefix(folder, above+"/") }

func prefixOf(s string) func(string) bool {
	return func(prefix string) bool { return strings.HasPrefix(s, prefix) }
}

// isThirdParty reports whether an import path is neither the standard library's
// nor the repository's own.
func isThirdParty(imported string) bool {
	host, _, _ := strings.Cut(imported, "/")
	return strings.Contains(host, ".")
}

// load reads the imports of all packages.
func load(t *testing.T) []unit {
	module := moduleName(t)
	byFolder := map[string]*unit{}
	eachGoFile(t, func(name string, content []byte) {
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		folder := path.Dir(name)
		u := byFolder[folder]
		if u == nil {
			u = &unit{folder: folder}
			byFolder[folder] = u
		}
		imports := &u.imports
		if strings.HasSuffix(name, "_test.go") {
			imports = &u.testImports
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Error(err)
			}
			imported = strings.TrimPrefix(imported, module+"/")
			if !slices.Contains(*imports, imported) {
				*imports = append(*imports, imported)
			}
		}
	})
	var units []unit
	for _, folder := range slices.Sorted(maps.Keys(byFolder)) {
		units = append(units, *byFolder[folder])
	}
	return units
}

func moduleName(t *testing.T) string {
	content, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return strings.TrimSpace(strings.TrimPrefix(line, "module "))
}

// eachGoFile calls f with every Go file of the repository, by its name from the
// top, but for those that the go command does not see either.
func eachGoFile(t *testing.T, f func(name string, content []byte)) {
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_'):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err == nil {
			f(name, content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestProblemsAreFound breaks each rule once, and keeps each once.
func TestProblemsAreFound(t *testing.T) {
	const (
		gopacket = "github.com/google/gopacket/layers"
		table    = "github.com/jedib0t/go-pretty/v6/table"
		cobra    = "github.com/spf13/cobra"
		sys      = "golang.org/x/sys/unix"
		lz4      = "github.com/pierrec/lz4/v4"
	)
	for _, test := range []struct {
		units []unit
		want  string
	}{
		{[]unit{{folder: "reassembly/packet", imports: []string{"reassembly/capture", "time", gopacket}}}, ""},
		{[]unit{{folder: "reassembly/capture", imports: []string{"reassembly/packet"}}}, "does not stand to its left"},
		{[]unit{{folder: "reassembly/capture/generate", imports: []string{"reassembly/capture"}}}, ""},
		{[]unit{{folder: "reassembly", imports: []string{"analyze"}}}, "does not stand to its left"},
		{[]unit{{folder: "analyze", imports: []string{"analyze/http1", "reassembly"}}}, ""},
		{[]unit{{folder: "analyze/http1", imports: []string{"analyze"}}}, "does not stand to its left"},
		{[]unit{{folder: "analyze/http1", imports: []string{"analyze/http2"}}}, "does not stand to its left"},
		{[]unit{{folder: "rules", imports: []string{"reports"}}}, "does not stand to its left"},
		{[]unit{{folder: "reports", imports: []string{"cmd/wirelag"}}}, "does not stand to its left"},
		{[]unit{{folder: "util", imports: []string{"fmt"}}}, "has no place"},
		{[]unit{{folder: "rules", testImports: []string{"reports", "reassembly/capture/script"}}}, ""},
		{[]unit{{folder: "rules", imports: []string{"reassembly/capture/script"}}}, "is for tests"},
		{[]unit{{folder: "cmd/gencapture", imports: []string{"reassembly/capture/generate"}}}, ""},
		{[]unit{{folder: "cmd/wirelag", imports: []string{"reassembly/capture/generate"}}}, "is for tests"},
		{[]unit{{folder: "analyze", testImports: []string{gopacket}}}, "belongs to reassembly and reassembly/..."},
		{[]unit{{folder: "rules", imports: []string{table}}}, "belongs to reports and cmd/..."},
		{[]unit{{folder: "reports", imports: []string{cobra}}}, "belongs to cmd/..."},
		{[]unit{{folder: "cmd/wirelag", imports: []string{cobra}}, {folder: "reports", imports: []string{table}}}, ""},
		{[]unit{{folder: "reassembly", imports: []string{lz4}}, {folder: "rules", imports: []string{lz4}}}, "is imported by reassembly and rules"},
		{[]unit{{folder: "reassembly", imports: []string{lz4}}, {folder: "rules", testImports: []string{lz4}}}, ""},
		{[]unit{{folder: "reassembly", imports: []string{sys}}, {folder: "rules", imports: []string{sys}}}, ""},
	} {
		problems := slices.Concat(directions(test.units), thirdParty(test.units), testOnly(test.units))
		found := strings.Join(problems, "\n")
		if test.want == "" && found != "" || !strings.Contains(found, test.want) || len(problems) > 1 {
			t.Errorf("%+v: found %q, want %q", test.units, found, test.want)
		}
	}
}
