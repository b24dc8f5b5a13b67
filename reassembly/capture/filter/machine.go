package filter

import (
	"encoding/binary"

	"golang.org/x/net/bpf"
)

// Match reports whether the program keeps a frame, of which data was captured and
// which was length bytes long on the wire.
//
// It exists because the machine of x/net/bpf takes the captured length for the
// length of the frame, and knows neither negation nor a load of the length to X,
// which tcpdump's programs contain.
func (p *Program) Match(data []byte, length uint32) bool {
	return p.run(data, length) != 0
}

// run returns the verdict on a frame.
func (p *Program) run(data []byte, length uint32) uint32 {
	var a, x uint32
	var memory [scratchSlots]uint32
	ok := true
	for i := 0; ok; i++ {
		in := &p.code[i]
		switch in.Op {
		case ldAbs4, ldAbs2, ldAbs1:
			a, ok = loadBytes(data, in.K, in.Op)
		case ldInd4, ldInd2, ldInd1:
			a, ok = loadBytes(data, x+in.K, in.Op)
		case ldImm:
			a = in.K
		case ldMem:
			a = memory[in.K]
		case ldLen:
			a = length
		case ldxImm:
			x = in.K
		case ldxMem:
			x = memory[in.K]
		case ldxLen:
			x = length
		case ldxMsh:
			x, ok = loadBytes(data, in.K, ldAbs1)
			x = x & 0xf * 4
		case st:
			memory[in.K] = a
		case stx:
			memory[in.K] = x
		case ja:
			i += int(in.K)
		case retK:
			return in.K
		case retA:
			return a
		case tax:
			x = a
		case txa:
			a = x
		case neg:
			a = -a
		default:
			operand := in.K
			if in.Op&withX != 0 {
				operand = x
			}
			if in.Op&classMask == aluClass {
				a, ok = calculate(in.Op&operationMask, a, operand)
			} else {
				i += skip(in, a, operand)
			}
		}
	}
	return 0
}

// loadBytes reads as many bytes as the operation says.
func loadBytes(data []byte, at uint32, operation uint16) (uint32, bool) {
	if uint64(at) >= uint64(len(data)) {
		return 0, false
	}
	switch b := data[at:]; {
	case operation == ldAbs1 || operation == ldInd1:
		return uint32(b[0]), true
	case len(b) >= 2 && (operation == ldAbs2 || operation == ldInd2):
		return uint32(binary.BigEndian.Uint16(b)), true
	case len(b) >= 4:
		return binary.BigEndian.Uint32(b), true
	}
	return 0, false
}

// calculate returns false where the operand is a divisor of zero.
func calculate(operation uint16, a, operand uint32) (uint32, bool) {
	switch operation {
	case aluAdd:
		return a + operand, true
	case aluSub:
		return a - operand, true
	case aluMul:
		return a * operand, true
	case aluOr:
		return a | operand, true
	case aluAnd:
		return a & operand, true
	case aluXor:
		return a ^ operand, true
	case aluLsh:
		return a << operand, true
	case aluRsh:
		return a >> operand, true
	}
	if operand == 0 {
		return 0, false
	}
	if operation == aluDiv {
		return a / operand, true
	}
	return a % operand, true
}

// skip returns how many instructions a conditional jump passes over.
func skip(in *bpf.RawInstruction, a, operand uint32) int {
	var yes bool
	switch in.Op & operationMask {
	case jeq:
		yes = a == operand
	case jgt:
		yes = a > operand
	case jge:
		yes = a >= operand
	default:
		yes = a&operand != 0
	}
	if yes {
		return int(in.Jt)
	}
	return int(in.Jf)
}
