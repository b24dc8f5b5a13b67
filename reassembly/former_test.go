package reassembly

import (
	"math/rand/v2"
	"testing"
	"time"

	"wirelag/reassembly/capture"
)

// TestFormers compares what is remembered with what the bounds say should be.
func TestFormers(t *testing.T) {
	const seconds = 1000
	random := rand.New(rand.NewPCG(1, 2))
	type noted struct {
		former
		generation int
	}
	var f formers
	should, generation, since := map[Key]noted{}, 0, capture.Time(0)
	for i := range uint64(50_000) {
		now := capture.Time(i * seconds * uint64(time.Second) / 50_000)
		if i == 0 || now.Sub(since) > formerTime {
			generation, since = generation+1, now
		}
		k := Key{full: random.Uint64N(4096) << 32} // so that slots collide
		closed := former{capture.Mark{Time: now, Frame: capture.NewFrame(0, i+1)}, Side(i % 2)}
		if forgotten := f.note(k, closed, now); forgotten != 0 {
			t.Fatalf("close %d: %d forgotten too early", i, forgotten)
		}
		should[k] = noted{closed, generation}
		if i%8 == 0 {
			k = Key{full: random.Uint64N(4096) << 32}
			f.forget(k)
			delete(should, k)
		}
		k = Key{full: random.Uint64N(4096) << 32}
		want := should[k].former
		if should[k].generation < generation-1 {
			want = former{}
		}
		if got := f.find(k); got != want {
			t.Fatalf("close %d: remembered %v, should be %v", i, got, want)
		}
	}
	if generation < 8 || len(f.slots) > 4*4096 {
		t.Errorf("%d generations in %d slots", generation, len(f.slots))
	}
}

// TestFormersBound closes more connections in a moment than may be remembered.
func TestFormersBound(t *testing.T) {
	var f formers
	forgotten := 0
	at := former{closedAt: capture.Mark{Time: 1, Frame: 1}}
	key := func(i uint64) Key { return Key{full: i * 0x9e3779b97f4a7c15} }
	for i := range uint64(3 * maxFormers) {
		forgotten += f.note(key(i), at, 1)
	}
	if want := 2 * maxFormers; forgotten != want {
		t.Errorf("%d forgotten too early, should be %d", forgotten, want)
	}
	if f.find(key(2*maxFormers-1)) != (former{}) || f.find(key(2*maxFormers)) != at || f.find(key(3*maxFormers-1)) != at {
		t.Error("it is not the latest that are remembered")
	}
	if most := 4 * maxFormers; len(f.slots) > most {
		t.Errorf("%d slots, should be %d at most", len(f.slots), most)
	}
}
