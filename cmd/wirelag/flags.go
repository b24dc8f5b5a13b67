package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// options are what the flags of the report say.
type options struct {
	// What the environment and a configuration file can set as well, and what
	// says more about it.
	format      string
	only        []string // rules
	disable     []string // rules
	config      string
	failOn      string
	minSeverity string
	top         int
	time        string
	color       string
	quiet       bool
	noProgress  bool
	noRedact    bool
	redactHost  bool
	maxMemory   size
	baseline    string
	jobs        uint

	output        string
	writeBaseline string
	filter        string
	selection     exchangeOptions
}

// addFlags declares the flags of the report on cmd.
func (a *reporter) addFlags(cmd *cobra.Command) {
	o := &a.options
	o.addSettings(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "-", "write the report to `FILE`")
	cmd.Flags().StringVar(&o.writeBaseline, "write-baseline", "", "write the findings to `FILE`, to be accepted from then on")
	cmd.Flags().StringVar(&o.filter, "filter", "", "analyse only packets for which `EXPRESSION` is true, in the language of tcpdump")
	completeWith(cmd, "filter", completeNothing)
	completeWith(cmd, "write-baseline", completeYAML)
	o.selection.addFlags(cmd)
}

// check finds what a single flag cannot.
func (o *options) check() error {
	switch {
	case o.output == "":
		return errors.New("--output: give the name of a file, or - for standard output")
	case o.writeBaseline == "-":
		return errors.New("--write-baseline: give the name of a file")
	case isSameFile(o.writeBaseline, o.output):
		return errors.New("--write-baseline: give another file than --output")
	}
	return nil
}

// spareSettings refuses to write over the files that say how to report. The baseline
// may be written anew by itself.
func (o *options) spareSettings() error {
	switch {
	case isSameFile(o.output, o.config), isSameFile(o.writeBaseline, o.config):
		return fmt.Errorf("%s: what is written would take the place of the configuration", o.config)
	case isSameFile(o.output, o.baseline):
		return fmt.Errorf("%s: the report would take the place of the baseline", o.baseline)
	}
	return nil
}

// processors is on how many connections are followed.
func (o *options) processors() int {
	if o.jobs == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return int(min(o.jobs, math.MaxInt32))
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
	cmd.Flags().Var(&choice{value, allowed}, name, usage+": "+strings.Join(allowed, ", "))
	if name != "format" { // which has more to say
		completeWith(cmd, name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
	}
}

func (c *choice) String() string { return *c.value }

func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		err := fmt.Errorf("want one of %s", strings.Join(c.allowed, ", "))
		if meant := nearest(s, c.allowed); meant != "" {
			err = fmt.Errorf("%w; did you mean %s?", err, meant)
		}
		return err
	}
	*c.value = s
	return nil
}
