package filter

import (
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"wirelag/reassembly/capture"
)

// Whatever is accepted gives programs that the machines take, and whose verdicts
// follow the laws of logic.
func FuzzParse(f *testing.F) {
	for _, text := range append(expressions, ethernet...) {
		f.Add(text)
	}
	frames := map[capture.LinkType][]frame{}
	for _, linkType := range linkTypes {
		frames[linkType] = framesOf(linkType)[:40]
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			if message := err.Error(); strings.ContainsAny(message, "\n\r\x1b") {
				t.Errorf("%q: %q is not one plain line", text, message)
			}
			return
		}
		for _, linkType := range linkTypes {
			p, err := e.Compile(linkType)
			if err != nil {
				continue
			}
			checkProgram(t, p.code)
			if code, err := e.Live(linkType, 96); err == nil {
				checkProgram(t, code)
			}
			checkLaws(t, text, p, linkType, frames[linkType])
		}
	})
}

func checkProgram(t *testing.T, code []bpf.RawInstruction) {
	if len(code) > maxInstructions {
		t.Errorf("%d instructions", len(code))
	}
	if _, err := newProgram(code); err != nil {
		t.Error(err)
	}
	if instructions, known := bpf.Disassemble(code); !known {
		t.Errorf("unknown instructions in %v", instructions)
	}
}

func checkLaws(t *testing.T, text string, p *Program, linkType capture.LinkType, frames []frame) {
	if strings.TrimSpace(text) == "" {
		return
	}
	for _, same := range []string{"not not (" + text + ")", "(" + text + ") and (1 = 1)"} {
		e, err := Parse(same)
		if err != nil {
			if strings.Contains(err.Error(), "deeper") || strings.Contains(err.Error(), "longer") {
				return // the parentheses are too much
			}
			t.Fatalf("%q is understood, but not %q: %v", text, same, err)
		}
		q, err := e.Compile(linkType)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			if p.Match(f.data, f.length) != q.Match(f.data, f.length) {
				t.Errorf("%s: %q differs from %q: frame %x", linkType, text, same, f.data)
			}
		}
	}
}

// Whatever is taken for a program ends on every frame, and where x/net/bpf knows
// it too, with the same verdict.
func FuzzReadProgram(f *testing.F) {
	data := framesOf(capture.LinkTypeEthernet)[0].data
	f.Add("4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n", data)
	f.Add("6\n128 0 0 0\n2 0 0 3\n97 0 0 3\n132 0 0 0\n12 0 0 0\n22 0 0 0\n", data)
	f.Add("5\n177 0 0 14\n72 0 0 14\n69 1 0 7\n5 0 0 0\n22 0 0 0\n", data)
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		p, err := ReadProgram(strings.NewReader(text))
		if err != nil {
			return
		}
		got := p.run(data, uint32(len(data)))
		instructions, known := bpf.Disassemble(p.code)
		if !known {
			return
		}
		theirs, err := bpf.NewVM(instructions)
		if err != nil {
			return
		}
		if want, err := theirs.Run(data); err == nil && uint32(want) != got {
			t.Errorf("%d, by x/net/bpf %d", got, uint32(want))
		}
	})
}
