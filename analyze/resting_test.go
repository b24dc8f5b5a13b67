package analyze

import (
	"fmt"
	"testing"
)

// TestRestingNames: a name is kept once, and for as long as a connection has it.
func TestRestingNames(t *testing.T) {
	n := newRestingNames()
	for round := range 3 {
		for i := range maxNames + 5 {
			id := uint64(2 * i)
			if ok := n.note(id, fmt.Sprint(round, i)); ok != (i < maxNames) {
				t.Fatalf("round %d: name %d is noted: %v", round, i, ok)
			}
			if i < maxNames && !n.note(id+1, fmt.Sprint(round, i)) {
				t.Fatalf("round %d: name %d is not noted for another connection", round, i)
			}
		}
		for i := range maxNames + 5 {
			want := fmt.Sprint(round, i)
			if i >= maxNames {
				want = ""
			}
			if a, b, again := n.take(uint64(2*i)), n.take(uint64(2*i+1)), n.take(uint64(2*i)); a != want || b != want || again != "" {
				t.Fatalf("round %d: connections are called %q and %q, want %q; again: %q", round, a, b, want, again)
			}
		}
	}
	if len(n.numbers)+len(n.of) > 0 || len(n.named) != maxNames {
		t.Errorf("%d names of %d connections are left, %d numbers", len(n.numbers), len(n.of), len(n.named))
	}
}
