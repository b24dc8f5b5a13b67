package analyze

import (
	"context"
	"slices"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/vantage"
)

// Options are the settings of a Run.
type Options struct {
	Limits reassembly.Limits
	// Plan is for connections that several points captured; nil without one.
	Plan *vantage.Plan
	// Gauges, if not nil, are kept up to date.
	Gauges *reassembly.Gauges
	// Jobs is how many goroutines work, with the caller's; there is work for five at
	// once. What is told does not depend on it.
	Jobs int
	// TrailMemory is how many bytes there are for the trails of connections; 0: they
	// are not kept.
	TrailMemory int64
}

// Run reads src to its end and tells l what it finds, in capture order, one call at
// a time. When ctx is done it stops early, and says so in the
// Capture. The error is one of reading; the Capture describes what was read all
// the same.
func Run(ctx context.Context, src capture.Source, l Listener, o Options) (*Capture, error) {
	r := newRun(l, src.Files(), o)
	err := newPipeline(ctx, r, src).drive(o.Jobs)
	r.teller.tick(r.capture.End)
	r.teller.inputs.finish(r.dealer.inputs, src.Files(), r.capture.End)
	r.closeRest()
	r.teller.finish()
	return r.describe(src), err
}

// run is the state of a Run: packets are read and dealt out, shards find what is
// in them, and the teller tells it.
type run struct {
	capture Capture
	dealer  dealer
	shards  [shardCount]*shard
	teller  *teller
	open    [chunksAhead]int // connections behind each of the latest chunks that were told
}

func newRun(l Listener, files []*capture.File, o Options) *run {
	r := &run{teller: newTeller(l, files)}
	r.dealer = dealer{capture: &r.capture, keys: reassembly.NewKeys(), plan: o.Plan, ticks: l.Tick != nil, input: -1}
	if len(files) > 1 {
		r.dealer.inputs = make([]stay, len(files))
	}
	w := wanted{opened: l.Opened != nil, requested: l.Requested != nil, trails: o.TrailMemory}
	for i := range r.shards {
		r.shards[i] = newShard(i, w, o.Limits, r.dealer.keys)
		if o.Gauges != nil {
			r.shards[i].table.Measure(o.Gauges)
		}
	}
	return r
}

// closeRest closes the connections that are still followed, in the order of
// their opening.
func (r *run) closeRest() {
	c := newChunk()
	count := 0
	for _, s := range r.shards {
		s.takeOverdue(c)
		count += s.table.Open()
	}
	open := make([]rest, 0, count)
	for _, s := range r.shards {
		for f := range s.table.Rest() {
			open = append(open, rest{s.table, f})
		}
	}
	r.teller.tell(c)
	slices.SortFunc(open, rest.compare)
	for _, o := range open {
		for _, s := range r.shards {
			s.analyzer.begin(&c.logs[s.number])
		}
		o.table.End(o.connection)
		r.teller.tell(c)
	}
}

func (r *run) describe(src capture.Source) *Capture {
	c := r.capture
	c.Files = src.Files()
	stats := r.teller.finalStats()
	stats.QUIC = r.dealer.quic
	stats.Steps = r.dealer.steps
	tables := reassembly.Stats{Copies: r.dealer.copies}
	if plan := r.dealer.plan; plan != nil {
		tables.Unplanned = plan.Skipped()
	}
	for _, s := range r.shards {
		tables.Add(s.table.Stats())
		stats.addLimits(s.analyzer)
	}
	c.Health = health(&c, r.dealer.decoder.Stats(), tables, stats, &r.teller.others)
	if health := r.teller.listener.Health; health != nil {
		for _, i := range health() {
			(*healthList)(&c.Health).add(i.Kind, i.Count, i.Meaning)
		}
	}
	c.Connections, c.Exchanges = stats.Connections, stats.Exchanges
	c.Requests, c.Responses = stats.Requests, stats.Responses
	return &c
}
