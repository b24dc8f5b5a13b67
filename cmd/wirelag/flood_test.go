package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// floodScale says how large the floods are. At 1 they are as large as the bounds
// are meant for, which takes minutes: see TestFullFloods.
var floodScale = flag.Float64("floods", 0.004, "size of the floods, as a part of the full one")

// maxHeap is what no capture may make the program hold.
const maxHeap = 512 << 20

// flood is a capture made to exhaust the program. It is made while it is read.
type flood struct {
	name  string
	items int // of full size
	least int // items for the limits to bite
	// perItem is how many bytes of heap an item may take for as long as the capture
	// goes on; 0: what is held is level.
	perItem int
	limits  []string // kinds of capture health that tell of it
	// full are those that tell of it only at full size.
	full []string
	// send writes the flood; raw does where it is no run of IP packets.
	send func(w *wire, items int)
	raw  func(w io.Writer, items int)
}

// TestFloods runs each flood through the whole program, at half of its size and
// at all of it: what is held, and what is allocated meanwhile, must not grow
// faster than the flood, and each limit that bites is told by its name.
func TestFloods(t *testing.T) {
	if testing.Short() {
		t.Skip("they take some seconds")
	}
	for _, f := range allFloods() {
		t.Run(f.name, func(t *testing.T) {
			items := max(int(float64(f.items)**floodScale), f.least, 100)
			f.check(t, items)
		})
	}
}

func allFloods() []flood {
	return slices.Concat(connectionFloods, reassemblyFloods, headFloods, exchangeFloods, ruleFloods, keptFloods, packetFloods, streamFloods)
}

func (f *flood) check(t *testing.T, items int) {
	began := time.Now()
	half, _ := f.analyse(t, items/2)
	whole, health := f.analyse(t, items)
	t.Logf("%d items: %.1f MB of heap (half of them: %.1f), %.0f MB allocated (%.0f), %v, peak %s; %v", items,
		mega(whole.heap), mega(half.heap), mega(whole.allocated), mega(half.allocated), time.Since(began).Round(time.Millisecond), peak(), health)
	const slack = 10 << 20 // what the collector happens to have left
	if grown := whole.heap - half.heap; grown > int64(f.perItem*(items-items/2))+slack {
		t.Errorf("%d more items take %d bytes more of heap", items-items/2, grown)
	}
	if whole.heap > maxHeap {
		t.Errorf("%d bytes of heap", whole.heap)
	}
	if whole.allocated > 3*half.allocated+slack {
		t.Errorf("%d bytes are allocated, %d for half the items", whole.allocated, half.allocated)
	}
	limits := f.limits
	if *floodScale >= 1 {
		limits = append(limits, f.full...)
	}
	for _, kind := range limits {
		if !slices.Contains(health, kind) {
			t.Errorf("no %s in %v", kind, health)
		}
	}
}

func mega(n int64) float64 { return float64(n) / (1 << 20) }

// peak is the most memory that the process has had, where the system tells.
func peak() string {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(size)
		}
	}
	return "unknown"
}

// levels are what is on the heap and what was allocated since another moment.
type levels struct{ heap, allocated int64 }

func measure() levels {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return levels{int64(m.HeapAlloc), int64(m.TotalAlloc)}
}

// write writes the capture.
func (f *flood) write(out io.Writer, items int) {
	if f.raw != nil {
		f.raw(out, items)
		return
	}
	w := newWire(out)
	f.send(w, items)
	w.out.Flush()
}

// analyse runs the program over the flood, in one goroutine, so that nothing is
// under way at its end. It returns the levels at the flood's
// end, when all that it holds is held, and the kinds of capture health.
func (f *flood) analyse(t *testing.T, items int) (levels, []string) {
	in, out := io.Pipe()
	before := measure()
	var after levels
	sent := make(chan bool)
	go func() {
		defer close(sent)
		defer out.Close()
		f.write(out, items)
		out.Write(nil) // until there is nothing else to do than to read on
		after = measure()
	}()
	var report captureLine
	var stderr bytes.Buffer
	if status := run([]string{"analyze", "--format", "ndjson", "--jobs", "1", "-"}, in, &report, &stderr); status != statusDone {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	in.Close() // what damaged it may have ended the reading early
	<-sent
	return levels{after.heap - before.heap, after.allocated - before.allocated}, report.health(t)
}

// captureLine keeps the line of an NDJSON report that describes the capture.
type captureLine struct{ line, capture []byte }

func (l *captureLine) Write(b []byte) (int, error) {
	n := len(b)
	for {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		l.line = append(l.line, line...)
		if !whole {
			return n, nil
		}
		if bytes.HasPrefix(l.line, []byte(`{"type":"capture"`)) {
			l.capture = bytes.Clone(l.line)
		}
		l.line, b = l.line[:0], rest
	}
}

func (l *captureLine) health(t *testing.T) (kinds []string) {
	var c struct {
		Health []struct {
			Kind  string
			Count uint64
		}
	}
	if err := json.Unmarshal(l.capture, &c); err != nil {
		t.Fatalf("%v: %s", err, l.capture)
	}
	for _, i := range c.Health {
		if i.Count > 0 {
			kinds = append(kinds, i.Kind)
		}
	}
	return kinds
}
