package analyze

import (
	"cmp"
	"slices"

	"wirelag/reassembly/capture"
)

// cluster are fits that have exchanges in common: which of them are hops is decided at once.
type cluster struct {
	entries []uint64
	fits    []*fit
	cut     bool     // more hangs together with them
	spent   []uint64 // entries whose other side is known, but not shown
}

// cluster collects what hangs together with entry n.
func (h *hops) cluster(n uint64) (c cluster) {
	c.entries = append(c.entries, n)
	for i := 0; i < len(c.entries); i++ {
		e := h.entry(c.entries[i])
		if e == nil {
			continue
		}
		for _, f := range e.fits {
			if front, _ := h.ends(f); front == nil {
				continue
			}
			if f.front == c.entries[i] {
				c.fits = append(c.fits, f)
			}
			c.reach(f.front)
			c.reach(f.back)
		}
	}
	return c
}

func (c *cluster) reach(n uint64) {
	switch {
	case slices.Contains(c.entries, n):
	case len(c.entries) < hopScan:
		c.entries = append(c.entries, n)
	default:
		c.cut = true
	}
}

// decide tells the hops among what hangs together with entry n, once all exchanges that
// come into question are over, or must not be waited for any longer.
func (h *hops) decide(n uint64, now bool) {
	e := h.entry(n)
	switch {
	case e == nil:
		return
	case len(e.fits) == 0:
		e.waits = false
		h.share(e)
		return
	case !now:
		if slot := h.rival(e.fits); slot != 0 {
			h.wait(n, slot)
			return
		}
	}
	c := h.cluster(n)
	if !now && !c.cut {
		if slot := h.rival(c.fits); slot != 0 {
			h.wait(n, slot)
			return
		}
	}
	h.settle(&c)
}

// rival is the slot of an open request that may be one end of one of fits instead, 0
// without one.
func (h *hops) rival(fits []*fit) int32 {
	for _, f := range fits {
		if front, back := h.ends(f); front != nil {
			if slot := h.open.rival(front, back); slot != 0 {
				return slot
			}
		}
	}
	return 0
}

// wait has entry n wait until others are over, the one in a slot first.
func (h *hops) wait(n uint64, slot int32) {
	e := h.entry(n)
	e.slot, e.rival = slot, h.open.at(slot)
	if e.waits {
		return
	}
	e.waits = true
	h.undecided = append(h.undecided, hopWait{n, e.key, h.now})
	h.waiting[e.key] = append(h.waiting[e.key], n)
}

// hurry decides about the entry that has waited longest.
func (h *hops) hurry() {
	w := h.undecided[0]
	h.undecided = h.undecided[1:]
	if e := h.entry(w.number); e != nil && e.waits {
		h.decide(w.number, true)
	}
	h.retry(w.key)
}

// retry decides about what waited for a request with a key to be over.
func (h *hops) retry(key uint64) {
	list, waits := h.waiting[key]
	for len(list) > 0 {
		if e := h.entry(list[0]); e != nil && e.waits {
			if h.open.at(e.slot) == e.rival {
				break
			}
			if h.decide(list[0], false); e.waits {
				break
			}
		}
		list = list[1:]
	}
	switch {
	case len(list) > 0:
		h.waiting[key] = list
	case waits:
		delete(h.waiting, key)
	}
}

// settle tells the hops among c: those first that most speaks for; of those for which as
// much speaks, those that are left for an end, then in the order of the requests.
func (h *hops) settle(c *cluster) {
	for i, n := range c.entries {
		if e := h.entry(n); e != nil && (i == 0 || !c.cut) { // the others have more that they hang together with
			e.waits = false
		}
	}
	c.shorten()
	served := slices.DeleteFunc(slices.Clone(c.fits), func(f *fit) bool { return !f.served })
	slices.SortStableFunc(served, func(f, g *fit) int {
		return cmp.Or(-cmp.Compare(f.content, g.content), cmp.Compare(f.differ, g.differ))
	})
	for len(served) > 0 {
		n := 1
		for n < len(served) && !served[0].beats(served[n].evidence) {
			n++
		}
		h.pair(c, served[:n])
		served = served[n:]
	}
	for _, n := range c.entries {
		if e := h.entry(n); e != nil && e.front == nil {
			h.attempt(c, n, e)
		}
	}
	for _, n := range c.entries {
		if e := h.entry(n); e != nil && e.back == nil {
			h.share(e)
		}
	}
}

// shorten takes out the fits of exchanges that have another one between them: a front and
// what the second of two proxies made of it.
func (c *cluster) shorten() {
	known := map[[2]uint64]*fit{}
	backs := map[uint64]bool{}
	for _, f := range c.fits {
		known[[2]uint64{f.front, f.back}] = f
		backs[f.back] = true
	}
	between := map[uint64][]*fit{} // the second halves, by their back
	for _, f := range c.fits {
		if backs[f.front] {
			between[f.back] = append(between[f.back], f)
		}
	}
	if len(between) == 0 {
		return
	}
	c.fits = slices.DeleteFunc(c.fits, func(f *fit) bool {
		return slices.ContainsFunc(between[f.back], func(second *fit) bool {
			first := known[[2]uint64{f.front, second.front}]
			return first != nil && !f.beats(first.evidence)
		})
	})
}

// free reports whether both ends of f still look for their other side.
func (h *hops) free(c *cluster, f *fit) bool {
	front, _ := h.ends(f)
	return front != nil && !slices.Contains(c.spent, f.front) && !slices.Contains(c.spent, f.back)
}

// pair tells the hops among fits for which as much speaks.
func (h *hops) pair(c *cluster, fits []*fit) {
	for {
		fits = slices.DeleteFunc(fits, func(f *fit) bool { return !h.free(c, f) })
		f := forced(fits)
		if f == nil {
			break
		}
		h.link(c, f, true)
	}
	for _, f := range fits {
		h.entry(f.front).contested, h.entry(f.back).contested = true, true
	}
	slices.SortStableFunc(fits, func(f, g *fit) int {
		switch {
		case f.outside == g.outside:
			return cmp.Or(cmp.Compare(h.begunAt(f.front), h.begunAt(g.front)), cmp.Compare(h.begunAt(f.back), h.begunAt(g.back)))
		case f.outside:
			return 1
		}
		return -1
	})
	for _, f := range fits {
		if h.free(c, f) {
			h.link(c, f, false)
		}
	}
}

// begunAt is when the request of entry n began.
func (h *hops) begunAt(n uint64) capture.Time { return h.entry(n).exchange.Request.Start.At.Time }

// forced returns one of fits without which there would be fewer hops: a front that no
// other back is left for, or a back that no other front is left for, unless two of those
// want the same. nil if there is none.
func forced(fits []*fit) *fit {
	fronts, backs := map[uint64]int{}, map[uint64]int{}
	for _, f := range fits {
		fronts[f.front]++
		backs[f.back]++
	}
	wanted := map[uint64]int{} // by how many that have no choice
	for _, f := range fits {
		if fronts[f.front] == 1 {
			wanted[f.back]++
		}
		if backs[f.back] == 1 {
			wanted[f.front]++
		}
	}
	for _, f := range fits {
		if fronts[f.front] == 1 && wanted[f.back] == 1 || backs[f.back] == 1 && wanted[f.front] == 1 {
			return f
		}
	}
	return nil
}

// attempt tells for which front a proxy made the back e in vain.
func (h *hops) attempt(c *cluster, n uint64, e *hopEntry) {
	var best *fit
	fronts := 0
	for _, f := range e.fits {
		front, back := h.ends(f)
		if f.back != n || front == nil || f.served || front.back != nil && back.exchange.Request.Start.At.Time >= front.back.Request.Start.At.Time {
			continue
		}
		if fronts++; best == nil || f.apart < best.apart {
			best = f
		}
	}
	if best != nil {
		h.link(c, best, fronts == 1)
	}
}

// link tells that f is a hop. alone: no other fits as well.
func (h *hops) link(c *cluster, f *fit, alone bool) {
	if f.outside {
		c.spent = append(c.spent, f.front, f.back)
		return
	}
	front, back := h.ends(f)
	hop := &Hop{Front: front.exchange, Back: back.exchange, Answered: f.answered, Added: Unknown}
	hop.Unsettled = c.cut || alone && (front.contested || back.contested) || h.open.rival(front, back) != 0
	hop.Certain = alone && !hop.Unsettled && f.score >= hopCertain && f.proven() && (f.clocks || f.identified || h.unique(f))
	if !hop.Certain {
		hop.OtherFronts, hop.OtherBacks = h.instead(c, f)
	}
	if f.answered {
		hop.Added = h.added(front.exchange, back.exchange)
	}
	h.unlist(back)
	back.front, back.certain = front.exchange, hop.Certain
	if f.served {
		front.back, front.certain = back.exchange, hop.Certain
	}
	h.linked++
	h.tell(hop)
	if f.served {
		h.shareWith(back)
	}
}

// proven reports whether nothing speaks against v that a proxy does not do.
func (v *evidence) proven() bool { return v.identified || !v.strange }

// unique reports whether no other exchange with the same request, whenever it was within
// the window, may be an end of f.
func (h *hops) unique(f *fit) bool {
	if h.missed != 0 && h.now.Sub(h.missed) <= hopWindow {
		return false
	}
	front, back := h.entry(f.front), h.entry(f.back)
	n := h.fronts[front.key]
	for range hopWalk {
		e := h.entry(n)
		if e == nil {
			return true
		}
		if v, ok := h.compare(e.exchange, back.exchange); n != f.front && ok && !f.beats(v) {
			return false
		}
		if v, ok := h.compare(front.exchange, e.exchange); n != f.back && ok && !f.beats(v) {
			return false
		}
		n = e.olderFront
	}
	return false
}

// instead are the exchanges that may be one end of f, for which as much speaks.
func (h *hops) instead(c *cluster, f *fit) (fronts, backs []*Exchange) {
	for _, g := range c.fits {
		front, back := h.entry(g.front), h.entry(g.back)
		if front == nil || back == nil || f.beats(g.evidence) {
			continue
		}
		if g.back == f.back && g.front != f.front && !front.certain {
			fronts = append(fronts, front.exchange)
		}
		if g.front == f.front && g.back != f.back && !back.certain {
			backs = append(backs, back.exchange)
		}
	}
	return fronts, backs
}
