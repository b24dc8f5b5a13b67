package vantage

import (
	"context"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// maxSightings is how many connections are surveyed, each counted at every
// point that saw it.
const maxSightings = 1 << 18

// Survey reads files, which describe the inputs of a Source, once more and
// returns a plan for them. It returns nil where one point captured all, or where
// no connection was captured by several: then there is nothing to plan. Inputs
// that can be read only once are left out; what cannot be read of others will
// not be found by the second pass either, which says so. When ctx is done, the
// plan is made from what was read.
func Survey(ctx context.Context, files []*capture.File) *Plan {
	s := newSurvey()
	for i, f := range files {
		s.read(ctx, i, f, len(files) == 1)
	}
	return s.plan()
}

// survey is the state of a Survey.
type survey struct {
	index     pointIndex
	points    []point
	tuples    map[tuple]*entry
	stem      string // of the input being read
	sightings int
	skipped   uint64
}

func newSurvey() *survey {
	return &survey{tuples: map[tuple]*entry{}}
}

// read surveys the input number file. A single one is of interest only if it has
// several interfaces.
func (v *survey) read(ctx context.Context, file int, f *capture.File, single bool) {
	if single && f.Format != capture.Pcapng {
		return
	}
	source, err := f.Reopen()
	if err != nil {
		return
	}
	defer source.Close()
	v.stem = f.Series()
	var decoder packet.Decoder
	var batch capture.Batch
	var segment packet.Segment
	for first := true; ctx.Err() == nil && source.Read(&batch) == nil; first = false {
		if first && single && source.Files()[0].Interfaces < 2 {
			return
		}
		for i := range batch.Packets {
			p := &batch.Packets[i]
			if decoder.Decode(p, &segment) != packet.TCP {
				continue
			}
			if at := v.pointOf(file, segment.Interface); at >= 0 {
				v.note(at, &segment)
			} else {
				v.skipped++
			}
		}
	}
}

// note takes a segment seen at a point.
func (v *survey) note(at int32, s *packet.Segment) {
	v.points[at].see(s.Time)
	t, side := canonical(s)
	e := v.tuples[t]
	if e == nil {
		if v.sightings == maxSightings {
			v.skipped++
			return
		}
		e = new(entry)
		v.tuples[t] = e
	}
	g := e.latest(at)
	if g == nil || g.endsAt(s) {
		if v.sightings == maxSightings {
			v.skipped++
			return
		}
		v.sightings++
		g = newSighting(at, v.sightings, s)
		e.add(g)
	}
	g.add(side, s)
}

// plan is made when all was read.
func (v *survey) plan() *Plan {
	m := matcher{index: map[[2]int32]int{}}
	several := v.match(&m)
	if m.touching = v.touching(); len(m.touching) > 0 {
		several = v.match(&m)
	}
	switch {
	case !several && v.skipped == 0:
		return nil
	case !several:
		return &Plan{skipped: v.skipped}
	}
	c := v.compareClocks()
	if v.chain(c) {
		for _, e := range v.tuples {
			e.merge(v.points)
		}
		v.match(&m)
		c = v.compareClocks()
	}
	c.settle(v.points)
	p := &Plan{places: map[place]*course{}, points: v.index, skipped: v.skipped + m.skipped}
	l := leads{points: v.points, clocks: c, count: make([]int, len(v.points))}
	for t, e := range v.tuples {
		if l.choose(t, e) {
			p.add(t, e)
		}
	}
	c.refer(v.points, l.count)
	l.describe()
	p.clocks = c.corrections(v.points)
	return p
}

// match finds the pairs of all entries, and reports whether there are any.
func (v *survey) match(m *matcher) bool {
	any := false
	for _, e := range v.tuples {
		m.match(e)
		any = any || len(e.pairs) > 0
	}
	return any
}

// add keeps what the second pass needs of an entry.
func (p *Plan) add(t tuple, e *entry) {
	for _, whole := range e.seen {
		for _, g := range whole.parts() {
			g.connection, g.copied = whole.connection, whole.copied
			g.samples = [2][]sample{}
			at := place{t, g.point}
			if p.places[at] == nil {
				p.places[at] = new(course)
			}
			p.places[at].add(g)
		}
	}
}
