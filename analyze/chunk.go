package analyze

import (
	"math"
	"time"

	"wirelag/analyze/dns"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
	"wirelag/reassembly/vantage"
)

// shardCount is how many shards there are, whatever the number of goroutines
// that drive them: what they find does not depend on that.
const shardCount = 2

// A chunk has so many packets at most, or but one that is larger than chunkBytes:
// the decoded segments are to stay in the processor's cache, and what is found in
// them is to need little memory.
const (
	chunkPackets = 288
	chunkBytes   = 256 << 10
)

// chunkOf is how many of packets, one at least, make the next chunk.
func chunkOf(packets []capture.Packet) int {
	bytes := 0
	for i := range packets {
		if bytes += len(packets[i].Data); i > 0 && (i == chunkPackets || bytes > chunkBytes) {
			return i
		}
	}
	return len(packets)
}

// chunk is a run of packets, decoded and dealt out to the shards, and then what
// these found in it.
type chunk struct {
	batch     *sharedBatch          // what the payload of the segments points into
	clock     []capture.Time        // by place: the latest time so far
	segments  []int32               // the places of those of TCP
	first     uint64                // the serial of the first of them: they are counted from 1
	shards    [shardCount][]dealt   // the segments of each shard
	shared    []*vantage.Connection // of each segment, where several points captured them
	datagrams []datagram
	drops     []instant // before these packets, the capturing system lost some
	ticks     []instant // behind these packets, listeners hear what time it is
	steps     []step    // and by what steps the clock goes
	turns     []turn    // at these packets, another input goes on
	logs      [shardCount]eventLog
	open      int // connections, chunksAhead chunks before
}

// dealt is a segment with what a shard must know of it, in three cache lines.
type dealt struct {
	key    reassembly.Key
	number int32 // of the segment in the chunk
	packet.Segment
}

// datagram is one of UDP that the teller reads.
type datagram struct {
	at      int32
	segment packet.Segment
}

// instant is a time at a place in the chunk.
type instant struct {
	at   int32
	time capture.Time
}

// step is by how much the clock goes on at once, as known at a place in the chunk.
type step struct {
	at int32
	by time.Duration
}

func newChunk() *chunk {
	c := &chunk{clock: make([]capture.Time, 0, chunkPackets), segments: make([]int32, 0, chunkPackets)}
	for i := range c.shards {
		c.shards[i] = make([]dealt, 0, chunkPackets)
	}
	return c
}

// begin empties c, to be filled from b.
func (c *chunk) begin(b *sharedBatch) {
	c.batch = b
	c.clock, c.segments, c.datagrams = c.clock[:0], c.segments[:0], c.datagrams[:0]
	c.shared, c.drops, c.ticks, c.steps, c.turns = c.shared[:0], c.drops[:0], c.ticks[:0], c.steps[:0], c.turns[:0]
	for i := range c.shards {
		c.shards[i] = c.shards[i][:0]
	}
}

// sharedBy is what other points captured the connection of a segment, if any did.
func (c *chunk) sharedBy(g *dealt) *vantage.Connection {
	if len(c.shared) == 0 {
		return nil
	}
	return c.shared[g.number]
}

// behind is memory for a segment, behind those of a shard: it need not be copied if
// it turns out to be that shard's.
func (c *chunk) behind(shard int) *dealt {
	list := c.shards[shard]
	return &list[:len(list)+1][len(list)]
}

// add takes segment g, at a place in the chunk, which lies behind those of the likely
// shard, and returns its shard.
func (c *chunk) add(g *dealt, at int32, likely int) (shard int) {
	g.number = int32(len(c.segments))
	c.segments = append(c.segments, at)
	shard = g.key.Shard(shardCount)
	list := c.shards[shard]
	list = list[:len(list)+1]
	if shard != likely {
		list[len(list)-1] = *g
	}
	c.shards[shard] = list
	return shard
}

// dealer decodes packets and deals them out to shards.
type dealer struct {
	capture *Capture
	decoder packet.Decoder
	keys    reassembly.Keys
	plan    *vantage.Plan // nil without one
	copies  uint64        // segments that another capture point leads
	quic    uint64

	ticks    bool         // somebody listens to the clock
	begun    bool         // clock and nextTick are set
	clock    capture.Time // the latest time so far
	nextTick capture.Time
	steps    steps
	serial   uint64 // of the latest segment
	latest   int    // the shard of the latest segment, often the next one's, too
	input    int    // of the latest packet, where there are several; -1 before the first
	inputs   []stay // nil where there is but one
}

const (
	// tickInterval is how often Listener.Tick is called, in capture time.
	tickInterval = time.Second
	// waitTicks is how many ticks everything that waits for time to pass is over
	// after: in longer silence the rest of them is left out.
	waitTicks = 180
)

// next fills c with what is next of a batch.
func (d *dealer) next(b *sharedBatch, c *chunk) {
	c.begin(b)
	if n := chunkOf(b.rest); n > 0 {
		d.deal(b.rest[:n], c)
		b.rest = b.rest[n:]
		return
	}
	d.pass(c, b.Now)
	b.now = false
}

// deal fills c with packets.
func (d *dealer) deal(packets []capture.Packet, c *chunk) {
	c.first = d.serial + 1
	for i := range packets {
		p := &packets[i]
		at := d.pass(c, p.Time)
		if !d.steps.fine && d.steps.take(p.Mark) {
			c.steps = append(c.steps, step{at, d.steps.by()})
		}
		d.capture.Packets++
		d.capture.Bytes += uint64(len(p.Data))
		if d.inputs != nil {
			d.meet(c, at, p.Mark)
		}
		if p.Dropped > 0 {
			c.drops = append(c.drops, instant{at, p.Time})
		}
		g := c.behind(d.latest)
		switch d.decoder.Decode(p, &g.Segment) {
		case packet.TCP:
			d.capture.TCPPackets++
			if d.take(c, g) {
				d.latest = c.add(g, at, d.latest)
			}
		case packet.UDP:
			d.datagram(c, at, &g.Segment)
		}
	}
	d.serial += uint64(len(c.segments))
}

// meet notes of which input a packet is.
func (d *dealer) meet(c *chunk, at int32, m capture.Mark) {
	to := m.Frame.File()
	if to != d.input {
		t := turn{at: at, from: d.input, to: to}
		if d.input >= 0 {
			t.left = d.inputs[d.input]
		}
		c.turns = append(c.turns, t)
		d.input = to
	}
	in := &d.inputs[to]
	if in.last != 0 {
		in.quiet = max(in.quiet, m.Time.Sub(in.last))
	}
	in.last = max(in.last, m.Time)
}

// pass lets the time until now pass in c, and returns the place of that moment.
// Ticks come in steps that count from the first packet: what happens in silence is
// the same, and in the same order, whether its time is told bit by bit or at once.
func (d *dealer) pass(c *chunk, now capture.Time) int32 {
	d.span(now)
	if d.ticks && now >= d.nextTick {
		d.tick(c, min(now, math.MaxInt64-2*capture.Time(tickInterval)))
	}
	return d.at(c, now)
}

// at is the place in c of a moment that comes next.
func (d *dealer) at(c *chunk, now capture.Time) int32 {
	d.clock = max(d.clock, now)
	c.clock = append(c.clock, d.clock)
	return int32(len(c.clock) - 1)
}

func (d *dealer) tick(c *chunk, now capture.Time) {
	const step = capture.Time(tickInterval)
	for n := 1; d.nextTick <= now; n++ {
		if n > waitTicks { // on to the last step
			d.nextTick += capture.Time(uint64(now-d.nextTick) / uint64(step) * uint64(step))
		}
		c.ticks = append(c.ticks, instant{d.at(c, d.nextTick), d.nextTick})
		d.nextTick += step
	}
}

// span makes the capture reach to t.
func (d *dealer) span(t capture.Time) {
	c := d.capture
	if !d.begun {
		d.begun, d.clock, d.nextTick = true, t, t
		c.Start, c.End = t, t
	}
	c.Start, c.End = min(c.Start, t), max(c.End, t)
}

// take prepares a segment for its shard, unless it is a copy of one that another
// capture point leads.
func (d *dealer) take(c *chunk, g *dealt) bool {
	if d.plan != nil {
		shared, copied := d.plan.Take(&g.Segment)
		if copied {
			d.copies++
			return false
		}
		c.shared = append(c.shared, shared)
	}
	g.key = d.keys.Of(&g.Segment)
	return true
}

func (d *dealer) datagram(c *chunk, at int32, s *packet.Segment) {
	switch src, dst := s.Src.Port(), s.Dst.Port(); {
	case src == dns.Port || dst == dns.Port:
		c.datagrams = append(c.datagrams, datagram{at, *s})
	case (src == quicPort || dst == quicPort) && isQUIC(s):
		d.quic++
	}
}
