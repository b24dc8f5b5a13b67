package analyze

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"wirelag/reassembly/capture"
)

// The stages that a chunk passes: it is dealt, each shard works on it, it is told.
const (
	dealing = iota
	firstShard
	telling = firstShard + shardCount
	stages  = telling + 1
)

// How many chunks are under way at most, and how many of them are to wait for each
// shard, so that those who find nothing else to do have work.
const (
	chunksAhead = 6
	chunksReady = 2
)

// pipeline takes chunks through the stages. Each has one at a time, in order; any
// goroutine does what is next in any stage. What is farthest along comes first, so
// that little is under way, and is still in the processor's cache.
type pipeline struct {
	run *run
	ctx context.Context
	src capture.Source

	mu      sync.Mutex
	changed sync.Cond
	reserve uint64 // chunksReady, but for one goroutine: that deals when it has nothing else to do
	idle    int    // goroutines that find nothing to do
	stages  [stages]stage
	ended   bool // all chunks were dealt
	ahead   [chunksAhead]*chunk
	chunks  []*chunk // and batches: to be used again, the latest first
	batches []*sharedBatch

	// What the dealing alone looks at.
	batch *sharedBatch     // what is being dealt
	rest  []capture.Packet // of its packets
	now   bool             // its Now is to come
	over  bool             // nothing is left to read
	err   error            // of reading
}

// stage is where chunks are.
type stage struct {
	passed uint64 // so many chunks
	busy   bool   // a goroutine has the next
}

// sharedBatch is a batch whose packets are in several chunks.
type sharedBatch struct {
	capture.Batch
	users int
}

func newPipeline(ctx context.Context, r *run, src capture.Source) *pipeline {
	p := &pipeline{run: r, ctx: ctx, src: src}
	p.changed.L = &p.mu
	return p
}

// drive takes all chunks through, in so many goroutines with the caller's. The
// error is one of reading.
func (p *pipeline) drive(goroutines int) error {
	if goroutines > 1 {
		p.reserve = chunksReady
	}
	var others sync.WaitGroup
	for i := 1; i < min(goroutines, stages); i++ {
		others.Go(func() { p.work(i) })
	}
	p.work(0)
	others.Wait()
	return p.err
}

// work does what is next until all is done, with a preferred shard if there is a
// choice: this processor's cache may still hold its connections.
func (p *pipeline) work(preferred int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		s, ok := p.next(preferred)
		switch {
		case ok:
			p.do(s, preferred)
		case p.ended && p.stages[telling].passed == p.stages[dealing].passed:
			p.changed.Broadcast()
			return
		default:
			p.idle++
			p.changed.Wait()
			p.idle--
		}
	}
}

// do takes a chunk through stage s, and lets others do what else is there to do.
func (p *pipeline) do(s, preferred int) {
	p.stages[s].busy = true
	c := p.ahead[p.stages[s].passed%chunksAhead]
	_, more := p.next(preferred)
	wake := more && p.idle > 0
	p.mu.Unlock()
	if wake {
		p.changed.Signal()
	}
	switch s {
	case dealing:
		c = p.deal()
	case telling:
		p.run.teller.tell(c)
	default:
		p.run.shards[s-firstShard].work(c)
	}
	p.mu.Lock()
	p.stages[s].busy = false
	switch {
	case c == nil:
		p.ended = true
		return
	case s == dealing:
		p.ahead[p.stages[s].passed%chunksAhead] = c
	case s == telling:
		p.leave(c.batch)
		p.chunks = append(p.chunks, c)
	}
	p.stages[s].passed++
}

// next is the stage that is to go on. ok is false where none can.
func (p *pipeline) next(preferred int) (s int, ok bool) {
	if p.ready(telling) {
		return telling, true
	}
	deal := p.ready(dealing)
	for i := range shardCount {
		i = firstShard + (i+preferred)%shardCount
		if p.ready(i) && (!ok || p.stages[i].passed < p.stages[s].passed) {
			s, ok = i, true
		}
	}
	if deal && (!ok || p.stages[dealing].passed <= p.stages[s].passed+p.reserve) {
		return dealing, true
	}
	return s, ok
}

// ready reports whether there is a chunk for stage s, and nobody in it.
func (p *pipeline) ready(s int) bool {
	var limit uint64
	switch dealt := p.stages[dealing].passed; s {
	case dealing:
		if limit = p.stages[telling].passed + chunksAhead; p.ended {
			limit = dealt
		}
	case telling:
		limit = dealt
		for _, shard := range p.stages[firstShard:telling] {
			limit = min(limit, shard.passed)
		}
	default:
		limit = dealt
	}
	return !p.stages[s].busy && p.stages[s].passed < limit
}

// deal returns the next chunk, nil at the end.
func (p *pipeline) deal() *chunk {
	for !p.over || p.now || len(p.rest) > 0 {
		if !p.now && len(p.rest) == 0 {
			p.read()
			continue
		}
		c := p.newChunk()
		if n := chunkOf(p.rest); n > 0 {
			p.run.dealer.deal(p.rest[:n], c)
			p.rest = p.rest[n:]
		} else {
			p.run.dealer.pass(c, p.batch.Now)
			p.now = false
		}
		return c
	}
	return nil
}

// read reads the next batch.
func (p *pipeline) read() {
	b := p.newBatch()
	err := p.src.Read(&b.Batch)
	p.rest, p.now = b.Packets, b.Now != 0
	switch {
	case errors.Is(err, io.EOF):
		p.over = true
	case err != nil:
		p.over, p.err = true, err
	case p.ctx.Err() != nil:
		p.over, p.run.capture.Interrupted = true, true
	}
}

// newChunk is an empty chunk, to be filled from the batch.
func (p *pipeline) newChunk() *chunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := pop(&p.chunks)
	if !ok {
		c = newChunk()
	}
	p.batch.users++
	c.begin(p.batch)
	return c
}

// newBatch is a batch to read into, in place of the one that was dealt.
func (p *pipeline) newBatch() *sharedBatch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.batch != nil {
		p.leave(p.batch)
	}
	b, ok := pop(&p.batches)
	if !ok {
		b = new(sharedBatch)
	}
	b.users++
	p.batch = b
	return b
}

// leave notes that one less looks into a batch.
func (p *pipeline) leave(b *sharedBatch) {
	if b.users--; b.users == 0 {
		p.batches = append(p.batches, b)
	}
}

func pop[T any](list *[]T) (last T, ok bool) {
	n := len(*list)
	if n == 0 {
		return last, false
	}
	last = (*list)[n-1]
	*list = slices.Delete(*list, n-1, n)
	return last, true
}
