package packet

import (
	"math/rand/v2"
	"testing"
	"time"

	"wirelag/reassembly/capture"
)

// fragmentIPv4 is the part of payload between two offsets as an IPv4 fragment.
func fragmentIPv4(id int, payload []byte, from, to int) []byte {
	bits := from / 8
	if to < len(payload) {
		bits |= ipv4MoreFragments
	}
	packet := ipv4(protocolTCP, payload[from:to])
	return join(packet[:4], word(id), word(bits), packet[8:])
}

// fragmentIPv6 is the same in IPv6.
func fragmentIPv6(id int, payload []byte, from, to int) []byte {
	bits := from
	if to < len(payload) {
		bits |= 1
	}
	return ipv6(protocolFragment, join(unhex(`06 00`), word(bits), word(0), word(id), payload[from:to]))
}

var fragmentVersions = map[string]func(id int, payload []byte, from, to int) []byte{
	"ipv4": fragmentIPv4, "ipv6": fragmentIPv6,
}

// longSegment is plainTCP with a payload of n bytes more that tell their place.
func longSegment(n int) []byte {
	segment := join(plainTCP, make([]byte, n))
	for i := range n {
		segment[len(plainTCP)+i] = byte(i / 8)
	}
	return segment
}

// feed decodes raw IP packets in turn and returns what the last turned out to be.
func feed(t *testing.T, d *Decoder, s *Segment, packets ...[]byte) Kind {
	t.Helper()
	var kind Kind
	for i, data := range packets {
		p := frame(capture.LinkTypeRaw, data)
		p.Frame = capture.NewFrame(0, uint64(i+1))
		kind = d.Decode(p, s)
		check(t, p, kind, s)
		if i < len(packets)-1 && kind != Fragment {
			t.Fatalf("packet %d: kind %d", i+1, kind)
		}
	}
	return kind
}

func TestFragmentsInAnyOrder(t *testing.T) {
	segment := longSegment(60) // 85 bytes
	orders := [][][2]int{
		{{0, 24}, {24, 48}, {48, 85}},
		{{48, 85}, {24, 48}, {0, 24}},
		{{24, 48}, {48, 85}, {0, 24}},
		{{0, 8}, {80, 85}, {8, 80}},
	}
	for version, fragment := range fragmentVersions {
		for _, order := range orders {
			var d Decoder
			var s Segment
			var packets [][]byte
			for _, part := range order {
				packets = append(packets, fragment(1, segment, part[0], part[1]))
			}
			kind := feed(t, &d, &s, packets...)
			if kind != TCP || s.Seq != 1000 || s.Length != 65 || string(s.Payload) != string(segment[20:]) {
				t.Errorf("%s %v: kind %d, %s", version, order, kind, describe(&s))
			}
			if s.Frame.Number() != uint64(len(order)) {
				t.Errorf("%s %v: frame %v, not the last", version, order, s.Frame)
			}
			stats := d.Stats()
			if stats.ReassembledDatagrams != 1 || stats.IncompleteDatagrams != 0 || stats.Frames[Fragment] != uint64(len(order)-1) {
				t.Errorf("%s %v: %+v", version, order, stats)
			}
			if d.fragments.bytes != 0 || len(d.fragments.waiting) != 0 || d.fragments.queue.Len() != 0 {
				t.Errorf("%s %v: something is left", version, order)
			}
		}
	}
}

// Datagrams are told apart by their identification.
func TestFragmentsInterleaved(t *testing.T) {
	one, two := longSegment(60), join(plainTCP[:20], make([]byte, 65))
	for version, fragment := range fragmentVersions {
		var d Decoder
		var s Segment
		if kind := feed(t, &d, &s, fragment(1, one, 0, 40), fragment(2, two, 40, 85), fragment(1, one, 40, 85)); kind != TCP || string(s.Payload) != string(one[20:]) {
			t.Errorf("%s: first: kind %d, %q", version, kind, s.Payload)
		}
		if kind := feed(t, &d, &s, fragment(2, two, 0, 40)); kind != TCP || string(s.Payload) != string(two[20:]) {
			t.Errorf("%s: second: kind %d, %q", version, kind, s.Payload)
		}
	}
}

// A snaplen that cuts each fragment leaves what comes before the first cut.
func TestFragmentsCut(t *testing.T) {
	segment := longSegment(60)
	for version, fragment := range fragmentVersions {
		var d Decoder
		var s Segment
		for i, data := range [][]byte{fragment(1, segment, 0, 40), fragment(1, segment, 40, 85)} {
			p := snap(frame(capture.LinkTypeRaw, data), len(data)-10*i-5)
			kind := d.Decode(p, &s)
			check(t, p, kind, &s)
		}
		if s.Length != 65 || string(s.Payload) != string(segment[20:35]) || !s.Cut {
			t.Errorf("%s: length %d, payload %q", version, s.Length, s.Payload)
		}
	}
}

func TestFragmentsOverlap(t *testing.T) {
	segment := longSegment(60)
	other := join(segment[:40], make([]byte, 45))
	tests := []struct {
		name      string
		fragments func(fragment func(int, []byte, int, int) []byte) [][]byte
		ipv4      string // the payload, "" if the datagram stays incomplete
		ipv6      string
		conflicts uint64 // counted in IPv4
	}{
		{"copies", func(f func(int, []byte, int, int) []byte) [][]byte {
			return [][]byte{f(1, segment, 0, 40), f(1, segment, 0, 40), f(1, segment, 48, 85), f(1, segment, 48, 85), f(1, segment, 40, 48)}
		}, string(segment[20:]), string(segment[20:]), 0},
		{"same bytes", func(f func(int, []byte, int, int) []byte) [][]byte {
			return [][]byte{f(1, segment, 0, 40), f(1, segment, 48, 85), f(1, segment, 32, 64)}
		}, string(segment[20:]), "", 0},
		{"other bytes", func(f func(int, []byte, int, int) []byte) [][]byte {
			return [][]byte{f(1, segment, 0, 56), f(1, other, 40, 85)}
		}, string(segment[20:56]) + string(other[56:]), "", 1},
		{"other bytes come first", func(f func(int, []byte, int, int) []byte) [][]byte {
			return [][]byte{f(1, other, 40, 85), f(1, segment, 0, 56)}
		}, string(segment[20:40]) + string(other[40:]), "", 1},
		{"between several", func(f func(int, []byte, int, int) []byte) [][]byte {
			return [][]byte{f(1, segment, 16, 24), f(1, segment, 32, 40), f(1, segment, 48, 56), f(1, segment, 0, 80), f(1, segment, 80, 85)}
		}, string(segment[20:]), "", 0},
		{"two ends", func(f func(int, []byte, int, int) []byte) [][]byte {
			return [][]byte{f(1, segment, 80, 85), f(1, segment[:64], 56, 64), f(1, segment, 0, 80)}
		}, string(segment[20:]), "", 1},
		{"behind the end", func(f func(int, []byte, int, int) []byte) [][]byte {
			return [][]byte{f(1, segment[:64], 40, 64), f(1, segment, 64, 72), f(1, segment, 0, 40)}
		}, string(segment[20:64]), "", 1},
		{"end before what came", func(f func(int, []byte, int, int) []byte) [][]byte {
			return [][]byte{f(1, segment, 64, 72), f(1, segment[:64], 40, 64), f(1, segment, 0, 64), f(1, segment, 72, 85)}
		}, string(segment[20:]), "", 1},
	}
	for _, tt := range tests {
		for version, want := range map[string]string{"ipv4": tt.ipv4, "ipv6": tt.ipv6} {
			var d Decoder
			var s Segment
			kind := feed(t, &d, &s, tt.fragments(fragmentVersions[version])...)
			stats := d.Stats()
			if want == "" {
				if kind != Fragment || stats.ConflictingDatagrams != 1 || stats.IncompleteDatagrams != 1 {
					t.Errorf("%s, %s: kind %d, %+v", tt.name, version, kind, stats)
				}
				continue
			}
			if kind != TCP || string(s.Payload) != want {
				t.Errorf("%s, %s: kind %d, payload %q, want %q", tt.name, version, kind, s.Payload, want)
			}
			if version == "ipv4" && stats.ConflictingFragments != tt.conflicts {
				t.Errorf("%s: %d conflicts, want %d", tt.name, stats.ConflictingFragments, tt.conflicts)
			}
		}
	}
}

func TestBadFragments(t *testing.T) {
	segment := longSegment(60)
	for name, data := range map[string][]byte{
		"not a multiple of 8":         fragmentIPv4(1, segment, 0, 41),
		"ipv6, not a multiple of 8":   fragmentIPv6(1, segment, 0, 41),
		"nothing in it":               fragmentIPv4(1, segment, 40, 40),
		"behind the largest datagram": join(innerIPv4[:6], unhex(`1fff`), innerIPv4[8:]),
	} {
		var d Decoder
		var s Segment
		if kind := feed(t, &d, &s, data); kind != Undecodable || d.Stats().Undecodable["ip fragment"] != 1 {
			t.Errorf("%s: kind %d, %v", name, kind, d.Stats().Undecodable)
		}
	}
}

func TestFragmentsTimeOut(t *testing.T) {
	segment := longSegment(60)
	for _, tt := range []struct {
		after time.Duration
		want  Kind
	}{{fragmentTimeout, TCP}, {fragmentTimeout + 1, Fragment}, {-time.Hour, TCP}} {
		var d Decoder
		var s Segment
		feed(t, &d, &s, fragmentIPv4(1, segment, 0, 40))
		p := frame(capture.LinkTypeRaw, fragmentIPv4(1, segment, 40, 85))
		p.Time = p.Time.Add(tt.after)
		if kind := d.Decode(p, &s); kind != tt.want {
			t.Errorf("after %v: kind %d, want %d", tt.after, kind, tt.want)
		}
		stats := d.Stats()
		if (stats.TimedOutDatagrams == 1) != (tt.want == Fragment) {
			t.Errorf("after %v: %+v", tt.after, stats)
		}
	}
}

func TestFragmentLimits(t *testing.T) {
	t.Run("datagrams", func(t *testing.T) {
		var d Decoder
		var s Segment
		for id := range maxDatagrams + 10 {
			feed(t, &d, &s, fragmentIPv4(id, longSegment(60), 0, 40))
		}
		stats := d.Stats()
		if len(d.fragments.waiting) != maxDatagrams || stats.EvictedDatagrams != 10 || stats.IncompleteDatagrams != maxDatagrams+10 {
			t.Errorf("%d waiting, %+v", len(d.fragments.waiting), stats)
		}
		if kind := feed(t, &d, &s, fragmentIPv4(10, longSegment(60), 40, 85)); kind != TCP {
			t.Errorf("the oldest that is left: kind %d", kind)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		var d Decoder
		var s Segment
		segment := longSegment(65000)
		for id := range 300 {
			feed(t, &d, &s, fragmentIPv4(id, segment, 0, 64000))
			if d.fragments.bytes > maxFragmentBytes {
				t.Fatalf("%d bytes", d.fragments.bytes)
			}
		}
		if stats := d.Stats(); stats.EvictedDatagrams == 0 || stats.EvictedDatagrams != uint64(300-len(d.fragments.waiting)) {
			t.Errorf("%d waiting, %+v", len(d.fragments.waiting), stats)
		}
	})
	t.Run("fragments", func(t *testing.T) {
		var d Decoder
		var s Segment
		segment := longSegment(60000)
		for n := range maxPieces + 10 {
			feed(t, &d, &s, fragmentIPv4(1, segment, 16*n, 16*n+8))
		}
		stats := d.Stats()
		if stats.EvictedDatagrams != 1 || stats.ConflictingDatagrams != 0 || stats.IncompleteDatagrams != 1 || d.fragments.bytes != 0 {
			t.Errorf("%d bytes, %+v", d.fragments.bytes, stats)
		}
	})
}

// A datagram that was split differently, once more, on its way through a tunnel.
func TestFragmentsInFragments(t *testing.T) {
	inner := fragmentIPv4(1, longSegment(60), 0, 40)
	outer := func(id int, payload []byte, from, to int) []byte {
		packet := fragmentIPv4(id, payload, from, to)
		packet[9] = protocolIPv4
		return packet
	}
	rest := fragmentIPv4(1, longSegment(60), 40, 85)
	var d Decoder
	var s Segment
	kind := feed(t, &d, &s, outer(8, inner, 0, 24), outer(9, rest, 0, 24), outer(8, inner, 24, len(inner)), outer(9, rest, 24, len(rest)))
	if kind != TCP || string(s.Payload) != string(longSegment(60)[20:]) {
		t.Errorf("kind %d, payload %q", kind, s.Payload)
	}
	if n := d.Stats().ReassembledDatagrams; n != 3 {
		t.Errorf("%d datagrams", n)
	}
}

// FuzzFragments splits a segment at places taken from cuts, shuffles and repeats
// the fragments, and wants the segment back.
func FuzzFragments(f *testing.F) {
	f.Add(uint16(60), []byte{1, 2, 5}, uint64(1), false, false)
	f.Add(uint16(3000), []byte{10, 20, 40, 80, 160}, uint64(2), true, true)
	f.Add(uint16(65000), []byte{255, 254}, uint64(3), false, true)
	f.Fuzz(func(t *testing.T, size uint16, cuts []byte, seed uint64, ipv6, repeat bool) {
		segment := longSegment(int(size) % 65400)
		version := "ipv4"
		if ipv6 {
			version = "ipv6"
		}
		packets := split(segment, cuts, fragmentVersions[version])
		if len(packets) < 2 {
			return
		}
		random := rand.New(rand.NewPCG(seed, 0))
		random.Shuffle(len(packets), func(i, j int) { packets[i], packets[j] = packets[j], packets[i] })
		if repeat {
			packets = append([][]byte{packets[random.IntN(len(packets)-1)]}, packets...)
		}
		var d Decoder
		var s Segment
		kind := feed(t, &d, &s, packets...)
		if kind != TCP || s.Seq != 1000 || s.Length != uint32(len(segment)-20) || string(s.Payload) != string(segment[20:]) {
			t.Errorf("kind %d, length %d of %d", kind, s.Length, len(segment)-20)
		}
		if d.fragments.bytes != 0 || d.Stats().IncompleteDatagrams != 0 {
			t.Errorf("%d bytes left, %+v", d.fragments.bytes, d.Stats())
		}
	})
}

// split makes fragments of segment; cuts are the distances of their borders in
// units of 8 bytes.
func split(segment, cuts []byte, fragment func(int, []byte, int, int) []byte) [][]byte {
	var packets [][]byte
	from := 0
	for _, cut := range cuts {
		to := from + int(cut)*8
		if cut == 0 || to >= len(segment) || len(packets) == maxPieces-1 {
			continue
		}
		packets = append(packets, fragment(1, segment, from, to))
		from = to
	}
	return append(packets, fragment(1, segment, from, len(segment)))
}
