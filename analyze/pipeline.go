package analyze

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"

	"wirelag/reassembly/capture"
)

// The stages: a batch is read; a chunk of it is dealt, each shard works on it, it is
// told.
const (
	reading = iota
	dealing
	firstShard
	telling = firstShard + shardCount
	stages  = telling + 1
)

// How many chunks, and batches that are not dealt whole, are under way at most; and
// how many chunks are to wait for each shard, so that those who find nothing else to
// do have work.
const (
	chunksAhead  = 8
	batchesAhead = 2
	chunksReady  = 2
)

// How often a goroutine that finds nothing to do in its own stages looks again before
// it helps in others', and before it sleeps: for some 3 µs, by which few are late who
// soon go on, and for some 30 µs, which is less than to be woken takes.
const (
	loyalty  = 20
	patience = 200
)

// pipeline takes packets through the stages. Each has one batch or chunk at a time, in
// order, and belongs to a goroutine, dealing to the one that read the batch: what it
// works on is in the cache of that one's processor, from where it takes 40 ns a line to
// get, or 170 ns where the processors share no cache. Who has nothing to do helps the
// others, so that any goroutine can do what is next in any stage; a shard is the helper's
// from then on. What is farthest along comes first, so that little is under way, and is
// still in the cache, too.
type pipeline struct {
	run *run
	ctx context.Context
	src capture.Source

	mu      sync.Mutex
	changed sync.Cond
	stages  [stages]stage
	reserve uint64 // chunksReady; 0 for one goroutine, which reads on when all else is done
	idle    int    // goroutines that find nothing to do
	over    bool   // nothing is left to read
	err     error  // of reading
	read    []*sharedBatch
	ahead   [chunksAhead]*chunk
	chunks  []*chunk       // to be used again, the latest first
	batches []*sharedBatch // to be read into again
}

// stage is what batches or chunks pass.
type stage struct {
	passed uint64 // so many
	busy   bool   // a goroutine has the next
	owner  int    // the goroutine whose it is
}

// sharedBatch is a batch whose packets are in several chunks.
type sharedBatch struct {
	capture.Batch
	rest   []capture.Packet // that are not dealt
	now    bool             // nor is Now
	users  int
	reader int // the goroutine that read it
}

func newPipeline(ctx context.Context, r *run, src capture.Source) *pipeline {
	p := &pipeline{run: r, ctx: ctx, src: src}
	p.changed.L = &p.mu
	return p
}

// drive takes all packets through, in so many goroutines with the caller's. The
// error is one of reading.
func (p *pipeline) drive(goroutines int) error {
	goroutines = max(min(goroutines, stages), 1)
	if goroutines > 1 {
		p.reserve = chunksReady
	}
	p.share(goroutines)
	var others sync.WaitGroup
	for i := 1; i < goroutines; i++ {
		others.Go(func() { p.work(i) })
	}
	p.work(0)
	others.Wait()
	return p.err
}

// share gives each stage its first owner. Telling takes about as long as reading and dealing,
// which are the first's.
func (p *pipeline) share(goroutines int) {
	p.stages[telling].owner = 1 % goroutines
	for i := range shardCount {
		p.stages[firstShard+i].owner = (2 + i) % goroutines
	}
}

// work does what is next until all is done.
func (p *pipeline) work(worker int) {
	p.mu.Lock()
	for looks := 0; ; looks++ {
		s, ok := p.next(worker, looks >= loyalty)
		switch {
		case ok:
			p.do(s, worker)
			looks = 0
		case p.over && len(p.read) == 0 && p.stages[telling].passed == p.stages[dealing].passed:
			p.changed.Broadcast()
			p.mu.Unlock() // not deferred: where a stage panics, it is not locked
			return
		case looks < patience:
			p.mu.Unlock()
			runtime.Gosched()
			p.mu.Lock()
		default:
			p.idle++
			p.changed.Wait()
			p.idle--
		}
	}
}

// next is the stage in which a worker is to go on: one of its own, or else, if it
// helps, another's. ok is false where there is none.
func (p *pipeline) next(worker int, helps bool) (s int, ok bool) {
	s, ok = p.farthest(func(s int) bool { return p.stages[s].owner == worker })
	if !ok && helps {
		s, ok = p.farthest(anybodys)
	}
	return s, ok
}

// anybodys is true of all stages.
func anybodys(int) bool { return true }

// farthest is the stage of some that is to go on.
func (p *pipeline) farthest(among func(s int) bool) (s int, ok bool) {
	can := func(s int) bool { return among(s) && p.ready(s) }
	if can(telling) {
		return telling, true
	}
	for i := firstShard; i < telling; i++ {
		if can(i) && (!ok || p.stages[i].passed < p.stages[s].passed) {
			s, ok = i, true
		}
	}
	switch {
	case ok && p.stages[dealing].passed > p.stages[s].passed+p.reserve:
		return s, true
	case can(dealing):
		return dealing, true
	case can(reading):
		return reading, true
	}
	return s, ok
}

// ready reports whether there is something to do in stage s, and nobody in it.
func (p *pipeline) ready(s int) bool {
	if p.stages[s].busy {
		return false
	}
	dealt, passed := p.stages[dealing].passed, p.stages[s].passed
	switch s {
	case reading:
		return !p.over && len(p.read) < batchesAhead
	case dealing:
		return len(p.read) > 0 && passed < p.stages[telling].passed+chunksAhead
	case telling:
		for _, shard := range p.stages[firstShard:telling] {
			dealt = min(dealt, shard.passed)
		}
	}
	return passed < dealt
}

// do does what is next in stage s. It is not locked meanwhile, so that others do what
// else there is to do.
func (p *pipeline) do(s, worker int) {
	at := &p.stages[s]
	at.busy = true
	switch place := &p.ahead[at.passed%chunksAhead]; s {
	case reading:
		p.fetch(worker)
	case dealing:
		*place = p.deal(p.read[0])
	case telling:
		p.tell(*place)
	default:
		at.owner = worker // which has in its cache now what the shard knows
		p.shard(p.run.shards[s-firstShard], *place)
	}
	at.busy = false
	at.passed++
	p.dropDealt()
}

// fetch reads a batch.
func (p *pipeline) fetch(worker int) {
	b := p.batch()
	b.reader = worker
	p.unlock()
	err := b.fill(p.src)
	p.mu.Lock()
	p.read = append(p.read, b)
	p.heed(err)
}

// batch is the one that was not read into for the longest time, or a fresh one: what it
// holds of its source, as a block of the kernel's ring, is given back then.
func (p *pipeline) batch() *sharedBatch {
	if len(p.batches) == 0 {
		return new(sharedBatch)
	}
	b := p.batches[0]
	p.batches = slices.Delete(p.batches, 0, 1)
	return b
}

// chunk is the latest that was told, or a fresh one.
func (p *pipeline) chunk() *chunk {
	n := len(p.chunks)
	if n == 0 {
		return newChunk()
	}
	c := p.chunks[n-1]
	p.chunks = p.chunks[:n-1]
	return c
}

// deal returns the next chunk of b.
func (p *pipeline) deal(b *sharedBatch) *chunk {
	c := p.chunk()
	c.open = p.run.open[p.stages[dealing].passed%chunksAhead]
	p.unlock()
	p.run.dealer.next(b, c)
	p.mu.Lock()
	b.users++
	return c
}

// shard lets a shard work on c.
func (p *pipeline) shard(s *shard, c *chunk) {
	p.unlock()
	s.work(c)
	p.mu.Lock()
}

// tell tells c, which is used again then.
func (p *pipeline) tell(c *chunk) {
	p.unlock()
	p.run.teller.tell(c)
	p.mu.Lock()
	p.run.open[p.stages[telling].passed%chunksAhead] = p.run.teller.open
	p.chunks = append(p.chunks, c)
	p.leave(c.batch)
}

// unlock wakes another goroutine if there is more to do.
func (p *pipeline) unlock() {
	_, more := p.farthest(anybodys)
	wake := more && p.idle > 0
	p.mu.Unlock()
	if wake {
		p.changed.Signal()
	}
}

// heed takes what reading a batch ended with.
func (p *pipeline) heed(err error) {
	switch {
	case errors.Is(err, io.EOF):
		p.over = true
	case err != nil:
		p.over, p.err = true, err
	case p.ctx.Err() != nil:
		p.over, p.run.capture.Interrupted = true, true
	}
}

// dropDealt takes out the batches that were dealt whole.
func (p *pipeline) dropDealt() {
	for !p.stages[dealing].busy && len(p.read) > 0 && p.read[0].isDealt() {
		p.leave(p.read[0])
		p.read = slices.Delete(p.read, 0, 1)
	}
	if len(p.read) > 0 {
		p.stages[dealing].owner = p.read[0].reader
	}
}

// leave notes that one less looks into a batch.
func (p *pipeline) leave(b *sharedBatch) {
	if b.users--; b.users == 0 {
		p.batches = append(p.batches, b)
	}
}

// fill reads b, which one is to deal then.
func (b *sharedBatch) fill(src capture.Source) error {
	err := src.Read(&b.Batch)
	b.rest, b.now, b.users = b.Packets, b.Now != 0, 1
	return err
}

func (b *sharedBatch) isDealt() bool { return len(b.rest) == 0 && !b.now }
