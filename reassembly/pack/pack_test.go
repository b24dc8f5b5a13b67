package pack

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"wirelag/reassembly/capture"
)

type sample struct {
	Yes, No  bool
	first    capture.Mark
	behind   [2]capture.Mark
	Pointer  *int
	Small    uint8
	Port     uint16
	Short    int16
	Number   int32
	sequence [3]uint32
	Place    int64
	Count    int
	Word     uint64
	Took     time.Duration
	inner    struct {
		Name  string
		Place int64
		Flag  [2]bool
	}
}

var sampleCodec = New[sample]("Pointer", "inner.Name")

func TestPacked(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 20000 {
		in := randomSample(r, n)
		var w Writer
		sampleCodec.Put(&w, &in)
		w.Text("between")
		second := randomSample(r, n+1)
		sampleCodec.Put(&w, &second)
		w.Truth(true)
		w.Number(uint64(n))
		reader := NewReader(string(w.Bytes()))
		var out, outSecond sample
		sampleCodec.Take(reader, &out)
		text := reader.Text()
		sampleCodec.Take(reader, &outSecond)
		if !reflect.DeepEqual(in, out) || !reflect.DeepEqual(second, outSecond) || text != "between" || !reader.Truth() || reader.Number() != uint64(n) {
			t.Fatalf("case %d:\n%+v\n%+v\n%+v\n%+v", n, in, out, second, outSecond)
		}
		if reader.rest != "" {
			t.Fatalf("case %d: %d bytes are left", n, len(reader.rest))
		}
	}
}

// randomSample has numbers that are near each other, or far, or at a bound, or zero.
func randomSample(r *rand.Rand, n int) sample {
	var s sample
	base := r.Uint64()
	for i := range sampleCodec.fields {
		f := &sampleCodec.fields[i]
		v := uint64(0)
		switch r.IntN(6) {
		case 0:
			v = base + r.Uint64N(1000)
		case 1:
			v = base - 1000*r.Uint64N(1<<20)
		case 2:
			v = r.Uint64() >> r.IntN(64)
		case 3:
			v = []uint64{1 << 63, 1<<63 - 1, 1<<62 - 1, 1 << 62, ^uint64(0), 1<<32 - 1, 1 << 31}[n%7]
		case 4:
			v = r.Uint64N(100)
		}
		if f.kind == truths {
			v &= 1
		}
		f.store(reflect.ValueOf(&s).UnsafePointer(), v)
	}
	return s
}

// TestSmall: times, sequence numbers and places that are near each other take a byte or two each.
func TestSmall(t *testing.T) {
	var s sample
	s.first = capture.Mark{Time: 1_700_000_000_000_000_000, Frame: 1_000_000}
	s.behind = [2]capture.Mark{{Time: s.first.Time + 3_000_000, Frame: s.first.Frame + 20}, {Time: s.first.Time + 3_000_000, Frame: s.first.Frame + 20}}
	s.sequence = [3]uint32{0xfffffff0, 10, 20}
	s.Place, s.inner.Place, s.Yes = 300, 300, true
	var w Writer
	sampleCodec.Put(&w, &s)
	if n := len(w.Bytes()); n > 36 {
		t.Errorf("%d bytes", n)
	}
}

func TestCodecKnowsAllFields(t *testing.T) {
	for _, without := range [][]string{{"Pointer"}, {"inner.Name"}, {"Pointer", "inner.Name", "gone"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New took a structure without %q", without)
				}
			}()
			New[sample](without...)
		}()
	}
}
