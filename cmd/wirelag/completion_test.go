package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// complete returns what a shell is told for the last of args, without the
// descriptions, and what it is to do else.
func complete(t *testing.T, args ...string) (completions []string, directive string) {
	t.Helper()
	got := wirelag(t, nil, append([]string{"__complete"}, args...)...)
	lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
	for _, line := range lines[:len(lines)-1] {
		completion, _, _ := strings.Cut(line, "\t")
		if strings.HasPrefix(completion, args[len(args)-1]) {
			completions = append(completions, completion)
		}
	}
	return completions, lines[len(lines)-1]
}

func TestCompletion(t *testing.T) {
	const files, nothingElse, listGoesOn, yamlFiles = ":0", ":4", ":6", ":8"
	for _, c := range []struct {
		args      []string
		want      []string
		directive string
	}{
		{[]string{"an"}, []string{"analyze"}, files},
		{[]string{"capture"}, nil, files},
		{[]string{"analyze", ""}, nil, files},
		{[]string{"live", "--inter"}, []string{"--interface"}, nothingElse},
		{[]string{"rules", "nagle"}, []string{"nagle-delayed-ack", "nagle-hold"}, nothingElse},
		{[]string{"help", "c"}, []string{"completion", "config"}, nothingElse},
		{[]string{"completion", ""}, []string{"bash", "fish", "powershell", "zsh"}, nothingElse},
		{[]string{"--format", ""}, formatNames(), nothingElse},
		{[]string{"config", "--format", "j"}, []string{"json", "junit"}, nothingElse},
		{[]string{"analyze", "--rules", "nagle"}, []string{"nagle-delayed-ack", "nagle-hold"}, listGoesOn},
		{[]string{"analyze", "--disable", "dns-delay,nagle-hold,na"}, []string{"dns-delay,nagle-hold,nagle-delayed-ack"}, listGoesOn},
		{[]string{"--fail-on", ""}, []string{"none", "info", "warning", "error"}, nothingElse},
		{[]string{"--min-severity", "w"}, []string{"warning"}, nothingElse},
		{[]string{"--time", ""}, []string{"relative", "utc", "local"}, nothingElse},
		{[]string{"--color", "a"}, []string{"auto", "always"}, nothingElse},
		{[]string{"--baseline", ""}, []string{"yaml", "yml"}, yamlFiles},
		{[]string{"--config", ""}, []string{"yaml", "yml"}, yamlFiles},
		{[]string{"--output", ""}, nil, files},
		{[]string{"--host", ""}, nil, nothingElse},
	} {
		got, directive := complete(t, c.args...)
		if !slices.Equal(got, c.want) || directive != c.directive {
			t.Errorf("%v: %v %s, want %v %s", c.args, got, directive, c.want, c.directive)
		}
	}
}

// Every flag with a value knows what completes it; where that is not said, it
// would be the names of files.
func TestEveryFlagIsCompleted(t *testing.T) {
	root := newRoot(streams{}, nil)
	filesFit := []string{"output", "write", "bpf-file"}
	for _, cmd := range append(available(root), root) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal == "" && !slices.Contains(filesFit, f.Name) {
				if _, ok := cmd.GetFlagCompletionFunc(f.Name); !ok {
					t.Errorf("%s: nothing completes --%s", cmd.CommandPath(), f.Name)
				}
			}
		})
	}
}

func TestCompletionScripts(t *testing.T) {
	for shell, want := range map[string]string{
		"bash": "complete -o default -F __start_wirelag wirelag", "zsh": "#compdef wirelag",
		"fish": "complete -c wirelag", "powershell": "Register-ArgumentCompleter -CommandName 'wirelag'",
	} {
		got := wirelag(t, nil, "completion", shell)
		if got.status != statusDone || got.stderr != "" || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: status %d, %s, no %q", shell, got.status, got.stderr, want)
		}
	}
}

func TestHelpOfCommands(t *testing.T) {
	root := newRoot(streams{}, nil)
	for _, cmd := range available(root) {
		args := strings.Fields(cmd.CommandPath())[1:]
		asked := wirelag(t, nil, append(args, "--help")...)
		if got := wirelag(t, nil, append([]string{"help"}, args...)...); got != asked || got.status != statusDone {
			t.Errorf("help %v: status %d, %s%s", args, got.status, got.stdout, got.stderr)
		}
		checkHelp(t, cmd, asked.stdout)
	}
}

// checkHelp looks for what help is made of, in lines that fit.
func checkHelp(t *testing.T, cmd *cobra.Command, help string) {
	t.Helper()
	for _, want := range []string{"\nUsage:\n", "\nExamples:\n" + cmd.Example + "\n", "\nFlags:\n"} {
		if !strings.Contains(help, want) {
			t.Errorf("%s: no %q in %s", cmd.CommandPath(), want, help)
		}
	}
	for line := range strings.Lines(help) {
		if len([]rune(strings.TrimRight(line, "\n"))) > 80 && !strings.Contains(cmd.Example, strings.TrimSpace(line)) {
			t.Errorf("%s: a wide line: %s", cmd.CommandPath(), line)
		}
	}
}
