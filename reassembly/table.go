package reassembly

import (
	"cmp"
	"slices"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
	"wirelag/reassembly/vantage"
)

// Consumer hears about connections, in capture order; but a segment that comes
// before the bytes which it acknowledges is told after them. Functions that are
// nil are not called.
type Consumer struct {
	// Opened is called when a connection begins: first is its first segment, which
	// is borrowed. Nothing is known of c but its ends.
	Opened func(c *Connection, first *packet.Segment)
	// Segment is called for every segment that an endpoint would act on or that
	// says something about it, before the bytes that it carries or releases. s is
	// borrowed.
	Segment func(c *Connection, side Side, s *packet.Segment, class Class)
	// Data is called with the bytes that side sent, in order, each once. data is borrowed.
	Data func(c *Connection, side Side, data []byte, at capture.Span)
	// Gap is called where n bytes of side's stream are missing from the capture;
	// at is the packet that shows it.
	Gap func(c *Connection, side Side, n int64, at capture.Span)
	// Finished is called when all that side sent before its FIN has been handed on.
	Finished func(c *Connection, side Side, at capture.Mark)
	// Ending is called when c is no longer open: behind its first FIN or RST.
	Ending func(c *Connection)
	// Dropped is called when the capturing system lost packets, c's perhaps among
	// them: before the segment of c that comes next, or before Closed.
	Dropped func(c *Connection, at capture.Time)
	// Closed is called when a connection is over and will not change any more.
	Closed func(c *Connection)
}

// How long a connection that is over is kept for what comes late: until its
// Closed is told, and then to recognise repeats of its last segments.
const (
	lingerTime    = 2 * time.Second
	tombstoneTime = 2 * time.Minute // the longest TIME_WAIT (RFC 9293 §3.4.2: 2 MSL)
	maxTombstones = 1 << 13         // of all tables
)

// Table follows the connections of a capture. It is driven by one goroutine.
type Table struct {
	consumer Consumer
	limits   Limits
	stats    Stats
	keys     Keys
	index    *index
	now      capture.Time // the latest time seen
	lastID   uint64

	lingering  queue // over, not told yet
	tombstones queue // told
	opened     queue // for eviction, in the order of opening
	live       int   // not told yet
	load       int64 // bytes that the consumer keeps for them
	orderer    *orderer
	pending    int // bytes of memory behind holes
	early      early
	drops      uint32       // how often the capturing system lost packets
	droppedAt  capture.Time // when it did last
	gauges     *Gauges
}

// NewTable returns an empty table that tells consumer what it finds.
func NewTable(consumer Consumer, limits Limits) *Table {
	return &Table{consumer: consumer, limits: limits.withDefaults(), keys: NewKeys(), index: newIndex(), gauges: new(Gauges)}
}

// Stats returns what was met so far.
func (t *Table) Stats() Stats { return t.stats }

// Open is how many connections are being followed.
func (t *Table) Open() int { return t.live }

// Due is the moment that the clock must have passed for the next connection to
// be told, and the packet that ended it. ok is false when none is over.
func (t *Table) Due() (due capture.Mark, ok bool) {
	if t.lingering.len() == 0 {
		return due, false
	}
	next := &t.lingering.items[t.lingering.head]
	return capture.Mark{Time: next.at.Add(lingerTime), Frame: next.c.closedAt.Frame}, true
}

// Advance tells that nothing more comes from before now.
func (t *Table) Advance(now capture.Time) {
	if now > t.now {
		t.now = now
		t.settle()
	}
}

// EndDue tells the connection that is Due, at a moment behind that.
func (t *Table) EndDue(now capture.Time) {
	t.now = max(t.now, now)
	if c, _ := t.lingering.pop(); c.over && !c.told {
		t.end(c)
	}
}

// Dropped tells that the capturing system lost packets before moment at: every
// connection that was open may lack some.
func (t *Table) Dropped(at capture.Time) {
	t.drops++
	t.droppedAt = at
}

// noteDrops marks c as one that may lack packets, if it was open when some were lost.
func (t *Table) noteDrops(c *Connection) {
	if c.drops == t.drops {
		return
	}
	c.drops = t.drops
	if c.over && c.closedAt.Time < t.droppedAt {
		return
	}
	c.lost = true
	if t.consumer.Dropped != nil {
		t.consumer.Dropped(c, t.droppedAt)
	}
}

// Add takes the next segment of the capture. s is borrowed.
func (t *Table) Add(s *packet.Segment) { t.AddShared(s, t.keys.Of(s), nil) }

// AddShared is Add for a segment whose key is known, and of a connection that
// several points captured if shared is not nil. All keys of a table are of the
// same Keys.
func (t *Table) AddShared(s *packet.Segment, key Key, shared *vantage.Connection) {
	t.stats.Segments++
	t.Advance(s.Time)
	if t.crowded() {
		t.makeRoom()
	}
	tuple, side, hash := key.tuple(s), key.side, key.hash
	c := t.index.find(&tuple, hash)
	if c != nil {
		if c.copied(side, s) || t.early.holds(s) {
			t.stats.Copies++
			return
		}
		t.takeOverdue(false)
		if c = c.owner(side, s); c == nil {
			t.takeOverdue(true) // they belong to the connection before
		}
	}
	if c == nil {
		c = t.open(&tuple, hash, side, s)
	}
	if c.shared == nil {
		c.shared = shared
	}
	if c.told {
		t.stats.Late++
		return
	}
	t.early.taken++
	if c.comesEarly(side, s) {
		t.holdBack(c, side, s)
		return
	}
	t.receive(c, side, s)
	if len(t.early.held) > 0 {
		t.takeHeld(c)
	}
}

// owner returns the incarnation that s belongs to, nil when it opens a new one.
func (c *Connection) owner(side Side, s *packet.Segment) *Connection {
	if s.Flags.Has(packet.SYN) {
		if c.ownsSYN(side, s) {
			return c
		}
		return nil
	}
	if c.told && s.Length > 0 && !s.Flags.Has(packet.RST) && !c.ends[side].near(s.Seq) {
		return nil
	}
	if p := c.before(); p != nil && !c.synchronised && !c.answers(side, s) && p.ends[side].near(s.Seq) {
		return p
	}
	return c
}

// before is the incarnation before c, if it may still be alive.
func (c *Connection) before() *Connection {
	if c.previous != nil && c.previous.told {
		c.previous = nil
	}
	return c.previous
}

// ownsSYN reports whether a SYN or SYN/ACK belongs to c rather than to a new connection.
func (c *Connection) ownsSYN(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	behind := e.started && !e.hasISN && s.Seq+1 == e.next-uint32(e.offset) // captured behind its data
	switch {
	case e.hasISN && s.Seq == e.isn:
		return !c.told
	case c.told:
		return false
	case s.Flags.Has(packet.ACK):
		// A second SYN/ACK may choose another ISN as long as none was acknowledged.
		answers := other.hasISN && s.Ack-other.isn-1 <= other.top-other.isn
		if c.synchronised && answers && !e.hasISN {
			return behind || !e.started // captured behind what acknowledges it
		}
		return !c.synchronised && (answers || e.sentACK && s.Ack == e.ack)
	case c.over:
		return false
	case e.hasISN:
		return false
	case other.hasISN:
		return !c.synchronised || behind // simultaneous open, or a handshake split in two
	}
	return behind
}

// nearby is how far from what is expected a segment of the same connection may be.
const nearby = 1 << 26

// near reports whether seq may come from e in the course of its connection.
func (e *end) near(seq uint32) bool {
	return !e.started || seq-e.next+nearby <= 2*nearby
}

// answers reports whether a segment without SYN follows the opening of c.
func (c *Connection) answers(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	if e.hasISN {
		return s.Seq-e.isn <= nearby
	}
	return other.hasISN && s.Flags.Has(packet.ACK) && s.Ack-other.isn-1 <= other.top-other.isn
}

// open starts a connection with segment s of side.
func (t *Table) open(tuple *tuple, hash uint32, side Side, s *packet.Segment) *Connection {
	t.lastID++
	c := &Connection{ID: t.lastID, hash: hash, first: s.Mark, drops: t.drops}
	c.ends[0].endpoint, c.ends[1].endpoint = tuple[0], tuple[1]
	switch {
	case s.Flags.Has(packet.SYN | packet.ACK):
		c.client, c.role = side.Other(), RoleBySYN
	case s.Flags.Has(packet.SYN):
		c.client, c.role = side, RoleBySYN
	default:
		c.client, c.midStream, c.synchronised = guessClient(s, side), true, true
		t.stats.MidStream++
	}
	if old := t.index.find(tuple, hash); old != nil {
		if old.close == ByFIN {
			c.formerClosed, c.formerSide = old.closedAt, old.firstFIN
		}
		if !old.told {
			t.supersede(old, c)
		}
	}
	if t.consumer.Opened != nil {
		t.consumer.Opened(c, s)
	}
	t.index.put(c)
	t.live++
	t.gauges.Open.Add(1)
	t.opened.push(c, t.now)
	t.makeRoom()
	return c
}

// supersede makes way for c on the tuple of old. While c is not more than a SYN,
// an old connection that was alive may still be (a stray SYN does not end it).
func (t *Table) supersede(old, c *Connection) {
	if old.synchronised && !old.over && !c.synchronised {
		c.previous = old
		return
	}
	if p := old.before(); p != nil && !c.synchronised {
		c.previous, old.previous = p, nil
	}
	t.timeOut(old)
}

// timeOut ends c although nothing of its end was seen.
func (t *Table) timeOut(c *Connection) {
	if c.close == StillOpen {
		c.close = ByTimeout
	}
	t.end(c)
}

// guessClient takes the side with the higher port for the client, the sender if they are equal.
func guessClient(s *packet.Segment, side Side) Side {
	if s.Src.Port() < s.Dst.Port() {
		return side.Other()
	}
	return side
}

// SetClient says that side was found to be the client by what it sent. It does
// nothing where the SYN showed who is.
func (c *Connection) SetClient(side Side) {
	if c.role == RoleByPort {
		c.client, c.role = side, RoleByContent
	}
}

// settle tells the connections that have been over for long enough, and forgets
// those that were told long ago.
func (t *Table) settle() {
	for {
		c, ok := t.lingering.popBefore(t.now.Add(-lingerTime))
		if !ok {
			break
		}
		if c.over && !c.told {
			t.end(c)
		}
	}
	for {
		c, ok := t.tombstones.popBefore(t.now.Add(-tombstoneTime))
		if !ok && t.tombstones.len() > t.limits.tombstones {
			c, ok = t.tombstones.pop()
		}
		if !ok {
			break
		}
		t.index.remove(c)
	}
}

// finish notes that c is over: both ends finished, or one reset.
func (t *Table) finish(c *Connection, at capture.Mark) {
	if c.over {
		return
	}
	c.over, c.closedAt = true, at
	t.lingering.push(c, t.now)
}

// end tells that c is over, after what still waits behind holes. A connection
// that c did not replace after all takes its place again.
func (t *Table) end(c *Connection) {
	if p := c.before(); p != nil {
		c.previous = nil
		t.index.put(p)
	}
	t.noteDrops(c)
	for side := range Side(2) {
		t.giveUp(c, side)
	}
	c.told = true
	t.live--
	t.gauges.Open.Add(-1)
	t.count(c)
	if t.consumer.Closed != nil {
		t.consumer.Closed(c)
	}
	t.tombstones.push(c, t.now)
}

func (t *Table) count(c *Connection) {
	if c.OneSided() {
		t.stats.OneSided++
	}
	if c.close == StillOpen {
		t.stats.OpenAtEnd++
	}
}

// makeRoom closes the connection opened first that has been idle for a while
// (whichever it is when all are busy), when there are too many.
func (t *Table) makeRoom() {
	const busy = 10 * time.Second
	for tries := 0; t.crowded(); tries++ {
		c, ok := t.opened.pop()
		if !ok {
			return
		}
		switch {
		case c.told:
		case c.synchronised && c.last.Time > t.now.Add(-busy) && tries < 64:
			t.opened.push(c, t.now)
		default:
			t.evict(c)
		}
	}
	if t.opened.len() > 2*t.live+1024 {
		t.opened.keep(func(c *Connection) bool { return !c.told })
	}
}

// crowded reports whether connections take more than they may.
func (t *Table) crowded() bool {
	return t.live > t.limits.Connections || int64(t.live)*connectionWeight+t.load > t.limits.Memory && t.live > 1
}

// Load tells that the consumer keeps so many bytes more for connections.
func (t *Table) Load(bytes int) { t.load += int64(bytes) }

func (t *Table) evict(c *Connection) {
	t.stats.EvictedConnections++
	t.timeOut(c)
}

// Finish tells the end of the capture: every connection that is still followed is closed.
func (t *Table) Finish() {
	for _, c := range t.Rest() {
		t.End(c)
	}
}

// Rest takes what still waits for its turn and returns the connections that are
// followed, in the order of their opening. Nothing but End may be called afterwards.
func (t *Table) Rest() []*Connection {
	t.takeOverdue(true)
	var rest []*Connection
	t.index.all(func(c *Connection) {
		if p := c.before(); p != nil {
			c.previous = nil
			rest = append(rest, p)
		}
		if !c.told {
			rest = append(rest, c)
		}
	})
	slices.SortFunc(rest, func(a, b *Connection) int { return cmp.Compare(a.ID, b.ID) })
	return rest
}

// End closes one of the Rest.
func (t *Table) End(c *Connection) { t.end(c) }

// queue holds connections with the time they were put in, in that order.
type queue struct {
	items []queued
	head  int
}

type queued struct {
	c  *Connection
	at capture.Time
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(c *Connection, at capture.Time) {
	if q.head > 64 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, queued{c, at})
}

func (q *queue) pop() (*Connection, bool) {
	if q.len() == 0 {
		return nil, false
	}
	c := q.items[q.head].c
	q.items[q.head].c = nil
	q.head++
	return c, true
}

func (q *queue) popBefore(at capture.Time) (*Connection, bool) {
	if q.len() == 0 || q.items[q.head].at >= at {
		return nil, false
	}
	return q.pop()
}

// keep drops the connections that keep is false for.
func (q *queue) keep(keep func(*Connection) bool) {
	q.items = slices.DeleteFunc(q.items[q.head:], func(i queued) bool { return !keep(i.c) })
	q.head = 0
}
