package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wirelag/reports"
	"wirelag/rules"
)

// addCompletion adds the command completion.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	i := slices.IndexFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == "completion" })
	cmd := root.Commands()[i]
	cmd.Use = "completion SHELL"
	cmd.Short = "Print a script that completes commands, flags and their values"
	cmd.Long = `Completion prints a script for a shell (bash, zsh, fish or powershell) that
completes commands, flags and their values: formats, rules, severities, files.
wirelag completion SHELL --help says where such a script goes.`
	cmd.Example = "  source <(wirelag completion bash)\n  wirelag completion zsh > \"${fpath[1]}/_wirelag\"\n" +
		"  wirelag completion fish > ~/.config/fish/completions/wirelag.fish\n  wirelag completion powershell | Out-String | Invoke-Expression"
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return usageError(cmd.CommandPath(), errors.New("for which shell? give bash, zsh, fish or powershell"))
	}
	for _, shell := range cmd.Commands() {
		shell.Args = noArguments
	}
}

// completeWith registers the completion of the value of a flag that was declared.
func completeWith(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic("completion of a flag that was just declared: " + err.Error())
	}
}

// completeNothing is for values that cannot be guessed: files, least of all.
func completeNothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func completeYAML(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

func completeFormats(*cobra.Command, []string, string) (completions []string, _ cobra.ShellCompDirective) {
	for _, f := range reports.Formats {
		completions = append(completions, f.Name+"\t"+f.Description)
	}
	return completions, cobra.ShellCompDirectiveNoFileComp
}

// completeRules completes the last of a list of rules. Behind a comma it describes
// none: bash would compare the comma as quoted with the one that was typed.
func completeRules(_ *cobra.Command, _ []string, typed string) (completions []string, _ cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	for _, r := range rules.All {
		switch {
		case before == "":
			completions = append(completions, r.ID+"\t"+r.Title)
		case !slices.Contains(strings.Split(before, ","), r.ID):
			completions = append(completions, before+r.ID)
		}
	}
	return completions, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
