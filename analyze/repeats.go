package analyze

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// Bounds of the search for requests that are sent again.
const (
	repeatWindow = time.Minute // a request that is sent again later is another one
	maxFailures  = 1 << 12     // failed requests that are remembered
	maxAlike     = 1 << 6      // equal ones that are looked at
	failureBytes = 16 << 20    // that they take
)

// repeats finds requests that a client sent again after they had got no complete
// response. It remembers requests from when their connection ended under them, or they had
// been repeated in vain.
type repeats struct {
	failures map[repeatKey][]*failure // those that were not sent again, oldest first
	order    []*failure               // all, oldest first
	bytes    int64                    // that they take
	dropped  uint64                   // because there were too many
	habits   habits
}

// repeatKey is what the request and its repeat have in common.
type repeatKey struct {
	client               netip.Addr
	server               netip.AddrPort // where there is no Host
	method, target, host string
	bodyBytes            int64
	bodySum              uint32
}

// failure is a request that got no answer, and its repeat.
type failure struct {
	key          repeatKey
	first, again *Exchange
	known        capture.Time // from when on, seen at the capture point, the client can have known
	// firstOver and againOver: the exchanges were told.
	firstOver, againOver bool
	answered             bool // after all, or otherwise than in HTTP/1
	forgotten            bool
	size                 int64
}

func keyOf(m *http1.Message, c *Connection) repeatKey {
	k := repeatKey{client: c.Client().Addr(), method: m.Method, target: m.Target, bodyBytes: m.BodyBytes, bodySum: m.BodySum}
	if k.host, _ = m.Get("Host"); k.host == "" {
		k.server = c.Server()
	}
	return k
}

// clone is k in memory of its own.
func (k repeatKey) clone() repeatKey {
	k.method, k.target, k.host = strings.Clone(k.method), strings.Clone(k.target), strings.Clone(k.host)
	return k
}

// fail notes that side ended the connection at a moment, or sent again in vain: the requests
// that wait for their response have failed, unless it comes all the same.
func (v *conversation) fail(at capture.Mark, side reassembly.Side) {
	known := at.Time
	if side != v.connection.ClientSide() {
		toClient, _ := v.connection.RTTClient()
		known = known.Add(toClient)
	}
	for _, x := range v.pairing.waiting {
		if !x.failed && x.Request != nil && x.Request.Complete && x.requestEnded && !x.responseEnded {
			x.failed = true
			e := v.analyzer.log.under(requestFailed, v.handle)
			e.exchange, e.at = x, capture.Span{At: at, Readable: known}
		}
	}
}

// add remembers the request of x on c, which failed with a packet.
func (r *repeats) add(x *Exchange, c *Connection, ended capture.Span) *failure {
	if r.failures == nil {
		r.failures = map[repeatKey][]*failure{}
	}
	r.expire(ended.At.Time)
	if len(r.order) >= maxFailures {
		r.dropped++
		r.forget()
	}
	f := &failure{key: keyOf(x.Request, c).clone(), first: x, known: ended.Readable}
	r.failures[f.key] = append(r.failures[f.key], f)
	r.order = append(r.order, f)
	return f
}

// detach makes what is kept of a failed request, which is told, independent of other
// exchanges: its fields tell whether it may be repeated.
func (r *repeats) detach(f *failure) {
	f.first = f.first.detach(math.MaxInt)
	if f.forgotten {
		return
	}
	f.size = f.first.Size() + int64(len(f.key.target))
	for r.bytes += f.size; r.bytes > failureBytes; r.forget() {
		r.dropped++
	}
}

// expire forgets failures that are too old.
func (r *repeats) expire(now capture.Time) {
	for len(r.order) > 0 && now.Sub(r.order[0].known) > repeatWindow {
		r.forget()
	}
}

func (r *repeats) forget() {
	f := r.order[0]
	r.bytes -= f.size
	f.forgotten = true
	r.order[0] = nil
	r.order = r.order[1:]
	if list := r.failures[f.key]; len(list) > 0 && list[0] == f {
		r.remove(list, 0)
	}
}

// remove takes the i-th of those of a key out.
func (r *repeats) remove(list []*failure, i int) {
	key := list[i].key
	if len(list) == 1 {
		delete(r.failures, key)
		return
	}
	if i == 0 {
		list[0] = nil
		r.failures[key] = list[1:]
		return
	}
	r.failures[key] = slices.Delete(list, i, i+1)
}

// match returns the failed request that the one of x on c, whose sum is known, sends
// again; nil if there is none.
func (r *repeats) match(x *Exchange, c *Connection, sum uint64) *failure {
	sent := x.Request.Start.At.Time
	f := r.find(x, c, sum, sent)
	if f != nil {
		f.again = x
	} else if !x.Order.Pipelined {
		r.habits.note(sum, sent)
	}
	return f
}

// alike reports whether two requests with the same key ask for the same part of a resource
// (RFC 9110 §14.2), for the same user: behind a proxy there are many.
func alike(m, n *http1.Message) bool {
	for _, name := range [...]string{"Range", "Cookie", "Authorization"} {
		first, _ := m.Get(name)
		if second, _ := n.Get(name); first != second {
			return false
		}
	}
	return true
}

// find takes out the failed request that x, sent at a moment, repeats.
func (r *repeats) find(x *Exchange, c *Connection, sum uint64, sent capture.Time) *failure {
	if len(r.order) == 0 {
		return nil
	}
	r.expire(sent)
	key := keyOf(x.Request, c)
	list := r.failures[key]
	for ; len(list) > 0 && list[0].answered; list = r.failures[key] {
		r.remove(list, 0)
	}
	if len(list) == 0 {
		return nil
	}
	latest := list[len(list)-1].first.Request.Start.At.Time
	if h, ok := r.habits.of(sum); ok && h.explains(sent, latest) {
		return nil
	}
	for i, f := range list[:min(len(list), maxAlike)] {
		if !f.answered && f.first != x && sent >= f.known && alike(f.first.Request, x.Request) {
			r.remove(list, i)
			return f
		}
	}
	return nil
}

// settle notes that an exchange is over: as the one that failed, or as the one
// that repeats it. When both are, the listener hears of it.
func (t *teller) settle(x *exchange) {
	if f := x.failure; f != nil {
		t.repeats.detach(f)
		f.firstOver = true
		f.answered = x.Response != nil && x.Response.Complete && !x.told.refused() || x.OtherAnswer || !x.told.Connection.Intact()
		t.tellRepeat(f)
	}
	if f := x.repeats; f != nil {
		x.told.Keep()
		f.againOver = true
		t.tellRepeat(f)
	}
}

// refused reports whether the client had given up when the response came, and reset what
// it did not take.
func (x *Exchange) refused() bool {
	c := x.Connection
	client := c.ClientSide()
	fin := c.FIN(client)
	rst, by := c.RST()
	if fin.IsZero() || rst.IsZero() || by != client || fin.Time > x.Response.Start.At.Time {
		return false
	}
	n, _ := c.Acknowledged(client.Other())
	return n < x.ResponsePlace.End
}

func (t *teller) tellRepeat(f *failure) {
	if f.firstOver && f.againOver && !f.answered && t.listener.Repeated != nil {
		t.listener.Repeated(f.first, f.again)
	}
}
