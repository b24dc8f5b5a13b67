package analyze

import (
	"fmt"
	"testing"

	"wirelag/analyze/http1"
	"wirelag/reassembly"
)

// lonely returns exchange number n, which has no other side.
func lonely(c *Connection, n int) *Exchange {
	return &Exchange{ID: uint64(n), Connection: c, Request: &http1.Message{
		Method: "GET", Target: fmt.Sprintf("/%d", n%1000), HeaderBytes: 200, Fields: http1.FieldsOf([]http1.Field{{Name: "User-Agent", Value: "x"}}),
	}}
}

// TestHopsAreBounded has many exchanges over at once, none of which has another
// side: what is kept for finding one does not grow.
func TestHopsAreBounded(t *testing.T) {
	h := newHops(func(*Hop) { t.Error("a hop was told") })
	h.several = true
	c := &Connection{Connection: &reassembly.Connection{}}
	for n := range 4 * hopMemory / hopExchange {
		h.over(lonely(c, n), 0)
	}
	kept := len(h.entries) - h.head
	if h.memory > hopMemory || kept > hopMemory/hopExchange || len(h.entries) > 2*kept+1024 || len(h.fronts) > kept || len(h.backs) > kept {
		t.Errorf("%d bytes in %d entries of %d, %d and %d keys", h.memory, kept, len(h.entries), len(h.fronts), len(h.backs))
	}
	h.finish()
	if len(h.undecided)+len(h.waiting)+len(h.open.newest) != 0 {
		t.Errorf("%d, %d and %d still wait", len(h.undecided), len(h.waiting), len(h.open.newest))
	}
	if h.memory != 0 || len(h.fronts)+len(h.backs)+len(h.latest) != 0 {
		t.Errorf("%d bytes and %d, %d, %d keys are left", h.memory, len(h.fronts), len(h.backs), len(h.latest))
	}
}

// BenchmarkHops measures what an exchange costs that is remembered in vain.
func BenchmarkHops(b *testing.B) {
	h := newHops(func(*Hop) {})
	h.several = true
	c := &Connection{Connection: &reassembly.Connection{}}
	exchanges := make([]*Exchange, 4096)
	for n := range exchanges {
		exchanges[n] = lonely(c, n)
	}
	b.ReportAllocs()
	for n := range b.N {
		h.over(exchanges[n%len(exchanges)], 0)
	}
}
