package reports

import (
	"cmp"
	"slices"
	"time"

	"wirelag/analyze"
	"wirelag/rules"
)

// gallery keeps what is worth drawing: the connections with findings, the worst
// first, then those with the slowest exchanges. It decides as things come, in
// bounded memory, so that a connection may be let go before its finding comes.
type gallery struct {
	drawings  map[uint64]*drawing // by connection
	exchanges int                 // kept in all drawings
	hops      map[uint64][]*analyze.Hop
	// early are findings about connections that were not seen yet (or are let go).
	early map[uint64][]*rules.Finding
	// connections and told count all there were.
	connections, told uint64
}

// Bounds of what a gallery keeps. Twice as much may be there before it is sorted out.
const (
	galleryConnections = 500
	galleryExchanges   = 2500
	drawingExchanges   = 250 // of one connection
	galleryHops        = 2 * galleryExchanges
)

// drawing is what is kept of a connection.
type drawing struct {
	connection *analyze.Connection
	exchanges  []keptExchange
	told       int // exchanges there were
	findings   []*rules.Finding
	worst      rules.Severity // of the findings
	cost       time.Duration
	slowest    time.Duration
	over       bool // the connection is
}

// drawingFindings is how many findings of a connection are kept.
const drawingFindings = 12

func (g *gallery) of(c *analyze.Connection) *drawing {
	d := g.drawings[c.ID]
	if d == nil {
		if g.drawings == nil {
			g.drawings = map[uint64]*drawing{}
		}
		d = &drawing{connection: c.Keep()}
		g.drawings[c.ID] = d
		for _, f := range g.early[c.ID] {
			d.addFinding(f)
		}
		delete(g.early, c.ID)
	}
	return d
}

func (g *gallery) addConnection(c *analyze.Connection) {
	g.connections++
	d := g.of(c)
	d.over = true
	d.slowest = max(d.slowest, c.Last().Sub(c.First())/1000) // of use where there are no exchanges
	g.bound()
}

func (g *gallery) addExchange(x *analyze.Exchange) {
	g.told++
	d := g.of(x.Connection)
	d.told++
	d.slowest = max(d.slowest, durationOf(x))
	d.exchanges = append(d.exchanges, keptExchange{Exchange: x.Keep()})
	g.exchanges++
	if len(d.exchanges) >= 2*drawingExchanges {
		g.exchanges -= d.settle(drawingExchanges)
	}
	g.bound()
}

func (g *gallery) addFinding(f *rules.Finding) {
	g.of(f.Connection)
	for _, id := range f.Connections {
		if d := g.drawings[id]; d != nil {
			d.addFinding(f)
		} else if len(g.early) < galleryConnections && len(g.early[id]) < drawingFindings {
			if g.early == nil {
				g.early = map[uint64][]*rules.Finding{}
			}
			g.early[id] = append(g.early[id], f)
		}
	}
	g.bound()
}

func (d *drawing) addFinding(f *rules.Finding) {
	d.worst = max(d.worst, f.Severity)
	d.cost += max(f.Cost, 0)
	if len(d.findings) < drawingFindings {
		d.findings = append(d.findings, f)
	}
}

func (g *gallery) addHop(h *analyze.Hop) {
	if g.hops == nil {
		g.hops = map[uint64][]*analyze.Hop{}
	}
	if g.drawings[h.Front.Connection.ID] == nil && g.drawings[h.Back.Connection.ID] == nil || len(g.hops) >= galleryHops {
		return
	}
	small := *h
	small.Front, small.Back = h.Front.Detach(), h.Back.Detach()
	g.hops[h.Front.ID] = append(g.hops[h.Front.ID], &small)
	g.hops[h.Back.ID] = append(g.hops[h.Back.ID], &small)
}

// bound lets go of what is least worth drawing, when there is too much.
func (g *gallery) bound() {
	if len(g.drawings) >= 2*galleryConnections || g.exchanges >= 2*galleryExchanges {
		g.settle()
	}
}

// settle keeps the best drawings, and returns them.
func (g *gallery) settle() []*drawing {
	all := make([]*drawing, 0, len(g.drawings))
	for _, d := range g.drawings {
		all = append(all, d)
	}
	slices.SortFunc(all, betterDrawing)
	exchanges := 0
	kept := all[:0]
	for i, d := range all {
		if i >= galleryConnections || exchanges+len(d.exchanges) > galleryExchanges && i > 0 {
			g.drop(d)
			continue
		}
		exchanges += len(d.exchanges)
		d.compact()
		kept = append(kept, d)
	}
	g.exchanges = exchanges
	return kept
}

func (g *gallery) drop(d *drawing) {
	if d.over {
		d.connection.Trail.Forget()
	}
	delete(g.drawings, d.connection.ID)
}

// betterDrawing orders drawings by what they are worth.
func betterDrawing(a, b *drawing) int {
	return cmp.Or(
		cmp.Compare(b.rank(), a.rank()), cmp.Compare(b.cost, a.cost),
		cmp.Compare(b.slowest, a.slowest), cmp.Compare(a.connection.ID, b.connection.ID))
}

// rank is 0 without findings, and higher with worse ones.
func (d *drawing) rank() int {
	if len(d.findings) == 0 {
		return 0
	}
	return 1 + int(d.worst)
}

// settle keeps the n slowest exchanges, and returns how many are let go.
func (d *drawing) settle(n int) int {
	if len(d.exchanges) <= n {
		return 0
	}
	slices.SortStableFunc(d.exchanges, func(a, b keptExchange) int { return cmp.Compare(durationOf(b.Exchange), durationOf(a.Exchange)) })
	gone := len(d.exchanges) - n
	clear(d.exchanges[n:])
	d.exchanges = d.exchanges[:n]
	d.compact()
	return gone
}

// compact makes the exchanges independent of the others of the capture.
func (d *drawing) compact() {
	for i := range d.exchanges {
		d.exchanges[i].copy()
	}
}

// durationOf is how long x took; of one without response, until its last byte.
func durationOf(x *analyze.Exchange) time.Duration {
	if total := totalOf(&x.Timing); total >= 0 {
		return total
	}
	return x.Timing.Total()
}

// keptExchange is an exchange that is kept. Those that stay long are copies: the
// others share memory with many.
type keptExchange struct {
	*analyze.Exchange
	copied bool
}

func (k *keptExchange) copy() {
	if !k.copied {
		*k = keptExchange{k.Detach(), true}
	}
}
