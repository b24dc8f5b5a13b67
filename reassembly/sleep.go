package reassembly

import (
	"time"
	"unsafe"

	"wirelag/reassembly/pack"
)

// sleeper is a connection that was idle while others went on: it is packed until a
// segment of it comes, or its end.
type sleeper struct {
	number uint64 // by which its consumer knows it
	packed string
	links
}

// sleeps is the bit of the names of sleepers.
const sleeps ref = 1 << 31

// sleeperWeight is what a sleeper takes beside what is packed: with its place in the
// index, and what the allocator adds.
const sleeperWeight = int64(unsafe.Sizeof(sleeper{})) + 32

// sleeping are the connections of a table that sleep, and what packs them.
type sleeping struct {
	slabs[sleeper]
	count   int
	bytes   int64  // of memory
	stirred int    // how many connections began or woke since the latest Lull
	hand    uint32 // the number of the record looked at last
	writer  pack.Writer
	looked  Connection // memory for one that is looked at
}

// What is packed of a connection and of its oddities.
var (
	connectionCodec = pack.New[Connection]("Attached", "ending", "oddities", "ref", "links", "serial")
	odditiesCodec   = pack.New[oddities]("shared", "underway")
)

// looks is how many connections are looked at for each that began or woke.
const looks = 4

// Connections that sleep were idle for so many segments of the capture. So few are always
// awake, and where more than so many are, those sleep, too, of whose segments copies may
// come: they take more.
const (
	idleSegments = 1 << 12
	leastAwake   = 1 << 10
	mostAwake    = 1 << 13
)

// Lull puts connections to sleep that have been idle for longest, about, while all take too
// much: those that the hand meets, which goes round all that are awake. It is to be called now
// and then, when all that was due is done.
func (t *Table) Lull() {
	always := t.limits.Ready < 0
	for n := looks*t.sleeping.stirred + 1; n > 0 && t.tooManyAwake(); n-- {
		c := t.records.next(&t.sleeping.hand)
		if !always && uint32(t.serial)-c.serial < idleSegments {
			continue
		}
		c.forget(t.now.Sub(c.last.Time))
		if c.maySleep() && (always || c.ends[0].forgot() && c.ends[1].forgot() || t.awakeCount() > mostAwake) {
			t.sleep(c)
		}
	}
	t.sleeping.stirred = 0
}

func (t *Table) awakeCount() int { return t.live - t.sleeping.count }

func (t *Table) tooManyAwake() bool {
	if t.limits.Ready < 0 {
		return t.awakeCount() > 0
	}
	return t.awakeCount() > leastAwake && t.weight() > t.limits.Ready
}

// maySleep reports whether nothing is under way on c, and all that is known of it can be packed.
func (c *Connection) maySleep() bool {
	if c.told || c.ending != nil || !c.synchronised {
		return false
	}
	o := c.oddities
	return o == nil || o.shared == nil && o.previous == nil && len(o.held) == 0 && o.stretch == [2]*stretch{} &&
		o.many == [2]*[manyRecent]fingerprint{}
}

// sleep packs c, unless its consumer cannot.
func (t *Table) sleep(c *Connection) {
	if t.consumer.MaySleep != nil && !t.consumer.MaySleep(c) {
		return
	}
	key := t.keys.between(&c.ends[0].endpoint, &c.ends[1].endpoint)
	if t.find(key, &c.ends[0].endpoint, &c.ends[1].endpoint) != c {
		return // it was replaced, perhaps
	}
	w := &t.sleeping.writer
	w.Reset()
	connectionCodec.Put(w, c)
	w.Truth(c.oddities != nil)
	if c.oddities != nil {
		odditiesCodec.Put(w, c.oddities)
	}
	number := uint64(0)
	if t.consumer.Sleeps != nil {
		number = t.consumer.Sleeps(c, w)
	}
	s, n := t.sleeping.take()
	*s = sleeper{number, string(w.Bytes()), c.links}
	t.sleeping.count++
	t.sleeping.bytes += s.weight()
	name := ref(n) | sleeps
	t.relink(s.older, s.newer, name)
	t.index.rename(key.hash(), c.ref, name)
	t.records.release(c)
}

func (s *sleeper) weight() int64 { return sleeperWeight + int64(len(s.packed)) }

// forget forgets what is of no use any more when nothing came of c for a while: segments of
// which no copy can come, and samples that are over.
func (c *Connection) forget(idle time.Duration) {
	for i := range c.ends {
		e := &c.ends[i]
		if idle > e.copyAgeMax() {
			e.recent = [2]fingerprint{}
			if c.oddities != nil {
				c.oddities.many[i] = nil
			}
		}
		if e.sampling == notSampling {
			e.sampleUntil, e.sampleSince = 0, 0
		}
	}
}

// forgot reports whether no copy of what e sent can come any more.
func (e *end) forgot() bool { return e.recent == [2]fingerprint{} }

// copyAgeMax is how late a copy of what e sends may come, which may have been acknowledgements
// alone.
func (e *end) copyAgeMax() time.Duration {
	if e.hasTimestamps || e.lastTSVal != 0 {
		return copyAgeBoth
	}
	return copyAgeOne
}

// awake is the connection that r names, which wakes if it sleeps.
func (t *Table) awake(r ref) *Connection {
	if r&sleeps == 0 {
		return t.records.at(r)
	}
	return t.wake(r)
}

func (t *Table) wake(r ref) *Connection {
	n := uint32(r &^ sleeps)
	s := t.sleeping.at(n)
	c := t.records.take()
	name := c.ref
	reader := pack.NewReader(s.packed)
	connectionCodec.Take(reader, c)
	if reader.Truth() {
		odditiesCodec.Take(reader, t.odd(c))
	}
	c.links, c.serial = s.links, uint32(t.serial)
	t.relink(c.older, c.newer, name)
	t.index.rename(t.keys.between(&c.ends[0].endpoint, &c.ends[1].endpoint).hash(), r, name)
	t.sleeping.stirred++
	t.sleeping.count--
	t.sleeping.bytes -= s.weight()
	number := s.number
	*s = sleeper{}
	t.sleeping.release(n)
	if t.consumer.Wakes != nil {
		t.consumer.Wakes(c, number, reader)
	}
	return c
}

// look is what is known of the connection that r names, which may go on sleeping. It is
// valid until another is looked at.
func (t *Table) look(r ref) *Connection {
	if r&sleeps == 0 {
		return t.records.at(r)
	}
	return t.sleeping.look(r)
}

func (s *sleeping) look(r ref) *Connection {
	s.looked = Connection{}
	connectionCodec.Take(pack.NewReader(s.at(uint32(r&^sleeps)).packed), &s.looked)
	return &s.looked
}
