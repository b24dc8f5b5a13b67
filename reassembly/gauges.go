package reassembly

import "sync/atomic"

// Gauges are numbers of tables at work, for other goroutines to look at. Several
// tables may share them.
type Gauges struct {
	Open            atomic.Int64 // connections that are followed
	PendingBytes    atomic.Int64 // memory for segments that wait behind holes
	Retransmissions atomic.Int64 // segments with payload that were sent again
}

// Measure makes the table keep g up to date. It is called before the first Add.
func (t *Table) Measure(g *Gauges) { t.gauges = g }
