package dns

import (
	"net/netip"
	"slices"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// Port is where DNS is spoken, over UDP and TCP (RFC 1035 §4.2).
const Port = 53

// What a Tracker keeps at most.
const (
	maxQueries     = 1 << 14
	maxLookups     = 1 << 13
	maxAnswers     = 1 << 14 // addresses that clients were given
	maxNames       = 1 << 14 // addresses with the name they were asked by
	maxStreamBytes = 4 << 20 // unfinished messages of all TCP streams together
)

const (
	// window is how soon after a lookup a connection is one that waited for it.
	window = 5 * time.Second
	// leastAge is how long an answer stands at least, whatever its TTL:
	// applications keep addresses on their own (browsers 60 s).
	leastAge = time.Minute
	// How late a copy of a datagram made by the capture may come.
	copyAge     = time.Second // equal IPv4 identification
	copyAgeBare = parallelGap // nothing to tell it from a repeated one
)

// Stats counts what a Tracker met.
type Stats struct {
	Messages  uint64 // read
	Malformed uint64 // messages that could not be read, those cut by the snaplen aside
	Evicted   uint64 // queries, lookups and answers forgotten early because there were too many
	Records   uint64 // messages with more answers than are read
	Streams   uint64 // TCP streams given up because too much waited for its rest
}

// Tracker follows the lookups of a capture. It is driven by one goroutine at a time.
type Tracker struct {
	stats    Stats
	message  Message
	queries  recent[queryKey, *query]
	lookups  recent[hostKey, *lookup] // by the name asked for
	failing  recent[hostKey, *lookup] // failed, by the name's first label
	answers  recent[answerKey, *answer]
	names    recent[netip.Addr, string]
	buffered int // bytes of unfinished messages in streams
}

// queryKey tells queries apart.
type queryKey struct {
	client, server netip.AddrPort
	id             uint16
	asked          Type
	name           Name
}

// query is a query that was sent, and sent again.
type query struct {
	lookup   *lookup
	name     Name
	text     string // of name
	kind     kind
	asked    Type
	server   netip.Addr
	sent     capture.Time // last
	ipid     uint16
	answered bool
}

type hostKey struct {
	client netip.Addr
	name   Name
}

type answerKey struct{ client, server netip.Addr }

// answer is an address that a client was given.
type answer struct {
	lookup *lookup
	name   string // that was asked for
	used   bool   // a connection was opened to it
}

// NewTracker returns a tracker that knows nothing yet.
func NewTracker() *Tracker {
	return &Tracker{
		queries: newRecent[queryKey, *query](maxQueries),
		lookups: newRecent[hostKey, *lookup](maxLookups),
		failing: newRecent[hostKey, *lookup](maxLookups),
		answers: newRecent[answerKey, *answer](maxAnswers),
		names:   newRecent[netip.Addr, string](maxNames),
	}
}

// Stats returns what was met so far.
func (t *Tracker) Stats() Stats {
	s := t.stats
	s.Evicted = t.queries.evicted + t.lookups.evicted + t.failing.evicted + t.answers.evicted + t.names.evicted
	return s
}

// Knows reports whether any host was found so far: without, no connection can
// have a lookup or a name.
func (t *Tracker) Knows() bool { return t.names.oldest() != nil }

// envelope is what carried a message.
type envelope struct {
	src, dst netip.AddrPort
	at       capture.Mark
	start    capture.Mark // when the client began: at, or earlier over TCP
	ipid     uint16
	cut      bool // the snaplen cut the message
}

// Datagram takes the next UDP datagram from or to [Port]. s is borrowed.
func (t *Tracker) Datagram(s *packet.Segment) {
	t.take(s.Payload, envelope{s.Src.AddrPort(), s.Dst.AddrPort(), s.Mark, s.Mark, s.IPID, s.Cut})
}

func (t *Tracker) take(b []byte, e envelope) {
	m := &t.message
	t.stats.Messages++
	if err := m.Parse(b); err != nil && !e.cut {
		t.stats.Malformed++
		return
	}
	if m.More {
		t.stats.Records++
	}
	if m.Opcode != 0 || len(m.Name) == 0 {
		return
	}
	switch {
	case !m.Response && e.dst.Port() == Port:
		t.query(m, e)
	case m.Response && e.src.Port() == Port:
		t.answer(m, e)
	}
}

// query works in a query of a client.
func (t *Tracker) query(m *Message, e envelope) {
	k, ok := kindOf(m.Type)
	if !ok {
		return
	}
	now := e.at.Time
	key := queryKey{e.src, e.dst, m.ID, m.Type, Name(m.Name)}
	x, repeated := t.queries.get(key, now)
	switch {
	case !repeated:
		x = &query{name: key.name, kind: k, asked: m.Type, server: e.dst.Addr()}
		x.lookup = t.lookup(e, key.name, k)
		x.text = x.lookup.Name
	case x.copied(e):
		return
	}
	x.sent, x.ipid, x.answered = now, e.ipid, false
	x.lookup.ask(x, e.at, repeated)
	t.queries.put(key, x, now.Add(retryWindow), now)
}

// copied reports whether e carries the datagram of x a second time.
func (x *query) copied(e envelope) bool {
	age := e.at.Time.Sub(x.sent)
	return age < copyAgeBare || x.ipid != 0 && x.ipid == e.ipid && age < copyAge
}

// lookup returns the lookup that a new query belongs to.
func (t *Tracker) lookup(e envelope, name Name, k kind) *lookup {
	now, client := e.at.Time, e.src.Addr()
	host := hostKey{client, name}
	l, ok := t.lookups.get(host, now)
	if !ok || l.name != name || !l.joins(k, now) {
		if l = t.continued(client, name, now); l != nil {
			l.moveTo(name)
		} else {
			l = &lookup{name: name}
			l.Name, l.Client, l.Start = name.String(), client, e.start
		}
	}
	t.lookups.put(host, l, now.Add(retryWindow), now)
	return l
}

// continued returns the client's failed lookup that a query for name goes on with, if any.
func (t *Tracker) continued(client netip.Addr, name Name, now capture.Time) *lookup {
	first, _, _ := name.label()
	key := hostKey{client, first}
	l, ok := t.failing.get(key, now)
	if !ok || !l.continues(name, now) {
		return nil
	}
	t.failing.remove(key)
	return l
}

// answer works in the answer of a resolver.
func (t *Tracker) answer(m *Message, e envelope) {
	now, client := e.at.Time, e.dst.Addr()
	event := m.outcome()
	name := Name(m.Name)
	x, ok := t.queries.get(queryKey{e.dst, e.src, m.ID, m.Type, name}, now)
	switch {
	case !ok:
		if event == Found {
			t.learn(m, client, nil, name.String(), now)
		}
		return
	case x.answered:
		return
	}
	x.answered = true
	l := x.lookup
	l.take(x, event, m.RCode, e.at)
	if event == Found {
		t.learn(m, client, l, x.text, now)
	}
	if l.failed() {
		first, _, _ := l.name.label()
		t.failing.put(hostKey{client, first}, l, now.Add(followGap), now)
	}
}

// outcome is what answer m brings its client.
func (m *Message) outcome() Event {
	switch {
	case m.Truncated:
		return CutShort
	case m.RCode == NXDomain:
		return NotFound
	case m.RCode != NoError:
		return Failed
	}
	event := Empty
	m.Addresses(func(netip.Addr, uint32) { event = Found })
	return event
}

// learn notes the addresses of answer m to client; l is nil when its query is
// not in the capture.
func (t *Tracker) learn(m *Message, client netip.Addr, l *lookup, name string, now capture.Time) {
	m.Addresses(func(addr netip.Addr, ttl uint32) {
		until := now.Add(max(time.Duration(ttl)*time.Second, leastAge))
		t.names.put(addr, name, until, now)
		if l == nil {
			return
		}
		key := answerKey{client, addr}
		a, ok := t.answers.get(key, now)
		if !ok || a.lookup != l {
			a = &answer{lookup: l, name: name}
		}
		t.answers.put(key, a, until, now)
	})
}

// Connect says what the client that opens a connection to server at the moment
// now has learned before: the lookup that it waited for, nil when there was none
// in the last seconds or another connection to server was opened since (then
// the address was known already), and the name that it asked for, or else
// another client, "" when unknown.
func (t *Tracker) Connect(client, server netip.Addr, now capture.Mark) (*Lookup, string) {
	a, ok := t.answers.get(answerKey{client, server}, now.Time)
	if !ok {
		return nil, t.NameOf(server, now.Time)
	}
	l, cached := a.lookup, a.used
	since := now.Sub(l.End)
	if since < 0 {
		return nil, a.name
	}
	a.used, l.used = true, true
	if cached || since >= window {
		return nil, a.name
	}
	told := l.Lookup
	told.Steps = slices.Clone(l.Steps)
	return &told, a.name
}

// NameOf is the name that was asked for to find addr, "" when unknown.
func (t *Tracker) NameOf(addr netip.Addr, now capture.Time) string {
	name, _ := t.names.get(addr, now)
	return name
}
