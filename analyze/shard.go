package analyze

import (
	"cmp"
	"sort"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// shard follows the connections whose key is its.
type shard struct {
	number   int
	table    *reassembly.Table
	analyzer *Analyzer
}

func newShard(number int, w wanted, limits reassembly.Limits, keys reassembly.Keys) *shard {
	s := &shard{number: number, analyzer: newAnalyzer(w, shardCount)}
	s.table = reassembly.NewTable(s.analyzer.consumer(), limits.Share(shardCount))
	s.table.UseKeys(keys)
	s.analyzer.countIn(s.table.Kept())
	return s
}

// work takes the shard's segments of c.
func (s *shard) work(c *chunk) {
	log := &c.logs[s.number]
	s.analyzer.begin(log)
	drops := c.drops
	for _, i := range c.shards[s.number] {
		g := &c.segments[i]
		drops = s.dropped(c, drops, g.at)
		s.advance(c, g.at)
		log.place = place{packet: g.at, within: true}
		s.table.AddShared(&g.Segment, g.key, c.first+uint64(i), g.shared)
	}
	last := int32(len(c.clock)) - 1
	s.dropped(c, drops, last)
	s.advance(c, last)
}

// dropped tells the table what was lost up to a packet, and returns what was
// lost behind it.
func (s *shard) dropped(c *chunk, drops []instant, upTo int32) []instant {
	for len(drops) > 0 && drops[0].at <= upTo {
		s.advance(c, drops[0].at)
		s.table.Dropped(drops[0].time)
		drops = drops[1:]
	}
	return drops
}

// advance does what is due at a packet of any shard, up to a given one. Each is
// done at the packet that it waits for, as if there were but one shard.
func (s *shard) advance(c *chunk, upTo int32) {
	if upTo < 0 {
		return
	}
	log := &c.logs[s.number]
	for s.table.Waits(c.clock[upTo], c.first+uint64(len(c.segments))) {
		overdue, ok1 := s.table.Overdue()
		over, ok2 := s.table.Over()
		first, second := c.place(overdue, ok1, upTo), c.place(over, ok2, upTo)
		if first.packet > upTo && second.packet > upTo {
			break
		}
		if first.before(second) {
			log.place = first
			s.table.TakeOverdue()
			continue
		}
		log.place = second
		s.table.EndOver(c.clock[second.packet])
	}
	s.table.Advance(c.clock[upTo])
}

// takeOverdue takes all that still waits for bytes, when the capture is over.
func (s *shard) takeOverdue(c *chunk) {
	log := &c.logs[s.number]
	s.analyzer.begin(log)
	for {
		due, ok := s.table.Overdue()
		if !ok {
			return
		}
		log.place = place{due: capture.Mark{Time: due.After, Frame: due.Frame}}
		s.table.TakeOverdue()
	}
}

// place is where in c that is due which waits: at a packet behind upTo, where it
// is not due up to there, or if nothing waits.
func (c *chunk) place(due reassembly.Due, waits bool, upTo int32) place {
	at := upTo + 1
	if !waits {
		return place{packet: at}
	}
	if i := due.Serial - c.first; i < uint64(len(c.segments)) {
		at = min(at, c.segments[i].at)
	}
	if due.After < c.clock[upTo] {
		at = min(at, int32(sort.Search(int(upTo), func(i int) bool { return c.clock[i] > due.After })))
	}
	return place{packet: at, due: capture.Mark{Time: due.After, Frame: due.Frame}}
}

// rest is a connection that is followed when the capture is over.
type rest struct {
	shard      *shard
	connection *reassembly.Connection
}

func (r rest) compare(s rest) int {
	return cmp.Compare(handleOf(r.connection).id, handleOf(s.connection).id)
}
