package analyze

import (
	"math"
	"time"

	"wirelag/reassembly/capture"
)

// returnPath is the way of a receiver's segments to the capture point, measured by their
// timestamps (RFC 7323 §3): how far the clock that they carry is behind the capture's.
type returnPath struct {
	since capture.Time // when the shortest was seen; 0 before the first
	least uint32       // milliseconds by which it was behind
}

// slower is by how many milliseconds longer a segment with timestamp tsVal was under way
// than the fastest one before. It is 0 where the receiver's clock may not tick each
// millisecond: it falls behind as time goes by then, by half of the time at least. What
// two clocks can drift apart is taken off.
func (r *returnPath) slower(at capture.Time, tsVal uint32) uint16 {
	const drift = 2000 // half a millisecond in a second
	behind := uint32(int64(at)/int64(time.Millisecond)) - tsVal
	if r.since == 0 || int32(behind-r.least) < 0 {
		r.since, r.least = at, behind
		return 0
	}
	age := int64(at.Sub(r.since) / time.Millisecond)
	slower := int64(behind-r.least) - age/drift
	if slower <= 0 || slower > age/4 {
		return 0
	}
	return uint16(min(slower, math.MaxUint16))
}
