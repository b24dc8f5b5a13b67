package rules

import (
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// Bounds of waiting for a request to be sent again.
const (
	repeatWait       = 30 * time.Second // shorter than decisionTime, so that what is found still takes precedence
	maxRepeatWaiting = 1 << 12          // connections
	maxFailedBytes   = 16 << 20         // of the requests of all connections
)

// failedRequests are the requests of one connection that were over without a
// final response, in order, and what became of them.
type failedRequests struct {
	connection *analyze.Connection
	requests   []*analyze.Exchange // the first maxListed
	again      []*analyze.Exchange // by request; nil where it was not sent again
	total      int
	bytes      int64 // of memory
	missing    int   // of requests, not sent again so far
	closed     bool
}

// failedListener listens for requests without a response. When their connection
// is closed and judge wants them, report is called once they were all sent
// again, or after repeatWait.
func failedListener(p *Pass, judge func(*failedRequests) bool, report func(*failedRequests)) analyze.Listener {
	w := &failedWatch{pass: p, judge: judge, report: report, of: map[uint64]*failedRequests{}}
	w.waiting = later[*failedRequests]{pass: p, after: repeatWait, most: maxRepeatWaiting, judge: w.conclude}
	return analyze.Listener{Exchange: w.exchange, Repeated: w.repeated, Closed: w.closed, Tick: w.waiting.tick, Finish: w.waiting.finish}
}

type failedWatch struct {
	pass    *Pass
	judge   func(*failedRequests) bool
	report  func(*failedRequests)
	of      map[uint64]*failedRequests // by connection
	waiting later[*failedRequests]     // closed
	bytes   int64                      // of memory
}

func (w *failedWatch) exchange(x *analyze.Exchange) {
	if !x.Unanswered() || x.Order.Doubtful {
		return
	}
	for w.bytes > maxFailedBytes && w.waiting.hurry() {
	}
	f := w.of[x.Connection.ID]
	switch {
	case f == nil && w.bytes > maxFailedBytes:
		w.pass.Forget()
		return
	case f == nil:
		f = &failedRequests{}
		w.of[x.Connection.ID] = f
	}
	switch f.total++; {
	case len(f.requests) >= maxListed:
	case w.bytes > maxFailedBytes:
		w.pass.Forget()
	default:
		x := x.Detach()
		f.requests = append(f.requests, x)
		f.again = append(f.again, nil)
		f.missing++
		w.weigh(f, x)
	}
}

// weigh counts an exchange that is kept.
func (w *failedWatch) weigh(f *failedRequests, x *analyze.Exchange) {
	n := x.Size()
	f.bytes += n
	w.bytes += n
}

func (w *failedWatch) repeated(first, again *analyze.Exchange) {
	f := w.of[first.Connection.ID]
	if f == nil {
		return
	}
	for i, x := range f.requests {
		if x.ID == first.ID && f.again[i] == nil {
			f.again[i] = again.Detach()
			f.missing--
			w.weigh(f, f.again[i])
		}
	}
	if f.closed && f.missing == 0 {
		w.conclude(f)
	}
}

func (w *failedWatch) closed(c *analyze.Connection) {
	f := w.of[c.ID]
	if f == nil {
		return
	}
	f.connection = c.Keep()
	switch {
	case !w.judge(f):
		w.drop(f)
	case f.missing == 0:
		w.conclude(f)
	default:
		f.closed = true
		w.waiting.add(f)
	}
}

// conclude reports f, unless that was done.
func (w *failedWatch) conclude(f *failedRequests) {
	if w.of[f.connection.ID] == f {
		w.drop(f)
		w.report(f)
	}
}

func (w *failedWatch) drop(f *failedRequests) {
	delete(w.of, f.connection.ID)
	w.bytes -= f.bytes
}

// repeats counts the requests that were sent again.
func (f *failedRequests) repeats() int { return len(f.requests) - f.missing }

// unsafe counts those of which repeating may have another effect.
func (f *failedRequests) unsafe() (n int) {
	for _, x := range f.requests {
		if !x.Request.Idempotent() {
			n++
		}
	}
	return n
}

// closer says who ended the connection and how: "the server closed the connection".
func closer(c *analyze.Connection, side reassembly.Side, how string) string {
	if side == c.ClientSide() {
		return "the client " + how + " the connection"
	}
	return "the server " + how + " the connection"
}

// endOfStream is the FIN or RST that ended what side sent, the last of it with m, and
// the sentence for it. ok is false when none shows that all it sent before is in the
// capture.
func endOfStream(c *analyze.Connection, side reassembly.Side, m *http1.Message) (at capture.Mark, text string, ok bool) {
	if fin, other := c.FIN(side), c.FIN(side.Other()); !fin.IsZero() {
		if gaveUp(c, side, m) {
			return other, closer(c, side.Other(), "closed"), c.Intact()
		}
		if first, _ := c.FirstCloser(); first != side && other.IsZero() {
			return fin, "", false // the close that it answers is missing from the capture
		}
		return fin, closer(c, side, "closed"), c.Intact()
	}
	rst, by := c.RST()
	if rst.IsZero() || c.Closing == nil || c.Closing.Reset.Unseen {
		return rst, "", false
	}
	return rst, closer(c, by, "reset"), c.Intact()
}

// gaveUp reports whether the receiver of m closed before it had all of m, and its
// sender in answer to that. What is seen behind the close for less than the way to the
// sender and back takes was sent without knowing of it.
func gaveUp(c *analyze.Connection, sender reassembly.Side, m *http1.Message) bool {
	end, by, ended := c.Ended()
	fin := c.FIN(sender)
	if !ended || by == sender || fin.IsZero() {
		return false
	}
	if rst, side := c.RST(); !rst.IsZero() && side == by {
		return true // it refused what came then: it did not just say that it had no more to send
	}
	toSender, _ := c.RTTServer()
	if sender == c.ClientSide() {
		toSender, _ = c.RTTClient()
	}
	if crossed := m.End.At.Sub(end); crossed >= 0 {
		return crossed < toSender && fin.Sub(end) >= toSender-toSender/10
	}
	return fin.Sub(end) >= toSender/2
}

// methodOf names the method of x if it is a known one, else just "request":
// methods are bytes of the capture.
func methodOf(x *analyze.Exchange) string {
	switch m := x.Request.Method; m {
	case "POST", "PATCH", "CONNECT", "LOCK":
		return m
	default:
		if x.Request.Idempotent() {
			return m
		}
	}
	return "request"
}

// answeredAt is when the client had the first byte of the response to x; ok is
// false without one.
func answeredAt(x *analyze.Exchange) (capture.Time, bool) {
	if x == nil || x.Response == nil {
		return 0, false
	}
	toClient, _ := x.Connection.RTTClient()
	return x.Response.Start.Readable.Add(toClient / 2), true
}

// upperFirst makes a sentence's first letter, which is ASCII, a capital.
func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
