package reassembly_test

import (
	"net/netip"
	"testing"

	"wirelag/reassembly"
	"wirelag/reassembly/packet"
)

// manyShards is so many that connections share one as seldom as hashes collide.
const manyShards = 1 << 31

// TestKeys has connections from endpoints that are alike: their keys are the same
// in both directions, and no two are.
func TestKeys(t *testing.T) {
	keys := reassembly.NewKeys()
	of := func(a, b netip.AddrPort) int {
		there := packet.Segment{Src: packet.NewEndpoint(a), Dst: packet.NewEndpoint(b)}
		back := packet.Segment{Src: there.Dst, Dst: there.Src}
		key := keys.Of(&there)
		if other := keys.Of(&back); other == key || other.Shard(manyShards) != key.Shard(manyShards) {
			t.Fatalf("%v to %v: %v there, %v back", a, b, key, other)
		}
		return key.Shard(manyShards)
	}
	seen := map[int]bool{}
	const n = 1 << 8
	for i := range n {
		for j := range n {
			address := netip.AddrFrom16([16]byte{0: byte(i), 1: byte(j), 14: byte(j), 15: byte(i)})
			for _, port := range []int{i<<8 | j, j<<8 | i} {
				seen[of(netip.AddrPortFrom(address, uint16(port)), server.AddrPort())] = true
			}
		}
	}
	// Of 2^17 keys in 2^31 places four collide on average; each i = j makes one key.
	if missing := 2*n*n - n - len(seen); missing > 40 {
		t.Errorf("%d of %d keys collide", missing, 2*n*n)
	}
}
