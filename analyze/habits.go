package analyze

import (
	"hash/maphash"
	"time"

	"wirelag/reassembly/capture"
)

// habits knows how often clients send equal requests: those of a client that sends the
// same all the time are no repeats of one that failed. It remembers the latest times of
// as many requests as have room, the later ones in place of others.
type habits []habit

const maxHabits = 1 << 12

// habit is when equal requests were sent last.
type habit struct {
	sum    uint32
	times  uint32 // so many, up to habitual
	latest capture.Time
	gaps   [habitual - 1]time.Duration // between the latest, the last one first
}

// habitual is how many equal requests make a habit.
const habitual = 3

// habitSeed is for the sums of keys: two that are equal by chance are one in 2^44.
var habitSeed = maphash.MakeSeed()

// sumOf is a sum of what the request and its repeat have in common.
func sumOf(k repeatKey) uint64 { return maphash.Comparable(habitSeed, k) }

// note notes that a request with this sum was sent.
func (h *habits) note(sum uint64, at capture.Time) {
	if *h == nil {
		*h = make(habits, maxHabits)
	}
	e := h.entry(sum)
	if e.sum != uint32(sum>>32) || e.times == 0 {
		*e = habit{sum: uint32(sum >> 32), times: 1, latest: at}
		return
	}
	copy(e.gaps[1:], e.gaps[:])
	e.gaps[0] = max(at.Sub(e.latest), 0)
	e.latest = max(e.latest, at)
	e.times = min(e.times+1, habitual)
}

func (h habits) entry(sum uint64) *habit { return &h[sum%maxHabits] }

// of is the habit of sending requests with this sum; ok is false without one.
func (h habits) of(sum uint64) (e *habit, ok bool) {
	if h == nil {
		return nil, false
	}
	e = h.entry(sum)
	return e, e.sum == uint32(sum>>32) && e.times == habitual
}

// explains reports whether a request sent at a moment is just the next one: it comes about
// as late behind the latest as that behind the one before, or others were sent since the
// latest that failed.
func (e *habit) explains(at, failed capture.Time) bool {
	const early = 3. / 4 // of the shortest gap
	return e.latest > failed || float64(at.Sub(e.latest)) >= early*float64(min(e.gaps[0], e.gaps[1]))
}
