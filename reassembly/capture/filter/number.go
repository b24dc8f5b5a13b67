package filter

import "golang.org/x/net/bpf"

// number is an arithmetic expression. Numbers have 32 bits and no sign.
type number interface {
	// value returns the number if it is the same for all frames.
	value() (uint32, bool)
	// present is true for frames that have the headers it is read from.
	present(c *compiler) *cond
	// code leaves the number in register A; of the memory it uses slots from
	// slot on.
	code(c *compiler, slot int) []bpf.Instruction
}

type literal uint32

func (n literal) value() (uint32, bool)   { return uint32(n), true }
func (n literal) present(*compiler) *cond { return always }
func (n literal) code(*compiler, int) []bpf.Instruction {
	return []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(n)}}
}

// frameLength is the length of the frame on the wire.
type frameLength struct{}

func (frameLength) value() (uint32, bool)   { return 0, false }
func (frameLength) present(*compiler) *cond { return always }
func (frameLength) code(*compiler, int) []bpf.Instruction {
	return []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLen}}
}

// field is read from the frame: proto[index:size].
type field struct {
	header header
	column int
	index  number
	size   int
}

func (n *field) value() (uint32, bool) { return 0, false }

func (n *field) present(c *compiler) *cond {
	return and(n.index.present(c), n.header.present(c))
}

func (n *field) code(c *compiler, slot int) []bpf.Instruction {
	base := n.header.base(c)
	behindIPv4 := n.header.transport != 0 && n.header.etherType == etherIPv4
	if at, ok := n.index.value(); ok {
		if at > maxIndex {
			c.fail(n.column, "there is no frame with a byte that far from its start")
			return nil
		}
		if behindIPv4 {
			return c.transport(at, n.size)
		}
		return load(base+at, n.size)
	}
	code := n.index.code(c, slot)
	if behindIPv4 {
		code = append(code, bpf.LoadMemShift{Off: base}, bpf.ALUOpX{Op: bpf.ALUOpAdd})
	}
	return append(code, bpf.TAX{}, bpf.LoadIndirect{Off: base, Size: n.size})
}

// maxIndex is more than any frame has bytes. The kernel gives offsets near the
// end of the 32 bits another meaning.
const maxIndex = 1 << 24

// header is what a field is read from.
type header struct {
	etherType uint16 // 0: the frame itself
	transport uint32 // protocol number, 0: the network header
}

func (h header) present(c *compiler) *cond {
	switch {
	case h.etherType == 0:
		return always
	case h.transport == 0:
		return c.carries(h.etherType)
	case h.etherType == etherIPv6:
		return and(c.carries(etherIPv6), equal(c.network(6, 1), h.transport))
	}
	return and(c.carries(etherIPv4), equal(c.network(9, 1), h.transport), c.firstFragment())
}

// base is where the header begins; for one behind an IPv4 header, that.
func (h header) base(c *compiler) uint32 {
	switch {
	case h.etherType == 0:
		return 0
	case h.transport != 0 && h.etherType == etherIPv6:
		return c.layout.network + 40
	}
	return c.layout.network
}

// operation is x op y.
type operation struct {
	op     bpf.ALUOp
	column int
	x, y   number
}

// value is never known: what can be calculated is while reading.
func (n *operation) value() (uint32, bool) { return 0, false }

func (n *operation) present(c *compiler) *cond { return and(n.x.present(c), n.y.present(c)) }

func (n *operation) code(c *compiler, slot int) []bpf.Instruction {
	code := n.x.code(c, slot)
	if y, ok := n.y.value(); ok {
		return append(code, bpf.ALUOpConstant{Op: n.op, Val: y})
	}
	if slot >= scratchSlots {
		c.fail(n.column, "the calculation nests too deep: write the simpler operand on the right")
		return nil
	}
	code = append(code, bpf.StoreScratch{Src: bpf.RegA, N: slot})
	code = append(code, n.y.code(c, slot+1)...)
	return append(code, bpf.TAX{}, bpf.LoadScratch{Dst: bpf.RegA, N: slot}, bpf.ALUOpX{Op: n.op})
}
