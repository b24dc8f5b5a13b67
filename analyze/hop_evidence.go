package analyze

import (
	"net/netip"
	"strings"
	"time"

	"wirelag/analyze/http1"
)

// evidence is what speaks for two exchanges being the two sides of a proxy.
type evidence struct {
	score    int
	differ   int           // fields that are on both sides, with other values
	apart    time.Duration // between the two requests, and between the responses
	served   bool          // the front got what the back got, if anything
	answered bool          // and that is a response
}

// beats reports whether more speaks for v than for w.
func (v evidence) beats(w evidence) bool {
	return v.score > w.score || v.score == w.score && v.differ < w.differ
}

// What each piece of evidence counts, and what is enough. Some proof is needed
// that there is a proxy at all: an address, an id, or the place of the capture.
const (
	scoreNamed   = 4 // the proxy told the upstream server the client's address
	scoreAddress = 3 // the front's server is the back's client
	scoreID      = 3 // both requests carry the same id
	scorePlace   = 2 // the capture was taken on the host in between
	scoreOneHost = 1 // all addresses are the same
	scoreOther   = 1 // everything else that agrees

	hopLikely  = 4
	hopCertain = 6
)

// compare weighs whether b is how a proxy served f. ok is false where something
// contradicts it, or too little speaks for it.
func compare(f, b *Exchange) (v evidence, ok bool) {
	if !mayServe(f, b) || !nested(f, b) || contradicts(f.Request, b.Request) {
		return v, false
	}
	proof := scoreProof(f, b)
	if proof == 0 {
		return v, false
	}
	v.score, v.differ = scoreRequests(f.Request, b.Request)
	v.score += proof
	v.apart = b.Request.Start.At.Sub(f.Request.HeadEnd.At)
	if proof == scoreOneHost && !sameHost(f.Request, b.Request) {
		return v, false
	}
	switch {
	case f.Response == nil:
		v.served = true
	case b.Response == nil: // an attempt that failed
		return v, v.score >= hopCertain || v.score >= hopLikely && f.Response.Status >= 500
	case b.Response.Start.At.Time > f.Response.Start.Readable:
		return v, false
	case b.Response.Status >= 500 && b.Response.Status != f.Response.Status: // another one
	default:
		v.served, v.answered = true, true
		v.apart += f.Response.Start.At.Sub(b.Response.Start.At)
		v.score += scoreResponses(f.Response, b.Response)
		_, differ := agreement(f.Response, b.Response)
		v.differ += differ
	}
	return v, v.score >= hopLikely
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
// f's response began.
func nested(f, b *Exchange) bool {
	begun := b.Request.Start.At.Time
	end := f.Connection.Last().Time
	if f.Response != nil {
		end = f.Response.Start.At.Time
	}
	return begun >= f.Request.HeadEnd.Readable && begun <= end
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
func scoreProof(f, b *Exchange) (score int) {
	client, proxy, upstream := f.Connection.Client().Addr(), f.Connection.Server().Addr(), b.Connection.Client().Addr()
	switch {
	case client == proxy && proxy == upstream:
		score += scoreOneHost
	case proxy == upstream:
		score += scoreAddress
	}
	if named(f.Request, b.Request, client) {
		score += scoreNamed
	}
	if sameID(f.Request, b.Request) {
		score += scoreID
	}
	if capturedBetween(f.Connection, b.Connection) {
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
// server of one connection and the client of the other: their ends there answer
// at once, an end farther away does not.
func capturedBetween(front, back *Connection) bool {
	near1, ok1 := front.RTTServer()
	near2, ok2 := back.RTTClient()
	far1, ok3 := front.RTTClient()
	far2, ok4 := back.RTTServer()
	near := max(near1, near2)
	return ok1 && ok2 && (ok3 || ok4) && near <= betweenMax && max(far1, far2) > 3*near
}

// scoreRequests is in how far the two requests agree, and how many of their
// fields do not.
func scoreRequests(f, b *http1.Message) (score, differ int) {
	if sameHost(f, b) {
		score += scoreOther
	}
	if f.BodyBytes > 0 && sameBody(f, b) {
		score += scoreOther
	}
	same, differ := agreement(f, b)
	if same >= 2 {
		score += scoreOther
	}
	if same >= 3 && SameFields(f, b) {
		score += scoreOther
	}
	return score, differ
}

// agreement counts the fields of m that n has, too, with the same value, and with others.
func agreement(m, n *http1.Message) (same, differ int) {
	for _, field := range m.Fields.All() {
		switch value, ok := n.Get(field.Name); {
		case ok && value == field.Value:
			same++
		case ok:
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

// scoreResponses is in how far two responses agree; negative where they differ
// in what proxies hardly change.
func scoreResponses(f, b *http1.Message) (score int) {
	if f.Status != b.Status {
		return -scoreOther
	}
	for _, name := range [...]string{"ETag", "Date", "Last-Modified", "Set-Cookie", "Location"} {
		x, _ := f.Get(name)
		if y, _ := b.Get(name); x != "" && x == y {
			score += scoreOther
			break
		}
	}
	x, _ := f.Get("Content-Encoding")
	y, _ := b.Get("Content-Encoding")
	switch {
	case f.BodyBytes > 0 && sameBody(f, b):
		score += scoreOther
	case x == y && f.Complete && b.Complete && f.BodyBytes > 0 && !sameBody(f, b):
		score -= 2 * scoreOther
	}
	return score
}

// added is how much longer f took than b, as the proxy saw them.
func added(f, b *Exchange) time.Duration {
	toProxy, _ := f.Connection.RTTServer()
	fromProxy, _ := b.Connection.RTTClient()
	between := (toProxy + fromProxy) / 2
	before := b.Request.Start.At.Time.Sub(f.Request.End.At.Time) - between
	after := f.Response.Start.At.Time.Sub(b.Response.Start.At.Time) - between
	return max(before, 0) + max(after, 0)
}
