package analyze

import (
	"hash/maphash"
	"net/netip"
	"time"

	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
)

// Hop links an exchange on the client's side of a proxy with one on its upstream
// side that carries the same request. A front may have several backs (a request
// that the proxy tried again, or sent to several servers), a back several fronts
// (requests that the proxy answered with one response), and an exchange between
// two proxies is the back of one hop and the front of another.
type Hop struct {
	Front, Back *Exchange
	// Certain: what the messages and the capture show leaves no other exchange in
	// question. Otherwise the link is likely.
	Certain bool
	// Answered: the response of Front is that of Back.
	Answered bool
	// Joined: the proxy did not forward this front's request, but answered it with
	// the response to another one's.
	Joined bool
	// Unsettled: another exchange may be the other side, and not all are known.
	Unsettled bool
	// OtherFronts may be the front of Back instead of Front, and OtherBacks the back of
	// Front: as far as known, as much speaks for them.
	OtherFronts, OtherBacks []*Exchange
	// Added is how much longer the client waited than the proxy did for its
	// upstream server: from the end of the request to its start on the other side,
	// and from the start of the response to its start on the client's side; together,
	// for each alone may be as wrong as two clocks are. Unknown where Front was not answered by Back.
	Added time.Duration
}

// Bounds of the search for the other side of a proxy.
const (
	hopWindow = time.Minute // between the ends of the two exchanges
	hopMemory = 16 << 20    // bytes, about, of exchanges that wait for their other side
	// hopExchange is about what keeping an exchange takes besides its heads.
	hopExchange = 4 << 10
	// hopScan is how many exchanges with the same request are compared, the latest
	// first, and hopWalk how many are looked at.
	hopScan = 64
	hopWalk = 4 * hopScan
	// hopFields is how many fields a request may have that is compared: servers take 100 (Apache) or less.
	hopFields = 256
	// hopPatience is how long two exchanges wait for others to be over that may be the
	// right ones. What is over in TCP may be long before its last acknowledgement comes.
	hopPatience = 2 * time.Second
)

// hops finds the exchanges on both sides of a proxy. It hears of exchanges when
// they are over and remembers them until their other side is, too. Which belong
// together is decided when all are over that come into question. Nothing is
// remembered while all connections go to one server.
type hops struct {
	tell    func(*Hop)
	seed    maphash.Seed
	now     capture.Time
	several bool           // there is more than one server
	server  netip.AddrPort // the first one
	missed  capture.Time   // when an exchange with it was over that is not remembered; 0 if none was
	open    openRequests
	near    nearHosts
	file    int  // of the first exchange
	mixed   bool // there are others, whose clocks may differ
	entries []hopEntry
	head    int    // of entries: those before it are forgotten
	base    uint64 // number of entries[0]; numbers begin at 1
	memory  int64
	// fronts and backs are the newest entries, by request, that may still turn out
	// to be one; latest is the newest back that has its front.
	fronts, backs, latest map[uint64]uint64
	undecided             []hopWait           // the oldest first
	waiting               map[uint64][]uint64 // their numbers by request, the same way
	linked, dropped       uint64
}

// hopWait is an entry that waits for others to be over.
type hopWait struct {
	number, key uint64
	since       capture.Time
}

// hopEntry is an exchange that waits for its other side.
type hopEntry struct {
	exchange   *Exchange
	server     netip.AddrPort
	key        uint64
	at         capture.Time
	memory     int64
	olderFront uint64         // the next older entry that may be a front of the same request
	olderBack  uint64         // the same for a back
	fits       []*fit         // that it is part of
	front      *Exchange      // that it is the back of
	back       *Exchange      // that served it
	certain    bool           // the other side is
	slot       int32          // of the open request that it waits for first,
	rival      *http1.Message // and that
	waits      bool           // it is undecided
	full       bool           // to decide did not make room for more fits
	contested  bool           // it fits as well as what another entry was linked with
	shared     *Exchange      // the back of another front, whose response it may have got
}

func newHops(tell func(*Hop)) *hops {
	return &hops{tell: tell, seed: maphash.MakeSeed(), base: 1, open: newOpenRequests(), near: nearHosts{least: map[nearHost]time.Duration{}}, waiting: map[uint64][]uint64{},
		fronts: map[uint64]uint64{}, backs: map[uint64]uint64{}, latest: map[uint64]uint64{}}
}

// met notes a connection to server, whose requests may come to need their other side.
func (h *hops) met(server netip.AddrPort) {
	if h.several {
		return
	}
	if h.several = h.server.IsValid() && h.server != server; h.several {
		h.open.index(h.key)
	}
	h.server = server
}

// begun takes an exchange whose request is complete, and says where it is noted until it is over.
func (h *hops) begun(x *Exchange, c *Connection) (slot int32) {
	if x.Request.Fields.Len() > hopFields {
		return 0
	}
	r := openRequest{request: x.Request, client: c.Client().Addr(), server: c.Server()}
	if h.several {
		r.key = h.key(x.Request)
	}
	return h.open.add(r)
}

// over takes an exchange that is over, and where it was noted before; 0 if it was not.
func (h *hops) over(x *Exchange, slot int32) {
	h.pass(x.Connection.Last().Time)
	key := h.open.remove(slot)
	switch {
	case !hoppable(x):
	case !h.several:
		h.missed = h.now
	default:
		if slot == 0 {
			key = h.key(x.Request)
		}
		h.take(x, key)
	}
	h.retry(key)
}

// pass notes that time has passed.
func (h *hops) pass(now capture.Time) {
	h.now = max(h.now, now)
	for len(h.undecided) > 0 && h.now.Sub(h.undecided[0].since) > hopPatience {
		h.hurry()
	}
	h.expire()
}

// take compares x with what waits for its other side, and has it wait.
func (h *hops) take(x *Exchange, key uint64) {
	file := x.Request.Start.At.Frame.File()
	if len(h.entries) == 0 {
		h.file = file
	}
	h.mixed = h.mixed || file != h.file
	e := hopEntry{exchange: x.Keep(), server: x.Connection.Server(), key: key, at: h.now, memory: hopExchange + 2*x.Request.HeaderBytes}
	if x.Response != nil {
		e.memory += 2 * x.Response.HeaderBytes
	}
	h.near.learn(x, h.now)
	n := h.add(e)
	h.fitBacks(n)
	h.fitFronts(n)
	h.decide(n, false)
}

// hoppable reports whether the other side of x could be known.
func hoppable(x *Exchange) bool {
	const broken = http1.HeadLost | http1.HeadUnfinished | http1.HeadCut
	return x.Request != nil && x.Request.Fields.Len() <= hopFields && !x.Request.Problems.Has(broken) && x.Request.Method != "CONNECT" && x.Request.Version != http1.HTTP09
}

// key is what a request has in common on both sides of a proxy.
func (h *hops) key(m *http1.Message) uint64 {
	agent, _ := m.Get("User-Agent")
	var hash maphash.Hash
	hash.SetSeed(h.seed)
	for _, s := range [...]string{m.Method, " ", m.Path(), " ", agent} {
		hash.WriteString(s)
	}
	return hash.Sum64()
}

// add adds an entry and returns its number.
func (h *hops) add(e hopEntry) uint64 {
	n := h.base + uint64(len(h.entries))
	e.olderFront, e.olderBack = h.fronts[e.key], h.backs[e.key]
	h.fronts[e.key], h.backs[e.key] = n, n
	h.entries = append(h.entries, e)
	h.memory += e.memory
	for h.memory > hopMemory {
		// Dropping matters where there is a proxy; nothing is known of one otherwise.
		if e := &h.entries[h.head]; h.linked > 0 && e.front == nil && e.back == nil {
			h.dropped++
		}
		h.forget()
	}
	return h.base + uint64(len(h.entries)) - 1
}

// expire forgets the exchanges whose other side would have been over by now.
func (h *hops) expire() {
	for h.head < len(h.entries) && h.now.Sub(h.entries[h.head].at) > hopWindow {
		h.forget()
	}
}

// finish tells what was waited for in vain.
func (h *hops) finish() {
	for len(h.undecided) > 0 {
		h.hurry()
	}
	for h.head < len(h.entries) {
		h.forget()
	}
}

// forget drops the oldest entry.
func (h *hops) forget() {
	e, n := &h.entries[h.head], h.base+uint64(h.head)
	switch {
	case len(e.fits) > 0: // what hangs together with it may still wait
		h.decide(n, true)
	case e.at <= h.near.closer: // where the capture was taken is better known now
		h.fitBacks(n)
		h.fitFronts(n)
		h.decide(n, true)
	}
	for _, newest := range [...]map[uint64]uint64{h.fronts, h.backs, h.latest} {
		if newest[e.key] == n {
			delete(newest, e.key)
		}
	}
	h.memory -= e.memory
	h.join()
	*e = hopEntry{}
	h.head++
	if h.head > 1024 && h.head > len(h.entries)/2 {
		h.entries = h.entries[:copy(h.entries, h.entries[h.head:])]
		h.base += uint64(h.head)
		h.head = 0
	}
}

// entry returns entry number n, nil when it is forgotten.
func (h *hops) entry(n uint64) *hopEntry {
	if n < h.base+uint64(h.head) {
		return nil
	}
	return &h.entries[n-h.base]
}
