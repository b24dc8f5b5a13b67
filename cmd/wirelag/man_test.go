package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const manFolder = "../../docs/man"

// The manual is what the commands say of themselves; -update writes it again.
func TestManualIsCurrent(t *testing.T) {
	pages := manual(newRoot(streams{}, nil))
	if *update {
		if err := os.RemoveAll(manFolder); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(manFolder, 0o777); err != nil {
			t.Fatal(err)
		}
		for name, page := range pages {
			if err := os.WriteFile(filepath.Join(manFolder, name), []byte(page), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	present, err := os.ReadDir(manFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range present {
		if page, known := pages[f.Name()]; !known {
			t.Errorf("%s is of no command", f.Name())
		} else if got := content(t, filepath.Join(manFolder, f.Name())); got != page {
			t.Errorf("%s is not current: go test ./cmd/wirelag -update rewrites it", f.Name())
		}
		delete(pages, f.Name())
	}
	for name := range pages {
		t.Errorf("%s is missing: go test ./cmd/wirelag -update writes it", name)
	}
}

// Every command has examples, and they name flags and rules that there are.
func TestExamples(t *testing.T) {
	root := newRoot(streams{}, nil)
	for _, cmd := range append(available(root), root) {
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			_, call, found := strings.Cut(line, "wirelag ")
			if !found || !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: an example is indented and calls wirelag: %q", cmd.CommandPath(), line)
				continue
			}
			called, args, err := root.Find(strings.Fields(strings.FieldsFunc(call, func(r rune) bool { return r == '|' || r == '>' || r == ')' })[0]))
			if err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			for _, arg := range args {
				if name, long := strings.CutPrefix(arg, "--"); long && called.Flags().Lookup(name) == nil {
					t.Errorf("%q: there is no flag --%s", line, name)
				}
			}
		}
	}
}

// manual is a page for each command, by file.
func manual(root *cobra.Command) map[string]string {
	pages := map[string]string{}
	commands := slices.DeleteFunc(available(root), func(c *cobra.Command) bool { return c.Name() == "help" })
	for _, cmd := range append(commands, root) {
		pages[pageName(cmd)+".1"] = manPage(cmd)
	}
	for name, page := range pages {
		others := slices.DeleteFunc(slices.Sorted(maps.Keys(pages)), func(other string) bool { return other == name })
		page += ".SH SEE ALSO\n"
		for i, other := range others {
			comma := ","
			if i == len(others)-1 {
				comma = ""
			}
			page += fmt.Sprintf(".BR %s (1)%s\n", roff(strings.TrimSuffix(other, ".1")), comma)
		}
		pages[name] = page
	}
	return pages
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func manPage(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".\\\" Written by go test ./cmd/wirelag -update\n.TH %s 1 \"\" wirelag \"User Commands\"\n", strings.ToUpper(pageName(cmd)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(cmd)), roff(lowerFirst(cmd.Short)))
	b.WriteString(".SH SYNOPSIS\n")
	synopsis := strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath())
	fmt.Fprintf(&b, ".B %s\n%s\n", roff(cmd.CommandPath()), roff(strings.TrimSpace(synopsis)))
	b.WriteString(".SH DESCRIPTION\n")
	manText(&b, cmd.Long)
	if flags := shownFlags(cmd); len(flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
		for _, f := range flags {
			names, _ := strings.CutSuffix(strings.TrimSpace(f.lead), " "+f.value)
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR", roff(names))
			if f.value != "" {
				fmt.Fprintf(&b, " \\fI%s\\fR", roff(f.value))
			}
			fmt.Fprintf(&b, "\n%s\n", roff(f.text))
		}
	}
	if cmd.HasSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range available(cmd) {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(c.Name()), roff(c.Short))
		}
	}
	if cmd.Flags().Lookup("config") != nil {
		b.WriteString(".SH ENVIRONMENT\n")
		manText(&b, "WIRELAG_CONFIG names the configuration file, and WIRELAG_ with the name of a setting in capitals sets it "+
			"(WIRELAG_FAIL_ON=warning): "+strings.Join(fromEnvironment, ", ")+". A flag wins over the environment, that over the file.")
	}
	b.WriteString(".SH EXAMPLES\n")
	manText(&b, cmd.Example)
	return b.String()
}

// manText writes paragraphs; lines that are indented stay as they are.
func manText(b *strings.Builder, text string) {
	literal := false
	for line := range strings.SplitSeq(text, "\n") {
		if indented := strings.HasPrefix(line, "  "); indented != literal && line != "" {
			b.WriteString(map[bool]string{true: ".PP\n.EX\n", false: ".EE\n.PP\n"}[indented])
			literal = indented
		}
		if line == "" {
			if !literal {
				b.WriteString(".PP\n")
			}
			continue
		}
		fmt.Fprintf(b, "%s\n", roff(line))
	}
	if literal {
		b.WriteString(".EE\n")
	}
}

// roff makes text what roff shows as it is.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "~", `\(ti`, "^", `\(ha`, "`", `\(ga`, "'", `\(aq`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}

// lowerFirst begins a sentence as the part of another.
func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
