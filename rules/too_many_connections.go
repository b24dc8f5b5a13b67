package rules

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
)

const (
	proxyClients = 20 // so many clients behind one address are a proxy (RULES)
	// A comparison of response times needs so many exchanges of both kinds with one
	// target, and so many in all; less is chance.
	crowdTargetMin  = 3
	crowdMin        = 10
	crowdTargets    = 16                    // bound on the targets compared
	crowdWorse      = 1.30                  // of the response time (RULES)
	crowdWorseLeast = 10 * time.Millisecond // and so much by the exchange: less is scheduling
)

var tooManyConnections = &Rule{
	ID:         "too-many-connections",
	Title:      "more parallel connections than help",
	Group:      Reuse,
	Severities: []Severity{Info, Warning},
	Per:        PerPair,
	Doc: Doc{
		What: "Parallel connections of one client share its path and the server: each has its own slow start, they take bandwidth from each other, " +
			"and every one costs the server memory. Beyond a handful they rarely make a page faster, and often slower.",
		Measured: "Open connections of one client address to one server address and port that carried requests, counted at each connection's first request: " +
			"peak > max-parallel. Warning where connections were refused meanwhile, or where exchanges with the same targets took >= 1.3 times as long " +
			"(and >= 10 ms longer) as with no more than max-parallel open, by at least 10 exchanges, each not the first on its connection. Cost = that difference, summed.",
		CapturePoint: "Counts are the same everywhere; response times are the client's.",
		Likely:       "That the number of connections made the exchanges slower is inferred from the comparison.",
		Limits:       "Silent for proxies: 20 or more distinct clients by X-Forwarded-For, Forwarded, X-Real-IP, or behind Via; and where the capture cut most heads, which may name them. A connection whose handshake is not in the capture counts only if it goes on after the peak, and so does any where the capture lost bytes of one; exchanges behind lost bytes, and those before a connection was counted whose first request was lost, are not compared. NAT leaves no such trace.",
		Cure:         "Limit the client's pool to a handful of connections, or use HTTP/2, which needs one.",
		References:   []string{"HTTP-DG §4.4", "RFC 9112 §9.4"},
	},
	Options: []Option{{"max-parallel", Count, 6, "connections at once that are taken for normal; browsers open 6 to a host"}},
	Listen: func(p *Pass) analyze.Listener {
		w := &crowds{pass: p, limit: int(p.Number("max-parallel")), seed: maphash.MakeSeed(), pairs: pairTable[crowd]{pass: p}}
		w.pairs.forget = w.forget
		return analyze.Listener{
			Requested: w.requested,
			Exchange:  w.exchange,
			Ending:    w.ending,
			Closed:    w.closed,
			Finish:    func() { w.pairs.each(w.judge) },
		}
	},
}

// crowds follows the pairs.
type crowds struct {
	pass  *Pass
	limit int
	seed  maphash.Seed
	pairs pairTable[crowd]
	kept  int // connections that are kept because they are open
}

// How many connections are kept while they are open, of a pair and of all pairs; the
// others are counted.
const (
	maxKeptOpenOfPair = 2 * maxListed
	maxKeptOpen       = 1 << 14
)

// crowd is what is known of a pair.
type crowd struct {
	open     []*analyze.Connection // that carried requests
	more     int                   // that did as well, and are not kept
	busy     int                   // connections with an exchange that is not over
	maxBusy  int
	peak     []*analyze.Connection // those open at the peak, at most maxListed
	peakSize int
	peakAt   capture.Mark
	crowded  bool         // there are more than the limit
	since    capture.Time // when there came to be, the latest time
	until    capture.Time // when there ceased to be
	late     bool         // a connection was counted that had been open before: its first request is not in the capture
	lossy    bool         // bytes of a connection are missing from the capture: it may lack the ends of others

	refused      int
	firstRefused capture.Mark

	clients map[uint64]bool // behind proxies, at most proxyClients
	heads   int             // of requests
	cut     int             // of them, which may lack fields that tell clients apart
	targets map[uint64]*responseTimes
}

// responseTimes are those of one target with few and with many connections open.
type responseTimes [2]average

type average struct {
	count int
	sum   time.Duration
}

func (w *crowds) requested(c *analyze.Connection) {
	s := w.pairs.of(c)
	if c.Waiting == 1 {
		s.busy++
		s.maxBusy = max(s.maxBusy, s.busy)
	}
	if c.Requests == 1 {
		w.enter(s, c)
	}
}

// enter adds a connection with its first request, and counts.
func (w *crowds) enter(s *crowd, c *analyze.Connection) {
	if len(s.open) < maxKeptOpenOfPair && w.kept < maxKeptOpen {
		w.kept++
		s.open = append(s.open, c.Keep())
	} else {
		s.more++
	}
	n := s.size()
	s.late = n > 1 && s.late || c.MidStream() || c.Exchanges > 1 || !c.Intact()
	if n > w.limit && !s.crowded {
		s.crowded, s.since = true, c.Last().Time
		if s.late {
			s.forgetFew()
		}
	}
	if n > max(s.peakSize, w.limit) {
		s.peakSize, s.peakAt = n, c.Last()
		s.list(c)
	}
}

// forgetFew forgets the exchanges with few connections open: there were more.
func (s *crowd) forgetFew() {
	for _, t := range s.targets {
		t[0] = average{}
	}
}

// size is how many are open.
func (s *crowd) size() int { return len(s.open) + s.more }

// list notes connections that are open at the peak, in place of those before.
func (s *crowd) list(latest *analyze.Connection) {
	open := s.open[:min(len(s.open), maxListed)]
	if len(open) == 0 {
		open = []*analyze.Connection{latest}
	}
	if slices.Equal(s.peak, open) {
		return
	}
	for _, c := range open {
		c.Keep()
	}
	for _, c := range s.peak {
		c.Release()
	}
	s.peak = append(s.peak[:0], open...)
}

// forget judges a pair, of which nothing is kept any more then.
func (w *crowds) forget(s *crowd) {
	w.judge(s)
	for _, c := range s.open {
		c.Release()
	}
	w.kept -= len(s.open)
}

// ending takes out a connection that ceased to be open.
func (w *crowds) ending(c *analyze.Connection, at capture.Time) {
	s := w.pairs.known(c)
	if s == nil || c.Requests == 0 {
		return
	}
	switch i := slices.IndexFunc(s.open, func(o *analyze.Connection) bool { return o.ID == c.ID }); {
	case i >= 0:
		w.kept--
		s.open[i].Release()
		s.open = slices.Delete(s.open, i, i+1)
	case s.more > 0: // or else what was known of the pair was forgotten meanwhile
		s.more--
	}
	if s.crowded && s.size() <= w.limit {
		s.crowded, s.until = false, at
	}
}

func (w *crowds) exchange(x *analyze.Exchange) {
	c := x.Connection
	if x.Request == nil {
		return
	}
	s := w.pairs.of(c)
	if c.Waiting == 0 && s.busy > 0 {
		s.busy--
	}
	w.noteClient(s, x.Request)
	if x.ID == c.FirstExchange || x.Response == nil || !x.Response.Complete ||
		x.Timing.Wait == analyze.Unknown || s.size() < 2 || !c.Intact() {
		return
	}
	w.compare(s, x)
}

// compare adds x to the response times of its target.
func (w *crowds) compare(s *crowd, x *analyze.Exchange) {
	key := w.hash(x.Request.Method, x.Request.Target)
	t := s.targets[key]
	if t == nil {
		if len(s.targets) >= crowdTargets {
			return
		}
		if s.targets == nil {
			s.targets = map[uint64]*responseTimes{}
		}
		t = new(responseTimes)
		s.targets[key] = t
	}
	kind := &t[0]
	if s.size() > w.limit {
		kind = &t[1]
	}
	kind.count++
	kind.sum += x.Timing.Wait + max(x.Timing.Receive, 0)
}

// noteClient counts the clients of a proxy, and the heads that cannot name one.
func (w *crowds) noteClient(s *crowd, request *http1.Message) {
	s.heads++
	if request.Problems.Has(http1.HeadLost | http1.HeadCut | http1.HeadUnfinished) {
		s.cut++
	}
	if len(s.clients) >= proxyClients || !request.MayHave(proxyFields) {
		return
	}
	var values [len(clientFields)]string
	known := false
	for i, f := range clientFields {
		if !f.behindVia || hasField(request, "Via") {
			value, ok := request.Get(f.name)
			values[i], known = value, known || ok
		}
	}
	if !known {
		return
	}
	if s.clients == nil {
		s.clients = map[uint64]bool{}
	}
	s.clients[w.hash(values[:]...)] = true
}

// proxyFields are what tells that a proxy sent a request.
var proxyFields = http1.NamesOf("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")

// clientFields are what tells a proxy's clients apart.
var clientFields = [...]struct {
	name      string
	behindVia bool // says something of a proxy only where Via names one
}{
	{"X-Forwarded-For", false}, {"Forwarded", false}, {"X-Real-IP", false},
	{"User-Agent", true}, {"Cookie", true}, {"Authorization", true},
}

func (w *crowds) hash(texts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(w.seed)
	for _, text := range texts {
		h.WriteString(text)
		h.WriteByte(0)
	}
	return h.Sum64()
}

func (w *crowds) closed(c *analyze.Connection) {
	s := w.pairs.known(c)
	if s != nil && !c.Intact() {
		s.lossy = true
	}
	if s == nil || s.since == 0 || !refusedByServer(c) || c.SYN().Time < s.since {
		return
	}
	if rst, _ := c.RST(); s.crowded || rst.Time <= s.until {
		if s.refused++; s.refused == 1 {
			s.firstRefused = rst
		}
	}
}

// refusedByServer reports whether the server answered the SYN with a reset.
func refusedByServer(c *analyze.Connection) bool {
	rst, side := c.RST()
	return !c.SYN().IsZero() && !c.Synchronised() && c.Challenge().IsZero() && !rst.IsZero() && side != c.ClientSide()
}

func (w *crowds) judge(s *crowd) {
	if s.peakSize <= w.limit || len(s.clients) >= proxyClients || s.cut > s.heads/2 {
		return
	}
	open := s.surelyOpen()
	if open <= w.limit {
		return
	}
	template := Instance{Severity: Info}
	template.Detail = fmt.Sprintf("%d connections with requests to %s were open at once, %d of them busy at once at most.",
		open, s.peak[0].Server(), min(s.maxBusy, open))
	slower, ratio := s.slower()
	switch {
	case s.refused > 0:
		template.Severity = Warning
		template.Detail += fmt.Sprintf(" %d more were refused meanwhile.", s.refused)
	case slower > 0:
		template.Severity, template.Confidence = Warning, Likely
		template.Detail += fmt.Sprintf(" Exchanges took %.1f times as long as with %d or fewer open.", ratio, w.limit)
	}
	for n, c := range s.peak {
		i := template
		i.Connection = c
		i.Evidence = []Evidence{{c.First(), "first packet of a connection open at the peak"}}
		if n == 0 {
			i.Cost = slower
			i.Evidence = append(i.Evidence, Evidence{s.peakAt, "the peak"})
			if s.refused > 0 {
				i.Evidence = append(i.Evidence, Evidence{s.firstRefused, "a connection refused"})
			}
		}
		w.pass.Report(i)
	}
}

// surelyOpen is how many connections were open at the peak for all that the capture
// shows: where it holds no handshakes, as with a filter for packets with data, or lost bytes,
// it may hold no ends either, and only who goes on is known to be open.
func (s *crowd) surelyOpen() int {
	sure := 0
	for _, c := range s.peak {
		if !s.lossy && !c.Established().IsZero() || c.Last().Time >= s.peakAt.Time {
			sure++
		}
	}
	return s.peakSize * sure / len(s.peak)
}

// slower is how much longer exchanges took with many connections than exchanges
// with the same targets with few, in all and as a ratio; 0 where that does not
// count.
func (s *crowd) slower() (sum time.Duration, ratio float64) {
	var count int
	var took, expected time.Duration
	for _, t := range s.targets {
		few, many := &t[0], &t[1]
		if few.count < crowdTargetMin || many.count < crowdTargetMin {
			continue
		}
		count += many.count
		took += many.sum
		expected += few.sum / time.Duration(few.count) * time.Duration(many.count)
	}
	if count < crowdMin || expected <= 0 || took-expected < time.Duration(count)*crowdWorseLeast {
		return 0, 0
	}
	ratio = took.Seconds() / expected.Seconds()
	if ratio < crowdWorse {
		return 0, 0
	}
	return took - expected, ratio
}
