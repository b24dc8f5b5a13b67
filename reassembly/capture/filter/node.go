package filter

import (
	"fmt"

	"golang.org/x/net/bpf"

	"wirelag/reassembly/capture"
)

// node is a part of an expression that is true or false of a frame.
type node interface {
	lower(c *compiler) *cond
}

// compiler turns nodes into conditions on frames of one link type. It goes
// through them in the order of the text, because "vlan" changes where what
// follows it is looked for.
type compiler struct {
	layout   layout
	linkType capture.LinkType
	// tagTakenOff says that the outermost VLAN tag is not in the frame, and not
	// asked for yet.
	tagTakenOff bool
	err         error // the first
}

// fail notes what is wrong in that column.
func (c *compiler) fail(column int, message string) {
	if c.err == nil {
		c.err = &Error{column, message}
	}
}

// refuse notes that frames have not what is asked for in that column.
func (c *compiler) refuse(column int, what string) *cond {
	c.fail(column, fmt.Sprintf("frames of link type %s have no %s", c.linkType, what))
	return never
}

// carries is true for frames with that EtherType.
func (c *compiler) carries(etherType uint16) *cond { return c.layout.is(c, etherType) }

// network reads size bytes at an offset of the network header.
func (c *compiler) network(offset uint32, size int) []bpf.Instruction {
	return load(c.layout.network+offset, size)
}

// firstFragment is true for IPv4 packets that begin a datagram.
func (c *compiler) firstFragment() *cond {
	return not(compare(c.network(6, 2), bpf.JumpBitsSet, 0x1fff))
}

// junction is x and y, or x or y.
type junction struct {
	or   bool
	x, y node
}

func (n *junction) lower(c *compiler) *cond {
	x := n.x.lower(c)
	y := n.y.lower(c)
	if n.or {
		return or(x, y)
	}
	return and(x, y)
}

type negation struct{ x node }

func (n *negation) lower(c *compiler) *cond { return not(n.x.lower(c)) }

// direction says which addresses or ports are meant.
type direction uint8

const (
	either direction = iota
	source
	destination
	both
)

// of is true where what is meant of source and destination is.
func (d direction) of(test func(destination bool) *cond) *cond {
	switch d {
	case source:
		return test(false)
	case destination:
		return test(true)
	case both:
		return and(test(false), test(true))
	}
	return or(test(false), test(true))
}

// hosts is an address or a network.
type hosts struct {
	protocols []uint16 // EtherTypes
	direction direction
	// The words of address and mask: one, or four.
	address, mask []uint32
}

// addressOffsets are where the protocols have source and destination address.
var addressOffsets = map[uint16][2]uint32{
	etherIPv4: {12, 16}, etherARP: {14, 24}, etherRARP: {14, 24}, etherIPv6: {8, 24},
}

func (n *hosts) lower(c *compiler) *cond {
	any := never
	for _, protocol := range n.protocols {
		offsets := addressOffsets[protocol]
		any = or(any, and(c.carries(protocol), n.direction.of(func(destination bool) *cond {
			if destination {
				return n.at(c, offsets[1])
			}
			return n.at(c, offsets[0])
		})))
	}
	return any
}

// at is true where an address that is meant stands at an offset of the network
// header.
func (n *hosts) at(c *compiler, offset uint32) *cond {
	all := always
	for i, mask := range n.mask {
		if mask != 0 {
			all = and(all, equal(masked(c.network(offset+uint32(4*i), 4), mask), n.address[i]))
		}
	}
	return all
}

// ports is a range of ports, as they are in packets that begin a datagram.
type ports struct {
	transports []uint32 // protocol numbers
	direction  direction
	low, high  uint32
}

func (n *ports) lower(c *compiler) *cond {
	const headerIPv6 = 40
	v6 := and(
		c.carries(etherIPv6),
		oneOf(c.network(6, 1), n.transports...),
		n.direction.of(func(destination bool) *cond { return n.in(c.network(headerIPv6+portOffset(destination), 2)) }),
	)
	v4 := and(
		c.carries(etherIPv4),
		oneOf(c.network(9, 1), n.transports...),
		c.firstFragment(),
		n.direction.of(func(destination bool) *cond { return n.in(c.transport(portOffset(destination), 2)) }),
	)
	return or(v6, v4)
}

func portOffset(destination bool) uint32 {
	if destination {
		return 2
	}
	return 0
}

func (n *ports) in(load []bpf.Instruction) *cond {
	if n.low == n.high {
		return equal(load, n.low)
	}
	return and(compare(load, bpf.JumpGreaterOrEqual, n.low), compare(load, bpf.JumpLessOrEqual, n.high))
}

// transport reads size bytes at an offset behind the IPv4 header.
func (c *compiler) transport(offset uint32, size int) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadMemShift{Off: c.layout.network},
		bpf.LoadIndirect{Off: c.layout.network + offset, Size: size},
	}
}

// carried is a protocol that Ethernet carries.
type carried struct{ etherType uint16 }

func (n carried) lower(c *compiler) *cond { return c.carries(n.etherType) }

// overIP is a protocol that IP carries, of a version or both; version 6 also
// behind a fragment header.
type overIP struct {
	number uint32
	v4, v6 bool
}

func (n overIP) lower(c *compiler) *cond {
	const fragmentHeader = 44
	any := never
	if n.v4 {
		any = and(c.carries(etherIPv4), equal(c.network(9, 1), n.number))
	}
	if n.v6 {
		next := c.network(6, 1)
		any = or(any, and(c.carries(etherIPv6), or(
			equal(next, n.number),
			and(equal(next, fragmentHeader), equal(c.network(40, 1), n.number)),
		)))
	}
	return any
}

// hardwareAddress is one of Ethernet.
type hardwareAddress struct {
	column    int
	direction direction
	address   [6]byte
}

func (n *hardwareAddress) lower(c *compiler) *cond {
	if !c.layout.ethernet {
		return c.refuse(n.column, "hardware addresses")
	}
	high := uint32(n.address[0])<<8 | uint32(n.address[1])
	low := uint32(n.address[2])<<24 | uint32(n.address[3])<<16 | uint32(n.address[4])<<8 | uint32(n.address[5])
	return n.direction.of(func(destination bool) *cond {
		at := uint32(6)
		if destination {
			at = 0
		}
		return and(equal(load(at+2, 4), low), equal(load(at, 2), high))
	})
}

// multicast is a destination address of a group: of the link, IPv4 or IPv6.
type multicast struct {
	column    int
	etherType uint16 // 0: of the link
}

func (n *multicast) lower(c *compiler) *cond {
	switch {
	case n.etherType == etherIPv4:
		return and(c.carries(etherIPv4), compare(c.network(16, 1), bpf.JumpGreaterOrEqual, 224))
	case n.etherType == etherIPv6:
		return and(c.carries(etherIPv6), equal(c.network(24, 1), 255))
	case !c.layout.ethernet:
		return c.refuse(n.column, "hardware addresses")
	}
	return compare(load(0, 1), bpf.JumpBitsSet, 1)
}

// tag is a VLAN tag. What follows it in the expression is looked for behind it.
type tag struct {
	column int
	id     int // −1: any
}

func (n *tag) lower(c *compiler) *cond {
	if !c.layout.ethernet {
		return c.refuse(n.column, "VLAN tags")
	}
	var found *cond
	var control []bpf.Instruction
	if c.tagTakenOff {
		found, control = always, []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTag}}
		c.tagTakenOff = false
	} else {
		found, control = oneOf(load(c.layout.etherType, 2), tagTypes...), c.network(0, 2)
		c.layout.etherType += 4
		c.layout.network += 4
	}
	if n.id >= 0 {
		found = and(found, equal(masked(control, 0xfff), uint32(n.id)))
	}
	return found
}

// relation compares two numbers. Where one of them is read from a header that the
// frame does not have, it is false.
type relation struct {
	test bpf.JumpTest
	x, y number
}

func (n *relation) lower(c *compiler) *cond {
	x, knownX := n.x.value()
	y, knownY := n.y.value()
	if knownX && knownY {
		return constant(holds(n.test, x, y))
	}
	present := and(n.x.present(c), n.y.present(c))
	if knownY {
		return and(present, compare(n.x.code(c, 0), n.test, y))
	}
	load := n.x.code(c, 0)
	load = append(load, bpf.StoreScratch{Src: bpf.RegA, N: 0})
	load = append(load, n.y.code(c, 1)...)
	load = append(load, bpf.TAX{}, bpf.LoadScratch{Dst: bpf.RegA, N: 0})
	return and(present, &cond{load: load, test: n.test, withX: true})
}

func holds(test bpf.JumpTest, x, y uint32) bool {
	switch test {
	case bpf.JumpEqual:
		return x == y
	case bpf.JumpNotEqual:
		return x != y
	case bpf.JumpGreaterThan:
		return x > y
	case bpf.JumpLessThan:
		return x < y
	case bpf.JumpGreaterOrEqual:
		return x >= y
	}
	return x <= y
}
