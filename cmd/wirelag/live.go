package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/bpf"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/filter"
	"wirelag/reassembly/capture/live"
)

const liveExamples = `  sudo wirelag live -i eth0
  wirelag live -i any --duration 1m --format json -o report.json
  wirelag live -i eth0 -w eth0.pcapng --rotate-size 1G --rotate-keep 10 --format ndjson`

// newLive builds the command live.
func newLive(s streams) *cobra.Command {
	l := &listening{reporter: reporter{streams: s}, buffer: live.DefaultBuffer}
	cmd := &cobra.Command{
		Use:   "live -i INTERFACE",
		Short: "Listen on an interface and report",
		Long: `Live analyses what an interface receives and sends. On a terminal it shows how
things stand, elsewhere the findings as they are proven, a line each; --format
ndjson streams everything. The report comes when Ctrl-C, --duration or --packets
ends the capture, or the interface goes away. A second Ctrl-C quits at once.

It needs the right to capture (see wirelag interfaces).`,
		Example: liveExamples,
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return l.run(cmd) },
	}
	l.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&l.name, "interface", "i", "", "listen on the interface called `NAME`; any stands for all (Linux)")
	flags.StringVar(&l.programFile, "bpf-file", "", "capture what the program in `FILE` accepts, as tcpdump -ddd prints it")
	flags.DurationVar(&l.duration, "duration", 0, "end after `TIME` (30s, 10m)")
	flags.Uint64Var(&l.packets, "packets", 0, "end after `N` packets")
	flags.BoolVar(&l.promiscuous, "promiscuous", false, "take in what is not addressed to this host, too")
	flags.Var(&l.buffer, "buffer", "memory for packets that wait to be analysed")
	flags.StringVarP(&l.record.Name, "write", "w", "", "write what is captured to `FILE`, as pcapng")
	flags.Var((*size)(&l.record.Size), "rotate-size", "begin another file when one is as large")
	flags.DurationVar(&l.record.Time, "rotate-time", 0, "begin another file when one spans `TIME`")
	flags.IntVar(&l.record.Keep, "rotate-keep", 0, "keep the latest `N` files (default: all)")
	flags.StringVar(&l.metrics, "metrics", "", "serve metrics for Prometheus at `ADDRESS`, as 127.0.0.1:9464")
	completeWith(cmd, "interface", completeInterfaces)
	for _, name := range []string{"duration", "packets", "buffer", "rotate-size", "rotate-time", "rotate-keep", "metrics"} {
		completeWith(cmd, name, completeNothing)
	}
	return cmd
}

func completeInterfaces(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	all, err := live.Interfaces()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	for _, in := range all {
		names = append(names, in.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// listening is the command live.
type listening struct {
	reporter
	name        string
	duration    time.Duration
	packets     uint64
	promiscuous bool
	buffer      size
	record      capture.RecordingOptions
	programFile string
	metrics     string
}

// check finds what a single flag cannot.
func (l *listening) check() error {
	rotates := l.record.Size > 0 || l.record.Time > 0
	switch {
	case l.name == "":
		return errors.New("which interface? give -i NAME (wirelag interfaces lists them)")
	case l.duration < 0:
		return errors.New("--duration: want a time like 30s")
	case l.promiscuous && l.name == live.Any:
		return errors.New("--promiscuous is for one interface, not for any")
	case l.record.Name == "-":
		return errors.New("-w: want the name of a file")
	case l.record.Name == "" && (rotates || l.record.Keep != 0):
		return errors.New("--rotate-size, --rotate-time and --rotate-keep are for the file of -w")
	case l.record.Keep != 0 && !rotates:
		return errors.New("--rotate-keep: say with --rotate-size or --rotate-time when another file begins")
	case l.record.Keep < 0 || l.record.Time < 0:
		return errors.New("--rotate-keep and --rotate-time cannot be negative")
	case isSameFile(l.record.Name, l.options.output):
		return errors.New("-w and -o name the same file")
	case isSameFile(l.record.Name, l.options.writeBaseline):
		return errors.New("-w and --write-baseline name the same file")
	case l.programFile != "" && l.options.filter != "":
		return errors.New("--bpf-file and --filter are two filters: give one")
	case l.programFile != "" && l.name == live.Any:
		return errors.New("--bpf-file is for one interface: on any, what tcpdump makes expects other headers")
	case l.metrics != "":
		return checkMetricsAddress(l.metrics)
	}
	return nil
}

func (l *listening) run(cmd *cobra.Command) error {
	if err := l.check(); err != nil {
		return usageError(cmd.CommandPath(), err)
	}
	asked, err := l.request(cmd)
	if err != nil {
		return err
	}
	program, err := l.program(asked)
	if err != nil {
		return err
	}
	signals := onInterrupt(exitInterrupted)
	defer signals.release()
	interfaces, err := live.Open(l.name, live.Options{
		Buffer: int(l.buffer), Promiscuous: l.promiscuous, Filter: program, Packets: l.packets,
	})
	if err != nil {
		return refused(l.name, err)
	}
	defer interfaces.Close()
	source := capture.Source(interfaces)
	w := &work{signals: signals, stop: interfaces.Stop}
	options := analyze.Options{Limits: asked.limits, TrailMemory: l.trailMemory(), Jobs: l.options.processors()}
	var measured analyze.Listener
	if l.metrics != "" {
		m := newMetrics(interfaces.Counters)
		server, err := m.serve(l.metrics)
		if err != nil {
			return &failure{statusOutput, err}
		}
		defer server.close()
		options.Gauges, measured, w.finding = &m.gauges, m.listener(), m.finding
	}
	if l.record.Name != "" {
		l.record.Application = "wirelag " + version()
		recording, err := capture.Record(interfaces, l.record, interfaces.Stop)
		if err != nil {
			return &failure{statusOutput, err}
		}
		source, w.settle = recording, recording.End
	}
	shown := l.newWatch(interfaces, asked)
	w.listener, w.noted = analyze.Join(measured, shown.listener), shown.noted
	w.run = func(a analyze.Listener) (*analyze.Capture, error) {
		defer shown.end()
		if l.duration > 0 {
			defer time.AfterFunc(l.duration, interfaces.Stop).Stop()
		}
		return analyze.Run(context.Background(), source, a, options)
	}
	return l.report(asked, w)
}

// program is the filter for the interface, nil without one.
func (l *listening) program(asked *request) ([]bpf.RawInstruction, error) {
	if l.programFile != "" {
		return readProgram(l.programFile)
	}
	if asked.filter == nil {
		return nil, nil
	}
	in, err := live.Find(l.name)
	if err != nil {
		return nil, refused(l.name, err)
	}
	program, err := compile(asked.filter, in, runtime.GOOS)
	if err != nil {
		return nil, usageError("wirelag live", fmt.Errorf("--filter: %w", err))
	}
	return program, nil
}

// compile makes a filter for an interface of a system. Only the kernel of Linux
// takes VLAN tags off, and knows the instructions that ask for them.
func compile(e *filter.Expression, in live.Interface, system string) ([]bpf.RawInstruction, error) {
	switch {
	case system != "linux":
		p, err := e.Compile(in.LinkType)
		if err != nil {
			return nil, err
		}
		return p.Live(0), nil
	case in.Index != 0:
		return e.Live(in.LinkType, 0)
	}
	var kinds []filter.Hardware
	for _, k := range live.Kinds() {
		kinds = append(kinds, filter.Hardware{Number: k.Number, Type: k.LinkType})
	}
	return e.LiveAny(kinds, 0)
}

// readProgram reads the file of --bpf-file.
func readProgram(name string) ([]bpf.RawInstruction, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, usageError("wirelag live", fmt.Errorf("--bpf-file: %s: %w", name, reason(err)))
	}
	defer file.Close()
	program, err := filter.ReadProgram(file)
	if err != nil {
		return nil, usageError("wirelag live", fmt.Errorf("--bpf-file: %s: %w", name, err))
	}
	return program.Live(0), nil
}

// refused turns an error of live.Open into one that says what to do.
func refused(name string, err error) error {
	var unknown *live.UnknownError
	switch {
	case errors.As(err, &unknown):
		return usageError("wirelag live", err)
	case errors.Is(err, fs.ErrPermission):
		return &failure{statusInput, fmt.Errorf("%s: capturing is not permitted (%s)", name, permissionHint("live -i "+name))}
	}
	return &failure{statusInput, err}
}

// permissionHint says how to come by the right to capture.
func permissionHint(command string) string {
	program, err := os.Executable()
	if err != nil {
		program = "wirelag"
	}
	switch runtime.GOOS {
	case "linux":
		return fmt.Sprintf("run: sudo %s %s; or once: sudo setcap cap_net_raw=ep %s", program, command, program)
	case "windows":
		return "run it as administrator"
	}
	return fmt.Sprintf("run: sudo %s %s; or give yourself access to /dev/bpf*", program, command)
}
