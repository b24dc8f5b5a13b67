package analyze

import (
	"math/bits"
	"sort"
	"unsafe"

	"wirelag/reassembly/capture"
)

// history is the latest segments with payload, and the latest acknowledgements,
// of a stream: rings that grow while what they would forget is still needed. Their
// lengths are powers of two.
type history struct {
	data             []seen
	dataLost, datas  int // the oldest that is remembered, and how many there were ever
	acks             []acked
	acksLost, ackeds int   // the same
	widest           int32 // window before those acknowledgements
	room             *historyRoom
}

// historyRoom is what all histories together may still grow by.
type historyRoom struct {
	entries int
	refused uint64 // entries that were forgotten too early for want of room, and losses
	kept    *int64 // bytes
	data    rings[seen]
	acks    rings[acked]
}

// rings are rings of historySize entries, twice as many, and so on up to maxHistory,
// that nobody uses.
type rings[T any] [5][][]T

// fewRings is how many of each size are kept.
const fewRings = 8

// free is where those of so many entries are; nil where they are too small to be kept.
func (r *rings[T]) free(entries int) *[][]T {
	if entries < historySize {
		return nil
	}
	return &r[bits.Len(uint(entries/historySize))-1]
}

// take returns a ring of so many entries.
func (r *rings[T]) take(entries int) []T {
	if free := r.free(entries); free != nil && len(*free) > 0 {
		n := len(*free) - 1
		ring := (*free)[n]
		*free = (*free)[:n]
		return ring
	}
	return make([]T, entries)
}

// give takes back a ring.
func (r *rings[T]) give(ring []T) {
	if free := r.free(len(ring)); free != nil && len(*free) < fewRings {
		*free = append(*free, ring)
	}
}

// least is a ring of no more than historySize entries, in place of one.
func (r *rings[T]) least(ring []T) []T {
	if len(ring) <= historySize {
		return ring
	}
	r.give(ring)
	return r.take(historySize)
}

// weigh accounts for the memory of so many entries more.
func (r *historyRoom) weigh(entries int) { *r.kept += int64(entries) * int64(unsafe.Sizeof(acked{})) }

// seen is a segment with payload.
type seen struct {
	start, end int64
	at         capture.Mark
}

// acked is an acknowledgement or a window.
type acked struct {
	upTo    int64
	window  int32  // -1 when unknown
	answers bool   // it came with data of the receiver
	slower  uint16 // milliseconds that it was longer under way than others, by the receiver's clock
	stamp   stamp
	at      capture.Mark
}

// edge is the right edge of the window; -1 when unknown.
func (a *acked) edge() int64 {
	if a.window < 0 {
		return -1
	}
	return a.upTo + int64(a.window)
}

// historyLeast is how many entries a ring has at first; up to historySize it
// grows as they come.
const historyLeast = 4

// newHistory is an empty history.
func (a *Analyzer) newHistory() *history {
	h := a.stock.histories.Get()
	if h.room == nil {
		*h = history{data: make([]seen, historyLeast), acks: make([]acked, historyLeast), room: &a.room}
	}
	h.room.weigh(h.size())
	return h
}

// freeHistory takes a history back that is not needed any more.
func (a *Analyzer) freeHistory(h *history) {
	h.empty()
	a.stock.histories.Return(h)
}

// size is how many entries h has room for.
func (h *history) size() int { return len(h.data) + len(h.acks) }

// empty prepares h to be used for another stream, and gives its growth back.
func (h *history) empty() {
	h.room.weigh(-h.size())
	h.room.entries += max(len(h.data)-historySize, 0) + max(len(h.acks)-historySize, 0)
	h.data, h.acks = h.room.data.least(h.data), h.room.acks.least(h.acks)
	h.dataLost, h.datas, h.acksLost, h.ackeds, h.widest = 0, 0, 0, 0, 0
}

// addData remembers d. Of what is not acknowledged up to a place, nothing is forgotten
// while there is room.
func (h *history) addData(d seen, acknowledged int64) {
	if n := h.dataLost; h.datas-n == len(h.data) && (len(h.data) < historySize || h.datum(n).end > acknowledged) {
		h.data = grown(h.data, h.datas, h.room, &h.room.data)
	}
	h.data[h.datas&(len(h.data)-1)] = d
	h.datas++
	h.dataLost = max(h.dataLost, h.datas-len(h.data))
}

// addACK remembers a. Of what came since a moment, nothing is forgotten while
// there is room.
func (h *history) addACK(a acked, since capture.Time) {
	if n := h.acksLost; h.ackeds-n == len(h.acks) && (len(h.acks) < historySize || h.ack(n).at.Time >= since) {
		h.acks = grown(h.acks, h.ackeds, h.room, &h.room.acks)
	}
	place := &h.acks[h.ackeds&(len(h.acks)-1)]
	if h.ackeds-h.acksLost == len(h.acks) {
		h.widest = max(h.widest, place.window)
	}
	*place = a
	h.ackeds++
	h.acksLost = max(h.acksLost, h.ackeds-len(h.acks))
}

// grown is a full ring of n entries ever in one of twice the length, if there is
// room for that.
func grown[T any](ring []T, n int, room *historyRoom, from *rings[T]) []T {
	if len(ring) >= historySize {
		if len(ring) >= maxHistory || room.entries < len(ring) {
			room.refused++
			return ring
		}
		room.entries -= len(ring)
	}
	room.weigh(len(ring))
	larger := from.take(2 * len(ring))
	for i := n - len(ring); i < n; i++ {
		larger[i&(len(larger)-1)] = ring[i&(len(ring)-1)]
	}
	from.give(ring)
	return larger
}

// lastACK is the latest acknowledgement, nil without one.
func (h *history) lastACK() *acked {
	if h.ackeds == 0 {
		return nil
	}
	return h.ack(h.ackeds - 1)
}

func (h *history) ack(n int) *acked  { return &h.acks[n&(len(h.acks)-1)] }
func (h *history) datum(n int) *seen { return &h.data[n&(len(h.data)-1)] }

// ackedUntil is the number of the first acknowledgement seen after a moment.
func (h *history) ackedUntil(until capture.Time) int {
	first := h.acksLost
	if h.ackeds > first && h.ack(h.ackeds-1).at.Time <= until {
		return h.ackeds
	}
	return first + sort.Search(h.ackeds-first, func(i int) bool { return h.ack(first+i).at.Time > until })
}

// widestBefore is the largest window that was open before acknowledgement n.
func (h *history) widestBefore(n int) int64 {
	widest := h.widest
	for i := h.acksLost; i < n; i++ {
		widest = max(widest, h.ack(i).window)
	}
	return int64(widest)
}

// newestUpTo is the latest segment that ends at or before a place, nil when none
// is remembered.
func (h *history) newestUpTo(place int64) *seen {
	first := h.dataLost
	n := first + sort.Search(h.datas-first, func(i int) bool { return h.datum(first+i).end > place })
	if n == first {
		return nil
	}
	return h.datum(n - 1)
}

// original is the segment that carried the byte at a place first, nil when it
// was not seen or is forgotten.
func (h *history) original(place int64) *seen {
	first := h.dataLost
	n := first + sort.Search(h.datas-first, func(i int) bool { return h.datum(first+i).end > place })
	if n == h.datas || h.datum(n).start > place {
		return nil
	}
	return h.datum(n)
}
