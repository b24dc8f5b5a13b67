package reports

import (
	"cmp"
	"slices"
	"time"

	"wirelag/analyze"
)

// htmlBudget is where the clients' time went, as a whole and by client and server.
type htmlBudget struct {
	Total                   budgetBar
	Parts                   []budgetPart // of the total, the largest first
	Pairs                   []budgetBar
	Legend                  []budgetPart // phases in use
	Note                    string
	Held, Path, Unexplained bool // there are such parts
}

// budgetBar is a budget as a bar of its parts.
type budgetBar struct {
	Name, Time, Exchanges string
	Label                 string // what the bar shows, in words
	Parts                 []budgetPart
}

// budgetPart is a part of a budget. Class is that of its phase.
type budgetPart struct {
	Class, Phase, On  string
	Time, Share, X, W string // X and W in per cent of the bar
	Held              bool   // TCP held it up
	Path              bool   // round trips
	Unexplained       bool
	took              time.Duration
}

// htmlBudgets is how many pairs have a bar.
const htmlBudgets = 12

var phaseClasses = [analyze.Phases]string{"dns", "connect", "tls", "blocked", "send", "wait", "receive", "unanswered"}

// spentTitles say what time was spent on, within a phase that does not say it.
var spentTitles = [analyze.SpentOns]string{
	"unexplained", "", "round trip", "server", "Nagle's algorithm", "delayed acknowledgement", "slow start", "retransmission", "receive window",
}

// spent is where the time of all clients went.
func (d *drawer) spent() *Budget { return d.pairs.budget().without(&d.proxied.Budget) }

func (d *drawer) budget() *htmlBudget {
	total := d.spent()
	if total.Spent.Total() <= 0 {
		return nil
	}
	b := &htmlBudget{Total: barOf("All", total), Parts: partsOf(total)}
	slices.SortStableFunc(b.Parts, func(a, b budgetPart) int { return cmp.Compare(b.took, a.took) })
	for _, p := range b.Parts {
		b.Held, b.Path, b.Unexplained = b.Held || p.Held, b.Path || p.Path, b.Unexplained || p.Unexplained
	}
	for i, p := range phaseClasses {
		if total.Spent.In(analyze.Phase(i)) > 0 {
			b.Legend = append(b.Legend, budgetPart{Class: p, Phase: phaseTitles[i]})
		}
	}
	pairs := d.pairs.costliest()
	for _, p := range pairs[:min(len(pairs), d.htmlWriter.rows(htmlBudgets))] {
		if p.budget.Spent.Total() > 0 {
			b.Pairs = append(b.Pairs, barOf(d.pair(p.pairKey), &p.budget))
		}
	}
	if len(b.Pairs) < 2 && len(pairs) < 2 {
		b.Pairs = nil
	}
	b.Note = "The time of " + counted(total.Exchanges, "exchange") + " added up, those at once too: " + duration(total.Spent.Total()) + "."
	if total.Incomplete > 0 {
		b.Note += " Of " + count(total.Incomplete) + " a part is not known, and missing here."
	}
	return b
}

// costliest are the pairs with most time spent first.
func (p *pairs) costliest() []*pair {
	sorted := slices.Clone(p.order)
	slices.SortStableFunc(sorted, func(a, b *pair) int {
		return cmp.Compare(b.budget.Spent.Total(), a.budget.Spent.Total())
	})
	return sorted
}

func barOf(name string, b *Budget) budgetBar {
	bar := budgetBar{Name: name, Time: duration(b.Spent.Total()), Exchanges: counted(b.Exchanges, "exchange"), Parts: partsOf(b)}
	bar.Label = name + ": " + bar.Time
	for _, p := range bar.Parts {
		bar.Label += ", " + p.title() + " " + p.Share
	}
	return bar
}

func (p *budgetPart) title() string {
	if p.On == "" {
		return p.Phase
	}
	return p.Phase + " (" + p.On + ")"
}

func partsOf(b *Budget) (parts []budgetPart) {
	at := 0
	for _, p := range b.Parts() {
		part := budgetPart{
			Class: phaseClasses[p.Phase], Phase: phaseTitles[p.Phase], On: spentTitles[p.On], took: p.Time,
			Time: duration(p.Time), Share: percent(p.PerMille),
			X: across(float64(at) / 10), W: across(float64(p.PerMille) / 10),
			Held: p.On >= analyze.OnNagle, Path: p.On == analyze.OnRoundTrip, Unexplained: p.On == analyze.OnRest,
		}
		at += p.PerMille
		parts = append(parts, part)
	}
	return parts
}
