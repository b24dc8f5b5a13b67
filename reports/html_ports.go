package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// portUse counts, by client address and server, the ports that are in TIME_WAIT
// at the client: those of connections that it closed first.
type portUse struct {
	pairs map[pairKey]*closes
}

// closes counts closes in slots of time. When there are more than portSlots of
// them, two become one.
type closes struct {
	first, last capture.Time
	width       time.Duration
	slots       []uint32
	total       uint64
}

const (
	portPairs = 256 // pairs that are followed
	portSlots = 512
	portSlot  = 250 * time.Millisecond // at first
	// leastPorts is the peak from which on a chart is worth its place.
	leastPorts = 500
)

// portChart shows the ports in TIME_WAIT of a client for a server over time.
type portChart struct {
	Title, Label string
	Line         string // path in a square of graphSide
	XTicks       []tick
	YTicks       []tick
	Note         string
}

func (u *portUse) add(c *analyze.Connection) {
	side, ok := c.ClosedBy()
	if !ok || c.Close() != reassembly.ByFIN || side != c.ClientSide() {
		return
	}
	key := keyOf(c.Connection)
	if u.pairs == nil {
		u.pairs = map[pairKey]*closes{}
	}
	one := u.pairs[key]
	if one == nil {
		if len(u.pairs) >= portPairs {
			return
		}
		one = &closes{first: c.ClosedAt().Time, last: c.ClosedAt().Time, width: portSlot}
		u.pairs[key] = one
	}
	one.add(c.ClosedAt().Time)
}

func (c *closes) add(at capture.Time) {
	at = max(at, c.first)
	c.last = max(c.last, at)
	for c.slot(at) >= portSlots {
		c.halve()
	}
	for len(c.slots) <= c.slot(at) {
		c.slots = append(c.slots, 0)
	}
	c.slots[c.slot(at)]++
	c.total++
}

func (c *closes) slot(at capture.Time) int { return int(at.Sub(c.first) / c.width) }

// halve makes two slots one.
func (c *closes) halve() {
	for i, n := range c.slots {
		if i%2 == 0 {
			c.slots[i/2] = n
		} else {
			c.slots[i/2] += n
		}
	}
	c.slots = c.slots[:(len(c.slots)+1)/2]
	c.width *= 2
}

// held is, for each slot, how many ports are in TIME_WAIT at its end.
func (c *closes) held(timeWait time.Duration) (held []uint32) {
	window := max(int(timeWait/c.width), 1)
	sum := uint32(0)
	for i, n := range c.slots {
		sum += n
		if i >= window {
			sum -= c.slots[i-window]
		}
		held = append(held, sum)
	}
	return held
}

func (u *portUse) charts(d *drawer) (charts []portChart) {
	var keys []pairKey
	for key, c := range u.pairs {
		if slices.Max(c.held(d.timeWait())) >= leastPorts {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b pairKey) int { return cmp.Or(a.client.Compare(b.client), a.server.Compare(b.server)) })
	for _, key := range keys[:min(len(keys), 6)] {
		charts = append(charts, u.pairs[key].chart(key, d))
	}
	return charts
}

// pair names a client and a server.
func (d *drawer) pair(k pairKey) string {
	return d.redact.address(k.client).String() + " → " + d.redact.addressPort(k.server).String()
}

// option is the value in force of an option of the rule on ports.
func (d *drawer) option(name string) float64 {
	rule := rules.Find("time-wait-accumulation")
	for _, o := range rule.Options {
		if o.Name == name {
			if v, err := o.Parse(d.options.Values.Text(rule, o)); err == nil {
				return v
			}
			return o.Default
		}
	}
	panic("the rule on ports has no option " + name)
}

func (d *drawer) timeWait() time.Duration {
	return time.Duration(d.option("two-msl") * float64(time.Millisecond))
}

func (c *closes) chart(key pairKey, d *drawer) portChart {
	held := c.held(d.timeWait())
	peak := slices.Max(held)
	ports := int64(d.option("port-range"))
	g := graphScale{scale: scale{c.first, c.first.Add(time.Duration(len(held)) * c.width)}, high: max(int64(peak), ports) + max(int64(peak), ports)/20}
	var line strings.Builder
	fmt.Fprintf(&line, "M%s", g.point(c.first, 0))
	for i, n := range held {
		fmt.Fprintf(&line, "V%sH%s", g.y(int64(n)), coordinate(g.x(c.first.Add(time.Duration(i+1)*c.width))*graphSide/100))
	}
	chart := portChart{Title: d.pair(key), Line: line.String(), XTicks: g.ticks(d)}
	chart.YTicks = []tick{
		{X: across(100 - 100*float64(ports)/float64(g.high)), Text: "all " + count(uint64(ports))},
		{X: across(100 - 100*float64(peak)/float64(g.high)), Text: count(uint64(peak))},
		{X: "100%", Text: "0"},
	}
	chart.Label = fmt.Sprintf("Ports in TIME_WAIT, %s: %s at most, of %s", d.pair(key), count(uint64(peak)), count(uint64(ports)))
	chart.Note = fmt.Sprintf("%s closed by the client; each keeps its port for %s.", counted(c.total, "connection"), duration(d.timeWait()))
	return chart
}
