package filter

import "golang.org/x/net/bpf"

// cond is a condition on a frame: always or never true, a comparison of what is
// loaded of the frame, or made of other conditions. They are tested from left to
// right, as far as needed. A load from behind the end of the frame ends the
// program, and the frame is left out.
type cond struct {
	kind kind
	a, b *cond // of isNot (a), isAnd, isOr

	load  []bpf.Instruction // leaves what is compared in register A
	test  bpf.JumpTest
	value uint32
	withX bool // compared with register X instead of value
}

type kind uint8

const (
	isCompare kind = iota
	isConstant
	isNot
	isAnd
	isOr
)

// The conditions that need no test. In other conditions they do not occur.
var (
	always = &cond{kind: isConstant}
	never  = &cond{kind: isConstant}
)

func constant(b bool) *cond {
	if b {
		return always
	}
	return never
}

func and(conds ...*cond) *cond {
	all := always
	for _, c := range conds {
		switch {
		case all == never || c == never:
			return never
		case all == always:
			all = c
		case c != always:
			all = &cond{kind: isAnd, a: all, b: c}
		}
	}
	return all
}

func or(conds ...*cond) *cond {
	any := never
	for _, c := range conds {
		switch {
		case any == always || c == always:
			return always
		case any == never:
			any = c
		case c != never:
			any = &cond{kind: isOr, a: any, b: c}
		}
	}
	return any
}

func not(c *cond) *cond {
	switch {
	case c == always:
		return never
	case c == never:
		return always
	case c.kind == isNot:
		return c.a
	}
	return &cond{kind: isNot, a: c}
}

func compare(load []bpf.Instruction, test bpf.JumpTest, value uint32) *cond {
	return &cond{load: load, test: test, value: value}
}

func equal(load []bpf.Instruction, value uint32) *cond {
	return compare(load, bpf.JumpEqual, value)
}

// oneOf is true where what is loaded is one of values.
func oneOf(load []bpf.Instruction, values ...uint32) *cond {
	any := never
	for _, v := range values {
		any = or(any, equal(load, v))
	}
	return any
}

// load reads size bytes at an offset of the frame.
func load(offset uint32, size int) []bpf.Instruction {
	return []bpf.Instruction{bpf.LoadAbsolute{Off: offset, Size: size}}
}

func masked(load []bpf.Instruction, mask uint32) []bpf.Instruction {
	if mask == 1<<32-1 {
		return load
	}
	return append(load, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
}
