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

// maxPairs bounds the pairs that a rule follows at once.
const maxPairs = 1 << 14

// pairTable holds what a rule knows of each pair. When there are too many, the
// one that came first is forgotten.
type pairTable[T any] struct {
	pass  *Pass
	limit int // on the pairs; 0: maxPairs
	by    map[pair]*T
	order []pair
	// latest is what was asked for last: the next question is often the same.
	latest *T
	at     pair
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
	t.by[t.at], t.latest = v, v
	t.order = append(t.order, t.at)
	return v
}

// known returns what is known of the pair of c, nil if that is nothing.
func (t *pairTable[T]) known(c *analyze.Connection) *T {
	if p := pairOf(c); p != t.at || t.latest == nil {
		t.at, t.latest = p, t.by[p]
	}
	return t.latest
}

func (t *pairTable[T]) forgetFirst() {
	t.pass.Forget()
	if t.forget != nil {
		t.forget(t.by[t.order[0]])
	}
	delete(t.by, t.order[0])
	t.order = t.order[1:]
}

// each calls f with all that is known, in the order in which the pairs came.
func (t *pairTable[T]) each(f func(*T)) {
	for _, p := range t.order {
		f(t.by[p])
	}
}
