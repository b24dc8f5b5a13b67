package main

import (
	"runtime"
	"runtime/debug"
	gauges "runtime/metrics"
	"sync"
)

// How large the heap may become before it is collected: smallHeap, or so many
// percent more than what was alive at the latest collection. Little is alive in
// most analyses, and to collect that over and over takes a third of their time;
// where much is, memory is worth more.
const (
	smallHeap     = 24 << 20
	growthPercent = 35
)

// heapTuner sets after each collection when the next one comes.
type heapTuner struct {
	live   [1]gauges.Sample
	before int // the percent that was in force
	mu     sync.Mutex
	over   bool
}

// tuneHeap begins to tune, until the function that it returns is called.
func tuneHeap() (stop func()) {
	t := &heapTuner{live: [1]gauges.Sample{{Name: "/gc/heap/live:bytes"}}}
	t.before = debug.SetGCPercent(smallHeap / (4 << 20) * 100) // of 4 MiB, which count as alive at least
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
	gauges.Read(t.live[:])
	percent := growthPercent
	if live := t.live[0].Value.Uint64(); live < smallHeap {
		percent = max(percent, int((smallHeap-live)*100/max(live, 1<<20)))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		debug.SetGCPercent(percent)
		t.watch()
	}
}
