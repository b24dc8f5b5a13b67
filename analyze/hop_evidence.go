package analyze

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/vantage"
)

// evidence is what speaks for two exchanges being the two sides of a proxy.
type evidence struct {
	score int
	// content is what of the score the messages themselves add: it tells one pair of
	// exchanges from others between the same hosts.
	content    int
	differ     int           // fields that are on both sides, with other values
	apart      time.Duration // between the two requests, and between the responses
	served     bool          // the front got what the back got, if anything
	answered   bool          // and that is a response
	named      bool          // the back's sender added the address of the front's client
	identified bool          // both requests carry the same id
	vouched    bool          // a field of the requests says that they are the same
	strange    bool          // the requests differ in fields that a proxy leaves alone
	clocks     bool          // both were captured by one clock
	outside    bool          // by two clocks, the back is not within the front
}

// beats reports whether more speaks for v than for w, which has an exchange in common
// with it. Where they lie in time says nothing: it may be chance.
func (v evidence) beats(w evidence) bool {
	return v.content > w.content || v.content == w.content && v.differ < w.differ
}

// What each piece of evidence counts, and what is enough. Some proof is needed
// that there is a proxy at all: an address, an id, or the place of the capture.
const (
	scoreNamed   = 4 // the proxy told the upstream server the client's address
	scoreAddress = 3 // the front's server is the back's client
	scoreID      = 3 // both requests carry the same id
	scorePlace   = 2 // the capture was taken on the host in between
	scoreHost    = 2 // both requests are for the same host
	scoreOneHost = 1 // all addresses are the same
	scoreOther   = 1 // everything else that agrees
	scoreStrange = 2 // what a field counts against it that a proxy would leave alone

	hopLikely  = 4
	hopCertain = 6
)

// compare weighs whether b is how a proxy served f. ok is false where something
// contradicts it, or too little speaks for it.
func (h *hops) compare(f, b *Exchange) (v evidence, ok bool) {
	if !mayServe(f, b) || contradicts(f.Request, b.Request) {
		return v, false
	}
	v.clocks = sameClock(f, b)
	if v.outside = !nested(f, b); v.outside && (v.clocks || !encloses(f, b)) {
		return v, false
	}
	proof, sameHost := h.scoreProof(f, b), sameHost(f.Request, b.Request)
	v.named = named(f.Request, b.Request, f.Connection.Client().Addr())
	v.identified = sameID(f.Request, b.Request)
	if !v.named && !v.identified && (proof == 0 || proof == scoreOneHost && !sameHost) {
		return v, false
	}
	v.weighRequests(f.Request, b.Request)
	v.apart = apart(f.Request.HeadEnd.At, b.Request.Start.At)
	switch {
	case f.Response == nil:
		v.served = true
	case b.Response == nil: // an attempt that failed
	case b.Response.Status >= 500 && b.Response.Status != f.Response.Status: // another one
	default:
		v.served, v.answered = true, true
		v.apart += apart(b.Response.Start.At, f.Response.Start.At)
		v.weighResponses(f.Response, b.Response)
		if otherBody(f.Response, b.Response) && !(sameHost && v.vouched) {
			return v, false
		}
	}
	v.score += proof + v.content
	if v.strange && !v.identified {
		v.score -= scoreStrange
	}
	switch {
	case !sameHost && v.content <= 0: // a service that asks another one
		return v, false
	case !v.clocks && !v.proven(): // neither what they say nor when it was
		return v, false
	case f.Response != nil && b.Response == nil && f.Response.Status < 500:
		return v, v.score >= hopCertain
	}
	return v, v.score >= hopLikely
}

// apart is how long before the later of two moments the other was.
func apart(a, b capture.Mark) time.Duration { return b.Sub(a).Abs() }

// sameClock reports whether what was captured of f and b can be compared in time: an
// input, or several of which the clocks were compared, saw both connections.
func sameClock(f, b *Exchange) bool {
	fileF, fileB := f.Request.Start.At.Frame.File(), b.Request.Start.At.Frame.File()
	return fileF == fileB || sawConnection(fileF, b.Connection) || sawConnection(fileB, f.Connection) || sawBoth(f.Connection, b.Connection)
}

// sawConnection reports whether an input is among several that captured c.
func sawConnection(file int, c *Connection) bool {
	shared := c.Shared()
	return shared != nil && slices.ContainsFunc(shared.Vantages, func(v vantage.Vantage) bool { return v.File == file })
}

// sawBoth reports whether an input is among several that captured c and among those that
// captured d.
func sawBoth(c, d *Connection) bool {
	shared := c.Shared()
	return shared != nil && slices.ContainsFunc(shared.Vantages, func(v vantage.Vantage) bool { return sawConnection(v.File, d) })
}

// mayServe reports whether addresses allow it: a client that asks one server
// twice, or two servers for the same, is no proxy.
func mayServe(f, b *Exchange) bool {
	front, back := f.Connection, b.Connection
	if front == back || front.Server() == back.Server() {
		return false
	}
	return front.Client().Addr() != back.Client().Addr() || front.Server().Addr() == back.Client().Addr()
}

// nested reports whether b was begun when f's request could be known and before
// f's response began, and b's response, if that is where f's comes from, before it.
func nested(f, b *Exchange) bool {
	begun := b.Request.Start.At.Time
	late := f.Response != nil && b.Response != nil && b.Response.Start.At.Time > f.Response.Start.Readable
	return begun >= f.Request.HeadEnd.Readable && begun <= responseBegan(f) && !late
}

// encloses reports whether f lasted as long as b, which no difference of clocks changes.
func encloses(f, b *Exchange) bool {
	return f.Response == nil || b.Response == nil ||
		f.Response.Start.At.Sub(f.Request.Start.At) >= b.Response.Start.At.Sub(b.Request.Start.At)
}

// ownFields are request fields that a proxy leaves alone or takes off.
var ownFields = [...]string{
	"Cookie", "Authorization", "Referer", "Origin", "Range", "Content-Type", "Content-Encoding", "Accept", "Accept-Language",
	"If-None-Match", "If-Modified-Since", "Idempotency-Key", "X-Requested-With",
}

// contradicts reports whether b is not the request f, handed on.
func contradicts(f, b *http1.Message) bool {
	for _, name := range ownFields {
		x, hasX := f.Get(name)
		y, hasY := b.Get(name)
		if hasX && hasY && x != y {
			return true
		}
	}
	return f.Complete && b.Complete && !sameBody(f, b)
}

// scoreProof is what shows that there is a proxy between f and b.
func (h *hops) scoreProof(f, b *Exchange) (score int) {
	client, proxy, upstream := f.Connection.Client().Addr(), f.Connection.Server().Addr(), b.Connection.Client().Addr()
	switch {
	case client == proxy && proxy == upstream:
		score += scoreOneHost
	case proxy == upstream:
		score += scoreAddress
	}
	if h.capturedBetween(f, b) {
		score += scorePlace
	}
	return score
}

// named reports whether b's sender added the client's address to what f says.
func named(f, b *http1.Message, client netip.Addr) bool {
	for _, name := range [...]string{"X-Forwarded-For", "X-Real-IP", "Forwarded"} {
		before, n := lastOf(f, name)
		last, m := lastOf(b, name)
		if m > 0 && (m > n || last != before) && addressIn(last) == client.Unmap() {
			return true
		}
	}
	return false
}

// lastOf is the last element of a list, and how many there are.
func lastOf(m *http1.Message, name string) (last string, n int) {
	for item := range m.List(name) {
		last, n = item, n+1
	}
	return last, n
}

// addressIn reads the address in an element of X-Forwarded-For or, after "for=",
// of Forwarded (RFC 7239 §6), which may have a port.
func addressIn(element string) netip.Addr {
	if i := strings.Index(strings.ToLower(element), "for="); i >= 0 {
		element, _, _ = strings.Cut(element[i+len("for="):], ";")
	}
	element = strings.Trim(element, `" `)
	if a, err := netip.ParseAddr(strings.Trim(element, "[]")); err == nil {
		return a.Unmap()
	}
	a, _ := netip.ParseAddrPort(element)
	return a.Addr().Unmap()
}

// idFields carry a value that tells a request from others on its whole way.
var idFields = [...]string{
	"X-Request-Id", "X-Correlation-Id", "X-Trace-Id", "Request-Id", "X-B3-TraceId", "X-Amzn-Trace-Id", "Idempotency-Key",
}

// minID is how long an id is at least; shorter ones may repeat.
const minID = 8

func sameID(f, b *http1.Message) bool {
	for _, name := range idFields {
		x, _ := f.Get(name)
		if y, _ := b.Get(name); x == y && len(x) >= minID {
			return true
		}
	}
	x, _ := f.Get("traceparent")
	y, _ := b.Get("traceparent")
	const end = len("00-0123456789abcdef0123456789abcdef") // version and trace id; each hop has its own parent id
	return len(x) > end && len(y) > end && x[:end] == y[:end]
}

// betweenMax is the longest round trip within a host.
const betweenMax = time.Millisecond

// capturedBetween reports whether the capture was taken on the host that is the
// server of f and the client of b: their ends there answer at once, an end farther
// away does not.
func (h *hops) capturedBetween(f, b *Exchange) bool {
	near1, ok1 := h.near.toServer(f)
	near2, ok2 := h.near.toClient(b)
	far1, ok3 := h.near.toClient(f)
	far2, ok4 := h.near.toServer(b)
	near := max(near1, near2)
	return ok1 && ok2 && (ok3 || ok4) && near <= betweenMax && max(far1, far2) > 3*near
}

// weighRequests adds in how far the two requests agree.
func (v *evidence) weighRequests(f, b *http1.Message) {
	if v.named {
		v.content += scoreNamed
	}
	if v.identified {
		v.content += scoreID
	}
	if sameHost(f, b) {
		v.content += scoreHost
	}
	if f.BodyBytes > 0 && sameBody(f, b) {
		v.content += scoreOther
	}
	same, differ := agreement(f, b)
	if same > 0 {
		v.content += scoreOther
	}
	if f.Fields.Len() >= 3 && SameFields(f, b) {
		v.content += scoreOther
	}
	v.vouched = same > 0 || v.named || v.identified
	v.differ, v.strange = differ, differ > 0
}

// senderFields are fields that a library or a proxy writes for itself, the same in all
// its messages or anew in each: what both sides have in them says nothing.
var senderFields = [...]string{
	"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Age", "Alt-Svc", "B3", "Cache-Control", "CDN-Loop",
	"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "DNT", "Expect", "Expires", "Forwarded", "Host",
	"HTTP2-Settings", "Keep-Alive", "Max-Forwards", "Pragma", "Proxy-Authorization", "Proxy-Connection", "Request-Id", "Server", "TE", "Traceparent",
	"Tracestate", "Trailer", "Transfer-Encoding", "True-Client-IP", "Upgrade", "Upgrade-Insecure-Requests", "User-Agent", "Vary", "Via",
	"X-Amzn-Trace-Id", "X-Cache", "X-Client-IP", "X-Correlation-Id", "X-Powered-By", "X-Real-IP", "X-Request-Id", "X-Trace-Id", "X-Varnish",
}

// senderPrefixes are how names of more of them begin.
var senderPrefixes = [...]string{"X-Forwarded-", "X-B3-", "X-Envoy-"}

// writtenBySender reports whether what is in a field says nothing of where its message
// came from; options are those of its Connection field.
func writtenBySender(options []string, name string) bool {
	for _, s := range senderFields {
		if len(s) == len(name) && strings.EqualFold(s, name) {
			return true
		}
	}
	for _, p := range senderPrefixes {
		if len(name) > len(p) && strings.EqualFold(p, name[:len(p)]) {
			return true
		}
	}
	return slices.ContainsFunc(options, func(option string) bool { return strings.EqualFold(option, name) })
}

// agreeing is how many fields of a message, and options of its Connection field, are compared.
const agreeing = 64

// agreement counts the fields of m that n has, too, with the same value, and with others.
func agreement(m, n *http1.Message) (same, differ int) {
	var options []string
	for option := range m.List("Connection") {
		if options = append(options, option); len(options) == agreeing {
			break
		}
	}
	for i, field := range m.Fields.All() {
		if i == agreeing {
			break
		}
		value, ok := n.Get(field.Name)
		switch {
		case !ok || writtenBySender(options, field.Name):
		case value == field.Value:
			same++
		default:
			differ++
		}
	}
	return same, differ
}

// SameFields reports whether two messages have the same fields with the same
// values in the same order: a relay that changes nothing.
func SameFields(m, n *http1.Message) bool {
	if m.Fields.Len() != n.Fields.Len() {
		return false
	}
	for i, f := range m.Fields.All() {
		if f != n.Fields.At(i) {
			return false
		}
	}
	return true
}

// sameHost reports whether both requests are for the same host; a port may have
// been taken off on the way.
func sameHost(f, b *http1.Message) bool {
	x, portX := splitPort(f.Authority())
	y, portY := splitPort(b.Authority())
	return x != "" && strings.EqualFold(x, y) && (portX == portY || portX == "" || portY == "")
}

func splitPort(authority string) (host, port string) {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || i < strings.LastIndexByte(authority, ']') {
		return authority, ""
	}
	return authority[:i], authority[i+1:]
}

// weighResponses adds in how far two responses agree, and takes off where they differ
// in what proxies hardly change.
func (v *evidence) weighResponses(f, b *http1.Message) {
	if f.Status != b.Status {
		v.content -= scoreOther
		return
	}
	for _, name := range [...]string{"ETag", "Last-Modified", "Set-Cookie", "Location"} {
		x, _ := f.Get(name)
		if y, _ := b.Get(name); x != "" && x == y {
			v.content += scoreOther
			break
		}
	}
	switch {
	case f.BodyBytes > 0 && sameBody(f, b):
		v.content += scoreOther
	case otherBody(f, b):
		v.content -= 2 * scoreOther
	}
	x, _ := f.Get("Date")
	if y, _ := b.Get("Date"); x != "" && x == y {
		v.score += scoreOther // others have the same: it tells none from them
	}
	_, differ := agreement(f, b)
	v.differ += differ
}

// otherBody reports whether two whole bodies differ though they are coded alike.
func otherBody(f, b *http1.Message) bool {
	x, _ := f.Get("Content-Encoding")
	y, _ := b.Get("Content-Encoding")
	return x == y && f.Complete && b.Complete && f.BodyBytes > 0 && !sameBody(f, b)
}

// added is how much longer f took than b, as the proxy saw them. By how much the clocks
// differ that captured them does not matter: it is in both differences.
func (h *hops) added(f, b *Exchange) time.Duration {
	toProxy, _ := h.near.toServer(f)
	fromProxy, _ := h.near.toClient(b)
	passedOn := b.Request.Start.At
	if f.Request.BodyStart.Frame != 0 && passedOn.Time < f.Request.End.At.Time { // while it came
		passedOn = b.Request.End.At
	}
	before := passedOn.Sub(f.Request.End.At)
	after := f.Response.Start.At.Sub(b.Response.Start.At)
	return max(before+after-toProxy-fromProxy, 0)
}
