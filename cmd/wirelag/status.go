package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"wirelag/reports"
)

// Exit statuses. Scripts rely on them.
const (
	statusDone        = 0
	statusFindings    = 1 // as bad as --fail-on says
	statusUsage       = 2
	statusInput       = 3
	statusOutput      = 4
	statusInterrupted = 130 // as a shell says of a program that SIGINT ended
)

// failure is an error that decides the exit status.
type failure struct {
	status int
	err    error // nil when it was told already
}

func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// errFindings: there are findings that --fail-on asks for. The report tells them.
var errFindings = &failure{statusFindings, nil}

// usageError is a fault in the command line; command is where help is found.
func usageError(command string, err error) error {
	return &failure{statusUsage, fmt.Errorf("%w (see %s --help)", err, command)}
}

// conclude tells the error that ended the program, if it is not told yet, and
// returns the exit status.
func conclude(err error, stderr io.Writer) int {
	if err == nil {
		return statusDone
	}
	status := statusUsage // what cobra itself finds wrong
	var f *failure
	if errors.As(err, &f) {
		status = f.status
	}
	// Who reads the report went away: nobody is left to tell.
	if err.Error() != "" && !errors.Is(err, syscall.EPIPE) {
		complain(stderr, err)
	}
	return status
}

// complain tells err in one line.
func complain(stderr io.Writer, err error) {
	fmt.Fprintf(stderr, "wirelag: %s\n", reports.Printable(err.Error()))
}
