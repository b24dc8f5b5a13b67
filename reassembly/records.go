package reassembly

import (
	"math/bits"

	"wirelag/reassembly/reuse"
)

// ref names a record of a table; 0 is none.
type ref uint32

// records holds the connections that a table follows, many to a slab, so that
// they are neither allocated nor collected one by one. A slab goes when no
// connection in it is followed any more.
type records struct {
	slabs []*slab
	free  []uint64 // which records of a slab are free, a bit each
	roomy []uint32 // the slabs that have free ones

	endings  reuse.Pool[ending]
	oddities reuse.Pool[oddities]
}

// A slab of so many has 21,512 bytes with the allocator's header, for which it takes
// 21,760.
const (
	slabRecords = 64
	allFree     = ^uint64(0)
)

type slab [slabRecords]Connection

// at is the record that r names.
func (r *records) at(at ref) *Connection {
	n, i := at.place()
	return &r.slabs[n][i]
}

// place is the slab of the record that r names, and where in that it is.
func (r ref) place() (slab, i uint32) {
	return uint32(r-1) / slabRecords, uint32(r-1) % slabRecords
}

// take returns a new record, which has its name and nothing else.
func (r *records) take() *Connection {
	if len(r.roomy) == 0 {
		r.roomy = append(r.roomy, uint32(len(r.slabs)))
		r.slabs, r.free = append(r.slabs, nil), append(r.free, allFree)
	}
	n := r.roomy[len(r.roomy)-1]
	if r.slabs[n] == nil {
		r.slabs[n] = new(slab)
	}
	i := bits.TrailingZeros64(r.free[n])
	if r.free[n] &^= 1 << i; r.free[n] == 0 {
		r.roomy = r.roomy[:len(r.roomy)-1]
	}
	c := &r.slabs[n][i]
	*c = Connection{ref: ref(n*slabRecords + uint32(i) + 1)}
	return c
}

// release takes a record back that nobody will look at any more.
func (r *records) release(c *Connection) {
	if c.ending != nil {
		r.endings.Put(c.ending)
	}
	if c.oddities != nil {
		r.oddities.Put(c.oddities)
	}
	c.Attached, c.ending, c.oddities = nil, nil, nil
	n, i := c.ref.place()
	if r.free[n] == 0 {
		r.roomy = append(r.roomy, n)
	}
	if r.free[n] |= 1 << i; r.free[n] == allFree && r.roomy[len(r.roomy)-1] != n {
		r.slabs[n] = nil
	}
}
