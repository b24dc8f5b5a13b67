package filter

import (
	"fmt"
	"math"

	"golang.org/x/net/bpf"
)

// assemble makes a program with that verdict on the frames that are kept.
func assemble(c *cond, verdict uint32) (*Program, error) {
	a := &assembler{}
	switch c {
	case always:
		a.add(bpf.RetConstant{Val: verdict})
	case never:
		a.add(bpf.RetConstant{})
	default:
		keep, leave := &label{}, &label{}
		a.cond(c, keep, leave)
		a.place(keep)
		a.add(bpf.RetConstant{Val: verdict})
		a.place(leave)
		a.add(bpf.RetConstant{})
	}
	return a.program()
}

// assembler puts the tests of conditions into one row of instructions, in which
// all jumps lead forward.
type assembler struct {
	steps []step
	here  registers // what is known when the next instruction runs
}

// step is an instruction, or a jump whose targets are still labels.
type step struct {
	instruction bpf.Instruction // nil for a jump
	cond        *cond
	yes, no     *label
	// A target too far for a conditional jump is reached by a jump behind it.
	farYes, farNo bool
}

// label is a place that jumps lead to.
type label struct {
	step int
	// known is what all jumps that lead here have left in the registers.
	known   registers
	reached bool
}

// registers are the loads whose results are in A and X, nil where unknown.
type registers struct{ a, x bpf.Instruction }

func (l *label) reach(r registers) {
	switch {
	case !l.reached:
		l.known, l.reached = r, true
	default:
		if l.known.a != r.a {
			l.known.a = nil
		}
		if l.known.x != r.x {
			l.known.x = nil
		}
	}
}

// place puts l here, behind a jump or the end of the program.
func (a *assembler) place(l *label) {
	l.step = len(a.steps)
	a.here = l.known
}

// cond adds the tests of c, after which the program goes on at yes or no.
func (a *assembler) cond(c *cond, yes, no *label) {
	switch c.kind {
	case isNot:
		a.cond(c.a, no, yes)
	case isAnd:
		middle := &label{}
		a.cond(c.a, middle, no)
		a.place(middle)
		a.cond(c.b, yes, no)
	case isOr:
		middle := &label{}
		a.cond(c.a, yes, middle)
		a.place(middle)
		a.cond(c.b, yes, no)
	default:
		for _, in := range c.load {
			a.add(in)
		}
		a.steps = append(a.steps, step{cond: c, yes: yes, no: no})
		yes.reach(a.here)
		no.reach(a.here)
	}
}

// add adds an instruction, unless it loads what its register holds.
func (a *assembler) add(in bpf.Instruction) {
	switch in := in.(type) {
	case bpf.LoadAbsolute:
		if a.here.a == in {
			return
		}
		a.here.a = in
	case bpf.LoadExtension:
		if a.here.a == in {
			return
		}
		a.here.a = in
	case bpf.LoadMemShift:
		if a.here.x == in {
			return
		}
		a.here.x = in
	case bpf.TAX:
		a.here.x = nil
	case bpf.StoreScratch:
	default:
		a.here.a = nil
	}
	a.steps = append(a.steps, step{instruction: in})
}

// program turns labels into distances.
func (a *assembler) program() (*Program, error) {
	positions, err := a.layOut()
	if err != nil {
		return nil, err
	}
	var code []bpf.RawInstruction
	for i := range a.steps {
		for _, in := range a.steps[i].instructions(positions, i) {
			raw, err := in.Assemble()
			if err != nil {
				return nil, fmt.Errorf("instruction %d: %w", len(code), err)
			}
			code = append(code, raw)
		}
	}
	return newProgram(code)
}

// layOut finds the jumps that lead far, and returns where each step is.
func (a *assembler) layOut() ([]int, error) {
	positions := make([]int, len(a.steps)+1)
	for again := true; again; {
		again = false
		for i := range a.steps {
			positions[i+1] = positions[i] + a.steps[i].size()
		}
		if n := positions[len(a.steps)]; n > maxInstructions {
			return nil, &Error{1, fmt.Sprintf("the filter needs more than the %d instructions that a program may have: shorten it, e.g. with net or portrange", maxInstructions)}
		}
		for i := range a.steps {
			s := &a.steps[i]
			if s.cond == nil {
				continue
			}
			next := positions[i] + 1
			farYes := positions[s.yes.step]-next > math.MaxUint8
			farNo := positions[s.no.step]-next > math.MaxUint8
			again = again || farYes && !s.farYes || farNo && !s.farNo
			s.farYes, s.farNo = s.farYes || farYes, s.farNo || farNo
		}
	}
	return positions, nil
}

func (s *step) size() int {
	n := 1
	if s.farYes {
		n++
	}
	if s.farNo {
		n++
	}
	return n
}

// instructions returns those of step i.
func (s *step) instructions(positions []int, i int) []bpf.Instruction {
	if s.cond == nil {
		return []bpf.Instruction{s.instruction}
	}
	next := positions[i] + 1
	yes, no := positions[s.yes.step]-next, positions[s.no.step]-next
	var jumps []bpf.Instruction
	if s.farYes {
		jumps = append(jumps, bpf.Jump{Skip: uint32(yes - 1)})
		yes = 0
	}
	if s.farNo {
		jumps = append(jumps, bpf.Jump{Skip: uint32(no - len(jumps) - 1)})
		no = len(jumps) - 1
	}
	var jump bpf.Instruction = bpf.JumpIf{Cond: s.cond.test, Val: s.cond.value, SkipTrue: uint8(yes), SkipFalse: uint8(no)}
	if s.cond.withX {
		jump = bpf.JumpIfX{Cond: s.cond.test, SkipTrue: uint8(yes), SkipFalse: uint8(no)}
	}
	return append([]bpf.Instruction{jump}, jumps...)
}
