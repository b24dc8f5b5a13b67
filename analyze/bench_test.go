package analyze_test

import (
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/generate"
)

// BenchmarkRun analyses generated captures of each kind. It reports the cost of
// a packet, and how many times that of only reading it.
func BenchmarkRun(b *testing.B) {
	for _, o := range []generate.Options{
		{Kind: generate.Mixed, Size: 64 << 20},
		{Kind: generate.KeepAlive, Size: 32 << 20},
		{Kind: generate.Short, Size: 32 << 20},
		{Kind: generate.Bulk, Size: 128 << 20},
		{Kind: generate.Open, Size: 32 << 20},
	} {
		b.Run(o.Kind.String(), func(b *testing.B) {
			var before, after runtime.MemStats
			var reading, running time.Duration
			packets := uint64(0)
			runtime.ReadMemStats(&before)
			for b.Loop() {
				start := time.Now()
				packets += read(b, source(b, o))
				reading += time.Since(start)
				start = time.Now()
				if _, err := analyze.Run(context.Background(), source(b, o), analyze.Listener{}, analyze.Options{}); err != nil {
					b.Fatal(err)
				}
				running += time.Since(start)
			}
			runtime.ReadMemStats(&after)
			n := float64(packets)
			b.ReportMetric(float64((running-reading).Nanoseconds())/n, "ns/packet")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/packet")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/packet")
			b.ReportMetric(float64(running)/float64(reading), "x-reading")
		})
	}
}

func source(b *testing.B, o generate.Options) capture.Source {
	s, err := generate.NewSource(o)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// read counts the packets of a source, touching nothing but their lengths.
func read(b *testing.B, s capture.Source) (packets uint64) {
	var batch capture.Batch
	for {
		err := s.Read(&batch)
		packets += uint64(len(batch.Packets))
		if err == io.EOF {
			return packets
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
