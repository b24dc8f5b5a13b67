package rules

import (
	"context"
	"runtime"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/generate"
)

// slowed is a source whose clock runs slower: its capture lasts factor times as long.
type slowed struct {
	*generate.Source
	factor, start capture.Time
}

func (s *slowed) Read(b *capture.Batch) error {
	err := s.Source.Read(b)
	for i := range b.Packets {
		p := &b.Packets[i]
		if s.start == 0 {
			s.start = p.Time
		}
		p.Time = s.start + (p.Time-s.start)*s.factor
	}
	return err
}

// TestMemoryIsLevel follows clients over many connections for hours of capture
// time with all rules: what they keep does not grow.
func TestMemoryIsLevel(t *testing.T) {
	connections := int64(120_000)
	if testing.Short() {
		connections = 40_000
	}
	src, err := generate.NewSource(generate.Options{Kind: generate.Short, Seed: 1, Connections: connections})
	if err != nil {
		t.Fatal(err)
	}
	var half, end uint64
	closed := int64(0)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	listener := analyze.Join(NewLedger(All, nil, func(*Finding) {}, nil), analyze.Listener{Closed: func(*analyze.Connection) {
		switch closed++; closed {
		case connections / 2:
			half = heap()
		case connections - 100:
			end = heap()
		}
	}})
	c, err := analyze.Run(context.Background(), &slowed{Source: src, factor: 200}, listener, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const slack = 4 << 20
	if half == 0 || end > half+slack {
		t.Errorf("%v of capture: %d bytes of heap after half of it, %d at the end", c.End.Sub(c.Start), half, end)
	}
	t.Logf("%v of capture: %d KB, %d KB", c.End.Sub(c.Start), half>>10, end>>10)
}
