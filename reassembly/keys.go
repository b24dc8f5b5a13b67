package reassembly

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"wirelag/reassembly/packet"
)

// Keys tells which connection segments belong to. Its hash is seeded at random, so
// that a capture cannot be made to collide. It may be used by several goroutines.
type Keys struct{ address, port, both [2]uint64 }

// NewKeys returns keys with a seed of their own.
func NewKeys() Keys {
	secret := func() [2]uint64 { return [2]uint64{rand.Uint64(), rand.Uint64()} }
	return Keys{secret(), secret(), secret()}
}

// Key is the 4-tuple of a segment as a number, the same for both directions, and
// the side that sent it.
type Key struct {
	full uint64
	side Side
}

// hash is as much of the number as an index goes by.
func (k Key) hash() uint32 { return uint32(k.full >> 32) }

// Of returns the key of s.
func (k *Keys) Of(s *packet.Segment) Key { return k.between(&s.Src, &s.Dst) }

// between is the key of segments from src to dst. Side 0 is that of the lower
// endpoint, or of both.
func (k *Keys) between(src, dst *packet.Endpoint) Key {
	srcHigh, srcLow := src.AddrWords()
	dstHigh, dstLow := dst.AddrWords()
	srcPort, dstPort := uint64(src.Port()), uint64(dst.Port())
	_, less := bits.Sub64(dstPort, srcPort, 0)
	_, less = bits.Sub64(dstLow, srcLow, less)
	_, less = bits.Sub64(dstHigh, srcHigh, less)
	both := k.endpoint(srcHigh, srcLow, srcPort) + k.endpoint(dstHigh, dstLow, dstPort)
	return Key{fold(both^k.both[0], k.both[1]), Side(less)}
}

// endpoint hashes an endpoint by multiplying it with secret numbers, as the
// runtime's own maps do on processors without AES instructions.
func (k *Keys) endpoint(high, low, port uint64) uint64 {
	address := fold(high^k.address[0], low^k.address[1])
	return fold(address^k.port[0], port^k.port[1])
}

// fold multiplies a and b and returns both halves of the product in one.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// Shard spreads connections over n shards.
func (k Key) Shard(n int) int { return int(k.full & math.MaxUint32 * uint64(n) >> 32) }
