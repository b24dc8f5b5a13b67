package vantage

import (
	"testing"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// FuzzPlan lets bytes choose what points see of few connections. Whatever it is,
// every shared connection has a point that leads, whose segments are told, and
// a point's offset is the same for all of its connections.
func FuzzPlan(f *testing.F) {
	f.Add([]byte("\x00\x02\x10\x00\x01\x02\x10\x00\x10\x12\x10\x01\x11\x12\x10\x01"))
	f.Add([]byte("\x00\x10\x11\x02\x01\x10\x11\x09\x10\x10\x12\x02\x11\x10\x12\x09\x00\x18\x13\x02\x02\x18\x13\x11"))
	f.Fuzz(func(t *testing.T, data []byte) {
		segments := fuzzed(data)
		v := newSurvey()
		for i := range segments {
			v.stem = string('a' + rune(segments[i].Interface.File%2))
			v.note(v.pointOf(segments[i].Interface.File, segments[i].Interface), &segments[i])
		}
		p := v.plan()
		if p == nil {
			return
		}
		told := map[*Connection]int{}
		for i := range segments {
			c, copied := p.Take(&segments[i])
			switch {
			case c == nil && copied:
				t.Fatalf("segment %d is a copy in no shared connection", i)
			case c != nil && !copied:
				told[c]++
			case c != nil:
				told[c] += 0
			}
		}
		for c, n := range told {
			leads := false
			for _, g := range c.Vantages {
				leads = leads || g.Leads
			}
			if n == 0 || !leads || len(c.Vantages) < 2 {
				t.Errorf("%d segments told of %+v", n, c)
			}
		}
	})
}

// fuzzed makes segments of four bytes each: point and end, flags, sequence, time.
func fuzzed(data []byte) []packet.Segment {
	ends := dialogue(40000, 0, 0)[0]
	interfaces := map[byte]*capture.Interface{}
	var all []packet.Segment
	now := capture.Time(time.Hour)
	for ; len(data) >= 4; data = data[4:] {
		where := data[0] & 7
		if interfaces[where] == nil {
			interfaces[where] = &capture.Interface{File: int(where >> 1), Index: int(where & 1)}
		}
		now = now.Add(time.Duration(int8(data[3])) * time.Millisecond)
		s := packet.Segment{
			Mark: capture.Mark{Time: now}, Src: ends.Src, Dst: ends.Dst, Interface: interfaces[where],
			Flags: packet.Flags(data[1] & 0x1f), Seq: uint32(data[2]), Ack: uint32(data[2] >> 2), IPID: uint16(data[2]),
			Length: uint32(data[1] >> 5),
		}
		if data[0]&16 != 0 {
			s.Src, s.Dst = s.Dst, s.Src
		}
		all = append(all, s)
	}
	return all
}
