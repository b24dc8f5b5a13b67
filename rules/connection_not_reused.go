package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

const (
	notReusedMin    = 3                // exchanges one after the other
	notReusedMaxGap = 15 * time.Second // between them: servers keep idle connections for 5 to 75 s
	notReusedNoise  = time.Millisecond // in all: less is the loopback interface's
	notReusedKept   = 64               // connections that ends of others may come behind
)

var connectionNotReused = &Rule{
	ID:         "connection-not-reused",
	Title:      "each request went over a connection of its own",
	Group:      Reuse,
	Severities: []Severity{Info, Warning},
	Per:        PerPair,
	Doc: Doc{
		What: "Requests to one server followed each other, and each paid for a new TCP connection (and its slow start) although the one before " +
			"could have carried it.",
		Measured: "At least 3 exchanges of one client -> server pair, each the only one on its connection, each connection begun after the " +
			"response before had ended and less than 15 s after it. Cost = the setups of all but the first of them; less than 1 ms in all is told as info.",
		CapturePoint: "The setups are the client's: the round trip between capture point and client is added.",
		Limits: "Silent for parallel connections, for fewer than 3 in a row, for clients that closed before they had the response and refused it, and where packets of a connection are missing from the capture. " +
			"It replaces handshake-overhead on the same connections.",
		Cure: "Let both sides keep connections open: HTTP/1.1 without \"Connection: close\", a response length (Content-Length or chunked), " +
			"a client that reuses one pool or session for all its requests, and an idle timeout at the server longer than the gap between them.",
		References: []string{"HTTP-DG §4.5", "RFC 9112 §9.3"},
	},
	Listen: func(p *Pass) analyze.Listener {
		s := &sequences{pass: p, pairs: pairTable[sequence]{pass: p}}
		return analyze.Listener{Closed: s.closed}
	},
	Conclude: func(f *Finding) {
		if f.Cost < notReusedNoise {
			f.Severity = Info
		}
		f.Detail = fmt.Sprintf("%d exchanges with %s went one after the other over as many connections: %s. Setting up all but the first cost %s.",
			f.Count, f.Connection.Server(), reasonsOf(f), ms(f.Cost))
	},
}

// sequences follows the connections of each pair.
type sequences struct {
	pass  *Pass
	pairs pairTable[sequence]
}

// sequence is a run of connections of one exchange each.
type sequence struct {
	length  int
	recent  []span     // in the order of their SYNs, the latest notReusedKept
	waiting []Instance // the first ones, until there are notReusedMin
}

// span is a connection from its SYN to the end of its response.
type span struct{ begin, end capture.Time }

func (s *sequences) closed(c *analyze.Connection) {
	setup, _, ok := firstExchange(c)
	if !ok {
		return
	}
	q := s.pairs.of(c)
	if !q.take(span{c.SYN().Time, c.FirstAnswered.Time}) {
		return
	}
	i := Instance{
		Connection: c,
		ExchangeID: c.FirstExchange,
		Severity:   Warning,
		Cost:       setup,
		Evidence:   []Evidence{{c.AnsweredSYN(), "SYN of another connection"}, {c.FirstAnswered, "end of its only response"}},
	}
	i.Sums[whyNotReused(c)] = 1
	if q.length == 0 {
		i.Cost = 0
	}
	if q.length++; q.length < notReusedMin {
		i.keep()
		q.waiting = append(q.waiting, i)
		return
	}
	for _, w := range q.waiting {
		s.pass.Report(w)
		w.release()
	}
	q.waiting = nil
	s.pass.Report(i)
}

// take adds a connection to the run, which begins anew if that is long ago. Connections
// end in any order, since some are left open; ok is false for one that went on while
// another did, or of which that is not known any more.
func (q *sequence) take(c span) (ok bool) {
	at, _ := slices.BinarySearchFunc(q.recent, c, func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	near := false
	if at > 0 {
		before := q.recent[at-1].end
		if before > c.begin {
			return false
		}
		near = c.begin.Sub(before) < notReusedMaxGap
	}
	if at < len(q.recent) {
		behind := q.recent[at].begin
		if c.end > behind || at == 0 && len(q.recent) == notReusedKept || !near && behind.Sub(c.end) >= notReusedMaxGap {
			return false
		}
	} else if !near {
		q.restart()
		at = 0
	}
	q.recent = slices.Insert(q.recent, at, c)
	if len(q.recent) > notReusedKept {
		q.recent = slices.Delete(q.recent, 0, 1)
	}
	return true
}

// restart forgets the run.
func (q *sequence) restart() {
	for _, w := range q.waiting {
		w.release()
	}
	*q = sequence{recent: q.recent[:0]}
}

// The reasons that frames can show. Of those of a finding, each is counted in the place
// among the sums that it has here.
const (
	clientSaysClose = iota
	serverSaysClose
	withoutKeepAlive
	withoutEnd
	clientLeaves
	clientCloses
	serverKeepsPromise
	serverCloses
)

var notReusedReasons = [...]string{
	clientSaysClose:    "the client says \"Connection: close\"",
	serverSaysClose:    "the server says \"Connection: close\"",
	withoutKeepAlive:   "they use HTTP/1.0 without keep-alive",
	withoutEnd:         "the response has no length and ends with the connection",
	clientLeaves:       "the client leaves the connection open and unused",
	clientCloses:       "the client closes the connection although both sides may go on",
	serverKeepsPromise: "the server closes idle connections after the time that it announces, and the client comes back later",
	serverCloses:       "the server closes the connection without announcing it",
}

// whyNotReused is the reason that the frames of c show.
func whyNotReused(c *analyze.Connection) int {
	switch c.Persistence {
	case analyze.ClosedByRequest:
		return clientSaysClose
	case analyze.ClosedByResponse:
		return serverSaysClose
	case analyze.WithoutKeepAlive:
		return withoutKeepAlive
	case analyze.WithoutLength:
		return withoutEnd
	}
	switch side, ok := c.FirstCloser(); {
	case !ok:
		return clientLeaves
	case side == c.ClientSide():
		return clientCloses
	case keptAsPromised(c):
		return serverKeepsPromise
	}
	return serverCloses
}

// reasonsOf lists the reasons of a finding, the most frequent first; with several, how
// often each.
func reasonsOf(f *Finding) string {
	var places []int
	for i, n := range f.Sums {
		if n > 0 {
			places = append(places, i)
		}
	}
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(f.Sums[b], f.Sums[a]) })
	var texts []string
	for _, i := range places {
		text := notReusedReasons[i]
		if len(places) > 1 {
			text += fmt.Sprintf(" (%d)", f.Sums[i])
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

// keptAsPromised reports whether the server closed c when it had been idle for as long
// as it had announced (Keep-Alive: timeout=N).
func keptAsPromised(c *analyze.Connection) bool {
	const early = 500 * time.Millisecond // timers are rounded
	end, by, ended := c.Ended()
	return ended && by != c.ClientSide() && c.Promise.Timeout > 0 && !c.LastAnswered.IsZero() &&
		end.Sub(c.LastAnswered) >= time.Duration(c.Promise.Timeout)*time.Second-early
}
