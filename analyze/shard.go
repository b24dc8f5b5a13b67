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
	s.analyzer.awaitSilence, s.analyzer.few = s.table.AwaitSilence, fewOpen
	if limits.Ready < 0 {
		s.analyzer.few = 0
	}
	return s
}

// work takes the shard's segments of c.
func (s *shard) work(c *chunk) {
	log := &c.logs[s.number]
	s.analyzer.begin(log)
	s.analyzer.open = c.open
	drops := c.drops
	segments := c.shards[s.number]
	for i := range segments {
		g := &segments[i]
		serial, at := c.first+uint64(g.number), c.segments[g.number]
		drops = s.dropped(c, drops, at, serial)
		s.advance(c, at, serial)
		log.place = place{packet: at, within: true}
		s.table.AddShared(&g.Segment, g.key, serial, c.sharedBy(g))
	}
	last, serial := int32(len(c.clock))-1, c.first+uint64(len(c.segments))
	s.dropped(c, drops, last, serial)
	s.advance(c, last, serial)
	log.place = place{packet: last, within: true}
	s.table.Lull()
}

// dropped tells the table what was lost up to a packet, and returns what was
// lost behind it. No segment behind the one of a serial came before that packet.
func (s *shard) dropped(c *chunk, drops []instant, upTo int32, serial uint64) []instant {
	for len(drops) > 0 && drops[0].at <= upTo {
		s.advance(c, drops[0].at, serial)
		s.table.Dropped(drops[0].time)
		drops = drops[1:]
	}
	return drops
}

// advance does what is due at a packet of any shard, up to a given one, behind
// which the segments behind the one of a serial came. Each is done at the packet
// that it waits for, as if there were but one shard.
func (s *shard) advance(c *chunk, upTo int32, serial uint64) {
	if upTo < 0 {
		return
	}
	log := &c.logs[s.number]
	for s.table.IsDue(c.clock[upTo], serial) {
		wait, first := reassembly.Waits, place{packet: upTo + 1}
		for w := range reassembly.Waits {
			if due, ok := s.table.Due(w); ok {
				if at := c.place(due, upTo); at.packet <= upTo && at.before(first) {
					wait, first = w, at
				}
			}
		}
		if wait == reassembly.Waits {
			break
		}
		log.place = first
		s.table.Take(wait, c.clock[first.packet])
	}
	s.table.Advance(c.clock[upTo])
}

// takeOverdue takes all that still waits for bytes, when the capture is over.
func (s *shard) takeOverdue(c *chunk) {
	log := &c.logs[s.number]
	s.analyzer.begin(log)
	for {
		due, ok := s.table.Due(reassembly.Overdue)
		if !ok {
			return
		}
		log.place = place{due: capture.Mark{Time: due.After, Frame: due.Frame}}
		s.table.Take(reassembly.Overdue, 0)
	}
}

// place is where in c something is due: at a packet behind upTo, where it is not
// due up to there.
func (c *chunk) place(due reassembly.Due, upTo int32) place {
	at := upTo + 1
	if i := due.Serial - c.first; i < uint64(len(c.segments)) {
		at = min(at, c.segments[i])
	}
	if due.After < c.clock[upTo] {
		at = min(at, int32(sort.Search(int(upTo), func(i int) bool { return c.clock[i] > due.After })))
	}
	return place{packet: at, due: capture.Mark{Time: due.After, Frame: due.Frame}}
}

// rest is a connection that is followed when the capture is over.
type rest struct {
	table      *reassembly.Table
	connection reassembly.Followed
}

func (r rest) compare(s rest) int { return cmp.Compare(r.number(), s.number()) }

// number is the connection's, by the teller.
func (r rest) number() uint64 {
	attached, number := r.table.Attached(r.connection)
	if attached != nil {
		number = handleOf(attached).id
	}
	return number
}
