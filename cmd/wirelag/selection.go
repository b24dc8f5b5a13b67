package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"wirelag/analyze"
)

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
	for _, name := range []string{"host", "path", "status", "since", "until"} {
		completeWith(cmd, name, completeNothing)
	}
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

// some reports whether exchanges are left out.
func (o *exchangeOptions) some() bool {
	return len(o.hosts)+len(o.paths)+len(o.statuses) > 0 || o.since != "" || o.until != ""
}
