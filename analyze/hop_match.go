package analyze

import (
	"wirelag/analyze/http1"
)

// findBacks looks for the exchanges by which a proxy served e, and tells of them:
// the one that its response comes from, and attempts before it.
func (h *hops) findBacks(e *hopEntry) {
	c := h.choose(e.key, h.backs[e.key], func(y *hopEntry) (evidence, bool) { return compare(e.exchange, y.exchange) },
		func(y *hopEntry) uint64 { return y.olderBack }, nearer)
	for _, a := range c.attempts {
		if c.best == nil || a.entry.exchange.Request.Start.At.Time < c.best.exchange.Request.Start.At.Time {
			h.link(e, a.entry, a.evidence, true)
		}
	}
	if c.best != nil {
		h.link(e, c.best, c.found, c.alone)
		return
	}
	if b := h.entry(h.latest[e.key]); b != nil && e.exchange.Response != nil && joined(e.exchange, b) {
		h.linked++
		h.tell(&Hop{Front: e.exchange, Back: b.exchange, Answered: true, Joined: true, Added: Unknown})
	}
}

// findFront looks for the exchange for which a proxy made e, where that was over first.
func (h *hops) findFront(e *hopEntry) {
	c := h.choose(e.key, h.fronts[e.key], func(y *hopEntry) (evidence, bool) {
		v, ok := compare(y.exchange, e.exchange)
		return v, ok && !(v.served && y.served)
	}, func(y *hopEntry) uint64 { return y.olderFront }, func(a, b *Exchange) bool { return nearer(b, a) })
	switch {
	case c.best != nil:
		h.link(c.best, e, c.found, c.alone)
	case len(c.attempts) > 0:
		h.link(c.attempts[0].entry, e, c.attempts[0].evidence, len(c.attempts) == 1)
	}
}

// choice is what fits an exchange as its other side.
type choice struct {
	best     *hopEntry // nil when there is none
	found    evidence
	alone    bool // nothing else fits as well
	attempts []attempt
}

type attempt struct {
	entry    *hopEntry
	evidence evidence
}

// choose picks from the entries behind number n the one that most speaks for,
// the nearer one where as much speaks for two.
func (h *hops) choose(key, n uint64, compare func(*hopEntry) (evidence, bool), older func(*hopEntry) uint64, nearer func(a, b *Exchange) bool) (c choice) {
	for range hopScan {
		y := h.entry(n)
		if y == nil {
			break
		}
		n = older(y)
		v, ok := compare(y)
		switch {
		case !ok || y.key != key:
		case !v.served:
			c.attempts = append(c.attempts, attempt{y, v})
		case c.best == nil || v.score > c.found.score:
			c.best, c.found, c.alone = y, v, true
		case v.score == c.found.score:
			c.alone = false
			if nearer(y.exchange, c.best.exchange) {
				c.best, c.found = y, v
			}
		}
	}
	return c
}

// nearer reports whether exchange a answered, or was begun where there is no
// response, after b did: a response is handed on at once.
func nearer(a, b *Exchange) bool {
	if a.Response != nil && b.Response != nil {
		return a.Response.Start.At.Time > b.Response.Start.At.Time
	}
	return a.Request.Start.At.Time > b.Request.Start.At.Time
}

// link tells that b serves f. alone: no other exchange fits as well.
func (h *hops) link(f, b *hopEntry, v evidence, alone bool) {
	hop := &Hop{Front: f.exchange, Back: b.exchange, Certain: alone && v.score >= hopCertain, Answered: v.answered, Added: Unknown}
	if v.answered {
		hop.Added = added(f.exchange, b.exchange)
	}
	b.front = f.exchange
	f.served = f.served || v.served
	h.unlist(b)
	h.linked++
	h.tell(hop)
}

// unlist takes b, which has its front, out of the backs that look for one.
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

// joined reports whether f was answered with the response of b, which the proxy
// had asked for on behalf of another front: f's request came before that
// response, and both have the same body.
func joined(f *Exchange, b *hopEntry) bool {
	request, response := f.Request, b.exchange.Response
	if b.front == nil || response == nil || b.front.Connection.Server() != f.Connection.Server() {
		return false
	}
	return request.HeadEnd.Readable < response.Start.At.Time && f.Response.Start.Readable.Add(hopSlack) > response.Start.At.Time &&
		f.Response.Status == response.Status && sameBody(f.Response, response) && response.BodyBytes > 0 &&
		sameHost(b.front.Request, request)
}

// sameBody reports whether both bodies are known and the same.
func sameBody(m, n *http1.Message) bool {
	return m.Complete && n.Complete && m.BodyBytes == n.BodyBytes && m.BodySum == n.BodySum
}
