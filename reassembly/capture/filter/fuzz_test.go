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
