package analyze

import (
	"testing"
	"time"

	"wirelag/reassembly/capture"
)

func TestSteps(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name  string
		every time.Duration // of two packets with the same time
		times int
		then  time.Duration // of one more, behind them
		want  time.Duration
	}{
		{"a clock of milliseconds", 3 * ms, 40, 1 * ms, 1 * ms},
		{"a clock of 64 Hz", 15625 * time.Microsecond, 40, 0, 15625 * time.Microsecond},
		{"too few to tell", 10 * ms, coarseTimes - 2, 0, 0},
		{"a fine clock", 10 * ms, 40, 3 * time.Microsecond, 0},
		{"no time passes", 0, 40, 0, 0},
	} {
		var s steps
		number, now := uint64(0), capture.Time(time.Hour)
		take := func() {
			number++
			before := s.by()
			if changed := s.take(capture.Mark{Time: now, Frame: capture.NewFrame(0, number)}); changed != (s.by() != before) {
				t.Errorf("%s: packet %d: changed %v, from %v to %v", c.name, number, changed, before, s.by())
			}
		}
		for range c.times {
			take()
			take()
			now = now.Add(c.every)
		}
		now = now.Add(c.then - c.every)
		take()
		if got := s.by(); got != c.want {
			t.Errorf("%s: steps of %v, want %v", c.name, got, c.want)
		}
	}
}
