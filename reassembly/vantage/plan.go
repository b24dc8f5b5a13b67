// Package vantage finds the connections that several points captured (files of
// different hosts, interfaces of one file), so that each is told once, by one
// clock. A first pass over the inputs, [Survey], notes which point saw which
// segment when; the [Plan] made from it says which point leads each shared
// connection and by how much each clock is ahead. In the second pass the plan
// tells the copies of segments that another point leads.
//
// A point's delay to another and the difference of their clocks are told apart
// by traffic in both directions, as NTP does: what flows from the one to the
// other appears late by delay + offset, what flows back by delay − offset. The
// clocks of points that share no connection cannot be compared and are left as
// they are; so is the drift of a clock during the capture.
//
// The first pass keeps a record for each connection of each point and a bounded
// sample of its segments; the plan keeps those of shared connections.
package vantage

import (
	"slices"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// Plan is what a Survey found. One goroutine uses it.
type Plan struct {
	places  map[place]*course
	points  pointIndex
	clocks  []capture.Clock
	skipped uint64
}

// Connection is a connection that several points captured. Nobody changes it.
type Connection struct {
	// Vantages are the points that captured it, in the order of files and interfaces.
	Vantages []Vantage
	// ClockOffset is that of the leading point.
	ClockOffset time.Duration
}

// Vantage is a point that captured a connection.
type Vantage struct {
	File      int    // index of the input
	Interface string // its name, its number if it has none; "" for the only one of an input
	// ClockOffset is by how much the point's clock is ahead of the report's. It
	// was taken off the times of the point's packets.
	ClockOffset time.Duration
	Packets     uint64 // of the connection, captured there
	Leads       bool   // the report tells what this point saw
}

// place is where the segments of a tuple were captured.
type place struct {
	tuple tuple
	point int32
}

// course is the sightings of a place, and how far the second pass is in them.
type course struct {
	seen    []*sighting
	current int
}

// Clocks says by how much the inputs' clocks are ahead of that of the report.
func (p *Plan) Clocks() []capture.Clock { return p.clocks }

// Skipped counts the segments of connections that were beyond the bounds of the
// survey. They are told apart from copies without a plan.
func (p *Plan) Skipped() uint64 { return p.skipped }

// Take must be called with every segment of the second pass. It returns the
// connection that several points captured and that s is part of, nil for others,
// and whether s is a copy: part of what another point leads.
func (p *Plan) Take(s *packet.Segment) (c *Connection, copied bool) {
	point := p.points.find(s.Interface)
	if point < 0 {
		return nil, false
	}
	t, side := canonical(s)
	course := p.places[place{t, point}]
	if course == nil {
		return nil, false
	}
	seen := course.at(s)
	if seen == nil {
		return nil, false
	}
	return seen.connection, seen.copied[side]
}

// add puts a sighting in its place in the order of the survey.
func (c *course) add(g *sighting) {
	i := len(c.seen)
	for i > 0 && c.seen[i-1].number > g.number {
		i--
	}
	c.seen = slices.Insert(c.seen, i, g)
}

// at returns the sighting that s is part of, nil beyond those surveyed.
func (c *course) at(s *packet.Segment) *sighting {
	if c.current < len(c.seen) && c.seen[c.current].endsAt(s) {
		c.current++
	}
	if c.current == len(c.seen) {
		return nil
	}
	return c.seen[c.current]
}
