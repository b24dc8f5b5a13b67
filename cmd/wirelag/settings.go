package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"wirelag/reports"
	"wirelag/rules"
)

// settings are the flags that the environment and a configuration file can set
// as well. A flag wins over the environment, that over the file, and that over
// the default.
var settings = []string{
	"format", "disable", "fail-on", "baseline", "min-severity", "top", "time", "color", "quiet", "no-progress", "no-redact", "redact-host", "max-memory", "jobs",
}

const environment = "WIRELAG_" // before the name of a setting in capitals

// fromEnvironment are the settings that the environment may say: in the file, "rules" has
// the options of rules.
var fromEnvironment = slices.Concat(settings, []string{"rules"})

// addSettings declares the settings, and what says where more of them are.
func (o *options) addSettings(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	addChoice(cmd, &o.format, "format", formatNames(), "write the report in `FORMAT`")
	completeWith(cmd, "format", completeFormats)
	flags.StringSliceVar(&o.only, "rules", nil, "ask these rules alone (`LIST` of ids, see wirelag rules)")
	flags.StringSliceVar(&o.disable, "disable", nil, "do not ask these rules (`LIST` of ids)")
	flags.StringVar(&o.config, "config", "", "read settings and options of rules from `FILE` (see wirelag config)")
	addChoice(cmd, &o.failOn, "fail-on", []string{"none", "info", "warning", "error"}, "exit with status 1 when there are new findings of this `SEVERITY` or worse")
	flags.StringVar(&o.baseline, "baseline", "", "take the findings in `FILE` for known: they fail nothing (see --write-baseline)")
	addChoice(cmd, &o.minSeverity, "min-severity", []string{"info", "warning", "error"}, "show findings of this `SEVERITY` or worse (text, html)")
	flags.Var((*rows)(&o.top), "top", "show at most `N` findings, and rows in a table (text, html); auto: 10 in text")
	addChoice(cmd, &o.time, "time", []string{"relative", "utc", "local"}, "show moments in this `ZONE` (text, html)")
	addChoice(cmd, &o.color, "color", []string{"auto", "always", "never"}, "use colours `WHEN` (text)")
	flags.BoolVar(&o.quiet, "quiet", false, "tell nothing but errors beside the report")
	flags.BoolVar(&o.noProgress, "no-progress", false, "show no progress bar")
	flags.BoolVar(&o.noRedact, "no-redact", false, "show passwords, cookies and tokens")
	flags.BoolVar(&o.redactHost, "redact-host", false, "replace addresses, host names and what varies in paths by pseudonyms")
	flags.Var((*jobs)(&o.jobs), "jobs", "follow connections on `N` processors, 0: on all (what is reported does not depend on it)")
	o.maxMemory = 512 << 20
	flags.Var(&o.maxMemory, "max-memory", "keep to about so much memory: where it is short, the oldest idle connections are given up")
	for _, name := range []string{"rules", "disable"} {
		completeWith(cmd, name, completeRules)
	}
	for _, name := range []string{"config", "baseline"} {
		completeWith(cmd, name, completeYAML)
	}
	for _, name := range []string{"top", "jobs", "max-memory"} {
		completeWith(cmd, name, completeNothing)
	}
}

func formatNames() []string {
	var names []string
	for _, f := range reports.Formats {
		names = append(names, f.Name)
	}
	return names
}

// rows is a number of rows; 0 leaves it to the format.
type rows int

func (r *rows) String() string {
	if *r == 0 {
		return "auto"
	}
	return strconv.Itoa(int(*r))
}

func (r *rows) Type() string { return "int" }

func (r *rows) Set(s string) error {
	if s == "auto" {
		*r = 0
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return errors.New("want auto or a number from 1 on")
	}
	*r = rows(n)
	return nil
}

// jobs is a number of processors; 0 is all.
type jobs uint

func (j *jobs) String() string { return strconv.FormatUint(uint64(*j), 10) }

func (j *jobs) Type() string { return "uint" }

func (j *jobs) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return errors.New("want a number, or 0 for all processors")
	}
	*j = jobs(n)
	return nil
}

func ruleIDs() []string {
	var ids []string
	for _, r := range rules.All {
		ids = append(ids, r.ID)
	}
	return ids
}

// enabled is which rules are asked, and with which numbers.
type enabled struct {
	rules  []*rules.Rule
	values rules.Values
}

// resolve takes over what the environment and the configuration file say about
// the settings that cmd was not given as flags.
func (o *options) resolve(cmd *cobra.Command) (*enabled, error) {
	if !cmd.Flags().Changed("config") {
		o.config = os.Getenv(environment + "CONFIG")
	}
	file, err := readConfig(o.config)
	if err != nil {
		return nil, &failure{statusUsage, err}
	}
	for _, name := range fromEnvironment {
		if err := file.apply(cmd, name); err != nil {
			return nil, &failure{statusUsage, err}
		}
	}
	asked, err := o.asked()
	if err != nil {
		return nil, usageError(cmd.CommandPath(), err)
	}
	return &enabled{asked, file.values}, nil
}

// apply sets a flag of cmd that was not given, by the environment or else the file.
func (c *config) apply(cmd *cobra.Command, name string) error {
	if cmd.Flags().Changed(name) {
		return nil
	}
	variable := environment + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if text, ok := os.LookupEnv(variable); ok {
		if err := set(cmd, name, text); err != nil {
			return fmt.Errorf("%s=%s: %w", variable, text, err)
		}
		return nil
	}
	if s, ok := c.settings[name]; ok {
		if err := set(cmd, name, s.text); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", c.file, s.line, name, err)
		}
	}
	return nil
}

// set sets a flag. The error says what it wants.
func set(cmd *cobra.Command, name, text string) error {
	value := cmd.Flags().Lookup(name).Value
	err := value.Set(text)
	if err != nil && value.Type() == "bool" {
		return errors.New("want true or false")
	}
	return err
}

// asked are the rules that the lists leave, in the order of the catalogue.
func (o *options) asked() (asked []*rules.Rule, err error) {
	for _, list := range [][]string{o.only, o.disable} {
		for i, id := range list {
			list[i] = strings.TrimSpace(id)
			if rules.Find(list[i]) == nil {
				return nil, errors.New(unknown("rule", list[i], ruleIDs()))
			}
		}
	}
	for _, r := range rules.All {
		if (len(o.only) == 0 || slices.Contains(o.only, r.ID)) && !slices.Contains(o.disable, r.ID) {
			asked = append(asked, r)
		}
	}
	return asked, nil
}

// severityOf is the severity called name; ok is false for "none".
func severityOf(name string) (s rules.Severity, ok bool) {
	for s := range rules.Error + 1 {
		if s.String() == name {
			return s, true
		}
	}
	return 0, false
}
