package filter

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"golang.org/x/net/bpf"
)

// Program is a classic BPF program. It is not changed by use.
type Program struct {
	code []bpf.RawInstruction
}

// ReadProgram reads a program as tcpdump -ddd prints it: the number of
// instructions, then one a line, as four numbers.
func ReadProgram(r io.Reader) (*Program, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4096)
	n := 0
	if !lines.Scan() || !scan(lines.Text(), &n) || n < 1 || n > maxInstructions {
		return nil, fmt.Errorf("line 1 must be a number of instructions from 1 to %d, as tcpdump -ddd prints it", maxInstructions)
	}
	code := make([]bpf.RawInstruction, 0, n)
	for lines.Scan() {
		if len(code) == n {
			return nil, fmt.Errorf("line %d: there are more instructions than the %d that line 1 says", n+2, n)
		}
		var in bpf.RawInstruction
		if !scan(lines.Text(), &in.Op, &in.Jt, &in.Jf, &in.K) {
			return nil, fmt.Errorf("line %d is not an instruction of four numbers, as tcpdump -ddd prints it", len(code)+2)
		}
		code = append(code, in)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(code) < n {
		return nil, fmt.Errorf("there are only %d of the %d instructions that line 1 says", len(code), n)
	}
	return newProgram(code)
}

// scan reads values, and nothing else, from a line.
func scan(line string, values ...any) bool {
	var rest string
	n, _ := fmt.Sscan(line, append(values, &rest)...)
	return n == len(values)
}

// Live returns the program for a packet socket that keeps at most snaplen bytes
// of a frame; 0 stands for as many as the program says.
func (p *Program) Live(snaplen uint32) []bpf.RawInstruction {
	code := append([]bpf.RawInstruction(nil), p.code...)
	for i := range code {
		if code[i].Op == retK && snaplen > 0 {
			code[i].K = min(code[i].K, snaplen)
		}
	}
	return code
}

// Operation codes (bpf_filter.c of libpcap).
const (
	ldAbs4, ldAbs2, ldAbs1 = 0x20, 0x28, 0x30
	ldInd4, ldInd2, ldInd1 = 0x40, 0x48, 0x50
	ldImm, ldMem, ldLen    = 0x00, 0x60, 0x80
	ldxImm, ldxMem, ldxLen = 0x01, 0x61, 0x81
	ldxMsh                 = 0xb1
	st, stx                = 0x02, 0x03
	aluClass, jumpClass    = 0x04, 0x05
	neg                    = 0x84
	ja                     = 0x05
	jeq, jgt, jge, jset    = 0x10, 0x20, 0x30, 0x40
	retK, retA             = 0x06, 0x16
	tax, txa               = 0x07, 0x87

	classMask     = 0x07
	operationMask = 0xf0
	withX         = 0x08

	aluAdd, aluSub, aluMul, aluDiv = 0x00, 0x10, 0x20, 0x30
	aluOr, aluAnd, aluLsh, aluRsh  = 0x40, 0x50, 0x60, 0x70
	aluMod, aluXor                 = 0x90, 0xa0

	scratchSlots = 16
)

// newProgram checks that code ends whatever the frame is, without leaving its
// bounds.
func newProgram(code []bpf.RawInstruction) (*Program, error) {
	for i, in := range code {
		if err := check(in, len(code)-i-1); err != nil {
			return nil, fmt.Errorf("instruction %d: %w", i, err)
		}
	}
	if n := len(code); n == 0 || code[n-1].Op != retK && code[n-1].Op != retA {
		return nil, errors.New("the program does not end with a return")
	}
	return &Program{code}, nil
}

// check checks an instruction with that many behind it.
func check(in bpf.RawInstruction, behind int) error {
	switch in.Op {
	case ldAbs4, ldAbs2, ldAbs1, ldInd4, ldInd2, ldInd1, ldImm, ldLen, ldxImm, ldxLen, ldxMsh, neg, retK, retA, tax, txa:
		return nil
	case ldMem, ldxMem, st, stx:
		if in.K >= scratchSlots {
			return fmt.Errorf("there is no memory slot %d", in.K)
		}
		return nil
	case ja:
		if uint64(in.K) >= uint64(behind) {
			return errors.New("it jumps behind the end of the program")
		}
		return nil
	}
	switch operation := in.Op & operationMask; {
	case in.Op&^(operationMask|withX) == aluClass && isALU(operation):
		constant := in.Op&withX == 0
		if constant && in.K == 0 && (operation == aluDiv || operation == aluMod) {
			return errors.New("it divides by zero")
		}
		if constant && in.K > 31 && (operation == aluLsh || operation == aluRsh) {
			return errors.New("it shifts by more than 31 bits")
		}
		return nil
	case in.Op&^(operationMask|withX) == jumpClass && operation >= jeq && operation <= jset:
		if int(max(in.Jt, in.Jf)) >= behind {
			return errors.New("it jumps behind the end of the program")
		}
		return nil
	}
	return fmt.Errorf("there is no operation %#x", in.Op)
}

func isALU(operation uint16) bool {
	return operation <= aluRsh || operation == aluMod || operation == aluXor
}
