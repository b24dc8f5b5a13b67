package analyze

import (
	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
)

// findBacks looks for the exchanges by which a proxy served e, and tells of them:
// the one that its response comes from, and attempts before it.
func (h *hops) findBacks(e *hopEntry) {
	c := h.choose(e, h.backs[e.key], e.exchange.Request.HeadEnd.Readable, func(y *hopEntry) (evidence, bool) { return compare(e.exchange, y.exchange) },
		func(y *hopEntry) uint64 { return y.olderBack })
	for _, a := range c.attempts {
		if c.best == nil || a.entry.exchange.Request.Start.At.Time < c.best.exchange.Request.Start.At.Time {
			h.unlist(a.entry)
			h.link(e, a.entry, a.evidence, true)
		}
	}
	if c.best == nil {
		h.share(e)
		return
	}
	h.unlist(c.best)
	h.link(e, c.best, c.found, c.isAlone())
	c.contest()
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

// findFront looks for the exchange for which a proxy made e, where that was over first.
func (h *hops) findFront(e *hopEntry) {
	c := h.choose(e, h.fronts[e.key], e.exchange.Request.Start.At.Time, func(y *hopEntry) (evidence, bool) {
		v, ok := compare(y.exchange, e.exchange)
		return v, ok && y.front != e.exchange && !(v.served && y.served)
	}, func(y *hopEntry) uint64 { return y.olderFront })
	switch {
	case c.best != nil:
		h.link(c.best, e, c.found, c.isAlone())
		c.contest()
		h.shareWith(e)
	case len(c.attempts) > 0:
		h.link(c.attempts[0].entry, e, c.attempts[0].evidence, len(c.attempts) == 1)
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
		if !f.served && f.exchange.Response != nil && joined(f.exchange, e) {
			f.shared = e.exchange
		}
	}
}

// choice is what fits an exchange as its other side.
type choice struct {
	best     *hopEntry // nil when there is none
	found    evidence
	others   []*hopEntry // that fit as well
	attempts []attempt
}

// isAlone reports whether no other exchange fits as well as the best, nor was the best
// as good as what another one was linked with.
func (c *choice) isAlone() bool { return len(c.others) == 0 && !c.best.contested }

// contest notes that the others may be the right ones: each is what is left for another
// exchange then, which proves nothing.
func (c *choice) contest() {
	for _, y := range c.others {
		y.contested = true
	}
}

type attempt struct {
	entry    *hopEntry
	evidence evidence
}

// choose picks from the entries from number n on that were over after since the
// one that most speaks for being the other side of e: the closer one in time
// where as much speaks for two.
func (h *hops) choose(e *hopEntry, n uint64, since capture.Time, compare func(*hopEntry) (evidence, bool), older func(*hopEntry) uint64) (c choice) {
	for walked, compared := 0, 0; walked < hopWalk && compared < hopScan; walked++ {
		y := h.entry(n)
		if y == nil || y.at < since {
			break
		}
		n = older(y)
		if y.server == e.server {
			continue
		}
		compared++
		v, ok := compare(y)
		switch {
		case !ok:
		case !v.served:
			c.attempts = append(c.attempts, attempt{y, v})
		case c.best == nil || v.beats(c.found):
			c.best, c.found, c.others = y, v, c.others[:0]
		case c.found.beats(v):
		case v.apart < c.found.apart:
			c.others = append(c.others, c.best)
			c.best, c.found = y, v
		default:
			c.others = append(c.others, y)
		}
	}
	return c
}

// link tells that b serves f. alone: no other exchange fits as well.
func (h *hops) link(f, b *hopEntry, v evidence, alone bool) {
	hop := &Hop{Front: f.exchange, Back: b.exchange, Certain: alone && v.score >= hopCertain, Answered: v.answered, Added: Unknown}
	if v.answered {
		hop.Added = added(f.exchange, b.exchange)
	}
	b.front = f.exchange
	f.served = f.served || v.served
	h.linked++
	h.tell(hop)
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
	if e.shared == nil || e.served {
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
