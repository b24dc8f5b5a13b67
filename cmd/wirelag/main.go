// Wirelag reads packet captures, rebuilds their TCP connections, attaches the
// HTTP messages and shows what the connections did to the HTTP traffic. This
// package has its commands: flags, the wiring of source, analysis and report,
// exit statuses and the progress bar. It analyses nothing itself.
package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the program with the arguments that follow its name and returns its
// exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	printed := &printed{w: stdout}
	root := newRoot(streams{stdin, stdout, stderr}, printed)
	root.SetArgs(append([]string{}, args...)) // nil would mean those of the process
	return conclude(printed.failed(root.Execute()), stderr)
}

// printed is standard output for what cobra prints: help, the version and scripts of
// completion. It tells of some errors only, and of those as of wrong usage.
type printed struct {
	w   io.Writer
	err error // the first
}

func (p *printed) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.err = cmp.Or(p.err, err)
	return n, err
}

// failed is err, or what went wrong with standard output.
func (p *printed) failed(err error) error {
	if p.err == nil {
		return err
	}
	return &failure{statusOutput, fmt.Errorf("standard output: %w", reason(p.err))}
}

// streams are what the program reads from and writes to.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}
