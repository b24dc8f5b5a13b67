package reassembly

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"testing"

	"wirelag/reassembly/packet"
)

// collisions are connections, numbered from 0, of which all or very many have the
// same hash under a hash that a capture can be made for. i has 16 bits.
var collisions = []struct {
	name string
	of   func(i uint32) (client, server uint32, clientPort, serverPort uint16)
}{
	{"ports of one host", func(i uint32) (uint32, uint32, uint16, uint16) { return 1, 2, uint16(i), 80 }},
	{"addresses that differ at the left", func(i uint32) (uint32, uint32, uint16, uint16) { return bits.Reverse32(i), 2, 40000, 80 }},
	{"the same sum of addresses", func(i uint32) (uint32, uint32, uint16, uint16) { return 1<<24 + i, 3<<24 - i, 40000, 80 }},
	{"the same sum of ports", func(i uint32) (uint32, uint32, uint16, uint16) { return 1, 2, uint16(i), -uint16(i) }},
	{"the same XOR of addresses", func(i uint32) (uint32, uint32, uint16, uint16) { return 1<<24 ^ i, 2<<24 ^ i, 40000, 80 }},
	{"the same XOR of ports", func(i uint32) (uint32, uint32, uint16, uint16) { return 1, 2, uint16(i), ^uint16(i) }},
	{"the same sum of all", func(i uint32) (uint32, uint32, uint16, uint16) { return 1<<24 + i, 2, -uint16(i), 80 }},
	{"the same XOR of address and port", func(i uint32) (uint32, uint32, uint16, uint16) { return 1<<24 ^ i, 2, uint16(i), 80 }},
	{"the same remainder", func(i uint32) (uint32, uint32, uint16, uint16) { return i << 16, 2 + i<<12, uint16(i >> 8 << 8), 80 }},
	{"the same under a multiplication", func(i uint32) (uint32, uint32, uint16, uint16) { return 1 - 31*i, 2 + i, 40000, 80 }},
}

func collide(i, n int) *packet.Segment {
	endpoint := func(addr uint32, port uint16) packet.Endpoint {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], addr)
		return packet.NewEndpoint(netip.AddrPortFrom(netip.AddrFrom4(b), port))
	}
	client, server, clientPort, serverPort := collisions[n].of(uint32(i))
	return &packet.Segment{Src: endpoint(client, clientPort), Dst: endpoint(server, serverPort)}
}

// TestCollisions counts the slots that are looked at to find connections whose
// tuples were chosen to collide: no more than chance has it, however many.
func TestCollisions(t *testing.T) {
	const connections = 1 << 16
	for n, family := range collisions {
		keys, x := NewKeys(), newIndex()
		perShard := [2]int{}
		for i := range connections {
			s := collide(i, n)
			key := keys.Of(s)
			perShard[key.Shard(2)]++
			x.put(key.hash(), ref(i+1))
		}
		if x.used != connections {
			t.Fatalf("%s: %d connections, want %d", family.name, x.used, connections)
		}
		total, longest := x.probes()
		// With half of the slots in use, chance needs 1.5 on the average (Knuth, The Art
		// of Computer Programming 3, §6.4), and some ten at most.
		if mean := float64(total) / connections; mean > 2 || longest > 200 {
			t.Errorf("%s: %.1f slots are looked at to find a connection, %d for one", family.name, mean, longest)
		}
		if least := min(perShard[0], perShard[1]); least < connections*2/5 {
			t.Errorf("%s: the shards have %v", family.name, perShard)
		}
	}
}

// TestSeeds shows that what collides for one run does not for another.
func TestSeeds(t *testing.T) {
	one, other := NewKeys(), NewKeys()
	same := 0
	for i := range 1000 {
		if s := collide(i, 0); one.Of(s) == other.Of(s) {
			same++
		}
	}
	if same > 10 {
		t.Errorf("%d of 1000 keys are the same in two runs", same)
	}
}

// probes returns how many slots are looked at to find every connection once, and
// to find the one that takes most.
func (x *index) probes() (total, longest int) {
	mask := uint32(len(x.slots) - 1)
	for i, s := range x.slots {
		if s.ref != 0 {
			n := int((uint32(i)-s.hash)&mask) + 1
			total += n
			longest = max(longest, n)
		}
	}
	return total, longest
}
