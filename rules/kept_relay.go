package rules

import (
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
)

// Bounds of the connections to relays that are followed at once: how many they are, and the
// memory of the exchanges that are kept of them.
const (
	maxKept      = 1 << 14
	maxKeptBytes = 16 << 20
)

// keptRelay is a client's connection on which both sides said "Connection:
// keep-alive", and the client's next request went nowhere.
type keptRelay struct {
	connection *analyze.Connection // when it is closed
	agreed     agreement           // of the latest exchange in which both said it
	hop        *analyze.Hop        // its other side, where the capture shows that: it says so, too
	next       *metSilence         // the request behind it, without any response; nil while there is none
	forwarded  bool                // next was sent on
	upstream   bool                // its client is a relay whose other side the capture shows
	bytes      int64               // of hop
}

// metSilence is a request without a response.
type metSilence struct {
	named
	method   string
	complete bool
	end      capture.Mark
	upTo     int64 // its place in the client's stream ends there
}

func metSilenceOf(x *analyze.Exchange) *metSilence {
	m := x.Request
	return &metSilence{nameOf(x), strings.Clone(methodOf(x)), m.Complete, m.End.At, x.RequestPlace.End}
}

// agreement is an exchange whose messages both ask to keep the connection.
type agreement struct {
	exchange          uint64
	field             string // by which the request does
	request, response capture.Mark
}

func agreementIn(x *analyze.Exchange) agreement {
	a := agreement{x.ID, "Connection", x.Request.HeadEnd.At, x.Response.HeadEnd.At}
	if !x.Request.HasToken("Connection", "keep-alive") {
		a.field = "Proxy-Connection"
	}
	return a
}

// keptListener listens for connections that were kept and then met silence.
// report is called when their end, and the other side of the request that got no
// response, must be known.
func keptListener(p *Pass, report func(*keptRelay)) analyze.Listener {
	w := &keptWatch{pass: p, report: report, of: map[uint64]*keptRelay{}}
	w.closed = later[*keptRelay]{pass: p, after: otherSideWait, most: maxKept, judge: w.judge}
	return analyze.Listener{Exchange: w.exchange, Hop: w.hop, Closed: w.ended, Tick: w.closed.tick, Finish: w.closed.finish}
}

type keptWatch struct {
	pass   *Pass
	report func(*keptRelay)
	of     map[uint64]*keptRelay // by connection
	closed later[*keptRelay]
	bytes  int64 // of the exchanges kept
}

func (w *keptWatch) exchange(x *analyze.Exchange) {
	k := w.of[x.Connection.ID]
	switch {
	case x.Request == nil:
	case x.Response == nil:
		if k != nil && k.next == nil && x.Unanswered() && len(x.Interim) == 0 {
			k.next = metSilenceOf(x)
		}
	case x.Request.Version == http1.HTTP10 && x.Response.Version == http1.HTTP10 && saysKeepAlive(x):
		w.keep(x)
	case k != nil:
		w.drop(x.Connection.ID, k)
	}
}

// weigh counts bytes that are kept for k, if there is room.
func (w *keptWatch) weigh(k *keptRelay, bytes int64) bool {
	if w.bytes+bytes > maxKeptBytes {
		w.pass.Forget()
		return false
	}
	k.bytes += bytes
	w.bytes += bytes
	return true
}

func (w *keptWatch) drop(connection uint64, k *keptRelay) {
	delete(w.of, connection)
	w.bytes -= k.bytes
}

// saysKeepAlive reports whether both messages of x ask to keep the connection,
// in so many words (in Proxy-Connection, too: a proxy behind a relay may take it).
func saysKeepAlive(x *analyze.Exchange) bool {
	for _, m := range [...]*http1.Message{x.Request, x.Response} {
		said := m != nil && (m.HasToken("Connection", "keep-alive") || m.HasToken("Proxy-Connection", "keep-alive"))
		if !headWhole(m) || !said || m.HasToken("Connection", "close") {
			return false
		}
	}
	return x.Response.Complete && x.Response.Framing != http1.UntilClose
}

// keep notes that x kept its connection.
func (w *keptWatch) keep(x *analyze.Exchange) *keptRelay {
	k := w.of[x.Connection.ID]
	if k == nil {
		if len(w.of) >= maxKept {
			w.pass.Forget()
			return nil
		}
		k = &keptRelay{}
		w.of[x.Connection.ID] = k
	}
	if k.hop != nil {
		size := hopSize(k.hop)
		k.bytes -= size
		w.bytes -= size
	}
	k.agreed, k.hop = agreementIn(x), nil
	return k
}

func (w *keptWatch) hop(h *analyze.Hop) {
	if back := w.of[h.Back.Connection.ID]; back != nil {
		back.upstream = true
	}
	k := w.of[h.Front.Connection.ID]
	if k != nil && k.next != nil && k.next.exchange == h.Front.ID {
		k.forwarded = true
		return
	}
	_, _, ended := h.Front.Connection.Ended()
	if ended || !h.Answered || h.Joined || !saysKeepAlive(h.Front) || !saysKeepAlive(h.Back) {
		return
	}
	if k = w.keep(h.Front); k == nil {
		return
	}
	small := *h
	small.Front, small.Back = h.Front.Detach(), h.Back.Detach()
	if w.weigh(k, hopSize(&small)) {
		k.hop = &small
	} else {
		w.drop(h.Front.Connection.ID, k) // without its other side it would look like another relay
	}
}

func hopSize(h *analyze.Hop) int64 { return h.Front.Size() + h.Back.Size() }

func (w *keptWatch) ended(c *analyze.Connection) {
	k := w.of[c.ID]
	if k == nil {
		return
	}
	if k.next == nil {
		w.drop(c.ID, k)
		return
	}
	k.connection = c.Keep()
	w.closed.add(k)
}

// judge reports k when nothing more is waited for.
func (w *keptWatch) judge(k *keptRelay) {
	w.drop(k.connection.ID, k)
	w.report(k)
}

// isBlind reports whether the relay shows no sign of looking at HTTP: it served one
// exchange of the connection, and none of another client's on the one upstream. A proxy
// of HTTP/1.1 that keeps connections says so itself on each side, in the same words: of
// such a one, only that it closed because the server did tells that it passes all on.
func (k *keptRelay) isBlind() bool {
	first := k.agreed.exchange == k.connection.FirstExchange
	if k.hop == nil || !first {
		return first
	}
	front, back := k.hop.Front, k.hop.Back
	if back.Connection.Exchanges != 1 || addsVia(front.Request, back.Request) || addsVia(back.Response, front.Response) {
		return false
	}
	for _, m := range [...]*http1.Message{front.Request, back.Request, front.Response, back.Response} {
		if m.Version != http1.HTTP10 {
			return closedBehind(front.Connection, back.Connection)
		}
	}
	return true
}

// addsVia reports whether a proxy that received in and sent out put itself into Via
// (RFC 9110 §7.6.3).
func addsVia(in, out *http1.Message) bool { return hasField(out, "Via") && !hasSame(in, out, "Via") }

// closedBehind reports whether a relay closed its client's connection when the server
// had closed the other.
func closedBehind(front, back *analyze.Connection) bool {
	const soon = time.Second
	end, side, ended := front.Ended()
	upstream, by, closed := back.Ended()
	return ended && closed && side != front.ClientSide() && by != back.ClientSide() &&
		end.Time >= upstream.Time && end.Time <= upstream.Time.Add(soon)
}

// unanswered reports whether the request after the one that was kept reached
// the relay and met nothing but silence, and the end of the connection shows it.
func (k *keptRelay) unanswered() bool {
	c := k.connection
	_, _, ended := c.Ended()
	acknowledged, known := c.Acknowledged(c.ClientSide())
	return ended && c.Intact() && k.next.complete && known && acknowledged >= k.next.upTo && !k.forwarded && c.Excess == nil
}
