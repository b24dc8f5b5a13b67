package generate

import "math/bits"

// random is SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every
// machine and with every Go release, as the bytes of a capture must be.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 up to but not including n, which is positive.
func (r *random) below(n int64) int64 {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int64(hi)
}

// between returns a number from low to high.
func (r *random) between(low, high int64) int64 { return low + r.below(high-low+1) }

// perMille reports true n times of 1000.
func (r *random) perMille(n int64) bool { return r.below(1000) < n }

// heavyTailed returns a number from low to high, half as often twice as large:
// a Pareto distribution of exponent 1, in integers.
func (r *random) heavyTailed(low, high int64) int64 {
	octave := low << bits.TrailingZeros64(r.next()|1<<24)
	return min(r.between(octave, 2*octave), high)
}
