package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"wirelag/reassembly/capture/generate"
	"wirelag/reports"
)

// bigCapture writes a capture that takes some time to read, and returns its name.
func bigCapture(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := generate.WritePcap(f, generate.Options{Kind: generate.Short, Seed: 1, Size: size}, true); err != nil {
		t.Fatal(err)
	}
	return path
}

// program is the program as a process of its own, which writes what it has to
// say to stdout and stderr.
func program(args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd = exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "WIRELAG_TEST_MAIN=1")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// needsSignals skips a test where processes get none.
func needsSignals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
}

// names lists a folder.
func namesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// isWhole reports whether a document of a format has its end.
func isWhole(format, document string) bool {
	switch format {
	case "json", "har":
		return json.Valid([]byte(document))
	case "ndjson":
		lines := strings.Split(strings.TrimSuffix(document, "\n"), "\n")
		return strings.HasPrefix(lines[len(lines)-1], `{"type":"summary",`) && !slices.ContainsFunc(lines, func(line string) bool { return !json.Valid([]byte(line)) })
	case "html":
		return strings.HasSuffix(document, "</html>\n")
	case "junit":
		return strings.HasSuffix(document, "</testsuites>\n")
	}
	return strings.HasSuffix(document, "\n")
}

// Whenever SIGINT, SIGTERM or SIGHUP comes, the report under its name is whole or the
// one that was there before, and nothing is left beside it.
func TestSignalsAtAnyMoment(t *testing.T) {
	needsSignals(t)
	hearsHangups(t)
	file := bigCapture(t, 4<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 2 * len(reports.Formats) {
		folder := t.TempDir()
		path, format := filepath.Join(folder, "report"), reports.Formats[i%len(reports.Formats)].Name
		const older = "older"
		if err := os.WriteFile(path, []byte(older), 0o666); err != nil {
			t.Fatal(err)
		}
		sent := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}[i%3]
		cmd, stdout, stderr := program("--format", format, "-o", path, file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Int64N(int64(150 * time.Millisecond))))
		cmd.Process.Signal(sent)
		if i%4 == 3 {
			cmd.Process.Signal(sent)
		}
		cmd.Wait()
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		status := cmd.ProcessState.ExitCode()
		switch {
		case string(document) == older: // before there was a report, or given up
			if status != statusInterrupted && status != -1 {
				t.Errorf("%s, %v: no report, and status %d", format, sent, status)
			}
		case !isWhole(format, string(document)) || status != statusInterrupted && status != statusDone && status != -1:
			t.Errorf("%s, %v: status %d, report %.100s", format, sent, status, document)
		case format == "json" && status == statusDone && decode(t, string(document))["capture"].(map[string]any)["interrupted"] != false:
			t.Errorf("%v: a report that says that it was interrupted, and status 0", sent)
		}
		if left := namesIn(t, folder); len(left) != 1 {
			t.Errorf("%s, %v left %v behind", format, sent, left)
		}
		if stdout.Len()+stderr.Len() > 0 {
			t.Errorf("%s, %v: %s%s", format, sent, stdout, stderr)
		}
	}
}

// SIGTERM and SIGHUP end the reading as Ctrl-C does: with a report.
func TestTermination(t *testing.T) {
	hearsHangups(t)
	for _, sent := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		folder := t.TempDir()
		path := filepath.Join(folder, "report.json")
		cmd, _, stderr := startProgram(t, "--format", "json", "-o", path, "-")
		awaitReport(t, folder)
		cmd.Process.Signal(sent)
		cmd.Wait()
		if status := cmd.ProcessState.ExitCode(); status != statusInterrupted || stderr.Len() > 0 {
			t.Errorf("%v: status %d, %s", sent, status, stderr)
		}
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if decode(t, string(document))["capture"].(map[string]any)["interrupted"] != true {
			t.Errorf("%v: not marked as interrupted: %s", sent, document)
		}
	}
}

// hearsHangups has the programs that the test starts hear SIGHUP, which they would not where
// the tests themselves run under nohup.
func hearsHangups(t *testing.T) {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(heard) })
}

// awaitReport waits until a report is begun in folder, and a little longer.
func awaitReport(t *testing.T, folder string) {
	t.Helper()
	for len(namesIn(t, folder)) == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
}

// Who starts the program with nohup wants it to outlive the terminal.
func TestHangupThatIsIgnored(t *testing.T) {
	needsSignals(t)
	signal.Ignore(syscall.SIGHUP) // what a process ignores, those that it starts ignore
	defer signal.Reset(syscall.SIGHUP)
	folder := t.TempDir()
	cmd, _, _ := startProgram(t, "--format", "json", "-o", filepath.Join(folder, "report.json"), "-")
	awaitReport(t, folder)
	cmd.Process.Signal(syscall.SIGHUP)
	time.Sleep(200 * time.Millisecond)
	if left := namesIn(t, folder); slices.Contains(left, "report.json") || len(left) != 1 {
		t.Errorf("SIGHUP ended the program: %v", left)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != statusInterrupted {
		t.Errorf("status %d", status)
	}
}

// While standard input has nothing to say yet, a signal ends the program.
func TestInterruptBeforeTheCapture(t *testing.T) {
	needsSignals(t)
	cmd, stdout, stderr := program("-")
	feed, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != statusInterrupted && status != -1 || stdout.Len()+stderr.Len() > 0 {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
}

// Where nobody reads the report any more, the program ends, and says nothing.
func TestReaderThatGoesAway(t *testing.T) {
	needsSignals(t)
	file := bigCapture(t, 2<<20)
	for _, format := range formatNames() {
		cmd, _, stderr := program("--format", format, file)
		cmd.Stdout = nil
		output, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		output.Read(make([]byte, 1))
		output.Close()
		cmd.Wait()
		status := cmd.ProcessState.ExitCode()
		signal := cmd.ProcessState.Sys().(syscall.WaitStatus).Signal()
		// A report that fits into the pipe was written to its end.
		if status != statusOutput && status != statusDone && signal != syscall.SIGPIPE || stderr.Len() > 0 {
			t.Errorf("%s: status %d, signal %v, %s", format, status, signal, stderr)
		}
	}
}

// A disk that fills up while the report is written leaves no half of it.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("only root can make a small disk")
	}
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("mount: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", disk).Run() })
	file := bigCapture(t, 1<<20)
	path := filepath.Join(disk, "report")
	for _, before := range []string{"", "older"} {
		if before != "" {
			if err := os.WriteFile(path, []byte(before), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for _, format := range []string{"json", "ndjson", "har", "csv"} {
			got := wirelag(t, nil, "--format", format, "-o", path, file)
			want := fmt.Sprintf("wirelag: %s: cannot write the report: no space left on device\n", path)
			if got.status != statusOutput || got.stdout != "" || got.stderr != want {
				t.Errorf("%s: status %d, %q, want %q", format, got.status, got.stderr, want)
			}
			content, _ := os.ReadFile(path)
			if left := namesIn(t, disk); string(content) != before || before == "" && len(left) > 0 || len(left) > 1 {
				t.Errorf("%s: %q in %v", format, content, left)
			}
		}
	}
}

// A device that takes nothing is told like a full disk.
func TestFullDevice(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	for _, format := range formatNames() {
		got := wirelag(t, nil, "--format", format, "-o", "/dev/full", firstRun)
		if want := "wirelag: /dev/full: cannot write the report: no space left on device\n"; got.status != statusOutput || got.stderr != want {
			t.Errorf("%s: status %d, %q", format, got.status, got.stderr)
		}
	}
}

// A baseline that cannot be written is told as that, and the report on the same
// findings is not lost.
func TestBaselineThatCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere", "baseline.yaml")
	for path, why := range map[string]string{"/dev/full": "no space left on device", nowhere: "no such file or directory"} {
		got := wirelag(t, nil, "--format", "json", "--write-baseline", path, firstRun)
		if want := fmt.Sprintf("wirelag: %s: cannot write the baseline: %s\n", path, why); got.status != statusOutput || got.stderr != want {
			t.Errorf("status %d, %q, want %q", got.status, got.stderr, want)
		}
		if path != nowhere && !json.Valid([]byte(got.stdout)) {
			t.Errorf("the report is %q", got.stdout)
		}
	}
}

// Where reading fails midway, what was read is reported, and the error told.
func TestReadThatFailsMidway(t *testing.T) {
	whole, err := os.ReadFile(firstRun)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{len(whole) / 2, len(whole)} {
		in := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(errors.New("input/output error")))
		got := wirelag(t, in, "--format", "json", "-")
		if got.status != statusInput || got.stderr != "wirelag: read -: input/output error\n" {
			t.Errorf("status %d, %q", got.status, got.stderr)
		}
		report := decode(t, got.stdout)
		if n == len(whole) && len(report["connections"].([]any)) != 2 {
			t.Errorf("what was read is not reported: %s", got.stdout)
		}
		if !strings.Contains(got.stdout, `"cut-record"`) {
			t.Errorf("capture health does not tell: %s", got.stdout)
		}
	}
	got := wirelag(t, iotest.ErrReader(errors.New("input/output error")), "-")
	if got.status != statusInput || got.stdout != "" || got.stderr != "wirelag: -: input/output error\n" {
		t.Errorf("at once: status %d, %q, %q", got.status, got.stderr, got.stdout)
	}
}

// A file that is cut, or grows, while it is read is analysed as far as there is
// something whole to read.
func TestFilesThatChange(t *testing.T) {
	content, err := os.ReadFile(bigCapture(t, 4<<20))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "changes.pcap")
	for name, change := range map[string]func(f *os.File) error{
		"cut":     func(f *os.File) error { return f.Truncate(1<<20 + 7) },
		"emptied": func(f *os.File) error { return f.Truncate(0) },
		"grows": func(f *os.File) error {
			for range 100 {
				if _, err := f.Write([]byte("no packet at all, but bytes that claim to be some")); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		for _, files := range []int{1, 2} { // two are read twice
			for wait := time.Duration(0); wait < 40*time.Millisecond; wait += 13 * time.Millisecond {
				if err := os.WriteFile(path, content, 0o666); err != nil {
					t.Fatal(err)
				}
				args := append([]string{"--format", "json", path}, []string{firstRun}[:files-1]...)
				cmd, stdout, stderr := program(args...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(wait)
				f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				if err := change(f); err != nil {
					t.Fatal(err)
				}
				f.Close()
				cmd.Wait()
				empty := fmt.Sprintf("wirelag: %s: is empty\n", path)
				switch status := cmd.ProcessState.ExitCode(); {
				case status == statusInput && stderr.String() == empty && name == "emptied":
				case status != statusDone || stderr.Len() > 0 || !json.Valid(stdout.Bytes()):
					t.Errorf("%s, %d files, %v: status %d, %s, %d bytes", name, files, wait, status, stderr, stdout.Len())
				}
			}
		}
	}
}

// What may not be read or written is told in one line. Root may do everything, so
// that it is somebody else who tries.
func TestMissingPermissions(t *testing.T) {
	needsSignals(t)
	folder := t.TempDir()
	for _, dir := range []string{folder, filepath.Dir(folder)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	closed := filepath.Join(folder, "closed")
	if err := os.WriteFile(closed, []byte("top: 1\n"), 0); err != nil {
		t.Fatal(err)
	}
	readOnly := filepath.Join(folder, "read-only")
	if err := os.Mkdir(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(folder, "capture.pcap")
	content, err := os.ReadFile(firstRun)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, content, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{closed}, statusInput, closed + ": permission denied"},
		{[]string{"--config", closed, open}, statusUsage, closed + ": permission denied"},
		{[]string{"-o", filepath.Join(readOnly, "report"), open}, statusOutput, readOnly + "/report: cannot write the report: permission denied"},
	} {
		cmd, stdout, stderr := program(c.args...)
		if os.Getuid() == 0 {
			asNobody(t, cmd, folder)
		}
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if status := cmd.ProcessState.ExitCode(); status != c.status || stdout.Len() > 0 || stderr.String() != "wirelag: "+c.stderr+"\n" {
			t.Errorf("%v: status %d, %q", c.args, status, stderr)
		}
	}
}
