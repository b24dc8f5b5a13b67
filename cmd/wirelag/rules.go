package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"wirelag/reports"
	"wirelag/rules"
)

// newRules builds the command rules.
func newRules(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "rules [ID]",
		Short: "List the rules, or print the page of one",
		Long: `Rules lists what wirelag looks for. With the id of a rule it prints the rule's
page: what is measured, how the place of the capture is corrected for, when the
rule is silent, and what to do about its findings.`,
		Example: "  wirelag rules\n  wirelag rules nagle-delayed-ack",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			completions, _ := completeRules(nil, nil, "")
			return completions, cobra.ShellCompDirectiveNoFileComp
		},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError(cmd.CommandPath(), errors.New("give the id of one rule"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			width := max(widthOf(s.stdout), leastWidth)
			if len(args) == 0 {
				return s.print(catalogue(width))
			}
			r := rules.Find(args[0])
			if r == nil {
				return usageError(cmd.CommandPath(), errors.New(unknown("rule", args[0], ruleIDs())))
			}
			return s.print(rulePage(r, width))
		},
	}
}

const (
	leastWidth   = 60 // of what rules prints
	mostWidth    = 100
	severitiesIn = len("warning/error")
)

// catalogue lists the rules by group.
func catalogue(width int) string {
	longest := 0
	for _, id := range ruleIDs() {
		longest = max(longest, len(id))
	}
	indent := 2 + longest + 2 + severitiesIn + 2
	var b strings.Builder
	for i, c := range rules.Chapters() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", c.Group)
		for _, r := range c.Rules {
			lead := fmt.Sprintf("  %-*s  %-*s  ", longest, r.ID, severitiesIn, r.SeverityText())
			for _, line := range reports.Wrap(r.Title, width-indent) {
				fmt.Fprintf(&b, "%s%s\n", lead, line)
				lead = strings.Repeat(" ", indent)
			}
		}
	}
	return b.String()
}

// rulePage is all that there is to say of a rule.
func rulePage(r *rules.Rule, width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", r.ID, r.SeverityText())
	paragraph := func(lead, s string) {
		for _, line := range reports.Wrap(s, min(width, mostWidth)-len(lead)) {
			fmt.Fprintf(&b, "%s%s\n", lead, line)
		}
	}
	paragraph("", r.Title)
	for _, s := range r.Page() {
		fmt.Fprintf(&b, "\n%s\n", s.Title)
		for _, text := range s.Paragraphs {
			paragraph("  ", text)
		}
	}
	return b.String()
}
