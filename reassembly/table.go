package reassembly

import (
	"cmp"
	"math"
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
	// Closed is called when a connection is over and will not change any more. The
	// table uses its memory again.
	Closed func(c *Connection)
}

// How long a connection that is over is kept for what comes late, until its Closed
// is told: what is reached first, in time and in segments of the capture.
const (
	lingerTime     = 2 * time.Second
	lingerSegments = 1 << 16
)

// Table follows the connections of a capture. It is driven by one goroutine.
type Table struct {
	consumer Consumer
	limits   Limits
	stats    Stats
	keys     Keys
	records  records
	index    *index       // of the records, without those that another one is to replace
	now      capture.Time // the latest time seen
	serial   uint64       // of the latest segment, in the capture
	lastID   uint64

	lingering queue // over, not told yet
	graveyard graveyard
	formers   formers
	oldest    ref // of those that are not told yet, in the order of opening
	newest    ref
	live      int   // how many those are
	load      int64 // bytes that the consumer keeps for them
	orderer   *orderer
	pending   int // bytes of memory behind holes
	early     early
	drops     uint32       // how often the capturing system lost packets
	droppedAt capture.Time // when it did last
	gauges    *Gauges
}

// NewTable returns an empty table that tells consumer what it finds.
func NewTable(consumer Consumer, limits Limits) *Table {
	return &Table{
		consumer: consumer, limits: limits.withDefaults(), keys: NewKeys(), gauges: new(Gauges),
		index: newIndex(), graveyard: graveyard{index: newIndex()},
	}
}

// UseKeys makes k the keys of the table, which has its own otherwise. It is called
// before the first Add.
func (t *Table) UseKeys(k Keys) { t.keys = k }

// Stats returns what was met so far.
func (t *Table) Stats() Stats { return t.stats }

// Open is how many connections are being followed.
func (t *Table) Open() int { return t.live }

// Due is something that waits for a segment to come, or for the clock to pass a
// moment, whichever is first.
type Due struct {
	Serial uint64        // of the segment
	After  capture.Time  // the moment
	Frame  capture.Frame // of what waits
}

// Overdue is the segment that waits longest for the bytes that it acknowledges. ok
// is false when none does.
func (t *Table) Overdue() (due Due, ok bool) {
	if len(t.early.held) == 0 {
		return due, false
	}
	h := &t.early.held[0]
	return Due{math.MaxUint64, h.at.Add(earlyPatience), h.segment.Frame}, true
}

// TakeOverdue takes the segment that is Overdue as it is.
func (t *Table) TakeOverdue() { t.takeBack(0) }

// Over is the connection to be told next. ok is false when none is over.
func (t *Table) Over() (due Due, ok bool) {
	if t.lingering.len() == 0 {
		return due, false
	}
	next := t.lingering.first()
	return Due{next.serial + lingerSegments, next.at.Add(lingerTime), next.frame}, true
}

// EndOver tells the connection that is Over, at a moment when that is due.
func (t *Table) EndOver(now capture.Time) {
	t.now = max(t.now, now)
	t.endOver(t.lingering.pop())
}

// Waits reports whether anything is overdue or over when the clock is at a moment
// and the segment of a serial has come.
func (t *Table) Waits(now capture.Time, serial uint64) bool {
	if len(t.early.held) > 0 && t.early.held[0].at < now.Add(-earlyPatience) {
		return true
	}
	if t.lingering.len() == 0 {
		return false
	}
	next := t.lingering.first()
	return next.at < now.Add(-lingerTime) || next.serial+lingerSegments <= serial
}

// Advance tells that nothing more comes from before now.
func (t *Table) Advance(now capture.Time) {
	if now > t.now {
		t.now = now
		t.settle()
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
	if c.over() && c.ClosedAt().Time < t.droppedAt {
		return
	}
	c.lost = true
	if t.consumer.Dropped != nil {
		t.consumer.Dropped(c, t.droppedAt)
	}
}

// Add takes the next segment of the capture. s is borrowed.
func (t *Table) Add(s *packet.Segment) {
	t.serial++
	t.Advance(s.Time)
	t.settle()
	t.AddShared(s, t.keys.Of(s), t.serial, nil)
}

// AddShared is Add where a capture is shared out to several tables: for a segment
// whose key, by the keys of the table, and place in the capture is known, and what
// other points captured it, if not nil. What was due before it has been told.
func (t *Table) AddShared(s *packet.Segment, key Key, serial uint64, shared *vantage.Connection) {
	t.stats.Segments++
	t.serial = serial
	if t.crowded() {
		t.makeRoom()
	}
	p := fingerprintOf(s)
	c, known := t.owner(s, key, p)
	switch {
	case c == nil && known:
		return
	case c == nil:
		c = t.open(s, key)
	}
	if c.told {
		t.stats.Late++
		return
	}
	if shared != nil && c.Shared() == nil {
		c.odd().shared = shared
	}
	if c.comesEarly(key.side, s) {
		t.holdBack(c, key.side, s)
	} else {
		t.receive(c, key.side, s, p)
	}
	t.takeHeld(c)
}

// owner returns the connection that s belongs to, nil when it opens a new one. A
// segment that no connection is to see is known: a copy, or one that comes late.
func (t *Table) owner(s *packet.Segment, key Key, p fingerprint) (c *Connection, known bool) {
	if c = t.find(key, &s.Src, &s.Dst); c == nil {
		return nil, t.haunted(s, key, p)
	}
	if c.copied(key.side, s, p) || c.early() > 0 && t.early.holds(s, p) {
		t.stats.Copies++
		return nil, true
	}
	return c.owner(key.side, s), false
}

// haunted reports whether s belongs to a connection that was told to be over.
func (t *Table) haunted(s *packet.Segment, key Key, p fingerprint) bool {
	stone := t.graveyard.find(key, &s.Src, &s.Dst, t.serial)
	switch {
	case stone == nil:
		return false
	case p.isCopy(stone.ends[key.side].latest(), s):
		t.stats.Copies++
		return true
	case stone.owns(key.side, s):
		t.stats.Late++
		return true
	}
	return false
}

// find returns the connection between two endpoints, nil if none is followed.
func (t *Table) find(key Key, src, dst *packet.Endpoint) *Connection {
	for r, i := t.index.find(key.hash(), key.hash()); r != 0; r, i = t.index.find(key.hash(), i+1) {
		c := t.records.at(r)
		if c.ends[key.side].endpoint == *src && c.ends[key.side.Other()].endpoint == *dst {
			return c
		}
	}
	return nil
}

// owner returns the incarnation that s belongs to, nil when it opens a new one.
func (c *Connection) owner(side Side, s *packet.Segment) *Connection {
	if s.Flags.Has(packet.SYN) {
		if c.ownsSYN(side, s) {
			return c
		}
		return nil
	}
	if p := c.previous(); p != nil && !c.synchronised && !c.answers(side, s) && p.ends[side].near(s.Seq) {
		return p
	}
	return c
}

// ownsSYN reports whether a SYN or SYN/ACK belongs to c rather than to a new connection.
func (c *Connection) ownsSYN(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	behind := e.started && !e.hasISN && s.Seq+1 == e.begin() // captured behind its data
	switch {
	case e.hasISN && s.Seq+1 == e.begin():
		return true
	case s.Flags.Has(packet.ACK):
		// A second SYN/ACK may choose another ISN as long as none was acknowledged.
		answers := other.hasISN && other.opens(s.Ack)
		if c.synchronised && answers && !e.hasISN {
			return behind || !e.started // captured behind what acknowledges it
		}
		return !c.synchronised && (answers || e.sentACK && s.Ack == e.ack)
	case c.over():
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
	return !e.started || near(seq, e.next)
}

func near(seq, next uint32) bool { return seq-next+nearby <= 2*nearby }

// opens reports whether ack acknowledges e's SYN, and no more than e sent.
func (e *end) opens(ack uint32) bool { return ack-e.begin() <= e.top-e.begin()+1 }

// answers reports whether a segment without SYN follows the opening of c.
func (c *Connection) answers(side Side, s *packet.Segment) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	if e.hasISN {
		return s.Seq+1-e.begin() <= nearby
	}
	return other.hasISN && s.Flags.Has(packet.ACK) && other.opens(s.Ack)
}

// open starts a connection with segment s.
func (t *Table) open(s *packet.Segment, key Key) *Connection {
	c, side := t.records.take(), key.side
	t.lastID++
	c.ID, c.first, c.drops = t.lastID, s.Mark, t.drops
	c.ends[side].endpoint, c.ends[side.Other()].endpoint = s.Src, s.Dst
	switch {
	case s.Flags.Has(packet.SYN | packet.ACK):
		c.client, c.role = side.Other(), RoleBySYN
	case s.Flags.Has(packet.SYN):
		c.client, c.role, c.begunBySYN = side, RoleBySYN, true
	default:
		c.client, c.synchronised = guessClient(s, side), true
		t.stats.MidStream++
	}
	t.replace(s, key, c)
	if t.consumer.Opened != nil {
		t.consumer.Opened(c, s)
	}
	t.index.put(key.hash(), c.ref)
	t.live++
	t.gauges.Open.Add(1)
	t.append(c)
	t.makeRoom()
	return c
}

// replace makes c the connection of its tuple, in place of the one before.
func (t *Table) replace(s *packet.Segment, key Key, c *Connection) {
	if old := t.find(key, &s.Src, &s.Dst); old != nil {
		t.takeAllHeld(old)
		t.index.remove(key.hash(), old.ref)
		t.supersede(old, c)
	}
	if before := t.formers.find(key); !before.closedAt.IsZero() {
		c.odd().former = before
	}
}

// supersede makes way for c on the tuple of old. While c is not more than a SYN,
// an old connection that was alive may still be (a stray SYN does not end it).
func (t *Table) supersede(old, c *Connection) {
	if old.synchronised && !old.over() && !c.synchronised {
		c.odd().previous = old
		return
	}
	if p := old.previous(); p != nil && !c.synchronised {
		c.odd().previous, old.odd().previous = p, nil
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

// settle takes what has been held back, and tells the connections that have been
// over, for long enough.
func (t *Table) settle() {
	for len(t.early.held) > 0 && t.early.held[0].at < t.now.Add(-earlyPatience) {
		t.takeBack(0)
	}
	for t.lingering.len() > 0 && (t.lingering.first().at < t.now.Add(-lingerTime) || t.lingering.first().serial+lingerSegments <= t.serial) {
		t.endOver(t.lingering.pop())
	}
}

// endOver ends a connection that was over, if it still is.
func (t *Table) endOver(q queued) {
	if q.c.ID == q.id && q.c.over() && !q.c.told {
		t.end(q.c)
	}
}

// finish notes that c is over: both ends finished, or one reset.
func (t *Table) finish(c *Connection, at capture.Mark) {
	if c.over() {
		return
	}
	c.toEnd().closedAt = at
	t.lingering.push(queued{c, c.ID, t.now, t.serial, at.Frame})
}

// end tells that c is over, after what still waits behind holes. A connection
// that c did not replace after all takes its place again.
func (t *Table) end(c *Connection) {
	key := t.unlink(c)
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
	t.graveyard.bury(c, key, t.serial)
	if c.close == ByFIN {
		t.stats.ForgottenClosed += uint64(t.formers.note(key, former{c.ending.closedAt, c.ending.firstFIN}, t.now))
	}
	t.early.forget(c)
	t.records.release(c)
}

// unlink takes c out of the index and of the order of opening, and returns its key.
func (t *Table) unlink(c *Connection) Key {
	key := t.keys.between(&c.ends[0].endpoint, &c.ends[1].endpoint)
	switch present := t.find(key, &c.ends[0].endpoint, &c.ends[1].endpoint); {
	case present == c:
		t.index.remove(key.hash(), c.ref)
	case present != nil && present.previous() == c:
		present.odd().previous = nil
	}
	if p := c.previous(); p != nil {
		c.odd().previous = nil
		t.index.put(key.hash(), p.ref)
	}
	t.detach(c)
	return key
}

func (t *Table) count(c *Connection) {
	if c.OneSided() {
		t.stats.OneSided++
	}
	if c.close == StillOpen {
		t.stats.OpenAtEnd++
	}
}

// makeRoom closes the connection opened first that has been idle for a while, when
// there are too many. One that is busy is spared until it comes first again without
// having sent anything: connections that come in a flood are closed in their
// order then, and the slabs that they share become free.
func (t *Table) makeRoom() {
	const busy = 10 * time.Second
	for tries := 0; t.crowded() && t.oldest != 0; tries++ {
		c := t.records.at(t.oldest)
		if c.synchronised && c.last.Time > t.now.Add(-busy) && !c.spared && tries < 64 {
			c.spared = true
			t.detach(c)
			t.append(c)
			continue
		}
		t.evict(c)
	}
}

// append puts c at the end of the order of opening.
func (t *Table) append(c *Connection) {
	c.older, c.newer = t.newest, 0
	if t.newest == 0 {
		t.oldest = c.ref
	} else {
		t.records.at(t.newest).newer = c.ref
	}
	t.newest = c.ref
}

// detach takes c out of the order of opening.
func (t *Table) detach(c *Connection) {
	if c.older == 0 {
		t.oldest = c.newer
	} else {
		t.records.at(c.older).newer = c.newer
	}
	if c.newer == 0 {
		t.newest = c.older
	} else {
		t.records.at(c.newer).older = c.older
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
	for len(t.early.held) > 0 {
		t.takeBack(0)
	}
	var rest []*Connection
	for r := t.oldest; r != 0; r = t.records.at(r).newer {
		rest = append(rest, t.records.at(r))
	}
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
	c      *Connection
	id     uint64 // c's: its record may be another's by now
	at     capture.Time
	serial uint64
	frame  capture.Frame
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) first() *queued { return &q.items[q.head] }

func (q *queue) push(next queued) {
	if q.head > 64 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, next)
}

func (q *queue) pop() queued {
	first := q.items[q.head]
	q.items[q.head].c = nil
	q.head++
	return first
}
