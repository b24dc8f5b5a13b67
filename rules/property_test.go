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

// propertySeeds is how many disturbances of each capture are tried.
const propertySeeds = 100

// TestLossHonesty takes frames out of captures of traffic with nothing wrong, as a
// capture does that cannot keep up: nothing may be blamed on anybody for it.
func TestLossHonesty(t *testing.T) {
	disturb(t, func(packets []capture.Packet, r *rand.Rand) []capture.Packet {
		for range someOf(packets) {
			i := r.IntN(len(packets))
			packets = slices.Delete(packets, i, i+1)
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

// disturb checks that captures which give no warning and no error, or some,
// give no others when change was applied to them.
func disturb(t *testing.T, change func([]capture.Packet, *rand.Rand) []capture.Packet) {
	for _, s := range stories(t) {
		t.Run(s.name, func(t *testing.T) {
			blamed := blames(t, s.packets)
			for seed := range uint64(propertySeeds) {
				changed := change(slices.Clone(s.packets), rand.New(rand.NewPCG(seed, 1)))
				for rule, finding := range blames(t, changed) {
					if _, ok := blamed[rule]; !ok {
						t.Errorf("seed %d: %s", seed, finding)
					}
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// blames are the warnings and errors of all rules, by rule.
func blames(t *testing.T, packets []capture.Packet) map[string]string {
	t.Helper()
	s := script.Script{Packets: slices.Clone(packets), Interface: packets[0].Interface}
	for i := range s.Packets {
		s.Packets[i].Frame = capture.NewFrame(0, uint64(i+1))
	}
	found := map[string]string{}
	for _, f := range judge(t, s.Source(), All, nil) {
		if f.Severity >= Warning {
			found[f.Rule.ID] = show(f)
		}
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
	var files []string
	for _, pattern := range []string{"clean-*", "*-nagle-*", "*-delayed-ack-*", "*-retransmission-stall-*"} {
		found, err := filepath.Glob("testdata/" + pattern + ".pcap*")
		if err != nil || len(found) == 0 {
			t.Fatalf("no captures %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	for _, file := range slices.Compact(slices.Sorted(slices.Values(files))) {
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
			if c.clean {
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
