package analyze

import "testing"

// TestBatchesGoRound: the batch that is read into next is the one that waits longest, so
// that none keeps for long what it holds of its source.
func TestBatchesGoRound(t *testing.T) {
	var p pipeline
	batches := []*sharedBatch{p.batch(), p.batch(), p.batch()}
	for range 2 {
		for _, b := range batches {
			b.users = 1
			p.leave(b)
		}
		for i, b := range batches {
			if p.batch() != b {
				t.Fatalf("batch %d does not come in its turn", i)
			}
		}
	}
}
