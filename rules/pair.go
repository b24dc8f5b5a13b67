package rules

import (
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
	of    map[pair]*T
	order []pair
	// forget, if not nil, is told what is dropped.
	forget func(*T)
}

// get returns what is known of p, which begins as a zero T.
func (t *pairTable[T]) get(p pair) *T {
	v := t.of[p]
	if v != nil {
		return v
	}
	if t.of == nil {
		t.of = map[pair]*T{}
	}
	if len(t.order) >= maxPairs {
		t.pass.Forget()
		if t.forget != nil {
			t.forget(t.of[t.order[0]])
		}
		delete(t.of, t.order[0])
		t.order = t.order[1:]
	}
	v = new(T)
	t.of[p] = v
	t.order = append(t.order, p)
	return v
}

// each calls f with all that is known, in the order in which the pairs came.
func (t *pairTable[T]) each(f func(*T)) {
	for _, p := range t.order {
		f(t.of[p])
	}
}
