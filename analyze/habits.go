package analyze

import (
	"encoding/binary"
	"math/bits"
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

// sumOf is a sum of what the request and its repeat have in common.
func sumOf(k *repeatKey) uint64 {
	client := k.client.As16()
	h := fold(uint64(k.bodySum)<<32^uint64(k.bodyBytes), binary.LittleEndian.Uint64(client[:8]))
	h = fold(h, binary.LittleEndian.Uint64(client[8:]))
	h = fold(h, uint64(k.server.Port()))
	for _, text := range [...]string{k.method, k.target, k.host} {
		h = fold(h, uint64(len(text)))
		for ; len(text) >= 8; text = text[8:] {
			h = fold(h, binary.LittleEndian.Uint64([]byte(text[:8])))
		}
		for i := range len(text) {
			h = fold(h, uint64(text[i]))
		}
	}
	return h
}

// fold adds a word to a sum.
func fold(h, word uint64) uint64 {
	const mixer = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	high, low := bits.Mul64(h^word^mixer, mixer)
	return high ^ low
}

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
