package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/dns"
	"wirelag/reassembly/capture"
)

// Instance is one occurrence of what a rule looks for, as the rule reports it.
type Instance struct {
	Connection *analyze.Connection
	Exchange   *analyze.Exchange // nil when it is about the connection
	ExchangeID uint64            // where Exchange is nil, the exchange that shows it; 0 without one
	Severity   Severity
	Confidence Confidence
	Cost       time.Duration // time that the client lost
	BytesLost  int64
	// Detail says what happened, with the numbers: one sentence.
	Detail string
	// Advice says what to do about it; "" for the rule's cure.
	Advice   string
	Evidence []Evidence
	// Also is another exchange that is a part of it, on whatever connection; nil without one.
	Also *analyze.Exchange
	// OfPair: connections of the same pair that it does not name are a part of it, too.
	OfPair bool
	// Lookup is the lookup of the server's name where that is a part of it, too.
	Lookup *dns.Lookup
	// Harmless: it did nothing that another rule could report, and replaces nothing.
	Harmless bool
	// Sums are numbers of the rule's own that are added up over the instances of
	// a finding, for Conclude.
	Sums [8]time.Duration

	subject string // of the exchange, where Exchange is nil
	also    *place // for Also
}

// place is an exchange on a connection.
type place struct {
	connection, exchange uint64
	ends                 pair // of the connection
}

// letGo takes from the instance what it says of its exchanges, so that their
// heads need not be kept with it.
func (i *Instance) letGo() {
	if i.Exchange != nil {
		i.ExchangeID, i.subject = i.Exchange.ID, subject(i.Exchange)
		i.Exchange = nil
	}
	if i.Also != nil {
		i.also = &place{i.Also.Connection.ID, i.Also.ID, connectionPair(i.Also.Connection)}
		i.Also = nil
	}
}

// keep prepares the instance to be reported later, or never: its connection stays as
// it is until release.
func (i *Instance) keep() {
	i.letGo()
	i.Connection.Keep()
}

// release ends what keep began.
func (i *Instance) release() { i.Connection.Release() }

// exchange is the ID of the exchange that shows it, 0 without one.
func (i *Instance) exchange() uint64 {
	if i.Exchange != nil {
		return i.Exchange.ID
	}
	return i.ExchangeID
}

// Evidence is a packet that shows something.
type Evidence struct {
	Mark capture.Mark
	What string
}

// maxListed is how many connections, exchanges and frames a finding lists.
const maxListed = 100

// Finding is what rules have to say: one or more instances of one rule on one
// connection or pair, told by the worst of them.
type Finding struct {
	ID          uint64 // from 1, in the order of telling
	Rule        *Rule
	Severity    Severity
	Confidence  Confidence
	Connection  *analyze.Connection // the first
	Connections []uint64            // ids, each once, in the order of reporting
	Exchanges   []uint64            // the same
	Evidence    []Evidence          // of the worst instance, then of others

	// How many there are, of which maxListed are listed.
	ConnectionsTotal, ExchangesTotal, EvidenceTotal int

	Start, End capture.Mark
	Count      int
	Cost       time.Duration
	First      time.Duration // the part of Cost that the first instance has
	BytesLost  int64
	Detail     string
	Advice     string
	Sums       [8]time.Duration
	// Known: it was accepted before (see Fingerprint). Who receives it sets this.
	Known bool

	worst   time.Duration // cost of the instance that Detail tells
	subject string        // host, method and path of the first exchange, or the host alone
	others  []pair        // ends of the connections beside the first that are a part of it
	ofPair  bool          // so are others of the pair
	lookup  netip.Addr    // the client of a lookup that is a part of it; none: the zero Addr

	connections, exchanges idSet
}

// add works an instance in.
func (f *Finding) add(i Instance) {
	if f.Count++; f.Count == 1 {
		f.First = i.Cost
	}
	f.Cost += i.Cost
	f.BytesLost += i.BytesLost
	f.Severity = max(f.Severity, i.Severity)
	for n := range f.Sums {
		f.Sums[n] += i.Sums[n]
	}
	f.list(i)
	if f.Count > 1 && i.Cost <= f.worst {
		f.Evidence = appendUpTo(f.Evidence, i.Evidence)
		return
	}
	f.worst, f.Detail, f.Advice, f.Confidence = i.Cost, i.Detail, i.Advice, i.Confidence
	if f.Advice == "" {
		f.Advice = f.Rule.Doc.Cure
	}
	f.Evidence = appendUpTo(i.Evidence, f.Evidence)
}

func (f *Finding) list(i Instance) {
	i.letGo()
	if f.Connection == nil {
		f.Connection, f.subject = i.Connection.Keep(), i.subject
		if f.subject == "" {
			f.subject = strings.ToLower(i.Connection.Host())
		}
	}
	f.listPlace(i.Connection.ID, i.ExchangeID)
	if i.also != nil {
		f.listPlace(i.also.connection, i.also.exchange)
		f.listEnds(i.also.ends)
	}
	f.ofPair = f.ofPair || i.OfPair
	if i.Lookup != nil {
		f.lookup = i.Lookup.Client
	}
	for _, e := range i.Evidence {
		f.EvidenceTotal++
		if f.Start.IsZero() || e.Mark.Time < f.Start.Time {
			f.Start = e.Mark
		}
		if f.End.IsZero() || e.Mark.Time > f.End.Time {
			f.End = e.Mark
		}
	}
}

// listPlace lists a connection and, unless it is 0, an exchange on it.
func (f *Finding) listPlace(connection, exchange uint64) {
	if f.connections.add(connection, f.Connections) {
		f.ConnectionsTotal++
		f.Connections = appendUpTo(f.Connections, []uint64{connection})
	}
	if exchange != 0 && f.exchanges.add(exchange, f.Exchanges) {
		f.ExchangesTotal++
		f.Exchanges = appendUpTo(f.Exchanges, []uint64{exchange})
	}
}

// listEnds lists the ends of a connection, unless they are those of the first.
func (f *Finding) listEnds(p pair) {
	if p != connectionPair(f.Connection) && !slices.Contains(f.others, p) {
		f.others = appendUpTo(f.others, []pair{p})
	}
}

// subjectParts stands between the parts of a subject.
const subjectParts = "\x00"

// subject is what x is about: host, method and path of its request. It is the
// same however the request was addressed: to a proxy or directly, with
// credentials or a query or without. Of a long one it has the beginning.
func subject(x *analyze.Exchange) string {
	if x.Request == nil {
		return ""
	}
	path := x.Request.Path()
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	return strings.ToLower(upTo(maxHost, x.Request.Authority())) + subjectParts + upTo(maxHost, x.Request.Method) + subjectParts + upTo(maxPath, path)
}

// Bytes that a subject has of a host or method, and of a path.
const (
	maxHost = 256
	maxPath = 1 << 10
)

func upTo(n int, text string) string { return text[:min(n, len(text))] }

// named is what a rule keeps of an exchange to name it later: the exchange itself may be
// large, and its heads lie in memory with those of many.
type named struct {
	exchange uint64
	subject  string
}

func nameOf(x *analyze.Exchange) named { return named{x.ID, subject(x)} }

// about makes the instance one of an exchange.
func (i Instance) about(n named) Instance {
	i.ExchangeID, i.subject = n.exchange, n.subject
	return i
}

// Subject is what the finding is about beside client and server: the host that
// was asked for, and the method and path of the first exchange. They are captured
// text, and empty where it is about the connection, or about all that the client
// had to do with the server.
func (f *Finding) Subject() (host, method, path string) {
	if f.Rule.Per == PerPair {
		return "", "", ""
	}
	host, rest, _ := strings.Cut(f.subject, subjectParts)
	method, path, _ = strings.Cut(rest, subjectParts)
	return host, method, path
}

func appendUpTo[T any](list, more []T) []T {
	return append(list, more[:min(len(more), max(0, maxListed-len(list)))]...)
}

// Title is the finding in a few words.
func (f *Finding) Title() string { return f.Rule.Title }

// Fingerprint identifies the finding across captures: rule, client address,
// server address and port and, unless it is about all that the client had to do
// with the server, the host that was asked for and, where it is about exchanges,
// the method and path of the first. Names that only a lookup tells are no part of
// it: whether a capture shows the lookup is chance.
func (f *Finding) Fingerprint() string {
	var room [256]byte
	b := append(room[:0], f.Rule.ID...)
	b = f.Connection.Client().Addr().AppendTo(append(b, 0))
	b = f.Connection.Server().AppendTo(append(b, 0))
	host, method, path := f.Subject()
	for _, part := range [...]string{host, method, path} {
		b = append(append(b, 0), part...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
