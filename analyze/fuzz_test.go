package analyze_test

import (
	"slices"
	"testing"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// FuzzRun damages the frames of the scripts as a program of four-byte steps
// says, and checks what holds of every capture: see heard.
func FuzzRun(f *testing.F) {
	var all []*script.Script
	for i, file := range scripts(f) {
		all = append(all, parseFile(f, file))
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{1, 3, 0, 0, 2, 5, 0, 0, 0, 4, 60, 0x20, 3, 4, 70, 0, 4, 2, 3, 0, 5, 6, 0, 200})
	}
	f.Fuzz(func(t *testing.T, which uint8, program []byte) {
		const maxSteps = 64
		s := all[int(which)%len(all)]
		packets := slices.Clone(s.Packets)
		for len(program) >= 4 && len(packets) > 0 && len(packets) < 1000 {
			packets = damage(packets, [4]byte(program))
			program = program[4:min(len(program), 4*maxSteps)]
		}
		packets = renumber(packets)
		h := play(t, s, packets)
		h.keepsPromises(t)
		if h.health("clock-backwards") > 0 {
			return // how long ago segments were that are not needed any more is not known
		}
		slept := listenWithin(t, asleep, script.Singles((&script.Script{Packets: packets, Interface: s.Interface}).Source()))
		if got, want := slept.summary(), h.summary(); !slices.Equal(got, want) {
			t.Errorf("where connections slept:\n%s", difference(got, want))
		}
	})
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
