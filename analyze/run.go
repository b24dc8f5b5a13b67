package analyze

import (
	"context"
	"errors"
	"io"
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
	// Jobs is how many goroutines follow connections, besides one that reads and
	// the one that calls the listener; 1 or less: all is done by the caller's. What
	// is told does not depend on it.
	Jobs int
	// TrailMemory is how many bytes there are for the trails of connections; 0: they
	// are not kept.
	TrailMemory int64
}

// Run reads src to its end and tells l what it finds, in capture order, from the
// goroutine that calls Run. When ctx is done it stops early, and says so in the
// Capture. The error is one of reading; the Capture describes what was read all
// the same.
func Run(ctx context.Context, src capture.Source, l Listener, o Options) (*Capture, error) {
	r := newRun(l, o)
	var err error
	if o.Jobs <= 1 {
		err = r.alone(ctx, src)
	} else {
		err = r.together(ctx, src, min(o.Jobs, shardCount))
	}
	r.teller.tick(r.capture.End)
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
}

func newRun(l Listener, o Options) *run {
	r := &run{teller: newTeller(l)}
	r.dealer = dealer{capture: &r.capture, keys: reassembly.NewKeys(), plan: o.Plan, ticks: l.Tick != nil}
	w := wanted{opened: l.Opened != nil, requested: l.Requested != nil, trails: o.TrailMemory}
	for i := range r.shards {
		r.shards[i] = newShard(i, w, o.Limits, r.dealer.keys)
		if o.Gauges != nil {
			r.shards[i].table.Measure(o.Gauges)
		}
	}
	return r
}

// alone does all in the caller's goroutine.
func (r *run) alone(ctx context.Context, src capture.Source) error {
	c := newChunk()
	batch := new(sharedBatch)
	return r.read(ctx, src, passage{
		batch: func() *sharedBatch { return batch },
		chunk: func() *chunk { return c },
		dealt: func(c *chunk) {
			for _, s := range r.shards {
				s.work(c)
			}
			r.teller.tell(c)
		},
	})
}

// passage is the way of chunks from the dealer to the shards.
type passage struct {
	batch func() *sharedBatch // the next to read into
	chunk func() *chunk       // the next to fill
	dealt func(*chunk)        // takes one that is filled
}

// How many chunks and batches are under way at once.
const (
	chunksAhead  = 12
	batchesAhead = 6
)

// together reads in one goroutine and follows connections in others.
func (r *run) together(ctx context.Context, src capture.Source, jobs int) error {
	free, dealt := make(chan *chunk, chunksAhead), make(chan *chunk, chunksAhead)
	for range chunksAhead {
		free <- newChunk()
	}
	workers := r.startWorkers(jobs)
	var err error
	go func() {
		defer close(dealt)
		err = r.read(ctx, src, passage{
			batch: batches(),
			chunk: func() *chunk { return <-free },
			dealt: func(c *chunk) {
				c.working.Add(len(workers))
				for _, w := range workers {
					w <- c
				}
				dealt <- c
			},
		})
		for _, w := range workers {
			close(w)
		}
	}()
	for c := range dealt {
		c.working.Wait()
		r.teller.tell(c)
		c.batch.users.Done()
		free <- c
	}
	return err
}

// startWorkers starts goroutines that drive the shards.
func (r *run) startWorkers(jobs int) []chan *chunk {
	workers := make([]chan *chunk, jobs)
	for i := range workers {
		workers[i] = make(chan *chunk, chunksAhead)
		go func() {
			for c := range workers[i] {
				for n := i; n < shardCount; n += jobs {
					r.shards[n].work(c)
				}
				c.working.Done()
			}
		}()
	}
	return workers
}

// batches returns a function that hands out batches, each again when nobody looks
// into it any more.
func batches() func() *sharedBatch {
	ahead := make([]sharedBatch, batchesAhead)
	next := 0
	return func() *sharedBatch {
		b := &ahead[next]
		next = (next + 1) % len(ahead)
		b.users.Wait()
		return b
	}
}

// read reads src to its end and deals chunk after chunk.
func (r *run) read(ctx context.Context, src capture.Source, p passage) error {
	for {
		b := p.batch()
		err := src.Read(&b.Batch)
		for rest := b.Packets; len(rest) > 0; {
			n := chunkOf(rest)
			c := p.chunk()
			c.begin(b)
			r.dealer.deal(rest[:n], c)
			p.dealt(c)
			rest = rest[n:]
		}
		if b.Now != 0 {
			c := p.chunk()
			c.begin(b)
			r.dealer.pass(c, b.Now)
			p.dealt(c)
		}
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

// closeRest closes the connections that are still followed, in the order of
// their opening.
func (r *run) closeRest() {
	c := newChunk()
	var open []rest
	for _, s := range r.shards {
		s.takeOverdue(c)
		for _, connection := range s.table.Rest() {
			open = append(open, rest{s, connection})
		}
	}
	r.teller.tell(c)
	slices.SortFunc(open, rest.compare)
	for _, o := range open {
		for _, s := range r.shards {
			s.analyzer.begin(&c.logs[s.number])
		}
		o.shard.table.End(o.connection)
		r.teller.tell(c)
	}
}

func (r *run) describe(src capture.Source) *Capture {
	c := r.capture
	c.Files = src.Files()
	stats := r.teller.finalStats()
	stats.QUIC = r.dealer.quic
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
