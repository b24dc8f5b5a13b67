package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
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
	known        *baseline
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
	if err := a.options.spareSettings(); err != nil {
		return nil, usageError(cmd.CommandPath(), err)
	}
	told, err := a.options.selection.selection()
	if err != nil {
		return nil, usageError(cmd.CommandPath(), err)
	}
	known, err := readBaseline(a.options.baseline)
	if err != nil {
		return nil, &failure{statusUsage, err}
	}
	r := &request{enabled: asked, told: told, limits: reassembly.LimitsFor(int64(a.options.maxMemory)), known: known}
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
	signals *interrupts
	// run analyses until there is nothing more, or stop was called.
	run  func(analyze.Listener) (*analyze.Capture, error)
	stop func()
	// partial: some of what was to be read cannot be.
	partial bool
	// finding, if not nil, hears of findings as they are told.
	finding func(*rules.Finding)
	// listener and noted, which may be nil, hear of it as well.
	listener analyze.Listener
	noted    func(*rules.Finding, *rules.Instance)
	// settle, if not nil, ends what else was written. It is called before the
	// report is, and when the program quits at once.
	settle func() error
}

func (w *work) told(f *rules.Finding) {
	if w.finding != nil {
		w.finding(f)
	}
}

func (w *work) settled() error {
	if w.settle == nil {
		return nil
	}
	return w.settle()
}

// report does the work and writes the report on it.
func (a *reporter) report(asked *request, w *work) error {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(int64(a.options.maxMemory) / 16 * 15)) // the rest is for the program itself
	defer tuneHeap()()
	var opened [2]atomic.Pointer[destination]
	var over atomic.Bool // the work, but not the report on it
	quit := func() {
		for i := range opened {
			if out := opened[i].Load(); out != nil {
				out.abandon()
			}
		}
		w.settled()
		exitInterrupted()
	}
	stop := func() {
		if over.Load() {
			quit()
		}
		w.stop()
	}
	w.signals.then(stop, quit)
	out, err := openDestination(a.options.output, "report", a.stdout)
	if err != nil {
		return &failure{statusOutput, err}
	}
	opened[0].Store(out)
	accepted, err := a.openBaseline()
	if err != nil {
		out.abandon()
		return err
	}
	if accepted != nil {
		opened[1].Store(accepted.out)
	}
	options := a.reportOptions(a.stream(out), asked)
	r := &recorder{writer: a.format().New(out, options), options: options, cancel: w.stop, known: asked.known, accepted: accepted}
	tell := func(f *rules.Finding) {
		w.told(f)
		r.finding(f)
	}
	described, readErr := w.run(analyze.Join(
		asked.told.Of(r.listener()), w.listener, rules.NewLedger(asked.rules, asked.values, tell, w.noted)))
	settleErr := w.settled()
	over.Store(true)
	interrupted := described.Interrupted && r.err == nil
	described.Interrupted = interrupted

	if err := r.close(described, out); err != nil {
		accepted.abandon()
		return &failure{statusOutput, fmt.Errorf("%s: cannot write the report: %w", outputName(a.options.output), reason(err))}
	}
	if err := a.keepBaseline(asked, accepted, !interrupted && readErr == nil && !w.partial); err != nil {
		return err
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

func exitInterrupted() { os.Exit(statusInterrupted) }

// keepBaseline writes the baseline that is asked for and tells what is stale in the one
// in force, unless a part of the captures was not analysed.
func (a *reporter) keepBaseline(asked *request, accepted *acceptedFindings, whole bool) error {
	if !whole {
		if accepted.abandon() {
			complain(a.stderr, fmt.Errorf("%s: not written, for not all was analysed", a.options.writeBaseline))
		}
		return nil
	}
	if !a.options.quiet {
		asked.known.tellStale(a.stderr, asked.rules)
	}
	if err := accepted.commit(asked.known); err != nil {
		return &failure{statusOutput, fmt.Errorf("%s: cannot write the baseline: %w", a.options.writeBaseline, reason(err))}
	}
	return nil
}

// stream is what the report goes to.
func (a *reporter) stream(out *destination) any {
	if out.file != nil {
		return out.file
	}
	return a.stdout
}

// reportOptions say how a report on stream is to look.
func (a *reporter) reportOptions(stream any, asked *request) reports.Options {
	o := &a.options
	least, _ := severityOf(o.minSeverity)
	failOn, ok := severityOf(o.failOn)
	if !ok {
		failOn = rules.Warning
	}
	return reports.Options{
		Version: version(), SeveralFiles: asked.severalFiles, ShowSecrets: o.noRedact, RedactHosts: o.redactHost, RedactKey: asked.redactKey,
		FailOn:      failOn,
		MinSeverity: least, Rules: asked.rules, Values: asked.values, Selected: o.selection.some(),
		Width: widthOf(stream), Top: o.top, Color: showsColor(o.color, stream), Zone: o.zone(),
	}
}

// format is the one that was chosen.
func (a *reporter) format() reports.Format {
	i := slices.IndexFunc(reports.Formats, func(f reports.Format) bool { return f.Name == a.options.format })
	return reports.Formats[i]
}

// trailMemory is how much memory there is for trails of connections.
func (a *reporter) trailMemory() int64 {
	const share = 8 // of all memory
	if !a.format().Trails {
		return 0
	}
	return int64(a.options.maxMemory) / share
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
	writer   reports.Writer
	options  reports.Options
	cancel   func()
	err      error
	known    *baseline
	accepted *acceptedFindings
	found    bool           // something that is not known
	worst    rules.Severity // of that
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
	r.accepted.add(f, r.options)
	if f.Known = r.known.accepts(f); !f.Known {
		r.found, r.worst = true, max(r.worst, f.Severity)
	}
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
