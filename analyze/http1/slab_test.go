package http1

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSlab grows and closes many lists of one slab in any order: each keeps what it was given.
func TestSlab(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var s slab[uint32]
	var open, want, closed, wanted [][]uint32
	for n := range uint32(20_000) {
		i := random.IntN(len(open) + 1)
		switch {
		case i == len(open):
			if i < 8 {
				open, want = append(open, s.begin(random.IntN(5))), append(want, nil)
			}
		case random.IntN(40) == 0:
			closed, wanted = append(closed, s.close(open[i])), append(wanted, want[i])
			open, want = slices.Delete(open, i, i+1), slices.Delete(want, i, i+1)
		default:
			more := slices.Repeat([]uint32{n}, 1+random.IntN(300)*random.IntN(2))
			open[i], want[i] = append(s.grow(open[i], len(more)), more...), append(want[i], more...)
		}
	}
	if len(closed) < 100 {
		t.Errorf("%d lists were closed", len(closed))
	}
	wanted = append(wanted, want...)
	for i, list := range append(closed, open...) {
		if !slices.Equal(list, wanted[i]) {
			t.Fatalf("list %d of %d is not what was put into it", i, len(wanted))
		}
	}
}

// TestSlabTakesBack: lists one after the other take what they need, not what was reserved.
func TestSlabTakesBack(t *testing.T) {
	pieces := testing.AllocsPerRun(10, func() {
		var s slab[byte]
		for range slabBytes / 10 {
			s.close(append(s.begin(100), "0123456789"...))
		}
	})
	if pieces > 2 {
		t.Errorf("%v pieces for what fits into one", pieces)
	}
}
