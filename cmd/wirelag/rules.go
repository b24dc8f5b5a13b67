package main

import (
	"fmt"
	"io"
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
		Example:   "  wirelag rules\n  wirelag rules nagle-delayed-ack",
		ValidArgs: ruleIDs(),
		Args:      cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			width := widthOf(s.stdout)
			text := ruleList(width)
			if len(args) == 1 {
				r := rules.Find(args[0])
				if r == nil {
					return usageError("wirelag rules", unknownRule(args[0]))
				}
				text = rulePage(r, width)
			}
			_, err := io.WriteString(s.stdout, text)
			return err
		},
	}
}

func ruleList(width int) string {
	var b strings.Builder
	names, byGroup := rules.Groups()
	for i, name := range names {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", name)
		for _, r := range byGroup[name] {
			fmt.Fprintf(&b, "  %-30s %-14s %s\n", r.ID, r.SeverityText(), r.Title)
		}
	}
	return reports.Fit(b.String(), width)
}

func rulePage(r *rules.Rule, width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n%s\n", r.ID, r.SeverityText(), r.Title)
	for _, s := range r.Page() {
		fmt.Fprintf(&b, "\n%s\n", s.Title)
		for _, line := range reports.Wrap(s.Text, width-2) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}
