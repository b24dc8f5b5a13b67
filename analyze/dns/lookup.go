package dns

import (
	"net/netip"
	"slices"
	"time"

	"wirelag/reassembly/capture"
)

// Lookup is what a client did to find the addresses of a host, from its first
// query to the answer: the queries for IPv4 and IPv6 addresses asked side by
// side, those sent again, and the names that failed before. It may be kept.
type Lookup struct {
	Name     string // the name asked for last, which was found
	Client   netip.Addr
	Resolver netip.Addr // which gave the last answer
	// Start is the first query (over TCP, the SYN of the connection to the resolver
	// if that was opened for it); End is the last answer for Name. Both are as
	// captured: the client asked half a round trip (to the capture point) before
	// Start and had the answer half a round trip after End. Where the capture
	// point is a resolver, what that asks on behalf of its client is a lookup of its own.
	Start, End capture.Mark
	Tries      int // queries sent
	Retries    int // of them, those that repeat one which had no answer yet
	// Failures counts the names given up (the search list of a resolver) and
	// the resolvers given up because they answered with an error.
	Failures int
	// Steps are the first maxSteps queries and answers, in capture order.
	Steps []Step
}

// Seen is the time between first query and last answer at the capture point.
func (l *Lookup) Seen() time.Duration { return l.End.Sub(l.Start) }

// Step is a query or answer of a Lookup.
type Step struct {
	capture.Mark
	Name  string
	Type  Type
	Event Event
	RCode RCode // of an answer
}

// String is what the packet did, in a few words.
func (s Step) String() string {
	text := s.Event.String()
	if s.Event == Failed {
		text = s.RCode.String()
	}
	return text + ": " + s.Type.String() + " " + s.Name
}

// Event is what a Step was.
type Event uint8

// The events of a lookup.
const (
	Asked      Event = iota
	AskedAgain       // without an answer before
	Found            // the answer gave an address
	Empty            // the name has no such record
	NotFound         // there is no such name
	Failed           // the answer was an error
	CutShort         // the answer did not fit the datagram
)

var eventNames = [...]string{"query", "query sent again", "answer", "answer without an address", "no such name", "error", "truncated answer"}

func (e Event) String() string { return eventNames[e] }

// maxSteps is how many queries and answers of a lookup are kept.
const maxSteps = 16

// How far apart the parts of one lookup may be, by the capture's clock.
const (
	// retryWindow: a query repeats one without an answer. Resolvers wait 5 s by
	// default (resolv.conf), some 10 s.
	retryWindow = 15 * time.Second
	// followGap: a query follows an answer at once; a round trip between client
	// and capture point is in it.
	followGap = 100 * time.Millisecond
	// listGap is the same where the names have no more than their first label in
	// common, which those of two different hosts may have, too.
	listGap = 10 * time.Millisecond
	// parallelGap: queries closer together are sent side by side (to several
	// resolvers), not repeated for want of an answer.
	parallelGap = 20 * time.Millisecond
	// othersGap is the same for a query with another port or identifier: sooner than a
	// resolver asks anew, another thread of the host looks up the same name.
	othersGap = 100 * time.Millisecond
	// maxLookup: what comes later is another attempt of the application.
	maxLookup = 60 * time.Second
)

// kind is a type of question that lookups consist of.
type kind uint8

const (
	kindA kind = iota
	kindAAAA
	kindHTTPS
	kinds
)

func kindOf(t Type) (k kind, ok bool) {
	switch t {
	case A:
		return kindA, true
	case AAAA:
		return kindAAAA, true
	case HTTPS:
		return kindHTTPS, true
	}
	return 0, false
}

// state is how a question stands.
type state uint8

const (
	unasked state = iota
	pending
	answered // Found, Empty, NotFound, Failed or CutShort: see question.answer
)

// question is how the name's question of one kind stands.
type question struct {
	state  state
	answer Event        // valid when answered
	asked  capture.Time // last
	server netip.Addr   // that was asked or answered last
}

// lookup is a Lookup in the making.
type lookup struct {
	Lookup
	name      Name
	questions [kinds]question // of name
	last      capture.Time    // the latest query or answer
	addresses bool            // an answer gave addresses
	used      bool            // a connection was opened after it
	gaveUp    []giveUp        // what counts among the Failures
}

// giveUp is a resolver that answered with an error for a name.
type giveUp struct {
	name   Name
	server netip.Addr
}

// joins reports whether a query of kind k for the same name belongs to l.
func (l *lookup) joins(k kind, at capture.Time) bool {
	if l.used || at.Sub(l.Start.Time) > maxLookup {
		return false
	}
	q, idle := &l.questions[k], at.Sub(l.last)
	switch {
	case q.state == pending, q.state == answered && q.answer == CutShort:
		return idle <= retryWindow
	case q.state == answered && q.answer == Found:
		return false
	}
	return idle <= followGap
}

// continues reports whether a query for name goes on where l failed: with the
// next name of the search list, which begins with the same labels.
func (l *lookup) continues(name Name, at capture.Time) bool {
	if l.used || !l.failed() || name == l.name || at.Sub(l.Start.Time) > maxLookup {
		return false
	}
	gap := at.Sub(l.last)
	if labels, whole := l.name.shared(name); !whole && labels < 2 {
		return gap <= listGap
	}
	return gap <= followGap
}

// failed reports whether l has no address and waits for none.
func (l *lookup) failed() bool {
	if l.addresses {
		return false
	}
	done := false
	for _, q := range l.questions[:kindHTTPS] {
		switch {
		case q.state == answered && q.answer == NotFound:
			return true // there is nothing of any type
		case q.state == pending, q.state == answered && q.answer == CutShort:
			return false
		case q.state == answered:
			done = true
		}
	}
	return done
}

// moveTo gives up the name asked for so far and goes on with another.
func (l *lookup) moveTo(name Name) {
	l.Failures++
	l.name, l.Name = name, name.String()
	l.questions = [kinds]question{}
}

// ask adds a query; again: it was sent before, from the same port with the same identifier.
func (l *lookup) ask(x *query, at capture.Mark, again bool) {
	l.Tries++
	l.last = at.Time
	event := Asked
	if q := &l.questions[x.kind]; x.name == l.name {
		waits := q.state == pending || q.state == answered && q.answer == Found
		if since := at.Time.Sub(q.asked); waits && (since >= othersGap || again && since >= parallelGap) {
			l.Retries++
			event = AskedAgain
		}
		if q.state == answered && q.answer == Failed {
			l.giveUp(q.server)
		}
		*q = question{state: pending, asked: at.Time, server: x.server}
	}
	l.step(x, at, event, NoError)
}

// giveUp counts server as a failure, once.
func (l *lookup) giveUp(server netip.Addr) {
	g := giveUp{l.name, server}
	if len(l.gaveUp) < maxSteps && !slices.Contains(l.gaveUp, g) {
		l.gaveUp = append(l.gaveUp, g)
		l.Failures++
	}
}

// take adds the answer to query x. Where another resolver answered the same
// question before, or the client has given the name up, it moves nothing.
func (l *lookup) take(x *query, event Event, code RCode, at capture.Mark) {
	l.step(x, at, event, code)
	q := &l.questions[x.kind]
	if x.name != l.name || q.state == answered && q.answer == Found {
		return
	}
	l.last = at.Time
	q.state, q.answer, q.server = answered, event, x.server
	// A client does not wait for an HTTPS record once it has addresses.
	if x.kind != kindHTTPS || event == Found && !l.addresses {
		l.End, l.Resolver = at, x.server
	}
	l.addresses = l.addresses || event == Found
}

func (l *lookup) step(x *query, at capture.Mark, event Event, code RCode) {
	if len(l.Steps) < maxSteps {
		l.Steps = append(l.Steps, Step{at, x.text, x.asked, event, code})
	}
}
