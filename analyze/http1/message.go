// Package http1 reads HTTP/0.9, 1.0 and 1.1 messages out of one direction of a
// TCP connection as its bytes come in. In go runs of bytes with the packets
// that carried them, and holes; out come [Message]s through a [Handler]. A
// [Parser] keeps the head of the message in progress (bounded) and never a body.
// Faults of the framing never stop it: they are [Problem]s of the message.
package http1

import (
	"strings"
	"unsafe"

	"wirelag/reassembly/capture"
)

// Span says which packet carried a run of bytes and when it could be read.
type Span = capture.Span

// Role tells requests from responses.
type Role uint8

// The roles of a message.
const (
	Request Role = iota
	Response
)

// Version is the protocol version of a message.
type Version struct{ Major, Minor uint8 }

// The versions of HTTP/1 and before.
var (
	HTTP09 = Version{0, 9}
	HTTP10 = Version{1, 0}
	HTTP11 = Version{1, 1}
)

// Framing is how the end of a body is told (RFC 9112 §6.3).
type Framing uint8

// The ways to tell the end of a body.
const (
	NoBody Framing = iota
	ContentLength
	Chunked
	UntilClose
	Tunnel // CONNECT or 101: what follows is another protocol
)

var framingNames = [...]string{"none", "content-length", "chunked", "close", "tunnel"}

func (f Framing) String() string { return framingNames[f] }

// Message is one request or response. It is not changed after Handler.End, and may
// be kept unless it is given back to its Arena.
type Message struct {
	Method   string // requests
	Target   string // requests, as on the request line
	Reason   string // responses
	Fields   Fields
	Trailers *Fields // nil when there are none
	Status   int     // responses; 0 when the status line has none, or there is none (HTTP/0.9)

	Role    Role
	Version Version
	Framing Framing
	// Complete: the whole message was seen, end included.
	Complete bool
	options  options // of the Connection fields; valid when names is not 0
	blanks   uint8   // bytes of empty lines before Offset that WireBytes counts
	Problems Problem
	// BodySum is the CRC-32 of the body's bytes, of what BodyBytes counts; of a
	// response's, that of samples. It tells bodies apart that differ by chance, not
	// by intent.
	BodySum uint32

	HeaderBytes int64 // start line, fields and the empty line, as on the wire
	BodyBytes   int64 // after the transfer coding is removed; without what the capture lost
	WireBytes   int64 // all bytes of the message that were seen, framing included
	Length      int64 // the Content-Length that frames the body; −1 when none does. Valid from End on
	// Lost counts the bytes of the message that are missing from the capture. Where
	// a hole hides the message's end, it is the whole hole, unless the body's
	// length is known.
	Lost uint64
	// BytesCut and FieldsCut count the bytes of start line, fields and trailers,
	// and the fields, that were not kept because they exceed a limit (HeadCut).
	BytesCut  int64
	FieldsCut int

	// Offset is the place of the first byte in the stream: how many bytes the
	// parser was fed, or told to be missing, before it.
	Offset  int64
	Start   Span // the first byte
	HeadEnd Span // the last byte of the head
	// BodyStart is the packet with the first byte of the body; zero without one.
	BodyStart capture.Mark
	End       Span // the last byte seen so far
	// First and Last are the earliest and latest packets that carried bytes of the message.
	First, Last capture.Mark

	names nameSet // of the Fields; 0 when they were not collected
}

// mayHave reports whether Fields may hold one called name. Nearly all questions
// about fields are about such as are not there.
func (m *Message) mayHave(name string) bool { return m.names == 0 || m.names&nameBit(name) != 0 }

// MayHave reports whether m may have a field with one of the names; that it has
// one is to be asked then.
func (m *Message) MayHave(names Names) bool { return m.names == 0 || m.names&names.set != 0 }

// Names are names of fields, in any case.
type Names struct{ set nameSet }

// NamesOf returns names for MayHave.
func NamesOf(names ...string) (n Names) {
	for _, name := range names {
		n.set |= nameBit(name)
	}
	return n
}

// noteFields notes what questions about the fields of m from the i-th on are asked most.
func (m *Message) noteFields(i int) {
	for ; i < len(m.Fields.places); i++ {
		f := m.Fields.At(i)
		m.names |= nameBit(f.Name)
		if len(f.Name) == len("connection") && sameName(f.Name, "connection") {
			m.options |= optionsIn(f.Value)
		}
	}
}

// Extent is how many bytes of the stream lie between the message's first byte
// and its end, those included that are missing from the capture.
func (m *Message) Extent() int64 { return m.WireBytes - int64(m.blanks) + int64(m.Lost) }

// Size is about how many bytes of memory the head takes.
func (m *Message) Size() int {
	return int(unsafe.Sizeof(*m)) + int(m.HeaderBytes-m.BytesCut) + bytesOfOneField*m.Fields.Len()
}

// Interim reports whether m is an interim response (1xx other than 101).
func (m *Message) Interim() bool {
	return m.Role == Response && m.Status >= 100 && m.Status < 200 && m.Status != 101
}

// Get returns the value of the first field called name (any case), and whether there is one.
func (m *Message) Get(name string) (string, bool) {
	if !m.mayHave(name) {
		return "", false
	}
	for value := range m.Fields.called(name) {
		return value, true
	}
	return "", false
}

// HasToken reports whether a field called name (any case) has token (any case)
// in its comma-separated list.
func (m *Message) HasToken(name, token string) bool {
	if !m.mayHave(name) {
		return false
	}
	if m.names != 0 && name == "Connection" {
		switch token {
		case "close":
			return m.options&saysClose != 0
		case "keep-alive":
			return m.options&saysKeepAlive != 0
		}
	}
	for list := range m.Fields.called(name) {
		if listHas(list, token) {
			return true
		}
	}
	return false
}

// options is what the Connection fields of a message say.
type options uint8

const (
	saysClose options = 1 << iota
	saysKeepAlive
	saysMore // anything else
)

// optionsIn reads the list of a Connection field.
func optionsIn(list string) (o options) {
	switch list { // what most say
	case "close":
		return saysClose
	case "keep-alive", "Keep-Alive":
		return saysKeepAlive
	}
	for more := true; more; {
		var item string
		item, list, more = strings.Cut(list, ",")
		switch item = trimmed(item); {
		case item == "":
		case sameName(item, "close"):
			o |= saysClose
		case sameName(item, "keep-alive"):
			o |= saysKeepAlive
		default:
			o |= saysMore
		}
	}
	return o
}

// Nominates reports whether the Connection fields of m say anything besides
// close and keep-alive.
func (m *Message) Nominates() bool {
	o := m.options
	if m.names == 0 {
		for list := range m.Fields.called("Connection") {
			o |= optionsIn(list)
		}
	}
	return o&saysMore != 0
}

func listHas(list, token string) bool {
	for more := true; more && len(list) >= len(token); {
		var item string
		item, list, more = strings.Cut(list, ",")
		if len(item) >= len(token) && sameName(trimmed(item), token) {
			return true
		}
	}
	return false
}

// Expects100 reports whether m is a request that asks before it sends its body (RFC
// 9110 §10.1.1).
func (m *Message) Expects100() bool { return m.HasToken("Expect", "100-continue") }

// Persistent reports whether the message lets the connection go on after it
// (RFC 9112 §9.3): not "close", and HTTP/1.1 or "keep-alive".
func (m *Message) Persistent() bool {
	if m.HasToken("Connection", "close") {
		return false
	}
	return !m.Version.before11() || m.Version == HTTP10 && m.HasToken("Connection", "keep-alive")
}

// Handler hears what a Parser finds, in the order of the stream.
type Handler interface {
	// Began is called at the first byte of what looks like a message. The
	// message may still turn out to be none: then neither Head nor End follows,
	// and its bytes come as Junk or Tunnelled. Only Role and Start are valid.
	Began(m *Message)
	// Head is called when the head is complete, or nothing more of it will come
	// (HeadLost, HeadUnfinished), before the framing of the body is decided. For
	// a response the handler returns the method of the request that it answers,
	// "" when it is not known; interim responses are asked for, too.
	Head(m *Message) (method string)
	// Body is called with runs of the body, the transfer coding removed.
	// data is borrowed.
	Body(m *Message, data []byte)
	// End is called once for every message that had its Head.
	End(m *Message)
	// Junk is called with bytes that belong to no message. data is borrowed. Empty
	// lines that no message follows are Junk, too, and mean nothing (RFC 9112
	// §2.2). Bytes held since an earlier packet come with the first one's span.
	Junk(data []byte, at Span)
	// Tunnelled is called with the bytes after CONNECT or 101. data is borrowed.
	Tunnelled(data []byte, at Span)
	// Simple reports whether the response that comes next answers an HTTP/0.9
	// request: it has no head and ends with the connection.
	Simple() bool
}

// Ending is why a stream ends.
type Ending uint8

// The ways a stream ends.
const (
	Finished   Ending = iota // FIN
	Reset                    // RST
	CaptureEnd               // the capture, or what it shows of the connection, ends
)
