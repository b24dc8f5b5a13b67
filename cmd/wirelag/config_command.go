package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wirelag/rules"
)

// newConfig builds the command config.
func newConfig(s streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration in force",
		Long: `Config prints the configuration in force as YAML: what flags, the environment
and the configuration file say, and the defaults of what they leave out. Its
output is a configuration file.

A flag wins over an environment variable (` + environment + ` and its name:
` + environment + `FAIL_ON), that over the file that --config or ` + environment + `CONFIG names, and
that over the default.`,
		Example: "  wirelag config > wirelag.yaml\n  wirelag config --config wirelag.yaml --fail-on warning",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asked, err := o.resolve(cmd)
			if err != nil {
				return err
			}
			return s.print(asked.yaml(cmd))
		},
	}
	o.addSettings(cmd)
	return cmd
}

// print writes what a command has to say to standard output.
func (s streams) print(text string) error {
	if _, err := io.WriteString(s.stdout, text); err != nil {
		return &failure{statusOutput, fmt.Errorf("standard output: %w", reason(err))}
	}
	return nil
}

// yaml writes the configuration as a file of its own, with what the settings mean.
func (e *enabled) yaml(cmd *cobra.Command) string {
	var b strings.Builder
	for _, name := range settings {
		flag := cmd.Flags().Lookup(name)
		usage := strings.ReplaceAll(flag.Usage, "`", "")
		value := flag.Value.String()
		switch name {
		case "baseline":
			value = quoted(value)
		case "disable":
			value = "[" + strings.Join(e.disabled(), ", ") + "]"
		}
		fmt.Fprintf(&b, "# %s; default %s\n%s: %s\n\n", usage, cmp.Or(flag.DefValue, "none"), name, value)
	}
	b.WriteString("# options of rules\nrules:\n")
	for _, r := range rules.All {
		if len(r.Options) == 0 {
			continue
		}
		fmt.Fprintf(&b, "  %s:\n", r.ID)
		for _, o := range r.Options {
			fmt.Fprintf(&b, "    # %s; default %s\n    %s: %s\n", o.Doc, o, o.Name, e.values.Text(r, o))
		}
	}
	return b.String()
}

// disabled are the rules that are not asked.
func (e *enabled) disabled() (ids []string) {
	for _, r := range rules.All {
		if !slices.Contains(e.rules, r) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
