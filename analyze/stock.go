package analyze

import (
	"unsafe"

	"wirelag/analyze/http1"
	"wirelag/reassembly/reuse"
)

// stock is memory of an Analyzer that is not in use. What is small comes in slabs;
// the rest, each by itself so that one that is kept pins no others, is used again.
type stock struct {
	numbers       slab[number]
	handles       reuse.Pool[handle]
	conversations reuse.Pool[conversation]
	senders       reuse.Pool[sender]
	parsers       reuse.Pool[http1.Parser]
	exchanges     reuse.Pool[exchange]
	histories     reuse.Pool[history]
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

// takeBack takes an exchange that was told, with its messages, unless somebody keeps it
// or a message goes on.
func (s *stock) takeBack(x *exchange, arena *http1.Arena) {
	request, response := x.told.Request, x.told.Response
	ended := (request == nil || x.requestEnded) && (response == nil || x.responseEnded)
	if x.told.kept || !ended {
		return
	}
	if request != nil {
		arena.Free(request)
	}
	if response != nil {
		arena.Free(response)
	}
	s.exchanges.Put(x)
}
