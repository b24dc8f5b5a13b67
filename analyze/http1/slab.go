package http1

import "unsafe"

// slab is the memory of lists that grow, in pieces of slabBytes. What a list
// was given is never given to another. The zero slab is ready for use.
type slab[T any] struct {
	piece []T
	used  int // of piece
	start int // in piece, of the latest list
}

// grow returns list, which this slab began or is empty, with room for n more.
func (s *slab[T]) grow(list []T, n int) []T {
	if n <= cap(list)-len(list) {
		return list
	}
	want := max(len(list)+n, 2*cap(list))
	if s.isLatest(list) && s.start+want <= len(s.piece) {
		s.used = s.start + want
		return s.piece[s.start : s.start+len(list) : s.used]
	}
	return append(s.begin(want), list...)
}

// begin begins a list with room for n elements.
func (s *slab[T]) begin(n int) []T {
	if n > s.pieceSize()/8 {
		return make([]T, 0, n)
	}
	if n > len(s.piece)-s.used {
		s.piece, s.used = make([]T, s.pieceSize()), 0
	}
	s.start = s.used
	s.used += n
	return s.piece[s.start:s.start:s.used]
}

// close ends a list, which must not grow any more, and takes back the room that it
// does not need.
func (s *slab[T]) close(list []T) []T {
	switch {
	case s.isLatest(list):
		s.used = s.start + len(list)
	case cap(list) > s.pieceSize()/8 && cap(list)-len(list) > len(list)/4:
		return append(make([]T, 0, len(list)), list...)
	}
	return list
}

// pieceSize is how many elements a piece has. Lists of more than an eighth of it
// have memory of their own.
func (s *slab[T]) pieceSize() int { return slabBytes / int(unsafe.Sizeof(*new(T))) }

func (s *slab[T]) isLatest(list []T) bool {
	return len(list) > 0 && s.start < len(s.piece) && &list[0] == &s.piece[s.start]
}
