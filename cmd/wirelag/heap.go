package main

import (
	"runtime"
	"runtime/debug"
	gauges "runtime/metrics"
	"sync"
)

// How large the heap may become before it is collected: smallHeap, or so many bytes or,
// if that is more, so many percent more than what was alive at the latest collection.
// Little is alive in most analyses, and to collect that over and over takes a third of
// their time; where much is, memory is worth more.
const (
	smallHeap     = 42 << 20
	growth        = 16 << 20
	growthPercent = 10
)

// heapTuner sets after each collection when the next one comes.
type heapTuner struct {
	scanned []gauges.Sample // bytes that a collection looks at: those alive first
	before  int             // the percent that was in force
	mu      sync.Mutex
	over    bool
}

// tuneHeap begins to tune, until the function that it returns is called.
func tuneHeap() (stop func()) {
	t := &heapTuner{scanned: []gauges.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/scan/stack:bytes"},
	}}
	t.before = debug.SetGCPercent(t.percent())
	t.watch()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.over = true
		debug.SetGCPercent(t.before)
	}
}

// watch waits for the next collection: one that finds the mark that nobody holds.
func (t *heapTuner) watch() {
	runtime.AddCleanup(new([16]byte), (*heapTuner).collected, t)
}

func (t *heapTuner) collected() {
	percent := t.percent()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		debug.SetGCPercent(percent)
		t.watch()
	}
}

// percent is by how much of what a collection looks at the heap may grow now.
func (t *heapTuner) percent() int {
	gauges.Read(t.scanned)
	live, all := t.scanned[0].Value.Uint64(), uint64(leastScanned)
	for i := range t.scanned {
		all += t.scanned[i].Value.Uint64()
	}
	room := uint64(growth)
	if live < smallHeap {
		room = max(room, smallHeap-live)
	}
	return max(growthPercent, int(room*100/all))
}

// leastScanned is about what the runtime itself has.
const leastScanned = 1 << 20
