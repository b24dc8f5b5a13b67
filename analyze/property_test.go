package analyze_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// rounds is how many random captures each property is tried on.
func rounds(n uint64) uint64 {
	if testing.Short() {
		return n / 10
	}
	return n
}

func TestIntactTraffic(t *testing.T) {
	for seed := range rounds(100) {
		s := randomTraffic(t, seed, true)
		h := listen(t, s.Source())
		h.keepsPromises(t)
		for _, pair := range h.pairs() {
			if request, response, _ := strings.Cut(pair, " "); request != response {
				t.Errorf("seed %d: %s", seed, pair)
			}
		}
	}
}

// TestDuplicatedFrames captures every frame twice, as a mirror port does:
// nothing changes but the count of duplicates.
func TestDuplicatedFrames(t *testing.T) {
	check := func(name string, s *script.Script) {
		var twice []capture.Packet
		for _, p := range s.Packets {
			twice = append(twice, p, p)
		}
		once, both := play(t, s, s.Packets), play(t, s, renumber(twice))
		both.keepsPromises(t)
		// A copy has the time of its frame, so the clock seems to stand still.
		isCoarse := func(line string) bool { return line == "clock-coarse" }
		got, want := slices.DeleteFunc(both.summary(), isCoarse), slices.DeleteFunc(once.summary(), isCoarse)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", name, difference(got, want))
		}
		copies := uint64(len(s.Packets)) + once.health("duplicate")
		if got := both.health("duplicate"); got != copies {
			t.Errorf("%s: %d duplicates, want %d", name, got, copies)
		}
	}
	for seed := range rounds(100) {
		check("random", randomTraffic(t, seed, true))
	}
	for _, file := range scripts(t) {
		if !strings.Contains(file, "duplicate-frames") {
			check(file, parseFile(t, file))
		}
	}
}

// renumber gives packets the numbers they have in a capture of their own.
func renumber(packets []capture.Packet) []capture.Packet {
	packets = slices.Clone(packets)
	for i := range packets {
		packets[i].Frame = capture.NewFrame(0, uint64(i+1))
	}
	return packets
}

// TestDeletedFrames takes frames away at random: exchanges may fall apart, but
// no request is ever told with a response to another.
func TestDeletedFrames(t *testing.T) {
	paired, told := 0, 0
	for seed := range rounds(1000) {
		s := randomTraffic(t, seed, false)
		random := rand.New(rand.NewPCG(seed, 8))
		share := []int{3, 10, 30, 60}[seed%4]
		rest := slices.DeleteFunc(slices.Clone(s.Packets), func(capture.Packet) bool { return random.IntN(100) < share })
		h := play(t, s, renumber(rest))
		h.keepsPromises(t)
		if wrong := h.wrongPairs(); wrong != nil {
			t.Errorf("seed %d: %v", seed, wrong)
		}
		for _, x := range h.exchanges {
			told++
			if x.Request != nil && x.Response != nil {
				paired++
			}
		}
	}
	if paired < told/3 {
		t.Errorf("%d of %d exchanges have both messages: the test shows little", paired, told)
	}
}

// TestSwappedFrames lets frames come some places too early in the file, as a
// capture on several queues has them: every pair stays what it is. Their times
// are their own, or those of the place where they stand.
func TestSwappedFrames(t *testing.T) {
	for seed := range rounds(400) {
		s, packets := swappedTraffic(t, seed)
		intact, h := listen(t, s.Source()), play(t, s, renumber(packets))
		h.keepsPromises(t)
		if got, want := h.pairs(), intact.pairs(); !slices.Equal(got, want) {
			t.Errorf("seed %d:\n%s", seed, difference(got, want))
		}
	}
}

// swappedTraffic is random traffic, and its packets with some too early.
func swappedTraffic(t *testing.T, seed uint64) (*script.Script, []capture.Packet) {
	s := randomTraffic(t, seed, seed%2 == 0)
	random := rand.New(rand.NewPCG(seed, 9))
	packets := slices.Clone(s.Packets)
	for range 1 + len(packets)/10 {
		i := random.IntN(len(packets))
		j := min(i+1+random.IntN(3), len(packets)-1)
		moved := packets[j]
		packets = slices.Insert(slices.Delete(packets, j, j+1), i, moved)
	}
	if seed%4 < 2 {
		for i := range packets {
			packets[i].Time = s.Packets[i].Time
		}
	}
	return s, packets
}

// TestSharesDoNotMatter: which connections are followed together is random, and
// changes nothing of what is told, nor its order.
func TestSharesDoNotMatter(t *testing.T) {
	for seed := range rounds(100) {
		s, packets := swappedTraffic(t, seed)
		packets = slices.DeleteFunc(packets, func(p capture.Packet) bool { return p.Frame.Number()%17 == 0 })
		first := play(t, s, renumber(packets)).inOrder()
		for range 4 {
			if again := play(t, s, renumber(packets)).inOrder(); !slices.Equal(again, first) {
				t.Fatalf("seed %d:\n%s", seed, difference(again, first))
			}
		}
	}
}

// inOrder is what was told, as it was told, by numbers.
func (h *heard) inOrder() (told []string) {
	for _, x := range h.exchanges {
		told = append(told, fmt.Sprintf("exchange %d of %d", x.ID, x.Connection.ID))
	}
	for _, c := range h.connections {
		told = append(told, fmt.Sprintf("connection %d: %d exchanges until %v", c.ID, c.Exchanges, c.Last().Time))
	}
	return told
}
