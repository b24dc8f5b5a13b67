package analyze

import (
	"context"
	"errors"
	"io"
	"math"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
	"wirelag/reassembly/vantage"
)

// Options are the settings of a Run.
type Options struct {
	Limits reassembly.Limits
	// Plan is for connections that several points captured; nil without one.
	Plan *vantage.Plan
	// Gauges, if not nil, are kept up to date.
	Gauges *reassembly.Gauges
}

const (
	// tickInterval is how often Listener.Tick is called, in capture time.
	tickInterval = time.Second
	// waitTicks is how many ticks everything that waits for time to pass is over
	// after: in longer silence the rest of them is left out.
	waitTicks = 180
)

// Run reads src to its end and tells l what it finds, in capture order. When
// ctx is done it stops early, and says so in the Capture. The error is one of
// reading; the Capture describes what was read all the same.
func Run(ctx context.Context, src capture.Source, l Listener, o Options) (*Capture, error) {
	r := &run{listener: l, analyzer: NewAnalyzer(l)}
	r.table = reassembly.NewTable(r.analyzer.Consumer(), o.Limits)
	if o.Plan != nil {
		r.table.Follow(o.Plan)
	}
	if o.Gauges != nil {
		r.table.Measure(o.Gauges)
	}
	err := r.read(ctx, src)
	if l.Tick != nil {
		l.Tick(r.capture.End)
	}
	r.table.Finish()
	if r.analyzer.hops != nil {
		r.analyzer.hops.finish()
	}
	if l.Finish != nil {
		l.Finish()
	}
	return r.describe(src), err
}

// run is the state of a Run.
type run struct {
	listener Listener
	decoder  packet.Decoder
	table    *reassembly.Table
	analyzer *Analyzer
	capture  Capture
	begun    bool // capture.Start and End are known
	ticking  bool // nextTick is set
	nextTick capture.Time
}

func (r *run) read(ctx context.Context, src capture.Source) error {
	var batch capture.Batch
	for {
		err := src.Read(&batch)
		r.work(&batch)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			r.capture.Interrupted = true
			return nil
		}
	}
}

func (r *run) work(batch *capture.Batch) {
	var segment packet.Segment
	for i := range batch.Packets {
		p := &batch.Packets[i]
		if r.count(p); p.Time >= r.nextTick || !r.ticking {
			r.pass(p.Time)
		}
		if p.Dropped > 0 {
			r.table.Dropped(p.Time)
		}
		switch r.decoder.Decode(p, &segment) {
		case packet.TCP:
			r.capture.TCPPackets++
			r.table.Add(&segment)
		case packet.UDP:
			r.analyzer.Datagram(&segment)
		}
	}
	if batch.Now != 0 {
		r.span(batch.Now)
		r.pass(batch.Now)
		r.table.Advance(batch.Now)
	}
}

// pass lets the time until now pass in steps, which count from the first packet:
// what happens in silence is the same, and in the same order, whether its time is
// told bit by bit or at once.
func (r *run) pass(now capture.Time) {
	if r.listener.Tick == nil {
		r.ticking, r.nextTick = true, math.MaxInt64
		return
	}
	if !r.ticking {
		r.ticking = true
		r.listener.Tick(now)
		r.nextTick = now + capture.Time(tickInterval)
		return
	}
	now = min(now, math.MaxInt64-2*capture.Time(tickInterval))
	for n := 1; r.nextTick <= now; n++ {
		if n > waitTicks { // on to the last step
			r.nextTick += capture.Time(uint64(now-r.nextTick) / uint64(tickInterval) * uint64(tickInterval))
		}
		r.table.Advance(r.nextTick)
		r.listener.Tick(r.nextTick)
		r.nextTick += capture.Time(tickInterval)
	}
}

func (r *run) count(p *capture.Packet) {
	r.span(p.Time)
	r.capture.Packets++
	r.capture.Bytes += uint64(len(p.Data))
}

// span makes the capture reach to t.
func (r *run) span(t capture.Time) {
	c := &r.capture
	if !r.begun {
		r.begun, c.Start, c.End = true, t, t
	}
	c.Start, c.End = min(c.Start, t), max(c.End, t)
}

func (r *run) describe(src capture.Source) *Capture {
	c := r.capture
	c.Files = src.Files()
	r.analyzer.stats.FailuresLimit = r.analyzer.repeats.dropped
	r.analyzer.stats.DNS = r.analyzer.lookups.Stats()
	r.analyzer.stats.Forgotten = r.analyzer.room.refused
	if r.analyzer.hops != nil {
		r.analyzer.stats.HopsLimit = r.analyzer.hops.dropped
	}
	c.Health = health(&c, r.decoder.Stats(), r.table.Stats(), r.analyzer.stats, &r.analyzer.others)
	if r.listener.Health != nil {
		for _, i := range r.listener.Health() {
			(*healthList)(&c.Health).add(i.Kind, i.Count, i.Meaning)
		}
	}
	c.Connections, c.Exchanges = r.analyzer.stats.Connections, r.analyzer.stats.Exchanges
	c.Requests, c.Responses = r.analyzer.stats.Requests, r.analyzer.stats.Responses
	return &c
}
