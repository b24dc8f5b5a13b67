package rules

import (
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

// signs are what an exchange shows at a glance. Most exchanges show none, and most
// rules look for one.
type signs uint32

// The signs.
const (
	incomplete signs = 1 << iota // request or response is missing, or not whole
	faulty                       // one of them has a problem
	oldRequest                   // of HTTP/1.0
	hopByHop                     // there may be a field for the next recipient beside a plain Connection
	untilClose                   // the response ends with the connection
	withBody                     // the request has a body
	pipelined                    // the request came before the response to the one before
	firstOfAll                   // no exchange of the connection was over before
	slowAnswer                   // the wait for it was noticeable
	stoodStill                   // a sender did, within a message
	sentAgain                    // segments of a message were
	nagleIsOff                   // at a sender, as its segments show
)

// noticeable is from when on an answer is slow.
const noticeable = 100 * time.Millisecond

// What hopByHop is seen by.
var (
	hopByHopInRequests  = http1.NamesOf("Proxy-Connection", "Proxy-Authorization", "Keep-Alive")
	hopByHopInResponses = http1.NamesOf("Keep-Alive")
)

func signsOf(x *analyze.Exchange) (s signs) {
	request, response := x.Request, x.Response
	s = signIf(request == nil || response == nil, incomplete) |
		signIf(x.Order.Pipelined, pipelined) |
		signIf(x.Connection.FirstExchange == x.ID, firstOfAll) |
		signIf(x.Timing.Wait >= noticeable, slowAnswer) |
		signsOfTransfer(x.Sending) | signsOfTransfer(x.Answering)
	if request != nil {
		s |= signsOfMessage(request, hopByHopInRequests) |
			signIf(request.Version == http1.HTTP10, oldRequest) |
			signIf(request.BodyBytes > 0 || !request.BodyStart.IsZero(), withBody)
	}
	if response != nil {
		s |= signsOfMessage(response, hopByHopInResponses) |
			signIf(response.Framing == http1.UntilClose, untilClose)
	}
	return s
}

func signsOfMessage(m *http1.Message, names http1.Names) signs {
	says := m.Nominates() || m.HasToken("Connection", "close") && m.HasToken("Connection", "keep-alive")
	return signIf(!m.Complete, incomplete) | signIf(m.Problems != 0, faulty) | signIf(says || m.MayHave(names), hopByHop)
}

func signsOfTransfer(t *analyze.Transfer) signs {
	if t == nil {
		return 0
	}
	return signIf(len(t.Pauses) > 0, stoodStill) | signIf(len(t.Losses) > 0, sentAgain) | signIf(t.NoDelay, nagleIsOff)
}

func signIf(shown bool, s signs) signs {
	if shown {
		return s
	}
	return 0
}

// exchangeHook is what a rule does at an exchange that shows one of its signs; at
// every one if it has none.
type exchangeHook struct {
	signs signs
	call  func(*analyze.Exchange)
}

// exchangeHooks calls those that want an exchange, in order.
type exchangeHooks struct {
	all    []exchangeHook
	signs  func(*analyze.Exchange) signs
	latest signs                               // of an exchange
	chosen []func(*analyze.Exchange)           // those that want latest
	by     map[signs][]func(*analyze.Exchange) // what was chosen before
}

func newExchangeHooks(of func(*analyze.Exchange) signs) *exchangeHooks {
	return &exchangeHooks{signs: of, by: map[signs][]func(*analyze.Exchange){}}
}

func (h *exchangeHooks) exchange(x *analyze.Exchange) {
	if s := h.signs(x); s != h.latest || h.chosen == nil {
		h.latest, h.chosen = s, h.choose(s)
	}
	for _, call := range h.chosen {
		call(x)
	}
}

func (h *exchangeHooks) choose(s signs) []func(*analyze.Exchange) {
	chosen, known := h.by[s]
	if known {
		return chosen
	}
	for _, hook := range h.all {
		if hook.signs == 0 || hook.signs&s != 0 {
			chosen = append(chosen, hook.call)
		}
	}
	h.by[s] = chosen
	return chosen
}
