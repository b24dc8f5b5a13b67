package analyze

import (
	"unsafe"

	"wirelag/analyze/http1"
)

// stock is memory of an Analyzer that is not in use. What is small comes in slabs;
// the rest, each by itself so that one that is kept pins no others, is used again.
type stock struct {
	handles       slab[handle]
	numbers       slab[number]
	conversations pool[conversation]
	senders       pool[sender]
	parsers       pool[http1.Parser]
	exchanges     pool[exchange]
	histories     []*history
}

// slabBytes is how much memory for structures is allocated at once.
const slabBytes = 16 << 10

// slab hands out new structures of an array.
type slab[T any] struct{ rest []T }

func (s *slab[T]) next() *T {
	if len(s.rest) == 0 {
		s.rest = make([]T, slabBytes/unsafe.Sizeof(*new(T)))
	}
	x := &s.rest[0]
	s.rest = s.rest[1:]
	return x
}

// poolMost is how many structures a pool keeps.
const poolMost = 1 << 12

// pool hands out structures that were given back, or else new ones; all are zero.
type pool[T any] struct{ free []*T }

func (p *pool[T]) get() *T {
	n := len(p.free)
	if n == 0 {
		return new(T)
	}
	x := p.free[n-1]
	p.free = p.free[:n-1]
	return x
}

func (p *pool[T]) put(x *T) {
	var zero T
	*x = zero
	if len(p.free) < poolMost {
		p.free = append(p.free, x)
	}
}

// takeBack takes an exchange that was told, with its messages, unless somebody keeps it
// or a message goes on.
func (s *stock) takeBack(x *exchange, arena *http1.Arena) {
	request, response := x.told.Request, x.told.Response
	ended := (request == nil || x.requestEnded) && (response == nil || x.responseEnded)
	if x.told.kept || x.failure != nil || x.repeats != nil || !ended {
		return
	}
	if request != nil {
		arena.Free(request)
	}
	if response != nil {
		arena.Free(response)
	}
	s.exchanges.put(x)
}

// keep takes a history that is not needed any more.
func (s *stock) keep(h *history) {
	h.empty()
	if len(s.histories) < poolMost {
		s.histories = append(s.histories, h)
	}
}
