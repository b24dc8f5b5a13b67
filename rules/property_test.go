package rules

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
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
					if f.Rule == resetLostData && f.Connection.FIN(f.Connection.ClientSide()).IsZero() && clientFinished(t, s.packets, f.Connection) {
						continue // likely: only the client's FIN tells that it had the response and needed no more
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

// TestUnseen compares scripts with what they would show had the capture missed
// nothing: what it missed is blamed on nobody.
func TestUnseen(t *testing.T) {
	compared := 0
	for _, c := range allCases(t) {
		whole, ok := c.whole(t)
		if !ok {
			continue
		}
		compared++
		blamed := blames(t, whole, All)
		for about, f := range blames(t, c.script.Packets, All) {
			if blamed[about] == nil && blames(t, whole, []*Rule{f.Rule})[about] == nil {
				t.Errorf("%s, %s: %s", c.file, c.name, show(f))
			}
		}
	}
	if compared < 30 {
		t.Errorf("%d scripts miss something", compared)
	}
}

var unseenLine = regexp.MustCompile(`^(\S+ +)?unseen `)

// whole is the capture of a script with what its capture missed: that came when the
// line before it did, where no time is given. ok is false if it missed nothing.
func (c *testCase) whole(t *testing.T) (packets []capture.Packet, ok bool) {
	t.Helper()
	var text strings.Builder
	at := "0ms "
	for line := range strings.Lines(c.text) {
		if unseen := unseenLine.FindStringSubmatch(line); unseen != nil {
			ok = true
			line = cmp.Or(unseen[1], at) + strings.TrimPrefix(line, unseen[0])
		}
		if word, _, _ := strings.Cut(line, " "); len(word) > 0 && '0' <= word[0] && word[0] <= '9' {
			at = word + " "
		}
		text.WriteString(line)
	}
	if !ok {
		return nil, false
	}
	parsed, err := script.Parse(text.String())
	if err != nil {
		t.Fatalf("%s, %s: %v", c.file, c.name, err)
	}
	return parsed.Packets, true
}

// clientFinished reports whether the FIN of c's client is among packets.
func clientFinished(t *testing.T, packets []capture.Packet, c *analyze.Connection) (finished bool) {
	t.Helper()
	listener := analyze.Listener{Closed: func(o *analyze.Connection) {
		finished = finished || o.Client() == c.Client() && o.Server() == c.Server() && !o.FIN(o.ClientSide()).IsZero()
	}}
	if _, err := analyze.Run(context.Background(), sourceFrom(packets), listener, analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	return finished
}

// sourceFrom reads packets as a capture of their own.
func sourceFrom(packets []capture.Packet) capture.Source {
	s := script.Script{Packets: slices.Clone(packets), Interface: packets[0].Interface}
	for i := range s.Packets {
		s.Packets[i].Frame = capture.NewFrame(0, uint64(i+1))
	}
	return s.Source()
}

// blames are the warnings and errors of some rules, by the rule and what they are about.
func blames(t *testing.T, packets []capture.Packet, enabled []*Rule) map[string]*Finding {
	t.Helper()
	found := map[string]*Finding{}
	for _, f := range judge(t, sourceFrom(packets), enabled, nil) {
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

// cleanCases are the cases of the scripts that are marked as clean, with all that
// their captures missed.
func cleanCases(t *testing.T) (all []story) {
	for _, c := range allCases(t) {
		if !c.clean {
			continue
		}
		packets := c.script.Packets
		if whole, ok := c.whole(t); ok {
			packets = whole
		}
		name := strings.TrimSuffix(filepath.Base(c.file), ".txt") + ", " + c.name
		all = append(all, story{name, packets})
	}
	return all
}

func allCases(t *testing.T) (all []*testCase) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		all = append(all, readCases(t, file)...)
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
