package analyze

import "time"

// Phase is a part of the time that a client spends on an exchange.
type Phase uint8

// The phases, in order.
const (
	DNSPhase Phase = iota
	ConnectPhase
	TLSPhase
	BlockedPhase // behind an earlier exchange on the connection
	SendPhase
	WaitPhase // for the first byte of the response
	ReceivePhase
	NoAnswerPhase // from the request to the end of the connection, without a response

	Phases = iota // how many there are
)

var phaseNames = [Phases]string{"dns", "connect", "tls", "blocked", "send", "wait", "receive", "no-answer"}

func (p Phase) String() string { return phaseNames[p] }

// SpentOn is what a part of a phase was spent on.
type SpentOn uint8

// What time is spent on.
const (
	// OnRest is what nothing that the capture shows explains: within SendPhase and
	// ReceivePhase the pace of the sender or of the path, within WaitPhase a request
	// that was on its way for longer than a round trip, or a wait without a known one.
	OnRest      SpentOn = iota
	OnPhase             // its name says it: a lookup, an earlier exchange, …
	OnRoundTrip         // one way to the server and back
	OnServer            // what is left of a wait when the server had the request
	OnNagle
	OnDelayedACK
	OnSlowStart
	OnRetransmission
	OnWindow

	SpentOns = iota // how many there are
)

var spentOnNames = [SpentOns]string{
	"unexplained", "itself", "network", "server", "nagle", "delayed-ack", "slow-start", "retransmission", "window",
}

func (s SpentOn) String() string { return spentOnNames[s] }

// Spent is where the time of one exchange or more went, as the client
// experienced it: by phase and what it was spent on. Its parts do not overlap.
type Spent [Phases][SpentOns]time.Duration

// Add adds where the client's time went in x. complete is false where some of it
// is not known: a part of the exchange is missing from the capture, or it had no
// response and nothing shows until when the client waited for one.
func (s *Spent) Add(x *Exchange) (complete bool) {
	t := &x.Timing
	s[DNSPhase][OnPhase] += max(t.DNS, 0)
	s[TLSPhase][OnPhase] += max(t.SSL, 0)
	s[BlockedPhase][OnPhase] += max(t.Blocked, 0)
	s.addConnect(x)
	in := x.causesIn()
	s[SendPhase][OnRest] += s.addCauses(SendPhase, t.Send, &in.send)
	s[ReceivePhase][OnRest] += s.addCauses(ReceivePhase, t.Receive, &in.receive)
	return s.addWait(x, &in.wait) && !x.Disturbed
}

// addWait adds the wait for the response, also where it came to nothing.
func (s *Spent) addWait(x *Exchange, c *Causes) (complete bool) {
	t := &x.Timing
	switch {
	case x.Request == nil:
		return false
	case t.Wait >= 0:
		rest := s.addCauses(WaitPhase, t.Wait, c)
		if t.RTT < 0 {
			s[WaitPhase][OnRest] += rest
			return true
		}
		trip := min(t.RTT, rest)
		server := min(rest-trip, x.atServer())
		s[WaitPhase][OnRoundTrip] += trip
		s[WaitPhase][OnServer] += server
		s[WaitPhase][OnRest] += rest - trip - server
		return true
	case x.Response != nil:
		s[WaitPhase][OnRest] += max(x.Response.Start.Readable.Sub(x.Request.End.At.Time), 0)
		return false // how long the two took to the client and from it
	}
	s[NoAnswerPhase][OnPhase] += max(t.NoAnswer, 0)
	return t.NoAnswer >= 0
}

// addConnect adds the TCP handshake: SYNs sent again, a round trip, the rest.
func (s *Spent) addConnect(x *Exchange) {
	rest := max(x.Timing.Connect, 0) - max(x.Timing.SSL, 0)
	if rest <= 0 {
		return
	}
	c := x.Connection
	if first, answered := c.SYN(), c.AnsweredSYN(); !first.IsZero() && !answered.IsZero() {
		again := min(max(answered.Sub(first), 0), rest)
		s[ConnectPhase][OnRetransmission] += again
		rest -= again
	}
	trip := min(max(x.Timing.RTT, 0), rest)
	s[ConnectPhase][OnRoundTrip] += trip
	s[ConnectPhase][OnRest] += rest - trip
}

// addCauses adds the causes within a phase and returns what is left of it.
func (s *Spent) addCauses(p Phase, took time.Duration, c *Causes) (rest time.Duration) {
	rest = max(took, 0)
	if *c == (Causes{}) {
		return rest
	}
	s[p][OnNagle] += c.Nagle
	s[p][OnDelayedACK] += c.DelayedACK
	s[p][OnSlowStart] += c.SlowStart
	s[p][OnRetransmission] += c.Retransmission
	s[p][OnWindow] += c.Window
	return rest - c.total()
}

// Merge adds the parts of more.
func (s *Spent) Merge(more *Spent) {
	for p := range s {
		for on := range s[p] {
			s[p][on] += more[p][on]
		}
	}
}

// Subtract takes the parts of less off.
func (s *Spent) Subtract(less *Spent) {
	for p := range s {
		for on := range s[p] {
			s[p][on] -= less[p][on]
		}
	}
}

// In is the time of a phase.
func (s *Spent) In(p Phase) (total time.Duration) {
	for _, d := range s[p] {
		total += d
	}
	return total
}

// Total is the time of all phases.
func (s *Spent) Total() (total time.Duration) {
	for p := range Phase(Phases) {
		total += s.In(p)
	}
	return total
}
