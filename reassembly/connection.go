// Package reassembly turns TCP segments into connections and their bytes in
// order. Segments come in one at a time from [packet.Decoder]; a [Table] finds
// the connection each belongs to (a 4-tuple and its start), follows its state,
// its round trips and its losses, and hands what it learns to a [Consumer]. It
// keeps a record for every open connection and, behind holes, bounded copies of
// the segments that wait for the hole to be filled.
package reassembly

import (
	"net/netip"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
	"wirelag/reassembly/vantage"
)

// Side is one of the two ends of a connection. It never changes for an end,
// while which of them is the client may be learned late.
type Side uint8

// Other is the opposite side.
func (s Side) Other() Side { return s ^ 1 }

// Direction is the way that data flows.
type Direction uint8

// The directions.
const (
	ToServer Direction = iota
	ToClient
)

func (d Direction) String() string {
	if d == ToServer {
		return "to server"
	}
	return "to client"
}

// CloseKind is how a connection ended.
type CloseKind uint8

// How a connection ends.
const (
	StillOpen CloseKind = iota // open when the capture ended
	ByFIN
	ByRST
	ByTimeout // no end was seen; its 4-tuple was used again or it was evicted
)

var closeNames = [...]string{"open", "fin", "rst", "timeout"}

func (k CloseKind) String() string { return closeNames[k] }

// Role is what is known of which end is the client.
type Role uint8

// How sure the roles are.
const (
	RoleByPort    Role = iota // a guess: the client is the side with the higher port
	RoleByContent             // the client sent the first HTTP request or TLS ClientHello
	RoleBySYN                 // the client sent the first SYN
)

// Connection is one TCP connection: a 4-tuple from its first packet to its end.
// It is valid until Consumer.Closed returns, or Consumer.Sleeps; a [Snapshot] stays.
type Connection struct {
	// Attached is the consumer's own state for the connection.
	Attached any
	ending   *ending   // nil before the first FIN or RST
	oddities *oddities // nil for most
	// ID numbers the connections of a table from 1 in the order of their first packets.
	ID uint64

	ref          ref    // of this record
	links               // in the order of opening
	drops        uint32 // of the table, up to which it knows
	client       Side
	role         Role
	close        CloseKind
	begunBySYN   bool // by its first packet
	synchronised bool // the handshake is over, or was before the capture began
	told         bool // Consumer.Closed was called
	spared       bool // room was wanted, and it was left; nothing came since
	lost         bool // packets are missing from the capture, or may be

	ends [2]end

	last        capture.Mark
	serial      uint32 // of the last segment, in the capture
	first       capture.Mark
	synAck      capture.Mark // the SYN/ACK that the client acknowledged
	established capture.Mark // the client's answer to it
}

// IsOpen reports whether neither FIN nor RST came so far.
func (c *Connection) IsOpen() bool {
	e := c.ending
	return c.close == StillOpen && (e == nil || e.rst.IsZero() && e.fin[0].IsZero() && e.fin[1].IsZero())
}

// Endpoints are the client's and the server's end.
func (c *Connection) Endpoints() (client, server packet.Endpoint) {
	return c.ends[c.client].endpoint, c.ends[c.client.Other()].endpoint
}

// Client is the end that opened the connection.
func (c *Connection) Client() netip.AddrPort { return c.ends[c.client].endpoint.AddrPort() }

// Server is the end that was connected to.
func (c *Connection) Server() netip.AddrPort { return c.ends[c.client.Other()].endpoint.AddrPort() }

// ClientSide is the side that is the client, as far as is known.
func (c *Connection) ClientSide() Side { return c.client }

// Roles says how the client was told from the server.
func (c *Connection) Roles() Role { return c.role }

// Direction is the way data from side flows.
func (c *Connection) Direction(side Side) Direction {
	if side == c.client {
		return ToServer
	}
	return ToClient
}

// Sender is the side whose data flows in direction d.
func (c *Connection) Sender(d Direction) Side {
	if d == ToServer {
		return c.client
	}
	return c.client.Other()
}

// First is the first packet of the connection, Last its latest so far.
func (c *Connection) First() capture.Mark { return c.first }

// Last is the latest packet of the connection.
func (c *Connection) Last() capture.Mark { return c.last }

// MidStream reports whether the connection was open before the capture began:
// its SYN is not in it.
func (c *Connection) MidStream() bool { return c.role != RoleBySYN }

// Packets counts the packets of the connection, in both directions.
func (c *Connection) Packets() uint64 {
	return uint64(c.ends[0].segments) + uint64(c.ends[1].segments)
}

// Shared describes the points that captured the connection and tells which of
// them leads it; nil where there is but one.
func (c *Connection) Shared() *vantage.Connection {
	if c.oddities == nil {
		return nil
	}
	return c.oddities.shared
}

// Bytes counts the bytes of the stream in direction d: seen in order, or known
// to be missing from the capture.
func (c *Connection) Bytes(d Direction) int64 { return c.ends[c.Sender(d)].offset }

// Retransmissions counts the segments with payload that were sent again, in both directions.
func (c *Connection) Retransmissions() uint64 {
	if c.oddities == nil {
		return 0
	}
	return c.oddities.retransmissions
}

// Close is how the connection ended.
func (c *Connection) Close() CloseKind { return c.close }

// ClosedBy is the side that ended the connection: the sender of the first FIN,
// or of the RST where there was none. ok is false while it is open.
func (c *Connection) ClosedBy() (side Side, ok bool) {
	if c.close != ByFIN && c.close != ByRST {
		return 0, false
	}
	return c.ending.closedBy, true
}

// ClosedAt is the packet that ended the connection (the last FIN or the RST); zero while it is open.
func (c *Connection) ClosedAt() capture.Mark {
	if c.ending == nil {
		return capture.Mark{}
	}
	return c.ending.closedAt
}

// over reports whether both ends finished, or one reset.
func (c *Connection) over() bool { return !c.ClosedAt().IsZero() }

// FIN is the packet in which side finished its stream; zero if it did not.
func (c *Connection) FIN(side Side) capture.Mark {
	if c.ending == nil {
		return capture.Mark{}
	}
	return c.ending.fin[side]
}

// hasFIN reports whether side's FIN was seen, finInOrder whether all before it was, too.
func (c *Connection) hasFIN(side Side) bool { return c.ending != nil && !c.ending.fin[side].IsZero() }

func (c *Connection) finInOrder(side Side) bool { return c.ending != nil && c.ending.finInOrder[side] }

// RST is the packet that reset the connection and its sender; zero if none did.
func (c *Connection) RST() (capture.Mark, Side) {
	if c.ending == nil {
		return capture.Mark{}, 0
	}
	return c.ending.rst, c.ending.rstSide
}

// SYN is the first SYN; zero when it is not in the capture.
func (c *Connection) SYN() capture.Mark {
	if c.begunBySYN {
		return c.first
	}
	return c.syns().first
}

// syns are the SYNs of c.
func (c *Connection) syns() syns {
	if s := c.otherSYNs(); s != nil {
		return *s
	}
	return c.plainSYNs()
}

// otherSYNs are the SYNs of c where they are not the plain ones; nil where they are.
func (c *Connection) otherSYNs() *syns {
	if o := c.oddities; o != nil && o.hasSYNs {
		return &o.syns
	}
	return nil
}

// SYNACK is the SYN/ACK that the client acknowledged; zero when it is not in the capture.
func (c *Connection) SYNACK() capture.Mark { return c.synAck }

// FirstSYNACK is the first SYN/ACK in answer to AnsweredSYN: SYNACK itself or, where that
// is a repeat, the one that was lost. certain: the client's answer has the timestamp of the repeat.
func (c *Connection) FirstSYNACK() (m capture.Mark, certain bool) {
	if s := c.otherSYNs(); s != nil {
		return s.answer, s.echoed
	}
	return c.synAck, false
}

// Established is the client's answer to the SYN/ACK: its acknowledgement, bare or with the
// first that it sends; zero when it is not in the capture. What came later acknowledges the
// SYN/ACK as well, but does not tell when it got there.
func (c *Connection) Established() capture.Mark { return c.established }

// AnsweredSYN is the last SYN before the SYN/ACK that the client acknowledged:
// the first one, or a repeat where it was lost.
func (c *Connection) AnsweredSYN() capture.Mark {
	if s := c.otherSYNs(); s != nil {
		return s.answered
	}
	return c.onlySYN()
}

// FastOpened is how many bytes went with the client's SYN and were acknowledged by the
// SYN/ACK (TCP Fast Open, RFC 7413 §3): they did not wait for the handshake.
func (c *Connection) FastOpened() int64 {
	if c.oddities == nil {
		return 0
	}
	return int64(c.oddities.fastOpened)
}

// Begun reports whether side's SYN is in the capture, so that its stream is
// known from the first byte.
func (c *Connection) Begun(side Side) bool { return c.ends[side].hasISN }

// Challenge is a segment by which the server acknowledged something else than
// the client's SYN (RFC 5961 §4.2); zero without one.
func (c *Connection) Challenge() capture.Mark {
	if c.oddities == nil {
		return capture.Mark{}
	}
	return c.oddities.challenge
}

// Former is when the connection before it on the same 4-tuple was closed, and
// which side's FIN was the first then. ok is false when none is remembered
// that both sides closed.
func (c *Connection) Former() (at capture.Mark, firstFIN Side, ok bool) {
	if c.oddities == nil {
		return at, 0, false
	}
	f := c.oddities.former
	return f.closedAt, f.firstFIN, !f.closedAt.IsZero()
}

// Synchronised reports whether both sides have begun to talk: the handshake is
// over, or was before the capture began.
func (c *Connection) Synchronised() bool { return c.synchronised }

// OneSided reports whether the capture holds segments of one side only although
// the other must have answered.
func (c *Connection) OneSided() bool {
	return c.synchronised && (c.ends[0].segments == 0 || c.ends[1].segments == 0)
}

// Intact reports whether all bytes of both streams are in the capture, as far
// as sequence numbers, acknowledgements and what the capturing system says of
// its losses tell.
func (c *Connection) Intact() bool {
	return !c.lost && !c.OneSided() && !c.missesEnd(0) && !c.missesEnd(1)
}

// missesEnd reports whether bytes of side have not been seen that lie before its
// FIN, or that the other side acknowledged.
func (c *Connection) missesEnd(side Side) bool {
	e, other := &c.ends[side], &c.ends[side.Other()]
	return c.awaitsFIN(side) || e.started && other.acknowledges(e.next+2) // one beyond may be a FIN
}

// awaitsFIN reports whether bytes before side's FIN have not been seen.
func (c *Connection) awaitsFIN(side Side) bool { return c.hasFIN(side) && !c.finInOrder(side) }

// EchoesUnseen reports whether s of side echoes a timestamp that is later than all
// that were seen of the other side (RFC 7323 §4.1): the capture has the segment
// that had it later, or not at all.
func (c *Connection) EchoesUnseen(side Side, s *packet.Segment) bool {
	latest := c.ends[side.Other()].lastTSVal
	return s.Flags.Has(packet.ACK) && s.Options.HasTimestamps && latest != 0 && int32(s.Options.TSEcr-latest) > 0
}

// EchoesACK reports whether s of side echoes a timestamp that is later than that of all
// data that was seen of the other side: an acknowledgement without data had it. Not all
// systems remember those (RFC 1323 §3.4 did not ask for it, RFC 7323 §4.3 does).
func (c *Connection) EchoesACK(side Side, s *packet.Segment) bool {
	other := &c.ends[side.Other()]
	return s.Options.HasTimestamps && other.hasTimestamps && int32(s.Options.TSEcr-other.topTSVal) > 0
}

// SYNRepeats counts SYNs and SYN/ACKs that were sent again.
func (c *Connection) SYNRepeats() int {
	if c.oddities == nil {
		return 0
	}
	return int(c.oddities.syns.repeats)
}

// RefusedAtFirst reports whether a SYN was answered by a reset before another one was accepted.
func (c *Connection) RefusedAtFirst() bool { return c.oddities != nil && c.oddities.syns.refused }

// MSS is the maximum segment size that side announced to receive (RFC 9293 §3.7.1); 0 when unknown.
func (c *Connection) MSS(side Side) int { return int(c.ends[side].mss) }

// RTT is the connection's round trip between client and server: the sum of the
// round trips from the capture point to each.
func (c *Connection) RTT() (rtt time.Duration, ok bool) {
	toClient, ok1 := c.RTTClient()
	toServer, ok2 := c.RTTServer()
	return toClient + toServer, ok1 && ok2
}

// RTTClient is the round trip between the capture point and the client: the
// least time from a segment to the client to its acknowledgement, repeated
// segments excluded (Karn). ok is false when none was seen.
func (c *Connection) RTTClient() (time.Duration, bool) {
	return c.ends[c.client.Other()].bestRTT()
}

// RTTServer is the same between the capture point and the server.
func (c *Connection) RTTServer() (time.Duration, bool) {
	return c.ends[c.client].bestRTT()
}

// Setup is how long the client waited for the connection: from its first SYN to
// the SYN/ACK, repeats included. ok is false when the handshake is not in the capture,
// or how far it is from there to the client.
func (c *Connection) Setup() (time.Duration, bool) {
	syn := c.SYN()
	toClient, known := c.RTTClient()
	if !known || syn.IsZero() || c.synAck.IsZero() {
		return 0, false
	}
	return c.synAck.Sub(syn) + toClient, true
}

// Offset is the place of sequence number seq in side's stream, in bytes from its
// beginning (or from where the capture first saw it).
func (c *Connection) Offset(side Side, seq uint32) int64 {
	e := &c.ends[side]
	return e.offset + int64(int32(seq-e.next))
}

// Acknowledged is how many bytes of side's stream the other side acknowledged;
// its FIN counts as one. ok is false when no acknowledgement was seen.
func (c *Connection) Acknowledged(side Side) (n int64, ok bool) {
	other := &c.ends[side.Other()]
	return c.Offset(side, other.ack), other.sentACK && c.ends[side].started
}

// ReceiveWindow is the receive window that a segment of side announces, in
// bytes. ok is false where the scale is not known (RFC 7323 §2.2: the SYN is
// not in the capture).
func (c *Connection) ReceiveWindow(side Side, s *packet.Segment) (window uint32, ok bool) {
	e, other := &c.ends[side], &c.ends[side.Other()]
	window = uint32(s.Window)
	if e.hasScale && other.hasScale && !s.Flags.Has(packet.SYN) {
		window <<= e.scale
	}
	return window, c.scaled()
}

// LatestWindow is the receive window that side announced last. ok is as with ReceiveWindow.
func (c *Connection) LatestWindow(side Side) (window uint32, ok bool) {
	e := &c.ends[side]
	return e.window, e.sentACK && c.scaled()
}

// scaled reports whether it is known how windows are scaled: by the options of both SYNs.
func (c *Connection) scaled() bool {
	a, b := &c.ends[0], &c.ends[1]
	return a.hasISN && b.hasISN && !a.scaleUnknown && !b.scaleUnknown
}

// HoleSince is when the first byte behind the present hole in side's stream was
// captured. ok is false when its stream has no hole.
func (c *Connection) HoleSince(side Side) (at capture.Time, ok bool) {
	st := c.stretch(side)
	if st == nil {
		return 0, false
	}
	return st.since, true
}
