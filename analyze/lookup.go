package analyze

import (
	"bytes"
	"encoding/binary"
	"time"

	"wirelag/analyze/dns"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// quicPort is where QUIC is spoken in front of HTTP/3 (RFC 9114 §3.1).
const quicPort = 443

// isQUIC reports whether s looks like a datagram of QUIC: its fixed bit is set
// (RFC 9000 §17), which no content type of DTLS has, nor STUN (RFC 7983 §7). A
// long header has a version behind it, a short one a packet number and at least
// 16 bytes of authentication.
func isQUIC(s *packet.Segment) bool {
	const (
		longHeader      = 0x80
		fixedBit        = 0x40
		longHeaderBytes = 7 // flags, version, the lengths of two empty connection IDs
		shortBytes      = 21
	)
	if len(s.Payload) < longHeaderBytes {
		return false
	}
	first := s.Payload[0]
	if first&longHeader == 0 {
		return first&fixedBit != 0 && s.Length >= shortBytes
	}
	version := binary.BigEndian.Uint32(s.Payload[1:])
	return version == 0 || first&fixedBit != 0 && isQUICVersion(version)
}

// isQUICVersion reports whether v is a version of QUIC: of the IETF (RFC 9000,
// RFC 9369, the drafts), Google's, or one that exercises the negotiation
// (RFC 9000 §15).
func isQUICVersion(v uint32) bool {
	const (
		version1 = 0x00000001
		version2 = 0x6b3343cf
		drafts   = 0xff0000
	)
	google := byte(v >> 24)
	return v == version1 || v == version2 || v>>8 == drafts ||
		google == 'Q' || google == 'T' || v&0x0f0f0f0f == 0x0a0a0a0a
}

// nameSource says where Connection.ServerName is from. A better one replaces a lesser.
type nameSource uint8

const (
	nameUnknown nameSource = iota
	nameLookedUp
	nameInHello // TLS's SNI
	nameInHost
)

// name sets the server's name unless a better one is known.
func (c *Connection) name(name string, source nameSource) {
	if name != "" && source > c.nameSource {
		c.ServerName, c.nameSource = name, source
	}
}

// Host is the host that the client said that it asks for: ServerName, unless only
// a lookup tells that.
func (c *Connection) Host() string {
	if c.nameSource != nameInHost {
		return ""
	}
	return c.ServerName
}

// LookupTime is how long the client waited for the lookup that led to the
// connection: as seen at the capture point, and the round trip between it and
// the client, which is taken to be that of the connection. ok is false when
// there was no lookup, or the address was known before.
func (c *Connection) LookupTime() (d time.Duration, ok bool) {
	if c.Lookup == nil {
		return 0, false
	}
	toClient, _ := c.RTTClient()
	return c.Lookup.Seen() + toClient, true
}

// resolves begins to read side's stream as DNS, if it goes to or comes from the
// port of a resolver.
func (v *conversation) resolves(side reassembly.Side) bool {
	c := &v.connection
	if c.Server().Port() != dns.Port {
		return false
	}
	s := &v.streams[side]
	s.mode, s.pieces = resolving, nil
	e := v.resolver(resolverBegan, side)
	e.client, e.server = c.Endpoints()
	if side != c.ClientSide() {
		e.client, e.server = e.server, e.client
	}
	e.at.At = c.SYN()
	return true
}

// resolver adds an event about side's stream of DNS.
func (v *conversation) resolver(kind eventKind, side reassembly.Side) *event {
	e := v.analyzer.log.under(kind, v.handle)
	e.side = side
	return e
}

// resolve hands on bytes of side's stream of DNS.
func (v *conversation) resolve(side reassembly.Side, data []byte, at capture.Span) {
	e := v.resolver(resolverData, side)
	e.data, e.at = bytes.Clone(data), at
}

// endResolving ends side's stream of DNS.
func (v *conversation) endResolving(side reassembly.Side) {
	v.resolver(resolverEnd, side)
	v.streams[side].mode = ignoring
}

// nameByAddress is for connections whose opening is not in the capture: any
// client's lookup of the server names it.
func (c *Connection) nameByAddress(t *dns.Tracker, now capture.Time) {
	if c.nameSource == nameUnknown {
		c.name(t.NameOf(c.Server().Addr(), now), nameLookedUp)
	}
}
