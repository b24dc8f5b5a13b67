package reassembly

import (
	"math/bits"

	"wirelag/reassembly/reuse"
)

// ref names what a table follows: a record or, with the highest bit, a sleeper. 0 is none.
type ref uint32

// records holds the connections that a table follows, but for those that sleep.
type records struct {
	slabs[Connection]

	endings  reuse.Pool[ending]
	oddities reuse.Pool[oddities]
}

// take returns a new record, which has its name and nothing else.
func (r *records) take() *Connection {
	c, n := r.slabs.take()
	*c = Connection{ref: ref(n)}
	return c
}

// at is the record that r names.
func (r *records) at(at ref) *Connection { return r.slabs.at(uint32(at)) }

// release takes a record back that nobody will look at any more.
func (r *records) release(c *Connection) {
	if c.ending != nil {
		r.endings.Put(c.ending)
	}
	if c.oddities != nil {
		r.oddities.Put(c.oddities)
	}
	c.Attached, c.ending, c.oddities = nil, nil, nil
	r.slabs.release(uint32(c.ref))
}

// slabs holds many structures, so many in one piece of memory that they are neither
// allocated nor collected one by one. They are counted from 1. A slab goes when nothing
// in it is in use.
type slabs[T any] struct {
	slabs []*[slabSize]T
	free  []uint64 // which places of a slab are free, a bit each
	roomy []uint32 // the slabs that have free ones
}

// A slab of so many records has 23,048 bytes with the allocator's header, for which it
// takes 24,576.
const (
	slabSize = 64
	allFree  = ^uint64(0)
)

func (r *slabs[T]) at(n uint32) *T {
	s, i := place(n)
	return &r.slabs[s][i]
}

// place is the slab of the nth structure, and where in that it is.
func place(n uint32) (slab, i uint32) { return (n - 1) / slabSize, (n - 1) % slabSize }

// take returns a structure, as it was left, and its number.
func (r *slabs[T]) take() (*T, uint32) {
	if len(r.roomy) == 0 {
		r.roomy = append(r.roomy, uint32(len(r.slabs)))
		r.slabs, r.free = append(r.slabs, nil), append(r.free, allFree)
	}
	s := r.roomy[len(r.roomy)-1]
	if r.slabs[s] == nil {
		r.slabs[s] = new([slabSize]T)
	}
	i := bits.TrailingZeros64(r.free[s])
	if r.free[s] &^= 1 << i; r.free[s] == 0 {
		r.roomy = r.roomy[:len(r.roomy)-1]
	}
	return &r.slabs[s][i], s*slabSize + uint32(i) + 1
}

// release takes a structure back.
func (r *slabs[T]) release(n uint32) {
	s, i := place(n)
	if r.free[s] == 0 {
		r.roomy = append(r.roomy, s)
	}
	if r.free[s] |= 1 << i; r.free[s] == allFree && r.roomy[len(r.roomy)-1] != s {
		r.slabs[s] = nil
	}
}

// next returns the first structure in use behind the one of a number, or of all if that is
// the last, and makes the number its. One must be in use.
func (r *slabs[T]) next(n *uint32) *T {
	s, i := place(*n + 1)
	for ; ; s, i = s+1, 0 {
		if int(s) >= len(r.slabs) {
			s, i = 0, 0
		}
		if used := ^r.free[s] >> i; used != 0 {
			i += uint32(bits.TrailingZeros64(used))
			*n = s*slabSize + i + 1
			return &r.slabs[s][i]
		}
	}
}
