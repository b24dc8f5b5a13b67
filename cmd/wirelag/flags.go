package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wirelag/reports"
)

// options are what the flags of analyze say.
type options struct {
	format     string
	output     string
	top        int
	time       string
	color      string
	quiet      bool
	noProgress bool
	noRedact   bool
	rules      ruleOptions
	selection  exchangeOptions
}

// addFlags declares the flags of analyze on cmd.
func (a *analysis) addFlags(cmd *cobra.Command) {
	o := &a.options
	var formats []string
	for _, f := range reports.Formats {
		formats = append(formats, f.Name)
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addChoice(cmd, &o.format, "format", formats, "format of the report")
	flags.StringVarP(&o.output, "output", "o", "-", "write the report to `FILE`")
	o.rules.addFlags(cmd)
	o.selection.addFlags(cmd)
	flags.IntVar(&o.top, "top", 10, "show at most `N` rows in a table (text)")
	addChoice(cmd, &o.time, "time", []string{"relative", "utc", "local"}, "show moments so (text)")
	addChoice(cmd, &o.color, "color", []string{"auto", "always", "never"}, "use colours (text)")
	flags.BoolVar(&o.quiet, "quiet", false, "tell nothing but errors beside the report")
	flags.BoolVar(&o.noProgress, "no-progress", false, "show no progress bar")
	flags.BoolVar(&o.noRedact, "no-redact", false, "show passwords, cookies and tokens")
}

// check finds what a single flag cannot.
func (o *options) check() error {
	if o.top < 1 {
		return fmt.Errorf("--top %d: show at least one row", o.top)
	}
	if o.output == "" {
		return fmt.Errorf("--output: give the name of a file, or - for standard output")
	}
	return nil
}

// zone is how moments are shown; nil is relative to the start.
func (o *options) zone() *time.Location {
	switch o.time {
	case "utc":
		return time.UTC
	case "local":
		return time.Local
	}
	return nil
}

// choice is the value of a flag that knows its values; the first is the default.
type choice struct {
	value   *string
	allowed []string
}

func addChoice(cmd *cobra.Command, value *string, name string, allowed []string, usage string) {
	*value = allowed[0]
	cmd.Flags().Var(&choice{value, allowed}, name, usage)
	err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic("completion of a flag that was just declared: " + err.Error())
	}
}

func (c *choice) String() string { return *c.value }

func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("want one of %s", strings.Join(c.allowed, ", "))
	}
	*c.value = s
	return nil
}
