package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/filter"
	"wirelag/reassembly/vantage"
	"wirelag/reports"
)

const analyzeExamples = `  wirelag analyze capture.pcapng
  wirelag analyze --format html -o report.html capture.pcapng
  wirelag analyze --format json -o report.json rotated-*.pcap.zst
  ssh host tcpdump -U -w - tcp port 80 | wirelag analyze --format ndjson -
  wirelag analyze --fail-on warning --baseline known.yaml --format junit -o wirelag.xml ci.pcap
  wirelag analyze --host 'api.*' --status 5xx --format csv capture.pcap`

// newAnalyze builds the command analyze.
func newAnalyze(a *analysis) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "analyze FILE…",
		Short: "Report on one or more captures",
		Long: `Analyze reads captures (pcap or pcapng; gzip, zstd, xz or lz4 compressed; - for
standard input; directories and patterns for what is in them), merges them by
time and reports on the TCP connections and HTTP exchanges in them.

Formats:
` + formatsHelp() + `
Secrets (credentials, cookies, user names and passwords in URLs, query values
like token or password) are shown as *** unless --no-redact is given. For a
report that others may see, --redact-host replaces addresses, host names and
what varies in paths by pseudonyms, the same ones in all reports of yours.
Colours are used on a terminal, unless NO_COLOR is set or --color says
otherwise.

Exit status: 0 done; 1 there are findings that --fail-on asks for; 2 wrong usage
or configuration; 3 an input could not be read; 4 the report could not be
written; 130 interrupted (the report says so).`,
		Example: analyzeExamples,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError(cmd.CommandPath(), errors.New("which capture? give a FILE, or - for standard input"))
			}
			return nil
		},
		RunE: a.run,
	}
	a.addFlags(cmd)
	return cmd
}

func formatsHelp() string {
	var b strings.Builder
	for _, f := range reports.Formats {
		fmt.Fprintf(&b, "  %-7s %s\n", f.Name, f.Description)
	}
	return b.String()
}

// analysis is the command analyze.
type analysis struct{ reporter }

// run reports on the captures called names.
func (a *analysis) run(cmd *cobra.Command, names []string) error {
	asked, err := a.request(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := onInterrupt(exitInterrupted) // standard input may have nothing to say
	defer signals.release()
	source, unreadable := capture.OpenAll(names, interruptible(ctx, a.stdin))
	for _, err := range unreadable {
		complain(a.stderr, err)
	}
	if source == nil {
		return &failure{statusInput, nil}
	}
	defer source.Close()
	if err := a.spareInputs(names, source.Files()); err != nil {
		return err
	}
	asked.severalFiles = len(source.Files()) > 1
	err = a.report(asked, &work{
		signals: signals,
		stop:    cancel,
		partial: len(unreadable) > 0,
		run:     func(l analyze.Listener) (*analyze.Capture, error) { return a.analyze(ctx, source, l, asked) },
	})
	if len(unreadable) > 0 && (err == nil || errors.Is(err, errFindings)) {
		err = &failure{statusInput, nil}
	}
	return err
}

// spareInputs refuses to write the report or a baseline over what was named as a
// capture, or is one.
func (a *analysis) spareInputs(names []string, files []*capture.File) error {
	for _, f := range files {
		names = append(names, f.Name)
	}
	for _, output := range []string{a.options.output, a.options.writeBaseline} {
		for _, name := range names {
			if isSameFile(name, output) {
				return usageError("wirelag analyze", fmt.Errorf("%s: the report would take the place of the capture", name))
			}
		}
	}
	return nil
}

// analyze reads source until it ends or ctx is done.
func (a *analysis) analyze(ctx context.Context, source capture.Source, l analyze.Listener, asked *request) (*analyze.Capture, error) {
	if a.wantsProgress() {
		defer showProgress(a.stderr, source.Files())()
	}
	plan := vantage.Survey(ctx, source.Files())
	if plan != nil {
		source = capture.Correct(source, plan.Clocks())
		defer source.Close()
	}
	if asked.filter != nil {
		source = filter.Apply(source, asked.filter)
	}
	described, err := analyze.Run(ctx, source, l, analyze.Options{Limits: asked.limits, Plan: plan, Jobs: a.options.processors(), TrailMemory: a.trailMemory()})
	described.Interrupted = ctx.Err() != nil
	return described, err
}
