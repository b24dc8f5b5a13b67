package analyze_test

import (
	"context"
	"runtime"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture/generate"
)

// TestMemoryIsLevel analyses many short connections, of which but a few are open
// at a time: what is kept does not grow with their number.
func TestMemoryIsLevel(t *testing.T) {
	connections := int64(200_000)
	if testing.Short() {
		connections = 40_000
	}
	src, err := generate.NewSource(generate.Options{Kind: generate.Short, Seed: 1, Connections: connections})
	if err != nil {
		t.Fatal(err)
	}
	var early, late, closed uint64
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	c, err := analyze.Run(context.Background(), src, analyze.Listener{
		Closed: func(*analyze.Connection) {
			switch closed++; closed {
			case uint64(connections / 4):
				early = heap()
			case uint64(connections - 100):
				late = heap()
			}
		},
	}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const slack = 2 << 20
	if c.Connections != uint64(connections) || early == 0 || late > early+slack {
		t.Errorf("%d connections: %d bytes of heap after a quarter, %d at the end", c.Connections, early, late)
	}
}
