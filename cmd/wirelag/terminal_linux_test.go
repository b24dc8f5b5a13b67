package main

import (
	"os"
	"strconv"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal opens a pseudo-terminal, as programs see it.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { master.Close() })
	var unlock, number int32
	for _, request := range []struct {
		code  uintptr
		value *int32
	}{{syscall.TIOCSPTLCK, &unlock}, {syscall.TIOCGPTN, &number}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request.code, uintptr(unsafe.Pointer(request.value))); errno != 0 {
			t.Skip(errno)
		}
	}
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminal
}

// A progress bar is for terminals that can draw, and not between the lines of a report.
func TestWhereProgressIsShown(t *testing.T) {
	terminal := openTerminal(t)
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		what           string
		options        options
		stdout, stderr *os.File
		term           string
		want           bool
	}{
		{"text to the terminal", options{format: "text", output: "-"}, terminal, terminal, "xterm", true},
		{"no terminal", options{format: "text", output: "-"}, terminal, file, "xterm", false},
		{"a terminal that cannot draw", options{format: "text", output: "-"}, terminal, terminal, "dumb", false},
		{"quiet", options{format: "text", output: "-", quiet: true}, terminal, terminal, "xterm", false},
		{"no progress", options{format: "text", output: "-", noProgress: true}, terminal, terminal, "xterm", false},
		{"lines to the terminal", options{format: "csv", output: "-"}, terminal, terminal, "xterm", false},
		{"objects to the terminal", options{format: "ndjson", output: "-"}, terminal, terminal, "xterm", false},
		{"lines to standard output in a file", options{format: "csv", output: "-"}, file, terminal, "xterm", true},
		{"lines to a file", options{format: "csv", output: "report.csv"}, terminal, terminal, "xterm", true},
		{"a document to the terminal", options{format: "json", output: "-"}, terminal, terminal, "xterm", true},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("CI", "")
		a := &reporter{streams: streams{nil, c.stdout, c.stderr}, options: c.options}
		if got := a.wantsProgress(); got != c.want {
			t.Errorf("%s: got %v", c.what, got)
		}
	}
}
