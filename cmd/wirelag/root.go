package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// newRoot builds the commands. What cobra prints for them goes to out.
func newRoot(s streams, out io.Writer) *cobra.Command {
	a := &analysis{reporter{streams: s}}
	root := &cobra.Command{
		Use:   "wirelag [FILE…]",
		Short: "Show what TCP connections did to HTTP traffic",
		Long: `Wirelag reads packet captures, rebuilds their TCP connections, attaches the HTTP
messages to them and shows where the time went.

"wirelag FILE…" is short for "wirelag analyze FILE…".`,
		Example:       analyzeExamples,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          filesOrCommand,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // commands, and files
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return a.run(cmd, args)
		},
	}
	root.SetIn(s.stdin)
	root.SetOut(out)
	root.SetErr(s.stderr)
	root.SetVersionTemplate("wirelag {{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(usageOf(s))
	root.SetHelpCommand(newHelp(root))
	a.addFlags(root)
	root.AddCommand(newAnalyze(a), newLive(s), newInterfaces(s), newRules(s), newConfig(s))
	addCompletion(root)
	return root
}

// filesOrCommand tells a misspelt command from the name of a file: that exists,
// is "-", or has a dot or a slash in it.
func filesOrCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || args[0] == "-" || strings.ContainsAny(args[0], `./\`) {
		return nil
	}
	if _, err := os.Lstat(args[0]); err == nil {
		return nil
	}
	err := fmt.Errorf("%q is neither a command nor a file", args[0])
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		err = fmt.Errorf("%w; did you mean %q?", err, similar[0])
	}
	return usageError(cmd.CommandPath(), err)
}

// version is that of the module the program was built from, or "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
