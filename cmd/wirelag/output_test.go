package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAReportGivenUpLeavesWhatWasThere(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "report")
	if err := os.WriteFile(path, []byte("older"), 0o666); err != nil {
		t.Fatal(err)
	}
	d, err := openDestination(path, "report", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(bytes.Repeat([]byte("half"), 1<<16)); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 2 {
		t.Errorf("the report is not written beside: %v", left)
	}
	d.abandon()
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "older" {
		t.Errorf("%v: %.20s", err, content)
	}
}

func TestOutputKeepsLinksModesAndDevices(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other kinds of files")
	}
	folder := t.TempDir()
	target, link := filepath.Join(folder, "target"), filepath.Join(folder, "link")
	if err := os.WriteFile(target, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{link, os.DevNull} {
		d, err := openDestination(name, "report", nil)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(d, "report")
		if err := d.commit(); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v %v", info, err)
	}
	content, err := os.ReadFile(target)
	if err != nil || string(content) != "report" {
		t.Errorf("%v: %s", err, content)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s was replaced", os.DevNull)
	}
}

// Standard output by its name as a file is written behind what is there already.
func TestOutputToTheFileThatStandardOutputIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	io.WriteString(log, "before\n")
	if status := run([]string{"--format", "csv", "-o", path, firstRun}, nil, log, io.Discard); status != statusDone {
		t.Errorf("status %d", status)
	}
	io.WriteString(log, "after\n")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(content); !strings.HasPrefix(text, "before\nexchange,") || !strings.HasSuffix(text, "\nafter\n") {
		t.Errorf("%s", text)
	}
}

func TestInterruptsActInOrder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan int)
	act := func(n int) func() { return func() { called <- n } }
	signals := onInterrupt(act(1), act(2), act(3))
	defer signals.release()
	interrupt := func(want int) {
		t.Helper()
		if err := self.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if got := <-called; got != want {
			t.Errorf("act %d, want %d", got, want)
		}
	}
	interrupt(1)
	interrupt(2)
	signals.then(act(4))
	interrupt(4)
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, os.Interrupt)
	defer signal.Stop(arrived)
	if err := self.Signal(os.Interrupt); err != nil { // no act is left, and the test goes on
		t.Fatal(err)
	}
	<-arrived
}

func TestInterruptibleReader(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	content := bytes.Repeat([]byte("0123456789"), 50_000)
	if err := iotest.TestReader(interruptible(ctx, bytes.NewReader(content)), content); err != nil {
		t.Error(err)
	}
	never, _ := io.Pipe()
	r := interruptible(ctx, never)
	cancel()
	if n, err := r.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("interrupted: %d, %v", n, err)
	}
	f, err := os.Open(firstRun)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if r := interruptible(ctx, f); r != io.Reader(f) {
		t.Error("a regular file is wrapped, though it never waits")
	}
}

// One file has many names, also before it is there. What two outputs are written to is
// told apart by the file.
func TestOutputsAreNotWrittenOverEachOther(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("known.yaml", "baseline: 1\nfindings: []\n")
	settings := write("settings.yaml", "top: 5\n")
	made, link := filepath.Join(folder, "new"), filepath.Join(folder, "link")
	if err := os.Symlink("new", link); err != nil {
		t.Skip(err)
	}
	t.Chdir(folder)
	capture := captureFile(t, "a.pcap", "a 10.0.0.1:40000 > 10.0.0.2:80\n0ms a > SYN\n")
	for _, line := range []string{
		"--write-baseline new -o ./new", "--write-baseline new -o " + made, "--write-baseline link -o new", "--write-baseline new -o " + link,
		"--baseline known.yaml -o ./known.yaml", "--config settings.yaml -o " + settings, "--config settings.yaml --write-baseline ./settings.yaml",
	} {
		if got := wirelag(t, nil, append(strings.Fields(line), capture)...); got.status != statusUsage {
			t.Errorf("%s: status %d, %s", line, got.status, got.stderr)
		}
	}
	if got := wirelag(t, nil, "live", "-i", "lo", "-w", "new", "-o", "./new"); got.status != statusUsage || !strings.Contains(got.stderr, "name the same file") {
		t.Errorf("live: status %d, %s", got.status, got.stderr)
	}
	if left := namesIn(t, folder); len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
	for _, line := range []string{
		"--baseline known.yaml --write-baseline known.yaml -o new", "-o " + os.DevNull + " --write-baseline " + os.DevNull, "-o link --config settings.yaml",
	} {
		if got := wirelag(t, nil, append(strings.Fields(line), capture)...); got.status != statusDone {
			t.Errorf("%s: status %d, %s", line, got.status, got.stderr)
		}
	}
	t.Setenv("WIRELAG_CONFIG", settings)
	if got := wirelag(t, nil, "-o", settings, capture); got.status != statusUsage {
		t.Errorf("over the configuration that the environment names: status %d, %s", got.status, got.stderr)
	}
}
