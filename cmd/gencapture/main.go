// Command gencapture writes generated captures, for tests and benchmarks.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"wirelag/reassembly/capture/generate"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// settings are what the command line says.
type settings struct {
	options      generate.Options
	output       string
	truth        string
	microseconds bool
}

// run is the command without the process around it. It returns the exit status:
// 0, 1 when the capture could not be made, 2 for wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "gencapture: %v\n", err)
		return 2
	}
	if err := s.generate(stdout); err != nil {
		fmt.Fprintf(stderr, "gencapture: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{options: generate.Options{Kind: generate.Mixed, Seed: 1}}
	flags := flag.NewFlagSet("gencapture", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Func("kind", "mixed (default), keepalive, short, bulk, open, synflood or outoforder", func(name string) (err error) {
		s.options.Kind, err = generate.ParseKind(name)
		return err
	})
	flags.Func("size", "about how many bytes of frames: 4096, 64k, 100M, 10G", func(size string) (err error) {
		s.options.Size, err = parseSize(size)
		return err
	})
	flags.Int64Var(&s.options.Connections, "connections", 0, "how many connections at most (default: as --size has it)")
	flags.Int64Var(&s.options.Exchanges, "exchanges", 0, "how many exchanges each connection has (default: as the kind has it)")
	flags.Uint64Var(&s.options.Seed, "seed", s.options.Seed, "the same seed gives the same bytes")
	flags.BoolVar(&s.microseconds, "microseconds", false, "timestamps of microseconds (default: nanoseconds)")
	flags.StringVar(&s.output, "o", "-", "the pcap file to write; - is standard output")
	flags.StringVar(&s.truth, "truth", "", "write what the capture holds to this file, as JSON")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return s, nil
}

// parseSize reads a number of bytes with an optional binary unit.
func parseSize(s string) (int64, error) {
	number, shift := s, 0
	if i := strings.IndexAny(s, "kMG"); i >= 0 && i == len(s)-1 {
		number, shift = s[:i], map[byte]int{'k': 10, 'M': 20, 'G': 30}[s[i]]
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > maxSize>>shift {
		return 0, fmt.Errorf("%q is no size such as 64k, 100M or 10G", s)
	}
	return n << shift, nil
}

const maxSize = 1 << 50

func (s *settings) generate(stdout io.Writer) (err error) {
	out := stdout
	if s.output != "-" {
		file, createErr := os.Create(s.output)
		if createErr != nil {
			return createErr
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	truth, err := generate.WritePcap(out, s.options, !s.microseconds)
	if err != nil || s.truth == "" {
		return err
	}
	text, err := json.MarshalIndent(truth, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.truth, append(text, '\n'), 0o666)
}
