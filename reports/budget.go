package reports

import (
	"cmp"
	"slices"
	"time"

	"wirelag/analyze"
)

// Budget is where the client's time went in a number of exchanges: their time
// added up, whether they were one after the other or at once.
type Budget struct {
	Exchanges uint64
	// Incomplete counts the exchanges of which a part of the time is not known,
	// and missing here: the capture lacks some of them, or shows no response.
	Incomplete uint64
	Spent      analyze.Spent
}

// Part is a part of a budget.
type Part struct {
	Phase    analyze.Phase
	On       analyze.SpentOn
	Time     time.Duration
	PerMille int // of the budget's time; those of all its parts add up to 1000
}

func (b *Budget) add(x *analyze.Exchange) {
	b.Exchanges++
	if !b.Spent.Add(x) {
		b.Incomplete++
	}
}

func (b *Budget) merge(c *Budget) {
	b.Exchanges += c.Exchanges
	b.Incomplete += c.Incomplete
	b.Spent.Merge(&c.Spent)
}

// without is b with the exchanges of c, which it has, taken out.
func (b Budget) without(c *Budget) *Budget {
	b.Exchanges -= c.Exchanges
	b.Incomplete -= c.Incomplete
	b.Spent.Subtract(&c.Spent)
	return &b
}

// Parts are the parts that took time, in the order of the phases. Their shares
// are rounded so that they add up.
func (b *Budget) Parts() (parts []Part) {
	total := b.Spent.Total()
	if total <= 0 {
		return nil
	}
	var lost []float64 // of each share, by rounding down
	left := 1000
	for p := range analyze.Phase(analyze.Phases) {
		for on := range analyze.SpentOn(analyze.SpentOns) {
			d := b.Spent[p][on]
			if d <= 0 {
				continue
			}
			exact := float64(d) / float64(total) * 1000
			parts = append(parts, Part{p, on, d, int(exact)})
			lost = append(lost, exact-float64(int(exact)))
			left -= int(exact)
		}
	}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(lost[j], lost[i]) })
	for i := range left {
		parts[order[i%len(order)]].PerMille++
	}
	return parts
}

// proxied is the time of the exchanges that a proxy had for its clients, where
// the capture shows both sides: it is in the clients' time already, and taken out
// of the budget of the whole. Nothing is known of it where the exchanges told are
// a selection, which may have one side alone.
type proxied struct {
	Budget
	selected bool
}

// hop takes a link between two exchanges that were told. Each back has one front
// that it was forwarded for.
func (p *proxied) hop(h *analyze.Hop) {
	if !p.selected && !h.Joined {
		p.add(h.Back)
	}
}

// budgetObject is a budget in JSON.
type budgetObject struct {
	Exchanges  uint64       `json:"exchanges"`
	Incomplete uint64       `json:"incomplete"`
	TotalMS    float64      `json:"total_ms"`
	Parts      []partObject `json:"parts"`
}

type partObject struct {
	Phase string  `json:"phase"`
	On    string  `json:"on"`
	MS    float64 `json:"ms"`
	Share float64 `json:"share"` // percent
}

func budgetObjectOf(b *Budget) budgetObject {
	o := budgetObject{Exchanges: b.Exchanges, Incomplete: b.Incomplete, TotalMS: milliseconds(b.Spent.Total()), Parts: []partObject{}}
	for _, p := range b.Parts() {
		o.Parts = append(o.Parts, partObject{p.Phase.String(), p.On.String(), milliseconds(p.Time), float64(p.PerMille) / 10})
	}
	return o
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
