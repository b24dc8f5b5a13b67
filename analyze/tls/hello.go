// Package tls reads what a TLS connection says in the clear. In go the first bytes
// of a client's stream; out comes the name of the server that it asks for. It
// keeps nothing.
package tls

import "encoding/binary"

// MaxHello is how many bytes of a stream are looked at for its ClientHello.
const MaxHello = 16 << 10

// Values on the wire (RFC 8446 §5.1, §4; RFC 6066 §3).
const (
	recordHeader    = 5
	handshakeRecord = 22
	messageHeader   = 4
	clientHello     = 1
	randomBytes     = 32
	serverName      = 0 // extension
	hostName        = 0
	longestName     = 255 // RFC 1035 §2.3.4
)

// ServerName is the host that the ClientHello at the beginning of a stream asks
// for (RFC 6066 §3); "" when it names none. Where the ClientHello is not whole, and what
// is there of it has no name, so many bytes are missing at least; 0 otherwise.
func ServerName(stream []byte) (name string, missing int) {
	hello, missing := handshake(stream)
	name, done := nameOf(hello)
	if done || len(stream) >= MaxHello {
		missing = 0
	}
	return name, missing
}

// handshake joins what the records at the beginning of a stream carry of the
// first message. missing is how many bytes of the stream have to follow at least until
// that is whole; 0 when no more of it comes.
func handshake(stream []byte) (message []byte, missing int) {
	for len(stream) >= recordHeader {
		if stream[0] != handshakeRecord {
			return message, 0
		}
		length := int(binary.BigEndian.Uint16(stream[3:]))
		fragment := stream[recordHeader:min(recordHeader+length, len(stream))]
		if message == nil {
			message = fragment[:len(fragment):len(fragment)]
		} else {
			message = append(message, fragment...)
		}
		size := sizeOf(message)
		switch {
		case len(message) >= size:
			return message[:size], 0
		case length == 0:
			return message, 0
		case len(fragment) < length:
			return message, size - len(message)
		}
		stream = stream[recordHeader+length:]
	}
	return message, recordHeader - len(stream) + sizeOf(message) - len(message)
}

// sizeOf is how many bytes a message has at least: exactly so many where its header is there.
func sizeOf(message []byte) int {
	if len(message) < messageHeader {
		return messageHeader
	}
	return messageHeader + int(binary.BigEndian.Uint32(message)&0xffffff)
}

// nameOf is the name in a ClientHello, as far as that is there. done is true when
// it was found, or the message can have none.
func nameOf(message []byte) (name string, done bool) {
	if len(message) == 0 {
		return "", false
	}
	if message[0] != clientHello {
		return "", true
	}
	b := fields(message)
	b.skip(messageHeader + 2 + randomBytes)
	b.vector(1) // session
	b.vector(2) // cipher suites
	b.vector(1) // compression methods
	b.skip(2)   // length of the extensions
	for {
		kind, value, ok := b.extension()
		if !ok {
			return "", false
		}
		if kind == serverName {
			return hostOf(value), true
		}
	}
}

// hostOf is the first host in a list of names.
func hostOf(list fields) string {
	list.skip(2) // its length
	for len(list) > 0 {
		kind := list[0]
		list.skip(1)
		name, ok := list.vector(2)
		if !ok {
			return ""
		}
		if kind == hostName && len(name) <= longestName {
			return string(name)
		}
	}
	return ""
}

// fields are the bytes of a message that are not read yet; none when it was cut.
type fields []byte

func (f *fields) skip(n int) { *f = (*f)[min(n, len(*f)):] }

// vector takes bytes that stand behind their length, of so many bytes. ok is false
// when some are missing.
func (f *fields) vector(lengthBytes int) (value fields, ok bool) {
	b := *f
	if len(b) < lengthBytes {
		*f = nil
		return nil, false
	}
	n := 0
	for _, c := range b[:lengthBytes] {
		n = n<<8 | int(c)
	}
	b = b[lengthBytes:]
	if len(b) < n {
		*f = nil
		return nil, false
	}
	*f = b[n:]
	return b[:n], true
}

// extension takes the next extension.
func (f *fields) extension() (kind uint16, value fields, ok bool) {
	if len(*f) < 2 {
		*f = nil
		return 0, nil, false
	}
	kind = binary.BigEndian.Uint16(*f)
	f.skip(2)
	value, ok = f.vector(2)
	return kind, value, ok
}
