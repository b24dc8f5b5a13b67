package reassembly

import (
	"slices"
	"testing"
)

// TestRecords takes and releases records at random places and checks that no two
// share one, that each is new, and that slabs without any are given up.
func TestRecords(t *testing.T) {
	var r records
	const n = 10 * slabSize
	taken := make([]*Connection, n)
	for i := range taken {
		taken[i] = r.take()
	}
	for round := range 50 {
		for i := round % 7; i < n; i += 1 + i%5 {
			taken[i].lost, taken[i].Attached = true, t
			r.release(taken[i])
			taken[i] = nil
		}
		seen := map[ref]bool{}
		for i, c := range taken {
			if c == nil {
				c = r.take()
				if *c != (Connection{ref: c.ref}) {
					t.Fatalf("round %d: a record that was used is not empty", round)
				}
				taken[i] = c
			}
			if seen[c.ref] || r.at(c.ref) != c {
				t.Fatalf("round %d: record %d is taken twice, or is another", round, c.ref)
			}
			seen[c.ref] = true
		}
	}
	if len(r.slabs.slabs) != n/slabSize {
		t.Errorf("%d slabs for %d records", len(r.slabs.slabs), n)
	}
	for i := 0; i < n; i += 3 {
		r.release(taken[i])
		taken[i] = nil
	}
	hand := uint32(0)
	taken = slices.DeleteFunc(taken, func(c *Connection) bool { return c == nil })
	for i := range 2 * len(taken) {
		if c := r.next(&hand); c.ref != ref(hand) || i < len(taken) && !slices.Contains(taken, c) || i >= len(taken) && c != taken[i-len(taken)] {
			t.Fatalf("record %d comes next", c.ref)
		} else if i < len(taken) {
			taken[slices.Index(taken, c)], taken[i] = taken[i], c // in the order of their numbers
		}
	}
	for _, c := range taken {
		r.release(c)
	}
	kept := 0
	for _, s := range r.slabs.slabs {
		if s != nil {
			kept++
		}
	}
	if kept > 1 {
		t.Errorf("%d slabs are kept for nothing", kept)
	}
	if c := r.take(); r.at(c.ref) != c {
		t.Error("a record in a new slab is another")
	}
}
