package reports

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// Live tells a person how an analysis stands that goes on: what is found, a line
// each, or a view of a few lines that is to be shown anew from time to time. The
// analysis drives it by Listener and Noted, any goroutine may ask for the View.
type Live struct {
	options Options
	redact  redactor

	mu        sync.Mutex // what follows
	started   bool
	start     capture.Time
	open      int
	connected uint64
	exchanged uint64
	found     [rules.Error + 1]uint64
	latest    []liveLine // the latest last, one of each rule and pair
	costs     map[pairKey]*pairCost
	other     pairCost // beyond maxPairs
	last      LiveCounters
	lastAt    time.Duration
	lastSeen  uint64 // exchanges
}

// liveLine is the line that tells of an instance.
type liveLine struct {
	key  storyKey
	line string
}

// pairCost is what findings between a client and a server cost.
type pairCost struct {
	client, server string
	findings       uint64
	cost           time.Duration
	lost           int64
}

// LiveCounters are what was captured so far.
type LiveCounters struct {
	Packets, Bytes, Dropped uint64
}

// How much a view shows.
const (
	latestShown = 5
	costsShown  = 5
)

// NewLive returns a Live that shows things as the options say.
func NewLive(o Options) *Live {
	return &Live{options: o, redact: newRedactor(o), costs: map[pairKey]*pairCost{}}
}

// Listener is what the Live has to hear of the analysis.
func (l *Live) Listener() analyze.Listener {
	return analyze.Listener{Opened: l.opened, Closed: l.closed, Exchange: l.exchange}
}

func (l *Live) opened(c *analyze.Connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		l.started, l.start = true, c.First().Time
	}
	l.open++
	l.connected++
}

func (l *Live) closed(*analyze.Connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
}

func (l *Live) exchange(*analyze.Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exchanged++
}

// Noted takes an instance of a finding. It returns the line that tells of it,
// "" where it is less than what is to be shown.
func (l *Live) Noted(f *rules.Finding, i *rules.Instance) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found[i.Severity]++
	l.account(i)
	if i.Severity < l.options.MinSeverity {
		return ""
	}
	line := l.line(i, f.Rule)
	key := storyKey{f.Rule, keyOf(i.Connection.Connection)}
	l.latest = slices.DeleteFunc(l.latest, func(k liveLine) bool { return k.key == key })
	l.latest = append(l.latest, liveLine{key, line})
	l.latest = slices.Delete(l.latest, 0, max(0, len(l.latest)-latestShown))
	return line
}

// line tells of an instance: when, how bad, what, where, and what happened.
func (l *Live) line(i *rules.Instance, r *rules.Rule) string {
	k := newClock(&analyze.Capture{Start: l.start, End: l.start}, l.options.Zone)
	place := l.redact.client(i.Connection).String() + " → " + l.redact.server(i.Connection).String()
	if name := l.redact.serverName(i.Connection); len(name) > 0 {
		place += " (" + cutStart(Printable(string(name)), mostName) + ")"
	}
	line := fmt.Sprintf("%s  %-7s  %s  %s: %s", k.moment(seen(i, l.start)), i.Severity, r.ID, place, Printable(l.redact.instance(r, i)))
	if lost := loss(i.Cost, i.BytesLost); lost != "" {
		line += " (" + lost + ")"
	}
	return line
}

// seen is the time of the last packet that shows an instance.
func seen(i *rules.Instance, start capture.Time) capture.Time {
	last := start
	for _, e := range i.Evidence {
		last = max(last, e.Mark.Time)
	}
	return last
}

func (l *Live) account(i *rules.Instance) {
	key := keyOf(i.Connection.Connection)
	to := l.costs[key]
	switch {
	case to != nil:
	case len(l.costs) >= maxPairs:
		to = &l.other
	default:
		to = &pairCost{client: l.redact.address(key.client).String(), server: l.redact.addressPort(key.server).String()}
		l.costs[key] = to
	}
	to.findings++
	to.cost += max(i.Cost, 0)
	to.lost += i.BytesLost
}

// View shows how things stand after so much time, in lines of at most width
// columns. Rates are since the View before.
func (l *Live) View(name string, elapsed time.Duration, now LiveCounters, width int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &page{width: max(width, minWidth), color: l.options.Color, redact: &l.redact}
	seconds := max(elapsed-l.lastAt, time.Millisecond).Seconds()
	rate := func(now, before uint64) string { return count(uint64(float64(now-before)/seconds + 0.5)) }
	p.line(fmt.Sprintf("%s  %s  %s packets/s  %s Mbit/s", Printable(name), elapsed.Truncate(time.Second),
		rate(now.Packets, l.last.Packets), digits(float64(now.Bytes-l.last.Bytes)*8/seconds/1e6)), bold)
	dropped := normal
	if now.Dropped > 0 {
		dropped = red
	}
	p.line(counted(now.Packets, "packet")+", "+count(now.Dropped)+" dropped by the system", dropped)
	p.line(fmt.Sprintf("%s (%s open), %s (%s/s)", counted(l.connected, "connection"), count(uint64(max(l.open, 0))),
		counted(l.exchanged, "exchange"), rate(l.exchanged, l.lastSeen)), normal)
	l.last, l.lastAt, l.lastSeen = now, elapsed, l.exchanged
	l.viewFindings(p)
	return p.text.String()
}

func (l *Live) viewFindings(p *page) {
	p.line(fmt.Sprintf("%s, %s, %s", counted(l.found[rules.Error], "error"), counted(l.found[rules.Warning], "warning"),
		count(l.found[rules.Info])+" info"), normal)
	for _, line := range l.latest {
		p.line("  "+line.line, normal)
	}
	costs := make([]*pairCost, 0, len(l.costs))
	for _, c := range l.costs {
		if c.cost > 0 || c.lost > 0 {
			costs = append(costs, c)
		}
	}
	slices.SortFunc(costs, func(a, b *pairCost) int {
		return cmp.Or(cmp.Compare(b.cost, a.cost), cmp.Compare(b.lost, a.lost), cmp.Compare(a.client, b.client), cmp.Compare(a.server, b.server))
	})
	for i, c := range costs[:min(len(costs), costsShown)] {
		if i == 0 {
			p.line("most lost between", normal)
		}
		p.line(fmt.Sprintf("  %s → %s: %s, %s", c.client, c.server, loss(c.cost, c.lost), counted(c.findings, "time")), normal)
	}
	if more := len(costs) - costsShown; more > 0 {
		p.line("  and between "+counted(uint64(more), "other pair"), faint)
	}
}
