package analyze

import (
	"wirelag/analyze/http1"
	"wirelag/reassembly/reuse"
)

// stock is memory of an Analyzer that is not in use. Numbers come many at once; the
// rest, each by itself so that one that is kept pins no others, is used again.
type stock struct {
	numbers       []number
	handles       reuse.Pool[handle]
	conversations reuse.Pool[conversation]
	senders       reuse.Pool[sender]
	parsers       reuse.Pool[http1.Parser]
	exchanges     reuse.Pool[exchange]
	histories     reuse.Pool[history]
}

// newNumber is a number that is not known yet.
func (s *stock) newNumber() *number {
	const atOnce = 1 << 11
	if len(s.numbers) == 0 {
		s.numbers = make([]number, atOnce)
	}
	n := &s.numbers[0]
	s.numbers = s.numbers[1:]
	return n
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
