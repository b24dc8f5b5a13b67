package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wirelag/reports"
)

// usageOf returns the function that writes how a command is called, as wide as
// the terminal.
func usageOf(s streams) func(cmd *cobra.Command) error {
	return func(cmd *cobra.Command) error {
		width := min(max(widthOf(s.stdout), leastWidth), mostWidth)
		_, err := io.WriteString(cmd.OutOrStderr(), usage(cmd, width))
		return err
	}
}

func usage(cmd *cobra.Command, width int) string {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.Runnable() {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND\n", cmd.CommandPath())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if commands := available(cmd); len(commands) > 0 {
		b.WriteString("\nCommands:\n")
		for _, c := range commands {
			entry(&b, "  "+c.Name(), cmd.NamePadding()+len("    "), c.Short, width)
		}
	}
	if flags := shownFlags(cmd); len(flags) > 0 {
		b.WriteString("\nFlags:\n")
		indent := 0
		for _, f := range flags {
			indent = max(indent, len(f.lead)+len("  "))
		}
		for _, f := range flags {
			entry(&b, f.lead, indent, f.text, width)
		}
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help has more about a command.\n", cmd.CommandPath())
	}
	return b.String()
}

func available(cmd *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool {
		return !c.IsAvailableCommand() && c.Name() != "help"
	})
}

// entry writes text beside a lead, in as many lines as it takes.
func entry(b *strings.Builder, lead string, indent int, text string, width int) {
	for _, line := range reports.Wrap(text, width-indent) {
		fmt.Fprintf(b, "%-*s%s\n", indent, lead, line)
		lead = ""
	}
}

// shownFlag is a flag as help and manual show it.
type shownFlag struct {
	name, value string // of the value: "FILE", or ""
	lead, text  string
}

// shownFlags are the flags of cmd.
func shownFlags(cmd *cobra.Command) (shown []shownFlag) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		s := shownFlag{name: f.Name}
		s.value, s.text = pflag.UnquoteUsage(f)
		s.lead = "      --" + f.Name
		if f.Shorthand != "" {
			s.lead = "  -" + f.Shorthand + ", --" + f.Name
		}
		if s.value != "" {
			s.lead += " " + s.value
		}
		if !slices.Contains([]string{"", "false", "[]", "0", "0s"}, f.DefValue) {
			s.text += " (default " + f.DefValue + ")"
		}
		shown = append(shown, s)
	})
	return shown
}

// newHelp builds the command help.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Help about a command",
		Long:    "Help tells how a command is called and what its flags mean, as --help does.",
		Example: "  wirelag help analyze",
		ValidArgsFunction: func(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
			for _, c := range available(root) {
				names = append(names, c.Name()+"\t"+c.Short)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				var names []string
				for _, c := range available(cmd) {
					names = append(names, c.Name())
				}
				return usageError(cmd.CommandPath(), errors.New(unknown("command", strings.Join(rest, " "), names)))
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// flagError is what is wrong with the flags of cmd, with the flag that may have
// been meant.
func flagError(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	if errors.As(err, &missing) {
		name := missing.GetSpecifiedName()
		if shorthands := missing.GetSpecifiedShortnames(); shorthands != "" {
			name, _, _ = strings.Cut(shorthands, "=") // "-format" is taken for "-f -o …"
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if meant := nearest(name, names); meant != "" && len(name) > 1 {
			err = fmt.Errorf("%w; did you mean --%s?", err, meant)
		}
	}
	return usageError(cmd.CommandPath(), err)
}

// noArguments is for commands that take none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(cmd.CommandPath(), fmt.Errorf("%s takes no arguments, and was given %q", cmd.Name(), args[0]))
	}
	return nil
}
