package generate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"wirelag/reassembly/capture"
)

var allKinds = []Kind{Mixed, KeepAlive, Short, Bulk, Open, SYNFlood, OutOfOrder}

func TestKindNames(t *testing.T) {
	for _, kind := range allKinds {
		if got, err := ParseKind(kind.String()); err != nil || got != kind {
			t.Errorf("%v: parsed as %v, %v", kind, got, err)
		}
	}
	if len(allKinds) != len(profiles) {
		t.Errorf("%d profiles, %d kinds", len(profiles), len(allKinds))
	}
	if got := Kind(0).String() + " " + Kind(99).String(); got != "kind 0 kind 99" {
		t.Error(got)
	}
	if _, err := ParseKind(""); err == nil {
		t.Error("the kind without a name is accepted")
	}
}

// TestGoldenBytes keeps captures the same from release to release: measurements
// are compared over them.
func TestGoldenBytes(t *testing.T) {
	for kind, want := range map[Kind]string{
		Mixed:      "7e650a70e9a6980d",
		KeepAlive:  "0ea7f4a1c8258899",
		Short:      "bc9b8ad77d780987",
		Bulk:       "f84536965b6d9087",
		Open:       "5ae836a4c24c4a77",
		SYNFlood:   "31816d27fcb9812a",
		OutOfOrder: "0bc47387aa4b5896",
	} {
		o := Options{Kind: kind, Seed: 1, Size: 1 << 20}
		hash := sha256.New()
		if _, err := WritePcap(hash, o, true); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", hash.Sum(nil)[:8]); got != want {
			t.Errorf("%v: hash %s, want %s", kind, got, want)
		}
		o.Seed = 2
		hash.Reset()
		if _, err := WritePcap(hash, o, true); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", hash.Sum(nil)[:8]); got == want {
			t.Errorf("%v: seeds 1 and 2 give the same bytes", kind)
		}
	}
}

// TestSize checks how near the captures come to the size that was asked for.
func TestSize(t *testing.T) {
	for _, kind := range allKinds {
		const size = 40 << 20
		truth, err := WritePcap(io.Discard, Options{Kind: kind, Seed: 3, Size: size}, true)
		if err != nil {
			t.Fatal(err)
		}
		if truth.Bytes < size*8/10 || truth.Bytes > size*5/4 {
			t.Errorf("%v: %d bytes, asked for %d", kind, truth.Bytes, size)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		options  Options
		requests uint64
	}{
		{Options{Kind: KeepAlive, Connections: 3, Exchanges: 50}, 150},
		{Options{Kind: KeepAlive, Connections: 1}, defaultExchanges},
		{Options{Kind: Short, Connections: 5000}, 5000},
		{Options{Kind: Open, Connections: 300}, 300},
		{Options{Kind: SYNFlood, Connections: 300}, 0},
	} {
		truth, err := WritePcap(io.Discard, test.options, true)
		if err != nil {
			t.Fatal(err)
		}
		if truth.Connections != uint64(test.options.Connections) || truth.Requests != test.requests || truth.Responses != test.requests {
			t.Errorf("%+v: %+v", test.options, truth)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	for _, o := range []Options{{}, {Kind: 99, Size: 1}, {Kind: Mixed}, {Kind: Mixed, Size: -1}, {Kind: Mixed, Size: 1, Exchanges: -1}} {
		if _, err := WritePcap(io.Discard, o, true); err == nil || !strings.HasPrefix(err.Error(), "generate a capture: ") {
			t.Errorf("%+v: WritePcap returns %v", o, err)
		}
		if _, err := NewSource(o); err == nil {
			t.Errorf("%+v: NewSource accepts it", o)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteError(t *testing.T) {
	_, err := WritePcap(brokenWriter{}, Options{Kind: Mixed, Size: 1 << 20}, true)
	if err == nil || err.Error() != "write a capture: io: read/write on closed pipe" {
		t.Error(err)
	}
}

// TestSource compares the packets of the source with those of the file.
func TestSource(t *testing.T) {
	o := Options{Kind: Mixed, Seed: 5, Size: 3 << 20}
	var file bytes.Buffer
	truth, err := WritePcap(&file, o, false)
	if err != nil {
		t.Fatal(err)
	}
	file.Next(24)
	s, err := NewSource(o)
	if err != nil {
		t.Fatal(err)
	}
	var source capture.Source = s
	var batches [2]capture.Batch // one is still held while the other is read into
	var frames uint64
	check := func(b *capture.Batch) {
		for _, p := range b.Packets {
			frames++
			record := file.Next(16)
			data := file.Next(len(p.Data))
			at := p.Time.UTC()
			if p.Frame != capture.NewFrame(0, frames) || !bytes.Equal(p.Data, data) || int(p.Length) != len(data) ||
				uint32(at.Unix()) != binary.LittleEndian.Uint32(record) ||
				uint32(at.Nanosecond()/1000) != binary.LittleEndian.Uint32(record[4:]) {
				t.Fatalf("packet %d differs", frames)
			}
		}
	}
	for i := 0; ; i++ {
		err := source.Read(&batches[i%2])
		if i > 0 {
			check(&batches[(i+1)%2])
		}
		if err != nil {
			if err != io.EOF || len(batches[i%2].Packets) != 0 {
				t.Errorf("at the end: %v and %d packets", err, len(batches[i%2].Packets))
			}
			break
		}
	}
	f := source.Files()[0]
	if file.Len() != 0 || frames != truth.Packets || s.Truth() != truth || f.Packets != truth.Packets || f.Bytes != truth.Bytes {
		t.Errorf("%d packets from the source, %d bytes more in the file; truth %+v and %+v", frames, file.Len(), s.Truth(), truth)
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	for _, kind := range allKinds {
		s, err := NewSource(Options{Kind: kind, Size: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		var b capture.Batch
		for range 20 {
			if err := s.Read(&b); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(50, func() { _ = s.Read(&b) }); n > 0 {
			t.Errorf("%v: %v allocations a batch", kind, n)
		}
	}
}

func BenchmarkSource(b *testing.B) {
	for _, kind := range allKinds {
		b.Run(kind.String(), func(b *testing.B) {
			s, err := NewSource(Options{Kind: kind, Seed: 1, Size: 1 << 60})
			if err != nil {
				b.Fatal(err)
			}
			var batch capture.Batch
			for b.Loop() {
				if err := s.Read(&batch); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(s.Truth().Bytes) / int64(b.N))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(s.Truth().Packets), "ns/packet")
		})
	}
}
