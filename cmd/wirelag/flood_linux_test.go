package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFullFloods runs each flood at a quarter, at half and at all of its full
// size through the program as a process of its own, as it is by default, and
// prints a line of the table in docs/performance/floods.md. No process may take
// more than maxHeap. How long they take is for whoever reads the table.
//
//	go test ./cmd/wirelag -run TestFullFloods/NAME -floods 1 -v -timeout 2h
func TestFullFloods(t *testing.T) {
	if *floodScale < 1 {
		t.Skip("only with -floods 1: it takes minutes")
	}
	for _, f := range allFloods() {
		t.Run(f.name, func(t *testing.T) {
			items := int(float64(f.items) * *floodScale)
			quarter, half, whole := f.process(t, items/4), f.process(t, items/2), f.process(t, items)
			t.Logf("| %s | %d MB | %.1f | %.1f | %.1f | %d MB | %v |", f.name, whole.input>>20,
				quarter.spent.Seconds(), half.spent.Seconds(), whole.spent.Seconds(), whole.peak>>20, whole.health)
			for _, kind := range slices.Concat(f.limits, f.full) {
				if !slices.Contains(whole.health, kind) {
					t.Errorf("no %s in %v", kind, whole.health)
				}
			}
			if whole.peak > maxHeap {
				t.Errorf("%d bytes at its peak", whole.peak)
			}
		})
	}
}

// spending is what a process took to analyse a flood.
type spending struct {
	input  int64 // bytes that it was given
	spent  time.Duration
	peak   int64 // bytes
	health []string
}

// process analyses the flood in a process of its own.
func (f *flood) process(t *testing.T, items int) spending {
	t.Helper()
	cmd, _, stderr := program("analyze", "--format", "ndjson", "-")
	var report captureLine
	cmd.Stdout = &report
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := make(chan int64)
	go func() { peak <- peakOf(cmd.Process.Pid) }()
	counted := &counter{w: in}
	f.write(counted, items)
	in.Close()
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v: %s", err, stderr)
	}
	return spending{counted.n, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), <-peak, report.health(t)}
}

// peakOf is the most memory that a process has had, some milliseconds before its
// end. What the system tells afterwards counts what this process had when it
// started the other, too.
func peakOf(process int) (bytes int64) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
		_, rest, found := strings.Cut(string(status), "VmHWM:")
		if err != nil || !found {
			return bytes
		}
		var kilobytes int64
		fmt.Sscan(rest, &kilobytes)
		bytes = kilobytes << 10
		time.Sleep(5 * time.Millisecond)
	}
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return c.w.Write(b)
}
