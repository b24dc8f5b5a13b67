package rules

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/generate"
	"wirelag/reassembly/capture/script"
)

// propertySeeds is how many disturbances of a short capture are tried; of longer ones, fewer.
const propertySeeds = 60

// TestLossHonesty takes frames out of captures, as a capture does that cannot keep
// up: nothing may be blamed on anybody for it.
func TestLossHonesty(t *testing.T) {
	disturb(t, func(packets []capture.Packet, r *rand.Rand) []capture.Packet {
		for range someOf(packets) {
			i := r.IntN(len(packets))
			packets = slices.Delete(packets, i, i+1)
		}
		return packets
	})
}

// TestBursts takes frames out that follow each other, as a buffer that is full does.
func TestBursts(t *testing.T) {
	disturb(t, func(packets []capture.Packet, r *rand.Rand) []capture.Packet {
		n := 1 + r.IntN(min(12, len(packets)-1))
		i := r.IntN(len(packets) - n + 1)
		return slices.Delete(packets, i, i+n)
	})
}

// TestCutFrames cuts some frames anywhere, and in half of the rounds all of them
// at the same length, as a snaplen does.
func TestCutFrames(t *testing.T) {
	disturb(t, func(packets []capture.Packet, r *rand.Rand) []capture.Packet {
		if r.IntN(2) == 0 {
			snaplen := 40 + r.IntN(400)
			for i := range packets {
				packets[i].Data = packets[i].Data[:min(snaplen, len(packets[i].Data))]
			}
			return packets
		}
		for range someOf(packets) {
			p := &packets[r.IntN(len(packets))]
			p.Data = p.Data[:r.IntN(len(p.Data)+1)]
		}
		return packets
	})
}

// TestCopies repeats frames a few places later, as mirror ports do.
func TestCopies(t *testing.T) {
	disturb(t, func(packets []capture.Packet, r *rand.Rand) []capture.Packet {
		for range someOf(packets) {
			i := r.IntN(len(packets))
			to := min(i+1+r.IntN(3), len(packets))
			again := packets[i]
			again.Time = max(again.Time, packets[to-1].Time) + 1000
			if again.Time-packets[i].Time > capture.Time(time.Millisecond) {
				to, again.Time = i+1, packets[i].Time+1000
			}
			packets = slices.Insert(packets, to, again)
		}
		return packets
	})
}

// TestSwaps moves frames by up to three places, as queues that are emptied in
// turn do: within a few milliseconds, and with the times they have.
func TestSwaps(t *testing.T) {
	const nearby = capture.Time(5 * time.Millisecond)
	disturb(t, func(packets []capture.Packet, r *rand.Rand) []capture.Packet {
		for range someOf(packets) {
			i := r.IntN(len(packets))
			j := min(i+1+r.IntN(3), len(packets)-1)
			if packets[j].Time-packets[i].Time < nearby {
				moved := packets[i]
				packets = slices.Insert(slices.Delete(packets, i, i+1), j, moved)
			}
		}
		return packets
	})
}

// someOf yields once for every hundred packets.
func someOf(packets []capture.Packet) int { return max(1, len(packets)/100) }

// disturb checks that captures, when change was applied to them, give no warning
// and no error that they do not give as they are: none of a rule about a
// connection or a pair that the rule had nothing to say of, even where no other
// rule takes precedence.
func disturb(t *testing.T, change func([]capture.Packet, *rand.Rand) []capture.Packet) {
	for _, s := range stories(t) {
		t.Run(s.name, func(t *testing.T) {
			seeds := uint64(max(3, propertySeeds*100/max(100, len(s.packets))))
			if testing.Short() {
				seeds = min(seeds, 10)
			}
			blamed := blames(t, s.packets, All)
			for seed := range seeds {
				changed := change(slices.Clone(s.packets), rand.New(rand.NewPCG(seed, 1)))
				for about, f := range blames(t, changed, All) {
					if f.Rule == resetLostData && f.Confidence == Likely {
						continue // only the client's FIN tells that it had the response and needed no more
					}
					if blamed[about] == nil && blames(t, s.packets, []*Rule{f.Rule})[about] == nil {
						t.Errorf("seed %d: %s", seed, show(f))
					}
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// blames are the warnings and errors of some rules, by the rule and what they are about.
func blames(t *testing.T, packets []capture.Packet, enabled []*Rule) map[string]*Finding {
	t.Helper()
	s := script.Script{Packets: slices.Clone(packets), Interface: packets[0].Interface}
	for i := range s.Packets {
		s.Packets[i].Frame = capture.NewFrame(0, uint64(i+1))
	}
	found := map[string]*Finding{}
	for _, f := range judge(t, s.Source(), enabled, nil) {
		if f.Severity < Warning {
			continue
		}
		about := fmt.Sprint(f.Rule.ID, " ", f.Connection.Client().Addr(), " ", f.Connection.Server())
		if f.Rule.Per == PerConnection {
			about = fmt.Sprint(f.Rule.ID, " ", f.Connection.Client(), " ", f.Connection.Server())
		}
		found[about] = f
	}
	return found
}

// story is a capture to disturb.
type story struct {
	name    string
	packets []capture.Packet
}

func stories(t *testing.T) (all []story) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.pcap*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, file := range files {
		src, errs := capture.OpenAll([]string{file}, nil)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		all = append(all, story{filepath.Base(file), readAll(t, src)})
	}
	for _, kind := range []generate.Kind{generate.KeepAlive, generate.Short, generate.Mixed} {
		src, err := generate.NewSource(generate.Options{Kind: kind, Seed: 7, Size: 150 << 10})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, story{fmt.Sprintf("generated %s", kind), readAll(t, src)})
	}
	return append(all, cleanCases(t)...)
}

// cleanCases are the cases of the scripts that are marked as clean.
func cleanCases(t *testing.T) (all []story) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, c := range readCases(t, file) {
			if c.clean && !strings.Contains(c.text, "unseen ") {
				name := strings.TrimSuffix(filepath.Base(file), ".txt") + ", " + c.name
				all = append(all, story{name, c.script.Packets})
			}
		}
	}
	return all
}

func readAll(t *testing.T, src capture.Source) (packets []capture.Packet) {
	t.Helper()
	defer src.Close()
	var batch capture.Batch
	for {
		err := src.Read(&batch)
		for _, p := range batch.Packets {
			p.Data = bytes.Clone(p.Data)
			packets = append(packets, p)
		}
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
