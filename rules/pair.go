package rules

import (
	"cmp"

	"wirelag/analyze"
	"wirelag/reassembly/packet"
)

// pair is what exchanges are compared within: one client address and one server
// address and port.
type pair struct {
	client packet.Endpoint // without its port
	server packet.Endpoint
}

func pairOf(c *analyze.Connection) pair {
	client, server := c.Endpoints()
	return pair{client.Host(), server}
}

// place tells pairs apart, but for some.
func (p *pair) place() int {
	_, client := p.client.AddrWords()
	_, server := p.server.AddrWords()
	return int(uint8(client + 3*server + 5*uint64(p.server.Port())))
}

// maxPairs bounds the pairs that a rule follows at once.
const maxPairs = 1 << 14

// pairTable holds what a rule knows of each pair. When there are too many, the
// one that came first is forgotten.
type pairTable[T any] struct {
	pass  *Pass
	limit int // on the pairs; 0: maxPairs
	by    map[pair]*T
	order []pair
	// latest are answers: the next question is often one of the latest again.
	latest [16]struct {
		pair pair
		is   *T // nil: nothing is known of it
	}
	// forget, if not nil, is told what is dropped.
	forget func(*T)
}

// of returns what is known of the pair of c, which begins as a zero T.
func (t *pairTable[T]) of(c *analyze.Connection) *T {
	v := t.known(c)
	if v != nil {
		return v
	}
	if t.by == nil {
		t.by = map[pair]*T{}
	}
	if len(t.order) >= cmp.Or(t.limit, maxPairs) {
		t.forgetFirst()
	}
	v = new(T)
	p := pairOf(c)
	t.by[p] = v
	t.order = append(t.order, p)
	return v
}

// known returns what is known of the pair of c, nil if that is nothing.
func (t *pairTable[T]) known(c *analyze.Connection) *T {
	p := pairOf(c)
	latest := &t.latest[p.place()%len(t.latest)]
	if latest.is == nil || latest.pair != p {
		latest.pair, latest.is = p, t.by[p]
	}
	return latest.is
}

func (t *pairTable[T]) forgetFirst() {
	t.pass.Forget()
	if t.forget != nil {
		t.forget(t.by[t.order[0]])
	}
	delete(t.by, t.order[0])
	t.order = t.order[1:]
	clear(t.latest[:])
}

// each calls f with all that is known, in the order in which the pairs came.
func (t *pairTable[T]) each(f func(*T)) {
	for _, p := range t.order {
		f(t.by[p])
	}
}
