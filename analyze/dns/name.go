package dns

import (
	"fmt"
	"strings"
)

// Name is a domain name as a message has it, uncompressed and in lower case:
// labels, each behind its length, up to the root's empty one (RFC 1035 §3.1).
// Names that differ in case only are equal (RFC 4343).
type Name string

const (
	maxName     = 255 // octets of a name (RFC 1035 §2.3.4)
	maxPointers = 10  // of a compressed name; more than encoders write
)

// name reads the name at offset at of the message, whose compression pointers
// may lead anywhere in it (RFC 1035 §4.1.4), and returns where it ends.
func (m *Message) name(at int) (name []byte, end int, err error) {
	begin, pointers := len(m.octets), 0
	for {
		if at >= len(m.data) {
			return nil, 0, errShort
		}
		switch c := int(m.data[at]); c & 0xc0 {
		case 0x00:
			next := at + 1 + c
			if next > len(m.data) {
				return nil, 0, errShort
			}
			if len(m.octets)-begin+1+c > maxName {
				return nil, 0, errName
			}
			m.octets = appendLower(m.octets, m.data[at:next])
			at = next
			if c != 0 {
				continue
			}
			if pointers == 0 {
				end = at
			}
			return m.octets[begin:len(m.octets):len(m.octets)], end, nil
		case 0xc0:
			if at+2 > len(m.data) {
				return nil, 0, errShort
			}
			if pointers++; pointers == 1 {
				end = at + 2
			}
			if pointers > maxPointers {
				return nil, 0, errName
			}
			at = c&0x3f<<8 | int(m.data[at+1])
		default:
			return nil, 0, errName
		}
	}
}

// appendLower appends a label with its length, in lower case; a length is
// never a letter (it is below 64).
func appendLower(to, label []byte) []byte {
	for _, c := range label {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

// label cuts the first label off n; ok is false at the root.
func (n Name) label() (label, rest Name, ok bool) {
	if len(n) <= 1 {
		return "", n, false
	}
	end := 1 + int(n[0])
	return n[:end], n[end:], true
}

// shared counts the labels at the beginning that n and o have in common; whole
// is set when these are all that one of them has.
func (n Name) shared(o Name) (labels int, whole bool) {
	for {
		a, n1, ok1 := n.label()
		b, o1, ok2 := o.label()
		if !ok1 || !ok2 {
			return labels, true
		}
		if a != b {
			return labels, false
		}
		labels++
		n, o = n1, o1
	}
}

// String is the name as people write it, without the dot of the root: octets
// that are not printable, and those that would be misread, are escaped
// (RFC 1035 §5.1).
func (n Name) String() string {
	var s strings.Builder
	for label, rest, ok := n.label(); ok; label, rest, ok = rest.label() {
		if s.Len() > 0 {
			s.WriteByte('.')
		}
		for _, c := range []byte(label[1:]) {
			switch {
			case c == '.' || c == '\\':
				s.WriteByte('\\')
				s.WriteByte(c)
			case c <= ' ' || c > '~':
				fmt.Fprintf(&s, "\\%03d", c)
			default:
				s.WriteByte(c)
			}
		}
	}
	if s.Len() == 0 {
		return "."
	}
	return s.String()
}
