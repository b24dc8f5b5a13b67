package live

import (
	"slices"
	"testing"
	"time"

	"wirelag/reassembly/capture"
)

// Packets of several processors are a little out of order in the ring: their
// times do not go backward for that. A clock that is set back does.
func TestTimesOfSeveralProcessors(t *testing.T) {
	s := &Source{file: &capture.File{}}
	in := &capture.Interface{}
	var b capture.Batch
	var want []capture.Time
	ms := capture.Time(time.Millisecond)
	for _, c := range []struct{ time, want capture.Time }{
		{10 * ms, 10 * ms}, {10*ms - 1000, 10 * ms}, {10*ms + 1, 10*ms + 1}, {9*ms + 2, 10*ms + 1}, {9 * ms, 9 * ms}, {2 * ms, 2 * ms}, {3 * ms, 3 * ms},
	} {
		b.Packets = append(b.Packets, capture.Packet{Mark: capture.Mark{Time: c.time}, Interface: in})
		want = append(want, c.want)
	}
	s.take(&b)
	var got []capture.Time
	for _, p := range b.Packets {
		got = append(got, p.Time)
	}
	if !slices.Equal(got, want) || s.file.ClockBackward != 2 {
		t.Errorf("%d, want %d; %d backward", got, want, s.file.ClockBackward)
	}
}

func TestLimit(t *testing.T) {
	s := &Source{file: &capture.File{}, limit: 3}
	in := &capture.Interface{}
	b := capture.Batch{Packets: slices.Repeat([]capture.Packet{{Length: 60, Interface: in}}, 2)}
	s.take(&b)
	if len(b.Packets) != 2 || s.ended {
		t.Errorf("%d packets, ended %v", len(b.Packets), s.ended)
	}
	b.Packets = slices.Repeat([]capture.Packet{{Length: 60, Interface: in}}, 2)
	s.take(&b)
	if len(b.Packets) != 1 || !s.ended || b.Packets[0].Frame.Number() != 3 || s.Counters().Bytes != 180 {
		t.Errorf("%d packets, ended %v, %+v", len(b.Packets), s.ended, s.Counters())
	}
}
