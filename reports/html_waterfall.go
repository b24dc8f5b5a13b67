package reports

import (
	"slices"
	"strconv"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// waterfall shows exchanges on their connections over time.
type waterfall struct {
	Lanes     []lane
	Ticks     []tick
	From, To  string // seconds since the start of the capture
	Origin    string // what the time counts from
	Exchanges int
	Dense     bool // too many rows to show those of the exchanges at first
	Tall      bool // too many rows for a window
	Proxies   bool // some exchanges have their other side of a proxy
}

// lane is a connection.
type lane struct {
	ID       uint64
	Href     string // where it is told in detail, as a fragment; "" where it is not
	Client   string
	Server   string
	Name     string
	Worst    string // severity of its findings
	Label    string // what the picture shows, in words
	From, To string // seconds
	Marks    []mark
	Bars     []bar
	Rows     []row
	MoreRows string
}

// row is an exchange.
type row struct {
	ID              uint64
	Href            string
	Request, Status string
	Failed          bool
	Total           string
	Label           string
	From, To        string // seconds
	Bars            []bar
	Marks           []mark
	Hop             *htmlLink
	Front           bool // the hop's other side is upstream
}

// bar is a stretch of time, in per cent of the waterfall's width.
type bar struct {
	Class string
	X, W  string
	Title string
}

// mark is a moment.
type mark struct {
	Class, X, Title string
}

// tick is a label of an axis. Edge is "first" or "last" where there is no room
// for half of it on both sides.
type tick struct {
	X, Text, Edge string
}

// scale turns moments into places on the page.
type scale struct {
	from, to capture.Time
}

// x is the place of t, in per cent.
func (s scale) x(t capture.Time) float64 {
	span := s.to.Sub(s.from)
	if span <= 0 {
		return 0
	}
	return 100 * float64(t.Sub(s.from)) / float64(span)
}

// across is a place on the page, in per cent of its width.
func across(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) + "%" }

func (s scale) bar(class string, from, to capture.Time, title string) bar {
	from, to = min(max(from, s.from), s.to), min(max(to, s.from), s.to)
	x := s.x(from)
	return bar{class, across(x), across(max(s.x(to)-x, 0)), title}
}

const (
	mostStalls   = 10000 // that are drawn
	rowsAtFirst  = 150   // up to so many rows of exchanges are shown at first
	rowsOfWindow = 40
)

func (d *drawer) waterfall(drawings []*drawing) (w waterfall) {
	s := d.extent(drawings)
	w.From, w.To = d.seconds(s.from), d.seconds(s.to)
	w.Ticks = s.ticks(d)
	w.Origin = d.clock.began()
	for _, each := range drawings {
		l := d.lane(each, s)
		w.Exchanges += len(l.Rows)
		for _, r := range l.Rows {
			w.Proxies = w.Proxies || r.Hop != nil
		}
		w.Lanes = append(w.Lanes, l)
	}
	w.Dense = w.Exchanges > rowsAtFirst
	w.Tall = len(w.Lanes) > rowsOfWindow || !w.Dense && len(w.Lanes)+w.Exchanges > rowsOfWindow
	return w
}

// extent is the time that the drawings take up.
func (d *drawer) extent(drawings []*drawing) scale {
	s := scale{d.capture.End, d.capture.Start}
	for _, each := range drawings {
		c := each.connection
		s.from, s.to = min(s.from, c.First().Time), max(s.to, c.Last().Time)
		for _, x := range each.exchanges {
			for _, p := range phasesOf(x.Exchange) {
				s.from, s.to = min(s.from, p.from), max(s.to, p.to)
			}
		}
	}
	if s.to <= s.from {
		s.to = s.from.Add(time.Millisecond)
	}
	margin := s.to.Sub(s.from) / 100
	return scale{s.from.Add(-margin), s.to.Add(margin)}
}

// ticks are round moments, about six of them.
func (s scale) ticks(d *drawer) (ticks []tick) {
	step := roundStep(s.to.Sub(s.from) / 6)
	start := d.capture.Start
	first := s.from.Sub(start).Truncate(step)
	if first < s.from.Sub(start) {
		first += step
	}
	for t := first; start.Add(t) <= s.to; t += step {
		x := s.x(start.Add(t))
		one := tick{X: across(x), Text: axisText(t, step)}
		switch {
		case x < 3:
			one.Edge = "first"
		case x > 97:
			one.Edge = "last"
		}
		ticks = append(ticks, one)
	}
	return ticks
}

// roundStep is 1, 2 or 5 of a decimal unit, at least d.
func roundStep(d time.Duration) time.Duration {
	step := time.Microsecond
	for {
		for _, n := range []time.Duration{1, 2, 5} {
			if step*n >= d {
				return step * n
			}
		}
		step *= 10
	}
}

// axisText shows t with the digits that step needs.
func axisText(t, step time.Duration) string {
	switch {
	case step >= time.Second:
		return strconv.FormatInt(int64(t/time.Second), 10) + " s"
	case step >= time.Millisecond && t < time.Second:
		return strconv.FormatInt(int64(t/time.Millisecond), 10) + " ms"
	case step >= time.Millisecond:
		digits := 3
		for unit := 10 * time.Millisecond; unit <= step; unit *= 10 {
			digits--
		}
		return strconv.FormatFloat(t.Seconds(), 'f', digits, 64) + " s"
	}
	return strconv.FormatInt(int64(t/time.Microsecond), 10) + " µs"
}

func (d *drawer) lane(each *drawing, s scale) lane {
	c := each.connection
	l := lane{
		ID: c.ID, Client: d.client(c), Server: d.server(c), Name: d.host(c),
		From: d.seconds(c.First().Time), To: d.seconds(c.Last().Time),
	}
	if d.detail[c.ID] {
		l.Href = d.toConnection(c.ID)
	}
	if len(each.findings) > 0 {
		l.Worst = each.worst.String()
	}
	l.Label = "open for " + duration(c.Last().Sub(c.First())) + ", " + counted(uint64(each.told), "exchange") + ", " + howItEnded(c)
	l.Bars = append(l.Bars, s.bar("open", c.First().Time, c.Last().Time, l.Label))
	for _, x := range each.exchanges {
		for i, p := range phasesOf(x.Exchange) {
			if p.class != "blocked" {
				l.Bars = append(l.Bars, s.bar(p.class, p.from, p.to, ""))
			}
			if i == 0 {
				l.Bars = append(l.Bars, s.bar("begin", p.from, p.from, ""))
			}
		}
		l.Rows = append(l.Rows, d.row(x.Exchange, each, s))
	}
	if more := each.told - len(each.exchanges); more > 0 {
		l.MoreRows = counted(uint64(more), "faster exchange") + " of this connection left out"
	}
	l.Marks = append(s.ending(c), d.findingMarks(each, s)...)
	return l
}

func howItEnded(c *analyze.Connection) string {
	s := c.Close().String()
	switch c.Close() {
	case reassembly.StillOpen:
		return "still open at the end"
	case reassembly.ByTimeout:
		return "no end seen"
	}
	return s + " by " + closedBy(c.Connection)[1:len(closedBy(c.Connection))-1]
}

// ending marks how a connection ended.
func (s scale) ending(c *analyze.Connection) (marks []mark) {
	if at := c.ClosedAt(); !at.IsZero() {
		class := "fin"
		if c.Close() == reassembly.ByRST {
			class = "rst"
		}
		marks = append(marks, mark{class, across(s.x(at.Time)), howItEnded(c)})
	}
	return marks
}

// findingMarks marks where the findings of a connection begin, within its time.
// Where several stand at one place, the worst is marked.
func (d *drawer) findingMarks(each *drawing, s scale) (marks []mark) {
	c := each.connection
	findings := slices.Clone(each.findings)
	slices.SortStableFunc(findings, worstFirst)
	for _, f := range findings {
		at := min(max(f.Start.Time, c.First().Time), c.Last().Time)
		marks = appendMark(marks, findingMark(f, at, s))
	}
	return marks
}

func findingMark(f *rules.Finding, at capture.Time, s scale) mark {
	return mark{"found " + f.Severity.String(), across(s.x(at)), f.Rule.ID + ": " + f.Title()}
}

func appendMark(marks []mark, m mark) []mark {
	for i := range marks {
		if marks[i].X == m.X {
			marks[i].Title += "; " + m.Title
			return marks
		}
	}
	return append(marks, m)
}

func (d *drawer) row(x *analyze.Exchange, each *drawing, s scale) row {
	phases := phasesOf(x)
	r := row{
		ID: x.ID, Request: d.request(x.Request), Status: status(x.Response).text, Total: duration(totalOf(&x.Timing)),
		Failed: x.Response == nil || x.Response.Status >= 400,
	}
	if d.told[x.ID] {
		r.Href = d.toExchange(x.ID)
	}
	for _, p := range phases {
		r.Bars = append(r.Bars, s.bar(p.class, p.from, p.to, p.name+" "+duration(p.to.Sub(p.from))))
	}
	for _, p := range heldUp(x) {
		if d.bars--; d.bars < 0 {
			break
		}
		r.Bars = append(r.Bars, s.bar("cause", p.from, p.to, p.name+" "+duration(p.to.Sub(p.from))))
	}
	r.Label = r.phrase(phases)
	if n := len(phases); n > 0 {
		r.From, r.To = d.seconds(phases[0].from), d.seconds(phases[n-1].to)
	}
	d.addHop(&r, x, s)
	for _, f := range each.findings {
		if slices.Contains(f.Exchanges, x.ID) {
			at := f.Start.Time
			if n := len(phases); n > 0 {
				at = min(max(at, phases[0].from), phases[n-1].to)
			}
			r.Marks = appendMark(r.Marks, findingMark(f, at, s))
		}
	}
	return r
}

// phrase says what the row shows in words.
func (r *row) phrase(phases []phaseSpan) string {
	text := r.Request + ", " + r.Status
	for _, p := range phases {
		text += ", " + p.name + " " + duration(p.to.Sub(p.from))
	}
	return text
}

// addHop shows the other side of a proxy: below the client's exchange, when the
// proxy was busy with its upstream server.
func (d *drawer) addHop(r *row, x *analyze.Exchange, s scale) {
	for _, h := range d.gallery.hops[x.ID] {
		other := h.Front
		if h.Front.ID == x.ID {
			other, r.Front = h.Back, true
			if phases := phasesOf(other); len(phases) > 0 {
				r.Bars = append(r.Bars, s.bar("upstream", phases[0].from, phases[len(phases)-1].to, "upstream exchange "+strconv.FormatUint(other.ID, 10)))
			}
		}
		if r.Hop == nil || h.Answered {
			r.Hop = &htmlLink{strconv.FormatUint(other.ID, 10), d.toExchange(other.ID)}
		}
	}
}
