package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/vantage"
	"wirelag/reports"
	"wirelag/rules"
)

const analyzeExamples = `  wirelag analyze capture.pcapng
  wirelag analyze --format json -o report.json rotated-*.pcap.zst
  ssh host tcpdump -U -w - tcp port 80 | wirelag analyze --format ndjson -`

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
like token or password) are shown as *** unless --no-redact is given. Colours
are used on a terminal, unless NO_COLOR is set or --color says otherwise.

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
type analysis struct {
	streams
	options options
}

// run reports on the captures called names.
func (a *analysis) run(cmd *cobra.Command, names []string) error {
	if err := a.options.check(); err != nil {
		return usageError("wirelag analyze", err)
	}
	asked, err := a.options.resolve(cmd)
	if err != nil {
		return err
	}
	told, err := a.options.selection.selection()
	if err != nil {
		return usageError("wirelag analyze", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
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
	out, err := openDestination(a.options.output, a.stdout)
	if err != nil {
		return &failure{statusOutput, err}
	}
	err = a.report(ctx, cancel, source, out, asked, told)
	if len(unreadable) > 0 && (err == nil || errors.Is(err, errFindings)) {
		err = &failure{statusInput, nil}
	}
	return err
}

// spareInputs refuses to write the report over what was named as a capture, or
// is one.
func (a *analysis) spareInputs(names []string, files []*capture.File) error {
	present, err := os.Stat(a.options.output)
	if err != nil || !present.Mode().IsRegular() {
		return nil
	}
	for _, f := range files {
		names = append(names, f.Name)
	}
	for _, name := range names {
		if input, err := os.Stat(name); err == nil && os.SameFile(input, present) {
			return usageError("wirelag analyze", fmt.Errorf("%s: the report would take the place of the capture", name))
		}
	}
	return nil
}

// report analyses source and writes the report to out.
func (a *analysis) report(ctx context.Context, cancel func(), source capture.Source, out *destination, asked *enabled, told *analyze.Selection) error {
	quit := func() {
		out.abandon()
		os.Exit(statusInterrupted)
	}
	release := onInterrupt(cancel, quit)
	stopProgress := func() {}
	if wantsProgress(a.stderr, &a.options) {
		stopProgress = showProgress(a.stderr, source.Files())
	}
	plan := vantage.Survey(ctx, source.Files())
	if plan != nil {
		source = capture.Correct(source, plan.Clocks())
		defer source.Close()
	}
	r := &recorder{writer: a.newWriter(out, len(source.Files()) > 1, len(asked.rules)), cancel: cancel}
	listener := analyze.Join(told.Of(r.listener()), rules.NewLedger(asked.rules, asked.values, r.finding))
	described, readErr := analyze.Run(ctx, source, listener, analyze.Options{Plan: plan})
	stopProgress()
	interrupted := ctx.Err() != nil && r.err == nil
	described.Interrupted = interrupted
	release()
	defer onInterrupt(quit)()

	if err := r.close(described, out); err != nil {
		return &failure{statusOutput, fmt.Errorf("%s: cannot write the report: %w", outputName(a.options.output), reason(err))}
	}
	switch {
	case interrupted:
		return &failure{statusInterrupted, nil}
	case readErr != nil:
		return &failure{statusInput, readErr}
	}
	if least, ok := severityOf(a.options.failOn); ok && r.found && r.worst >= least {
		return errFindings
	}
	return nil
}

func (a *analysis) newWriter(out *destination, severalFiles bool, asked int) reports.Writer {
	o := &a.options
	var stream any = a.stdout
	if out.file != nil {
		stream = out.file
	}
	least, _ := severityOf(o.minSeverity)
	options := reports.Options{
		Version: version(), SeveralFiles: severalFiles, ShowSecrets: o.noRedact,
		MinSeverity: least, Rules: asked,
		Width: widthOf(stream), Top: o.top, Color: showsColor(o.color, stream), Zone: o.zone(),
	}
	var chosen reports.Format
	for _, f := range reports.Formats {
		if f.Name == o.format {
			chosen = f
		}
	}
	return chosen.New(out, options)
}

func outputName(name string) string {
	if name == "-" {
		return "standard output"
	}
	return name
}

// recorder hands what an analysis finds to a report, up to the first error,
// which ends the analysis.
type recorder struct {
	writer reports.Writer
	cancel func()
	err    error
	found  bool
	worst  rules.Severity // valid when found
}

func (r *recorder) listener() analyze.Listener {
	return analyze.Listener{
		Exchange: func(x *analyze.Exchange) {
			if r.err == nil {
				r.note(r.writer.Exchange(x))
			}
		},
		Hop: func(h *analyze.Hop) {
			if r.err == nil {
				r.note(r.writer.Hop(h))
			}
		},
		Closed: func(c *analyze.Connection) {
			if r.err == nil {
				r.note(r.writer.Connection(c))
			}
		},
	}
}

func (r *recorder) finding(f *rules.Finding) {
	r.found, r.worst = true, max(r.worst, f.Severity)
	if r.err == nil {
		r.note(r.writer.Finding(f))
	}
}

func (r *recorder) note(err error) {
	if err != nil {
		r.err = err
		r.cancel()
	}
}

// close finishes the report, or gives it up after an error.
func (r *recorder) close(described *analyze.Capture, out *destination) error {
	if r.err != nil {
		described = nil
	}
	r.err = cmp.Or(r.err, r.writer.Close(described))
	if r.err != nil {
		out.abandon()
		return r.err
	}
	return out.commit()
}
