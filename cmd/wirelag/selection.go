package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wirelag/analyze"
	"wirelag/rules"
)

// ruleOptions say which rules run and with which numbers, and what of their
// findings ends the program with a status of its own.
type ruleOptions struct {
	only, disable []string
	failOn        string
	minSeverity   string
	config        string
}

func (o *ruleOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.only, "rules", nil, "run these rules alone (`LIST` of ids, see wirelag rules)")
	flags.StringSliceVar(&o.disable, "disable", nil, "do not run these rules (`LIST` of ids)")
	flags.StringVar(&o.config, "config", "", "read options of rules from `FILE` (see wirelag config)")
	addChoice(cmd, &o.failOn, "fail-on", []string{"none", "info", "warning", "error"}, "exit with 1 when there are findings that bad")
	addChoice(cmd, &o.minSeverity, "min-severity", []string{"info", "warning", "error"}, "show findings that bad (text)")
	for _, name := range []string{"rules", "disable"} {
		err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(ruleIDs(), cobra.ShellCompDirectiveNoFileComp))
		if err != nil {
			panic("completion of a flag that was just declared: " + err.Error())
		}
	}
}

func ruleIDs() []string {
	var ids []string
	for _, r := range rules.All {
		ids = append(ids, r.ID)
	}
	return ids
}

// selected is what the flags and the configuration file come to.
type selected struct {
	rules  []*rules.Rule
	values rules.Values
	failOn string
}

// resolve reads the configuration file, if any, and puts the flags over it.
func (o *ruleOptions) resolve(changed func(flag string) bool) (*selected, error) {
	file, err := readConfig(o.config)
	if err != nil {
		return nil, err
	}
	s := &selected{values: file.values, failOn: o.failOn}
	if !changed("fail-on") && file.failOn != "" {
		s.failOn = file.failOn
	}
	only, disable := o.only, o.disable
	if !changed("disable") {
		disable = file.disable
	}
	for _, id := range slices.Concat(only, disable) {
		if rules.Find(id) == nil {
			return nil, unknownRule(id)
		}
	}
	for _, r := range rules.All {
		if (len(only) == 0 || slices.Contains(only, r.ID)) && !slices.Contains(disable, r.ID) {
			s.rules = append(s.rules, r)
		}
	}
	return s, nil
}

// unknownRule is the error for a rule that does not exist, with what may have been meant.
func unknownRule(id string) error {
	best, distance := "", 1+len(id)/2
	for _, known := range ruleIDs() {
		if d := editDistance(id, known); d < distance || strings.HasPrefix(known, id) && id != "" && best == "" {
			best, distance = known, min(d, distance)
		}
	}
	if best != "" {
		return fmt.Errorf("there is no rule %q: did you mean %s?", id, best)
	}
	return fmt.Errorf("there is no rule %q: wirelag rules lists them", id)
}

// editDistance is the number of characters to insert, delete or replace
// (Levenshtein) to get from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// leastShown is the severity that text shows at least.
func (o *ruleOptions) leastShown() rules.Severity {
	s, _ := severityOf(o.minSeverity)
	return s
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

// exchangeOptions say which exchanges are told.
type exchangeOptions struct {
	hosts, paths, statuses []string
	since, until           string
}

func (o *exchangeOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.hosts, "host", nil, "tell only exchanges with these hosts (`LIST`; * stands for any characters)")
	flags.StringSliceVar(&o.paths, "path", nil, "tell only exchanges with these paths (`LIST`; * stands for any characters)")
	flags.StringSliceVar(&o.statuses, "status", nil, "tell only exchanges with these statuses (`LIST` of 404, 5xx, 500-504 or none)")
	flags.StringVar(&o.since, "since", "", "tell only exchanges that began at `TIME` (RFC 3339, or +10s after the start) or later")
	flags.StringVar(&o.until, "until", "", "tell only exchanges that began before `TIME`")
}

// selection is what the flags come to.
func (o *exchangeOptions) selection() (*analyze.Selection, error) {
	var s analyze.Selection
	s.Hosts(o.hosts...)
	s.Paths(o.paths...)
	for _, text := range o.statuses {
		if err := s.Status(text); err != nil {
			return nil, fmt.Errorf("--status: %w", err)
		}
	}
	if o.since != "" {
		if err := s.Since(o.since); err != nil {
			return nil, fmt.Errorf("--since: %w", err)
		}
	}
	if o.until != "" {
		if err := s.Until(o.until); err != nil {
			return nil, fmt.Errorf("--until: %w", err)
		}
	}
	return &s, nil
}
