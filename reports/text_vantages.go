package reports

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/vantage"
)

// capturePoints sums up the points that captured connections together with others.
type capturePoints struct {
	all  []*capturePoint
	more bool // than maxPoints
}

type capturePoint struct {
	vantage.Vantage    // of the first connection
	connections, leads uint64
	packets            uint64
	earliest, latest   time.Duration // clock offsets
}

// maxPoints is how many points are told apart.
const maxPoints = 64

func (p *capturePoints) add(c *analyze.Connection) {
	shared := c.Shared()
	if shared == nil {
		return
	}
	for i := range shared.Vantages {
		v := &shared.Vantages[i]
		point := p.of(v)
		if point == nil {
			p.more = true
			continue
		}
		point.connections++
		if v.Leads {
			point.leads++
		}
		point.packets += v.Packets
		point.earliest, point.latest = min(point.earliest, v.ClockOffset), max(point.latest, v.ClockOffset)
	}
}

func (p *capturePoints) of(v *vantage.Vantage) *capturePoint {
	for _, point := range p.all {
		if point.File == v.File && point.Interface == v.Interface {
			return point
		}
	}
	if len(p.all) == maxPoints {
		return nil
	}
	point := &capturePoint{Vantage: *v, earliest: v.ClockOffset, latest: v.ClockOffset}
	p.all = append(p.all, point)
	return point
}

// capturePoints shows which points saw the same connections.
func (p *page) capturePoints(points *capturePoints, c *analyze.Capture) {
	if len(points.all) == 0 {
		return
	}
	slices.SortStableFunc(points.all, func(a, b *capturePoint) int { return cmp.Compare(a.File, b.File) })
	p.title("Capture points that saw the same connections")
	g := grid{columns: []column{
		{head: "Capture", least: 16}, {head: "Interface", least: 8, rank: 2},
		{head: "Connections", right: true}, {head: "Told by it", right: true},
		{head: "Packets", right: true, rank: 1}, {head: "Clock ahead by", right: true},
	}}
	files := p.redact.shortNames(c.Files)
	for _, point := range points.all {
		name := ""
		if point.File < len(files) {
			name = files[point.File]
		}
		g.row(cell{text: name}, cell{text: Printable(p.redact.networkInterface(&point.Vantage))},
			cell{text: strconv.FormatUint(point.connections, 10)}, cell{text: strconv.FormatUint(point.leads, 10)},
			cell{text: count(point.packets)}, cell{text: point.clock()})
	}
	p.table(&g)
	if points.more {
		p.line("  and more", faint)
	}
}

// clock is by how much the point's clock was found to be ahead.
func (p *capturePoint) clock() string {
	if p.earliest == p.latest {
		return signed(p.latest)
	}
	return signed(p.earliest) + " to " + signed(p.latest)
}

// signed is duration with its sign.
func signed(d time.Duration) string {
	if d < 0 {
		return "−" + duration(-d)
	}
	return duration(d)
}
