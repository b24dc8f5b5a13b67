package reassembly

import (
	"cmp"
	"iter"
	"slices"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/pack"
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
	// Silent is called when what was waited for with Table.AwaitSilence came: silence, or
	// else something of c meanwhile. It returns true to wait on for as long again.
	Silent func(c *Connection, silence bool) bool
	// MaySleep is asked when c has been idle for a while and others went on: whether all
	// that the consumer knows of it can be packed, so that it takes little memory. Sleeps is called if so, and puts that into w, but for a
	// number. c is not valid any more then, until Wakes is called with another c, the
	// number, and what w held. None or all of them are nil.
	MaySleep func(c *Connection) bool
	Sleeps   func(c *Connection, w *pack.Writer) (number uint64)
	Wakes    func(c *Connection, number uint64, r *pack.Reader)
}

// Table follows the connections of a capture. It is driven by one goroutine at a time.
type Table struct {
	consumer Consumer
	limits   Limits
	stats    Stats
	keys     Keys
	records  records
	index    *index       // of them and of those that sleep, without those that another one is to replace
	now      capture.Time // the latest time seen
	serial   uint64       // of the latest segment, in the capture
	lastID   uint64

	lingering [Waits]queue // over, not told yet
	soonest   Due          // when the first of what waits is due
	graveyard graveyard
	formers   formers
	oldest    ref // of those that are not told yet, in the order of opening
	newest    ref
	live      int   // how many those are, with the sleepers
	kept      int64 // bytes that the consumer keeps for them
	orderer   *orderer
	pending   int // bytes of memory behind holes
	early     early
	reset     packet.Segment // the latest that carried something, without it
	drops     uint32         // how often the capturing system lost packets
	droppedAt capture.Time   // when it did last
	sleeping  sleeping
	gauges    *Gauges // own, unless it is told to measure others
	own       Gauges  // here, since two in one cache line slow each other down
}

// NewTable returns an empty table that tells consumer what it finds.
func NewTable(consumer Consumer, limits Limits) *Table {
	t := &Table{
		consumer: consumer, limits: limits.withDefaults(), keys: NewKeys(), soonest: never,
		index: newIndex(), graveyard: graveyard{index: newIndex()},
	}
	t.gauges = &t.own
	return t
}

// UseKeys makes k the keys of the table, which has its own otherwise. It is called
// before the first Add.
func (t *Table) UseKeys(k Keys) { t.keys = k }

// Stats returns what was met so far.
func (t *Table) Stats() Stats { return t.stats }

// Open is how many connections are being followed.
func (t *Table) Open() int { return t.live }

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
		t.odd(c).shared = shared
	}
	c.last, c.spared, c.serial = s.Mark, false, uint32(serial)
	if s.Flags.Has(packet.RST) && s.Length > 0 {
		s = t.withoutText(s)
	}
	if c.comesEarly(key.side, s) {
		t.holdBack(c, key.side, s)
	} else {
		t.receive(c, key.side, s, p)
	}
	t.takeHeld(c)
}

// withoutText is s, a reset, without what it carries: that may tell why it was sent, but
// is no part of the stream (RFC 9293 §3.5.3).
func (t *Table) withoutText(s *packet.Segment) *packet.Segment {
	t.stats.ResetTexts++
	t.reset = *s
	t.reset.Payload, t.reset.Length, t.reset.Cut = nil, 0, false
	return &t.reset
}

// open starts a connection with segment s.
func (t *Table) open(s *packet.Segment, key Key) *Connection {
	c, side := t.records.take(), key.side
	t.lastID++
	c.ID, c.first, c.drops, c.serial = t.lastID, s.Mark, t.drops, uint32(t.serial)
	c.ends[side].endpoint, c.ends[side.Other()].endpoint = s.Src, s.Dst
	switch {
	case s.Flags.Has(packet.SYN | packet.ACK):
		c.client, c.role = side.Other(), RoleBySYN
	case s.Flags.Has(packet.SYN):
		c.client, c.role, c.begunBySYN = side, RoleBySYN, true
	case s.Refuses(): // a SYN that is to come, or that the capture has not
		c.client, c.role = side.Other(), RoleByContent
		t.stats.MidStream++
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
	t.sleeping.stirred++
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
		t.odd(c).former = before
	}
}

// supersede makes way for c on the tuple of old. While c is not more than a SYN,
// an old connection that was alive may still be (a stray SYN does not end it).
func (t *Table) supersede(old, c *Connection) {
	if old.synchronised && !old.over() && !c.synchronised {
		t.odd(c).previous = old
		return
	}
	if p := old.previous(); p != nil && !c.synchronised {
		t.odd(c).previous, old.oddities.previous = p, nil
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

// finish notes that c is over: both ends finished, or one reset.
func (t *Table) finish(c *Connection, at capture.Mark) {
	if c.over() {
		return
	}
	c.ending.closedAt = at
	t.linger(Over, c, at)
}

// linger lets c, which is over, be told when a wait is over that begins at a packet.
func (t *Table) linger(w Wait, c *Connection, at capture.Mark) {
	t.lingering[w].push(queued{c, c.ID, t.now, t.serial, at.Frame})
	t.reckon()
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
	t.noteFormer(c, key)
	c.forgetHeld()
	t.records.release(c)
}

// noteFormer remembers how c was closed, for the next on its 4-tuple, whose former
// connection no older one is any more.
func (t *Table) noteFormer(c *Connection, key Key) {
	switch {
	case c.close == ByFIN:
		t.stats.ForgottenClosed += uint64(t.formers.note(key, former{c.ending.closedAt, c.ending.firstFIN}, t.now))
	case c.synchronised:
		t.formers.forget(key)
	}
}

// unlink takes c out of the index and of the order of opening, and returns its key.
func (t *Table) unlink(c *Connection) Key {
	key := t.keys.between(&c.ends[0].endpoint, &c.ends[1].endpoint)
	switch present := t.find(key, &c.ends[0].endpoint, &c.ends[1].endpoint); {
	case present == c:
		t.index.remove(key.hash(), c.ref)
	case present != nil && present.previous() == c:
		present.oddities.previous = nil
	}
	if p := c.previous(); p != nil {
		c.oddities.previous = nil
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

// Finish tells the end of the capture: every connection that is still followed is closed.
func (t *Table) Finish() {
	rest := slices.Collect(t.Rest())
	slices.SortFunc(rest, func(a, b Followed) int { return cmp.Compare(t.look(a.ref).ID, t.look(b.ref).ID) })
	for _, f := range rest {
		t.End(f)
	}
}

// Followed is a connection that is followed when all was added.
type Followed struct{ ref ref }

// Rest takes what still waits for its turn and returns the connections that are
// followed. Nothing but Attached and End may be called afterwards.
func (t *Table) Rest() iter.Seq[Followed] {
	for t.early.first != nil {
		t.takeBack(t.early.first)
	}
	return func(yield func(Followed) bool) {
		for r := t.oldest; r != 0 && yield(Followed{r}); r = t.links(r).newer {
		}
	}
}

// Attached is what is attached to one of the Rest; nil where it sleeps, with the number
// that its consumer gave it then.
func (t *Table) Attached(f Followed) (attached any, number uint64) {
	if f.ref&sleeps != 0 {
		return nil, t.sleeping.at(uint32(f.ref &^ sleeps)).number
	}
	return t.records.at(f.ref).Attached, 0
}

// End closes one of the Rest.
func (t *Table) End(f Followed) { t.end(t.awake(f.ref)) }
