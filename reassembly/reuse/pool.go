// Package reuse keeps memory that nobody looks at any more for the next who needs
// some: what is used again is still in the processor's cache, and no garbage.
package reuse

// most is how many structures a pool keeps.
const most = 1 << 12

// Pool hands out structures that were given back, or else new ones. The zero Pool
// is ready for use, by one goroutine at a time.
type Pool[T any] struct{ free []*T }

// Get returns a structure: zero, or as it was when Return took it.
func (p *Pool[T]) Get() *T {
	n := len(p.free)
	if n == 0 {
		return new(T)
	}
	x := p.free[n-1]
	p.free = p.free[:n-1]
	return x
}

// Put takes x back and makes it zero.
func (p *Pool[T]) Put(x *T) {
	var zero T
	*x = zero
	p.Return(x)
}

// Return takes x back as it is.
func (p *Pool[T]) Return(x *T) {
	if len(p.free) < most {
		p.free = append(p.free, x)
	}
}
