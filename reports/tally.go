package reports

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
)

// maxPairs is how many client → server pairs are told apart; what comes after
// is summed up.
const maxPairs = 1000

// pairs sums up the traffic by client and server.
type pairs struct {
	byKey map[pairKey]*pair
	order []*pair // as they were first seen
	other pair    // all that did not fit
}

type pairKey struct {
	client netip.Addr
	server netip.AddrPort
}

// pair is what a client had to do with a server.
type pair struct {
	pairKey
	connections, exchanges uint64
	failures               uint64 // responses with status 4xx and 5xx
	unanswered             uint64
	toServer, toClient     int64 // bytes
	rtt                    sample
	budget                 Budget
	named                  *analyze.Connection // the first whose server's name is known; nil without one
	otherNames             bool                // there are others
}

func (p *pairs) of(c *reassembly.Connection) *pair {
	key := keyOf(c)
	if found := p.byKey[key]; found != nil {
		return found
	}
	if len(p.order) == maxPairs {
		return &p.other
	}
	if p.byKey == nil {
		p.byKey = map[pairKey]*pair{}
	}
	added := &pair{pairKey: key}
	p.byKey[key] = added
	p.order = append(p.order, added)
	return added
}

func (p *pairs) addConnection(c *analyze.Connection) {
	to := p.of(c.Connection)
	to.name(c)
	to.connections++
	to.toServer += c.Bytes(reassembly.ToServer)
	to.toClient += c.Bytes(reassembly.ToClient)
	if rtt, ok := c.RTT(); ok {
		to.rtt.add(rtt)
	}
}

func (p *pair) name(c *analyze.Connection) {
	switch {
	case c.ServerName == "":
	case p.named == nil:
		p.named = c.Keep()
	case p.named.ServerName != c.ServerName:
		p.otherNames = true
	}
}

func (p *pairs) addExchange(x *analyze.Exchange) {
	to := p.of(x.Connection.Connection)
	to.exchanges++
	to.budget.add(x)
	switch {
	case x.Response == nil:
		to.unanswered++
	case x.Response.Status >= 400:
		to.failures++
	}
}

// budget is that of all pairs.
func (p *pairs) budget() Budget {
	total := p.other.budget
	for _, each := range p.order {
		total.merge(&each.budget)
	}
	return total
}

// busiest are the pairs with most exchanges, then most bytes, first.
func (p *pairs) busiest() []*pair {
	sorted := slices.Clone(p.order)
	slices.SortStableFunc(sorted, func(a, b *pair) int {
		return cmp.Or(cmp.Compare(b.exchanges, a.exchanges), cmp.Compare(b.bytes(), a.bytes()))
	})
	return sorted
}

func (p *pair) bytes() uint64 { return uint64(p.toServer) + uint64(p.toClient) }

func (p *pair) add(q *pair) {
	p.connections += q.connections
	p.exchanges += q.exchanges
	p.failures += q.failures
	p.unanswered += q.unanswered
	p.toServer += q.toServer
	p.toClient += q.toClient
	p.budget.merge(&q.budget)
}

// sampleSize bounds the durations that a sample keeps.
const sampleSize = 128

// sample keeps durations evenly spread over all that were added.
type sample struct {
	least  time.Duration
	added  int
	stride int
	kept   []time.Duration
}

func (s *sample) add(d time.Duration) {
	if s.added == 0 {
		s.least, s.stride = d, 1
	}
	s.least = min(s.least, d)
	if s.added%s.stride == 0 {
		if len(s.kept) == sampleSize {
			s.halve()
		}
		if s.added%s.stride == 0 {
			s.kept = append(s.kept, d)
		}
	}
	s.added++
}

// halve keeps every other duration.
func (s *sample) halve() {
	for i := range sampleSize / 2 {
		s.kept[i] = s.kept[2*i]
	}
	s.kept = s.kept[:sampleSize/2]
	s.stride *= 2
}

// min and median are analyze.Unknown when nothing was added.
func (s *sample) min() time.Duration {
	if s.added == 0 {
		return analyze.Unknown
	}
	return s.least
}

func (s *sample) median() time.Duration {
	if s.added == 0 {
		return analyze.Unknown
	}
	sorted := slices.Sorted(slices.Values(s.kept))
	return sorted[(len(sorted)-1)/2]
}

// top keeps the n that come first in order of all that it is shown. Of equals,
// those shown earlier come first.
type top[T any] struct {
	n     int
	order func(a, b T) int
	items []T
	shown uint64
	// settled: items[n-1] bounds what can still be among the first n.
	settled bool
}

// add shows an item to t, which keeps it if it may be among the first.
func (t *top[T]) add(item T) (kept bool) {
	t.shown++
	if t.settled && t.order(item, t.items[t.n-1]) >= 0 {
		return false
	}
	t.items = append(t.items, item)
	if len(t.items) >= 2*t.n {
		t.settle()
	}
	return true
}

// settle sorts the items and lets go of all but the first n.
func (t *top[T]) settle() {
	slices.SortStableFunc(t.items, t.order)
	if len(t.items) >= t.n {
		clear(t.items[t.n:])
		t.items = t.items[:t.n]
		t.settled = true
	}
}
