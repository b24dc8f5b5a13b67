package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"wirelag/reassembly/capture/live"
	"wirelag/reports"
)

// newInterfaces builds the command interfaces.
func newInterfaces(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "interfaces",
		Short: "List the interfaces that live can listen on",
		Long: `Interfaces lists what live can listen on: names, whether they are up, what their
packets begin with, and addresses; and says whether you may listen.`,
		Example: "  wirelag interfaces",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			found, err := live.Interfaces()
			if err != nil {
				return &failure{statusInput, err}
			}
			return s.print(listInterfaces(found) + "\n" + permission(live.Permitted()))
		},
	}
}

func listInterfaces(found []live.Interface) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tLINK\tADDRESSES")
	for _, in := range found {
		state, link, addresses := "down", in.LinkType.String(), in.Description
		if in.Up {
			state = "up"
		}
		for _, a := range in.Addresses {
			addresses += " " + a.String()
		}
		if in.Name == live.Any {
			state, link, addresses = "–", "–", "all interfaces together"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", reports.Printable(in.Name), state, link, reports.Printable(strings.TrimSpace(addresses)))
	}
	table.Flush()
	return b.String()
}

// permission says whether the user may listen.
func permission(err error) string {
	switch {
	case err == nil:
		return "You may listen on all of them.\n"
	case errors.Is(err, fs.ErrPermission):
		return "You may listen on none of them: " + permissionHint("live -i NAME") + "\n"
	}
	return "Whether you may listen is not known: " + reports.Printable(err.Error()) + "\n"
}
