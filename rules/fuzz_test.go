package rules

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// FuzzRules damages the frames of the rules' own scripts as a program of
// four-byte steps says, and checks what holds of every finding.
func FuzzRules(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	var all []*script.Script
	for _, file := range files {
		for _, c := range readCases(f, file) {
			if len(c.script.Packets) > 0 {
				all = append(all, c.script)
			}
		}
	}
	for i := 0; i < len(all); i += 16 {
		f.Add(uint16(i), []byte{})
		f.Add(uint16(i), []byte{1, 3, 0, 0, 2, 5, 0, 0, 0, 4, 60, 0x20, 3, 4, 70, 0, 4, 2, 3, 0, 5, 6, 0, 200})
	}
	f.Fuzz(func(t *testing.T, which uint16, program []byte) {
		const maxSteps = 64
		s := all[int(which)%len(all)]
		packets := slices.Clone(s.Packets)
		for steps := 0; len(program) >= 4 && len(packets) > 1 && len(packets) < 1000 && steps < maxSteps; steps++ {
			packets = damage(packets, [4]byte(program))
			program = program[4:]
		}
		for i := range packets {
			packets[i].Frame = capture.NewFrame(0, uint64(i+1))
		}
		first, last := packets[0].Time, packets[0].Time
		for _, p := range packets {
			first, last = min(first, p.Time), max(last, p.Time)
		}
		damaged := script.Script{Packets: packets, Interface: s.Interface}
		for _, finding := range judge(t, damaged.Source(), All, nil) {
			checkFinding(t, finding, last.Sub(first), len(packets))
		}
	})
}

// checkFinding: a finding is one of its rule's, rests on packets that there are,
// and costs no more than the capture lasts, for each time that it happened. What a
// capture point does not see comes on top: a round trip, which is no longer
// than the capture.
func checkFinding(t *testing.T, f *Finding, lasts time.Duration, packets int) {
	if !slices.Contains(f.Rule.Severities, f.Severity) {
		t.Errorf("%s has no severity %v", f.Rule.ID, f.Severity)
	}
	if f.Cost < 0 || f.Cost > 3*lasts*time.Duration(f.Count) {
		t.Errorf("cost %v of %d instances in a capture of %v: %s", f.Cost, f.Count, lasts, show(f))
	}
	if f.Count < 1 || len(f.Evidence) == 0 || f.Detail == "" || f.Advice == "" || f.Fingerprint() == "" {
		t.Errorf("count %d, %d pieces of evidence, %q, %q", f.Count, len(f.Evidence), f.Detail, f.Advice)
	}
	for _, e := range f.Evidence {
		if n := e.Mark.Frame.Number(); n < 1 || n > uint64(packets) || e.What == "" {
			t.Errorf("evidence in packet %d of %d, %q: %s", n, packets, e.What, show(f))
		}
	}
}

// damage carries out one step: what to do, with which packet, where, and how.
func damage(packets []capture.Packet, step [4]byte) []capture.Packet {
	what, i, where, how := step[0]%6, int(step[1])%len(packets), int(step[2]), step[3]
	p := packets[i]
	switch what {
	case 0: // bits flipped
		p.Data = slices.Clone(p.Data)
		if len(p.Data) > 0 {
			p.Data[where%len(p.Data)] ^= how
		}
	case 1: // dropped
		return slices.Delete(packets, i, i+1)
	case 2: // captured again
		return slices.Insert(packets, min(i+1+where%4, len(packets)), p)
	case 3: // cut
		p.Data = p.Data[:min(len(p.Data), where)]
	case 4: // moved
		packets = slices.Delete(packets, i, i+1)
		return slices.Insert(packets, min(i+where%8, len(packets)), p)
	case 5: // at another time
		p.Time += capture.Time(int8(how)) * 1e8
	}
	packets[i] = p
	return packets
}
