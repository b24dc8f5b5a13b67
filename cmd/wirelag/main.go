// Wirelag reads packet captures, rebuilds their TCP connections, attaches the
// HTTP messages and shows what the connections did to the HTTP traffic. This
// package has its commands: flags, the wiring of source, analysis and report,
// exit statuses and the progress bar. It analyses nothing itself.
package main

import (
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the program with the arguments that follow its name and returns its
// exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(streams{stdin, stdout, stderr})
	root.SetArgs(append([]string{}, args...)) // nil would mean those of the process
	return conclude(root.Execute(), stderr)
}

// streams are what the program reads from and writes to.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}
