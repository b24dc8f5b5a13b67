package capture_test

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

const threePackets = `
c 10.0.0.1:40000 > 10.0.0.2:80
0ms  c > SYN
20ms c < SYN ACK
20ms c > ACK
`

// Packets come in the order of the corrected times, those of one time in the
// order of the inputs.
func TestCorrect(t *testing.T) {
	parsed, err := script.Parse(threePackets)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	names := []string{filepath.Join(folder, "a.pcap"), filepath.Join(folder, "b.pcap")}
	for _, name := range names {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(script.WritePcap(f, parsed.Packets), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		ahead time.Duration // of the second
		want  []int         // the files of the packets
	}{
		{0, []int{0, 1, 0, 0, 1, 1}},
		{time.Millisecond, []int{1, 0, 1, 1, 0, 0}},
		{-10 * time.Millisecond, []int{0, 1, 0, 0, 1, 1}},
		{time.Hour, []int{1, 1, 1, 0, 0, 0}},
		{math.MinInt64 + 1, []int{0, 0, 0, 1, 1, 1}},
	} {
		src, errs := capture.OpenAll(names, nil)
		if errs != nil {
			t.Fatal(errs)
		}
		src = capture.Correct(src, []capture.Clock{{File: 1, Interface: capture.AllInterfaces, Ahead: c.ahead}})
		var got []int
		var last capture.Time
		var b capture.Batch
		for err = nil; err == nil; err = src.Read(&b) {
			for _, p := range b.Packets {
				if p.Time < last {
					t.Errorf("%v ahead: packet %v of file %d comes late", c.ahead, p.Frame, p.Frame.File())
				}
				last = p.Time
				got = append(got, p.Frame.File())
			}
		}
		if err != io.EOF || !slices.Equal(got, c.want) {
			t.Errorf("%v ahead: files %v, want %v (%v)", c.ahead, got, c.want, err)
		}
		if src.Files()[1].ClockOffset != c.ahead {
			t.Errorf("the offset of the file is %v", src.Files()[1].ClockOffset)
		}
		src.Close()
	}
}

// A first pass is part of the progress, and leaves the counters alone.
func TestReopen(t *testing.T) {
	const name = "../../testdata/first-run.pcap"
	src, err := capture.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	file := src.Files()[0]
	again, err := file.Reopen()
	if err != nil {
		t.Fatal(err)
	}
	var b capture.Batch
	for err == nil {
		err = again.Read(&b)
	}
	again.Close()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, size := file.Progress(); size != 2*info.Size() || file.Packets != 0 || again.Files()[0].Packets == 0 {
		t.Errorf("size %d of %d, %d packets and %d", size, info.Size(), file.Packets, again.Files()[0].Packets)
	}
	if _, err := new(capture.File).Reopen(); err == nil {
		t.Error("a pipe can be read twice")
	}
}
