package analyze

import (
	"iter"
	"slices"

	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
)

// fit is a front and a back, by their numbers, that may be the two sides of a proxy.
type fit struct {
	front, back uint64
	evidence
}

// fitBacks looks for the exchanges by which a proxy may have served entry n.
func (h *hops) fitBacks(n uint64) {
	e := h.entry(n)
	if e == nil {
		return
	}
	for m, y := range h.others(e, h.backs[e.key], e.exchange.Request.HeadEnd.Readable, olderBack) {
		if v, ok := h.compare(e.exchange, y.exchange); ok {
			h.fit(fit{n, m, v})
		}
	}
}

// fitFronts looks for the exchanges for which a proxy may have made entry n.
func (h *hops) fitFronts(n uint64) {
	e := h.entry(n)
	if e == nil {
		return
	}
	for m, y := range h.others(e, h.fronts[e.key], e.exchange.Request.Start.At.Time, olderFront) {
		if v, ok := h.compare(y.exchange, e.exchange); ok && !(v.served && y.back != nil) {
			h.fit(fit{m, n, v})
		}
	}
}

func olderFront(e *hopEntry) uint64 { return e.olderFront }
func olderBack(e *hopEntry) uint64  { return e.olderBack }

// others are the entries on other servers than e, from number n on, that were over after
// since; or whenever, where clocks may differ.
func (h *hops) others(e *hopEntry, n uint64, since capture.Time, older func(*hopEntry) uint64) iter.Seq2[uint64, *hopEntry] {
	return func(yield func(uint64, *hopEntry) bool) {
		for walked, given := 0, 0; walked < hopWalk && given < hopScan; walked++ {
			y, number := h.entry(n), n
			if y == nil || y.at < since && !h.mixed {
				return
			}
			n = older(y)
			if y.server == e.server {
				continue
			}
			if given++; !yield(number, y) {
				return
			}
		}
	}
}

const (
	fitMemory = 160 // about what a fit takes
	// hopOutside is how many fits an entry may have that are never linked, since the clocks
	// do not agree: more do not make it less certain.
	hopOutside = 2
)

// fit notes a fit with both of its entries.
func (h *hops) fit(f fit) {
	if front, back := h.ends(&f); f.outside && front != nil && max(front.outside(), back.outside()) >= hopOutside {
		front.contested, back.contested = true, true
		return
	}
	h.makeRoom(f.front)
	h.makeRoom(f.back)
	front, back := h.ends(&f)
	switch {
	case front == nil:
	case len(front.fits) >= hopScan || len(back.fits) >= hopScan:
		front.contested, back.contested = true, true
	default:
		front.fits, back.fits = append(front.fits, &f), append(back.fits, &f)
		front.memory += fitMemory
		h.memory += fitMemory
	}
}

// outside is how many of the fits of e are never linked.
func (e *hopEntry) outside() (n int) {
	for _, f := range e.fits {
		if f.outside {
			n++
		}
	}
	return n
}

// makeRoom sees to it that entry n may have one more fit: what has so many is not waited
// for any longer.
func (h *hops) makeRoom(n uint64) {
	e := h.entry(n)
	gone := func(f *fit) bool { front, _ := h.ends(f); return front == nil }
	if len(e.fits) < hopScan {
		return
	}
	if e.fits = slices.DeleteFunc(e.fits, gone); len(e.fits) < hopScan || e.full {
		e.full = e.full && len(e.fits) == hopScan
		return
	}
	h.decide(n, true)
	e.fits = slices.DeleteFunc(e.fits, gone)
	e.full = len(e.fits) == hopScan
}

// ends returns both entries of a fit that may still become a hop, nil otherwise.
func (h *hops) ends(f *fit) (front, back *hopEntry) {
	front, back = h.entry(f.front), h.entry(f.back)
	if front == nil || back == nil || back.front != nil || f.served && front.back != nil {
		return nil, nil
	}
	return front, back
}

// share notes whose back e, which has none of its own so far, may have been
// answered with.
func (h *hops) share(e *hopEntry) {
	b := h.entry(h.latest[e.key])
	if b == nil || e.exchange.Response == nil || !joined(e.exchange, b) {
		return
	}
	e.shared = b.exchange
	n := h.backs[e.key]
	for range hopScan {
		y := h.entry(n)
		if y == nil || y.at < e.exchange.Request.Start.At.Time {
			return
		}
		if spare(e, y) {
			e.shared = nil
			return
		}
		n = y.olderBack
	}
}

// shareWith notes which fronts, that have no back of their own so far, may have
// been answered with e, which has its front.
func (h *hops) shareWith(e *hopEntry) {
	n := h.fronts[e.key]
	for range hopWalk {
		f := h.entry(n)
		if f == nil || f.at < e.exchange.Request.Start.At.Time {
			return
		}
		n = f.olderFront
		if f.back == nil && f.exchange.Response != nil && joined(f.exchange, e) {
			f.shared = e.exchange
		}
	}
}

// unlist takes b, which has its front now, out of the backs that look for one.
func (h *hops) unlist(b *hopEntry) {
	n := h.backs[b.key]
	if h.entry(n) == b {
		h.backs[b.key] = b.olderBack
		h.latest[b.key] = n
		return
	}
	for e := h.entry(n); e != nil; e = h.entry(e.olderBack) {
		if h.entry(e.olderBack) == b {
			h.latest[b.key] = max(h.latest[b.key], e.olderBack)
			e.olderBack = b.olderBack
			return
		}
	}
}

// join tells that the oldest entry, which has no back of its own, was answered
// with another's response.
func (h *hops) join() {
	e := &h.entries[h.head]
	if e.shared == nil || e.back != nil {
		return
	}
	later := h.entries[h.head+1:]
	for i := range later[:min(len(later), hopScan)] {
		if spare(e, &later[i]) {
			return
		}
	}
	h.tell(&Hop{Front: e.exchange, Back: e.shared, Answered: true, Joined: true, Added: Unknown})
}

// spare reports whether b, which has no front, may be e's own: among requests that
// are all the same, backs cannot always be told apart.
func spare(e, b *hopEntry) bool {
	f, y := e.exchange, b.exchange
	return b.key == e.key && b.front == nil && y.Connection.Server() == e.shared.Connection.Server() &&
		y.Request.Start.At.Time < f.Response.Start.At.Time && y.Connection.Last().Time > f.Request.Start.At.Time
}

// joined reports whether f was answered with the response of b, which the proxy
// had asked for on behalf of another front: f's request came before that
// response, and both have the same body.
func joined(f *Exchange, b *hopEntry) bool {
	request, response := f.Request, b.exchange.Response
	if b.front == nil || response == nil || b.front.Connection.Server() != f.Connection.Server() {
		return false
	}
	return request.HeadEnd.Readable < response.Start.At.Time && f.Response.Start.Readable >= response.Start.At.Time &&
		f.Response.Status == response.Status && sameBody(f.Response, response) && response.BodyBytes > 0 &&
		sameHost(b.front.Request, request)
}

// sameBody reports whether both bodies are known and the same.
func sameBody(m, n *http1.Message) bool {
	return m.Complete && n.Complete && m.BodyBytes == n.BodyBytes && m.BodySum == n.BodySum
}
