package analyze

import (
	"strconv"
	"strings"
	"time"

	"wirelag/analyze/dns"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// Connection is a TCP connection and what it was used for. It is valid until the function
// of a listener returns that is told of it: where nothing goes on on it for long, its memory
// is used for others, and the next event comes with another that has the same ID. Who asked
// to [Connection.Keep] it has the same at all events, as long as not very many are kept; or
// else as it was when nothing went on any more. Nobody changes it after Listener.Closed.
// Texts may always be kept.
type Connection struct {
	*reassembly.Connection
	Protocol Protocol
	// ServerName is the host that the client asked for: as it said (Host field, SNI), or
	// else by the lookup of the server's address; "" when unknown.
	ServerName string
	nameSource nameSource
	// Lookup is the lookup that the client waited for before it opened the
	// connection; nil when the capture shows none, or the address was known already.
	Lookup *dns.Lookup
	// Exchanges counts the exchanges begun on the connection.
	Exchanges int
	// Requests counts those of them whose request is in the capture.
	Requests int32
	// FirstExchange is the ID of the first exchange that is over; 0 before.
	FirstExchange uint64
	firstExchange *number
	// FirstAnswered is the last packet of the first exchange's response; zero
	// while that is not complete, or where it made the connection a tunnel.
	FirstAnswered capture.Mark
	// FirstArrived is when all of that had passed the capture point, what was lost behind
	// it and sent again included.
	FirstArrived capture.Time
	// LastAnswered is the last packet of the latest response; zero where that is
	// not complete, or made the connection a tunnel.
	LastAnswered capture.Mark
	// Unanswered: the latest request that is over has no response in the capture.
	Unanswered bool
	// Waiting counts the exchanges that are not over.
	Waiting int32
	// Persistence is what the latest exchange with a request said about going on; a close
	// that was announced once stays.
	Persistence Persistence
	// Promise is what the latest response said about how long.
	Promise Promise
	// Unfinished counts the exchanges that were over without a whole request and a
	// whole final response.
	Unfinished int32
	// Excess is, by direction, what followed a message without beginning another;
	// nil when nothing did. Only the first such place is told.
	Excess *[2]Excess
	// Closing is what its FINs and RST say; nil without any.
	Closing *Closing
	// Trail is what is kept of its segments; nil where that was not asked for, or
	// there was no room.
	Trail *Trail
	// Over: Closed was told of it.
	Over bool
	// overrun: exchanges were given up because too many waited.
	overrun bool
	ending  bool // a FIN or RST came after all else that is known
	keepers int32
	told    *told // whose it is; nil before it is told
}

// Keep returns c, whose memory is not used for another connection before
// [Connection.Release] was called as often as Keep. Who keeps it for good need
// not release it.
func (c *Connection) Keep() *Connection {
	c.keepers++
	return c
}

// Release ends what a Keep began: who kept c does not look at it any more.
func (c *Connection) Release() {
	c.keepers--
	c.told.free()
}

// IsOpen reports whether neither FIN nor RST came so far.
func (c *Connection) IsOpen() bool { return !c.ending && c.Connection.IsOpen() }

// WatchedUntil is until when the capture went on that has the connection: its end, or, before
// that, the moment at which Listener.Closed is called. It is known from then on.
func (c *Connection) WatchedUntil() capture.Time { return c.told.watched }

// Intact reports whether all that both ends sent was seen, as far as the numbers
// in their segments and resets tell, and remembered for as long as it was needed.
func (c *Connection) Intact() bool {
	return c.Connection.Intact() && !c.overrun && (c.Closing == nil || !c.Closing.Reset.Unseen)
}

// Promise is what a Keep-Alive field announces (RFC 2068 §19.7.1.1). -1 where it
// says nothing, or must be ignored.
type Promise struct {
	Timeout int32 // seconds that the connection may be idle
	Max     int32 // requests that are still allowed
}

// PromiseOf is what a response announces.
func PromiseOf(response *http1.Message) Promise {
	p := Promise{-1, -1}
	if !response.HasToken("Connection", "keep-alive") {
		return p
	}
	for item := range response.List("Keep-Alive") {
		p.read(item)
	}
	return p
}

func (p *Promise) read(item string) {
	name, value, _ := strings.Cut(item, "=")
	n, err := strconv.ParseInt(strings.Trim(value, " \t\""), 10, 32)
	if err != nil || n < 0 {
		return
	}
	switch {
	case strings.EqualFold(name, "timeout"):
		p.Timeout = int32(n)
	case strings.EqualFold(name, "max"):
		p.Max = int32(n)
	}
}

// Persistence is what an exchange says about using its connection again (RFC 9112 §9.3).
type Persistence uint8

// What an exchange can say.
const (
	Persistent       Persistence = iota // nothing is in the way
	ClosedByRequest                     // the request said "Connection: close"
	ClosedByResponse                    // the response did
	WithoutKeepAlive                    // HTTP/1.0, and one side did not ask for keep-alive
	WithoutLength                       // the response ends with the connection
	ClosedUnasked                       // a response that no request had asked for said that it is the last
)

// Agreed reports whether the exchanges let the connection go on. What a response says that no
// request had asked for comes with the close, as a rule, and warns nobody.
func (p Persistence) Agreed() bool { return p == Persistent || p == ClosedUnasked }

func persistence(x *Exchange) Persistence {
	request, response := x.Request, x.Response
	switch {
	case request.HasToken("Connection", "close"):
		return ClosedByRequest
	case !request.Persistent():
		return WithoutKeepAlive // whatever the response says of it
	case response.HasToken("Connection", "close"):
		return ClosedByResponse
	case response.Framing == http1.UntilClose:
		return WithoutLength
	case !response.Persistent():
		return WithoutKeepAlive
	}
	return Persistent
}

// Protocol is what a connection speaks.
type Protocol uint8

// The protocols that are told apart.
const (
	UnknownProtocol Protocol = iota
	HTTP09
	HTTP10
	HTTP11
	HTTP2
	TLS // encrypted, without keys
)

var protocolNames = [...]string{"unknown", "http/0.9", "http/1.0", "http/1.1", "h2", "tls"}

func (p Protocol) String() string { return protocolNames[p] }

// Exchange is a request with its interim and its final response; either may be
// missing. Nobody changes it after Listener.Exchange; but when all listeners have
// heard of it, its memory and that of its messages is used for others, unless one
// asked to [Exchange.Keep] it. Texts may always be kept.
type Exchange struct {
	// ID numbers the exchanges of a capture from 1 in the order of their first packets.
	ID         uint64
	Connection *Connection
	Stream     uint32           // HTTP/2 stream; 0 with HTTP/1
	Request    *http1.Message   // nil when it is not in the capture
	Response   *http1.Message   // the final response; nil when there is none in the capture
	Interim    []*http1.Message // 1xx responses other than 101, in order
	// Informed: when the request was sent, the client had acknowledged the whole
	// response before it on the connection. False where that is not known.
	Informed bool
	Order    Order // of the request
	Timing   Timing
	// RequestPlace and ResponsePlace are where they lie in the streams; zero
	// without the message, and without its end while it has not ended.
	RequestPlace, ResponsePlace Place
	// HalfRequest: there is no request, but the client had sent a part of one, or
	// bytes that are none, when the response came.
	HalfRequest bool
	// RequestUnseen: there is no request, but the response acknowledges bytes of the client
	// that the capture did not show before it.
	RequestUnseen bool
	// OtherAnswer: what the server sent when it had the request is no response of HTTP/1.
	OtherAnswer bool
	// Disturbed: bytes of the connection, in either direction, turned out to be
	// missing from the capture while the exchange went on, or may be.
	Disturbed bool
	// Sending and Answering are how the segments of request and response went;
	// nil when the message is.
	Sending, Answering *Transfer

	// reached is when the last byte of the request can have reached the server, at the
	// latest, as its segments show that pass the capture point; 0 when unknown.
	reached        capture.Time
	nothingBetween bool // from the server, between the acknowledgement and the response
	kept           bool
}

// Earliest is the first message of x that is in the capture: of some, all that was
// captured is an interim response.
func (x *Exchange) Earliest() *http1.Message {
	switch {
	case x.Request != nil:
		return x.Request
	case len(x.Interim) > 0:
		return x.Interim[0]
	}
	return x.Response
}

// Unanswered reports whether the server sent nothing, as far as the capture shows, but
// interim responses for the request of x.
func (x *Exchange) Unanswered() bool {
	return x.Request != nil && x.Response == nil && !x.OtherAnswer
}

// Keep returns x, which stays as it is, and its connection. Who is told of it may
// keep it from then on.
func (x *Exchange) Keep() *Exchange {
	if !x.kept { // its Analyzer looks at it once it was told
		x.kept = true
		x.Connection.Keep()
	}
	return x
}

// Unknown is the value of a duration that does not apply or cannot be known.
const Unknown time.Duration = -1

// Timing is where the client's time went in one exchange, in the phases of HAR
// 1.2, as the client experienced them: corrected by the round trips between the
// capture point and the ends. Phases that do not apply are Unknown.
type Timing struct {
	Blocked time.Duration // waiting behind an earlier exchange on the connection
	DNS     time.Duration
	Connect time.Duration // TCP and TLS handshakes; first exchange of a connection only
	SSL     time.Duration // the part of Connect that TLS took
	Send    time.Duration
	Wait    time.Duration // from the end of the request (or of the response before) to the first byte of the response
	Receive time.Duration
	Causes  Causes
	// NoAnswer is how long the client waited for a response until the connection
	// ended without one. It is no phase of HAR.
	NoAnswer time.Duration
	// RTT is the connection's round trip as it was known when the exchange was over.
	RTT time.Duration
}

// Total is the sum of the phases (SSL is part of Connect).
func (t Timing) Total() time.Duration {
	total := time.Duration(0)
	for _, d := range []time.Duration{t.Blocked, t.DNS, t.Connect, t.Send, t.Wait, t.Receive} {
		total += max(d, 0)
	}
	return total
}

// Causes are the parts of Send, Wait and Receive that TCP is the cause of.
type Causes struct {
	Nagle, DelayedACK, SlowStart, Retransmission, Window time.Duration
}
