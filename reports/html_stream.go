package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// streamGraph shows the bytes of one direction over time: when they were sent,
// acknowledged, and how far the receiver's window was open. Paths are drawn in
// a square of graphSide, which is stretched to the page.
type streamGraph struct {
	Title, Label         string
	Data, Resent         string // paths
	Acks, Window         string
	Stalls               []bar
	XTicks, YTicks       []tick
	HasResent, HasWindow bool
	Note                 string
}

const (
	graphSide = 1000
	// leastStream is how many bytes the lesser direction must have to be drawn.
	leastStream = 4000
)

// graphs are those of the directions that carried something worth it.
func (s *sketch) graphs() (list []streamGraph) {
	c := s.drawing.connection
	more, less := reassembly.ToClient, reassembly.ToServer
	if c.Bytes(less) > c.Bytes(more) {
		more, less = less, more
	}
	if c.Bytes(more) > 0 && s.carries(more) {
		list = append(list, s.graph(more))
	}
	if (c.Bytes(less) >= leastStream || s.resends(less)) && s.carries(less) {
		list = append(list, s.graph(less))
	}
	return list
}

func (s *sketch) carries(d reassembly.Direction) bool {
	side, n := s.drawing.connection.Sender(d), 0
	for i := range s.segments {
		if s.segments[i].Side == side && s.segments[i].Length > 0 {
			n++
		}
	}
	return n > 1
}

func (s *sketch) resends(d reassembly.Direction) bool {
	side := s.drawing.connection.Sender(d)
	for i := range s.segments {
		if r := &s.segments[i]; r.Side == side && r.Length > 0 && r.Class.Has(reassembly.Retransmitted) {
			return true
		}
	}
	return false
}

// graphScale turns moments and places in a stream into places on the graph.
type graphScale struct {
	scale
	low, high int64
}

func (g graphScale) point(at capture.Time, offset int64) string {
	return fmt.Sprintf("%s %s", coordinate(g.scale.x(at)*graphSide/100), g.y(offset))
}

func (g graphScale) y(offset int64) string {
	return coordinate(graphSide * (1 - float64(offset-g.low)/float64(g.high-g.low)))
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

func (s *sketch) graph(d reassembly.Direction) (g streamGraph) {
	side := s.drawing.connection.Sender(d)
	scale := s.graphScale(side)
	var data, resent, acks, window strings.Builder
	acked, edge := int64(-1), int64(-1)
	for i := range s.segments {
		r := &s.segments[i]
		if r.Side == side {
			if r.Length > 0 {
				path := &data
				if r.Class.Has(reassembly.Retransmitted) {
					path = &resent
				}
				fmt.Fprintf(path, "M%sV%s", scale.point(r.Time, r.Offset), scale.y(r.End()))
			}
			continue
		}
		if r.Ack < scale.low {
			continue
		}
		acked = stepTo(&acks, scale, r.Time, min(r.Ack, scale.high), acked)
		if r.Window >= 0 {
			edge = stepTo(&window, scale, r.Time, r.Ack+int64(r.Window), edge)
		}
	}
	g.Data, g.Resent, g.Acks, g.Window = data.String(), resent.String(), acks.String(), window.String()
	g.HasResent, g.HasWindow = g.Resent != "", strings.Contains(g.Window, "H")
	g.Title = "Bytes to the client"
	if d == reassembly.ToServer {
		g.Title = "Bytes to the server"
	}
	g.XTicks, g.YTicks = scale.ticks(s.drawer), scale.bytes()
	g.Stalls = s.stallsIn(d, scale)
	g.Label = fmt.Sprintf("%s over time: %s in %s, %d segments sent again", g.Title, size(s.drawing.connection.Bytes(d)), duration(scale.to.Sub(scale.from)), strings.Count(g.Resent, "M"))
	if trail := s.drawing.connection.Trail; trail != nil && trail.Total > len(trail.Segments) {
		g.Note = "Drawn from " + count(uint64(len(trail.Segments))) + " of " + counted(uint64(trail.Total), "segment") + "."
	}
	return g
}

// stepTo goes on with a line of steps; it has a gap where it leaves the graph.
func stepTo(path *strings.Builder, s graphScale, at capture.Time, to, before int64) int64 {
	switch {
	case to > s.high:
		if before >= 0 && before <= s.high {
			fmt.Fprintf(path, "H%s", coordinate(s.x(at)*graphSide/100))
		}
	case before < 0 || before > s.high:
		fmt.Fprintf(path, "M%s", s.point(at, to))
	case to < before:
		// An acknowledgement that was overtaken.
		return before
	default:
		fmt.Fprintf(path, "H%sV%s", coordinate(s.x(at)*graphSide/100), s.y(to))
	}
	return to
}

// graphScale is the extent of the segments with payload of side, and of what
// acknowledges them.
func (s *sketch) graphScale(side reassembly.Side) graphScale {
	g := graphScale{scale: scale{s.capture.End, s.capture.Start}, low: -1}
	for i := range s.segments {
		r := &s.segments[i]
		if r.Side != side {
			if r.Ack > 0 && g.low >= 0 && r.Ack >= g.low {
				g.to = max(g.to, r.Time)
			}
			continue
		}
		if r.Length == 0 {
			continue
		}
		g.from, g.to = min(g.from, r.Time), max(g.to, r.Time)
		if g.low < 0 || r.Offset < g.low {
			g.low = r.Offset
		}
		g.high = max(g.high, r.End())
	}
	g.low = max(g.low, 0)
	if g.to <= g.from {
		g.to = g.from.Add(time.Millisecond)
	}
	margin := max((g.to.Sub(g.from))/50, time.Microsecond)
	g.from, g.to = g.from.Add(-margin), g.to.Add(margin)
	g.high += max((g.high-g.low)/12, 1)
	return g
}

// bytes are round numbers of bytes, about four of them.
func (g graphScale) bytes() (ticks []tick) {
	step := int64(roundStep(time.Duration((g.high-g.low)/4)*time.Microsecond) / time.Microsecond)
	for at := (g.low + step - 1) / step * step; at <= g.high; at += step {
		ticks = append(ticks, tick{X: across(100 * (1 - float64(at-g.low)/float64(g.high-g.low))), Text: size(at)})
	}
	return ticks
}

// stallsIn are the times in which the stream was held up.
func (s *sketch) stallsIn(d reassembly.Direction, g graphScale) (bars []bar) {
	for _, x := range s.drawing.exchanges {
		t := x.Answering
		if d == reassembly.ToServer {
			t = x.Sending
		}
		for _, stall := range stallsOf(t, 0) {
			if stall.to > g.from && stall.from < g.to {
				bars = append(bars, g.bar("cause", stall.from, stall.to, ""))
			}
		}
	}
	return bars
}
