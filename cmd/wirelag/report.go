package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"

	"github.com/spf13/cobra"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture/filter"
	"wirelag/reports"
	"wirelag/rules"
)

// reporter is what the commands that analyse have in common: what the flags say
// of the report, and the way to it.
type reporter struct {
	streams
	options options
}

// request is what the flags come to.
type request struct {
	*enabled
	filter       *filter.Expression // nil: all packets are analysed
	told         *analyze.Selection
	limits       reassembly.Limits
	severalFiles bool
	redactKey    []byte
}

// request checks the flags of cmd and what the environment and the
// configuration file add to them.
func (a *reporter) request(cmd *cobra.Command) (*request, error) {
	if err := a.options.check(); err != nil {
		return nil, usageError(cmd.CommandPath(), err)
	}
	asked, err := a.options.resolve(cmd)
	if err != nil {
		return nil, err
	}
	told, err := a.options.selection.selection()
	if err != nil {
		return nil, usageError(cmd.CommandPath(), err)
	}
	r := &request{enabled: asked, told: told, limits: reassembly.LimitsFor(int64(a.options.maxMemory))}
	if a.options.filter != "" {
		if r.filter, err = filter.Parse(a.options.filter); err != nil {
			return nil, usageError(cmd.CommandPath(), fmt.Errorf("--filter: %w", err))
		}
	}
	if a.options.redactHost {
		if r.redactKey, err = redactKey(); err != nil && !a.options.quiet {
			complain(a.stderr, fmt.Errorf("--redact-host: the pseudonyms are good for this report only (%w); set WIRELAG_REDACT_KEY to a secret of your own", err))
		}
	}
	return r, nil
}

// work is an analysis to report on.
type work struct {
	// run analyses until there is nothing more, or stop was called.
	run  func(analyze.Listener) (*analyze.Capture, error)
	stop func()
	// settle, if not nil, ends what else was written. It is called before the
	// report is, and when the program quits at once.
	settle func() error
}

func (w *work) settled() error {
	if w.settle == nil {
		return nil
	}
	return w.settle()
}

// report does the work and writes the report on it.
func (a *reporter) report(asked *request, w *work) error {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(int64(a.options.maxMemory)))
	var opened atomic.Pointer[destination]
	var over atomic.Bool // the work, but not the report on it
	quit := func() {
		if out := opened.Load(); out != nil {
			out.abandon()
		}
		w.settled()
		os.Exit(statusInterrupted)
	}
	stop := func() {
		if over.Load() {
			quit()
		}
		w.stop()
	}
	defer onInterrupt(stop, quit)()
	out, err := openDestination(a.options.output, a.stdout)
	if err != nil {
		return &failure{statusOutput, err}
	}
	opened.Store(out)
	r := &recorder{writer: a.newWriter(out, asked), cancel: w.stop}
	described, readErr := w.run(analyze.Join(asked.told.Of(r.listener()), rules.NewLedger(asked.rules, asked.values, r.finding)))
	settleErr := w.settled()
	over.Store(true)
	interrupted := described.Interrupted && r.err == nil
	described.Interrupted = interrupted

	if err := r.close(described, out); err != nil {
		return &failure{statusOutput, fmt.Errorf("%s: cannot write the report: %w", outputName(a.options.output), reason(err))}
	}
	switch {
	case settleErr != nil:
		return &failure{statusOutput, settleErr}
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

func (a *reporter) newWriter(out *destination, asked *request) reports.Writer {
	o := &a.options
	var stream any = a.stdout
	if out.file != nil {
		stream = out.file
	}
	least, _ := severityOf(o.minSeverity)
	options := reports.Options{
		Version: version(), SeveralFiles: asked.severalFiles, ShowSecrets: o.noRedact, RedactHosts: o.redactHost, RedactKey: asked.redactKey,
		MinSeverity: least, Rules: asked.rules, Values: asked.values, Selected: o.selection.some(),
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
