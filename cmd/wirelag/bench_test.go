package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"wirelag/reassembly/capture/generate"
)

// BenchmarkProgram is the whole program over generated captures of each kind of
// traffic, or over those that WIRELAG_CAPTURES lists, separated as in PATH. Builds are
// optimised by its CPU profile over recorded ones, default.pgo, which is made with
//
//	go test ./cmd/wirelag -pgo off -run '^$' -bench Program -cpuprofile cmd/wirelag/default.pgo -o /dev/null
func BenchmarkProgram(b *testing.B) {
	captures := filepath.SplitList(os.Getenv("WIRELAG_CAPTURES"))
	if len(captures) == 0 {
		captures = generatedCaptures(b, 128<<20)
	}
	for _, name := range captures {
		b.Run(filepath.Base(name), func(b *testing.B) {
			if info, err := os.Stat(name); err == nil {
				b.SetBytes(info.Size())
			}
			for b.Loop() {
				args := []string{"analyze", "--no-progress", "--format", "ndjson", "--jobs", "2", name}
				if status := run(args, nil, io.Discard, os.Stderr); status != statusDone {
					b.Fatalf("status %d", status)
				}
			}
		})
	}
}

func generatedCaptures(b *testing.B, size int64) (names []string) {
	kinds := map[string]generate.Kind{"mixed": generate.Mixed, "keepalive": generate.KeepAlive, "short": generate.Short, "bulk": generate.Bulk}
	for name, kind := range kinds {
		names = append(names, generated(b, name, generate.Options{Kind: kind, Seed: 1, Size: size}))
	}
	return names
}
