package reassembly

import "testing"

// TestRecords takes and releases records at random places and checks that no two
// share one, that each is new, and that slabs without any are given up.
func TestRecords(t *testing.T) {
	var r records
	const n = 10 * slabRecords
	var taken [n]*Connection
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
	if len(r.slabs) != n/slabRecords {
		t.Errorf("%d slabs for %d records", len(r.slabs), n)
	}
	for _, c := range taken {
		r.release(c)
	}
	kept := 0
	for _, s := range r.slabs {
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
