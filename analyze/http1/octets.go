package http1

import "encoding/binary"

// tokenBytes marks the tchar of RFC 9110 §5.6.2.
var tokenBytes = func() (set [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		set[c] = true
	}
	return set
}()

// tokenLength returns how many bytes of b, from its start, are tchar.
func tokenLength(b []byte) int {
	for i, c := range b {
		if !tokenBytes[c] {
			return i
		}
	}
	return len(b)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLineEnd(c byte) bool { return c == '\r' || c == '\n' }

// trimSpace takes the optional white space (RFC 9110 §5.6.3) off both ends.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b[:trimmedLength(b)]
}

// trimmedLength is the length of b without the white space at its end.
func trimmedLength(b []byte) int {
	n := len(b)
	for n > 0 && isSpace(b[n-1]) {
		n--
	}
	return n
}

// equalFold reports whether b is the lower-case ASCII word, in any case.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if lower(c) != word[i] {
			return false
		}
	}
	return true
}

// sameName reports whether two names or tokens are the same, in any ASCII case.
func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// trimmed takes the optional white space off both ends of s.
func trimmed(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// nameSet holds names of fields, in any case, as a Bloom filter does: what is not
// in it was not added.
type nameSet uint64

// nameBit is the bit that stands for name, and for others.
func nameBit(name string) nameSet {
	if name == "" {
		return 1
	}
	first, last := name[0]|0x20, name[len(name)-1]|0x20 // lower case, if letters
	return 1 << ((uint(len(name))*7 + uint(first)*11 + uint(last)*3) & 63)
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// controlMask marks the bytes of w that are below 0x20 or DEL by their highest bit
// (the "hasless" and "haszero" of Bit Twiddling Hacks). Only the lowest mark is
// exact: one above it may be wrong.
func controlMask(w uint64) uint64 {
	del := w ^ 0x7f*ones
	return ((w-0x20*ones)&^w | (del-ones)&^del) & highs
}

// controls returns the problems that the control bytes of a line make.
func controls(line []byte) Problem {
	rest := line
	for len(rest) >= 8 {
		if controlMask(binary.LittleEndian.Uint64(rest)) != 0 {
			return classifyControls(rest)
		}
		rest = rest[8:]
	}
	if len(line) >= 8 {
		if controlMask(binary.LittleEndian.Uint64(line[len(line)-8:])) == 0 {
			return 0
		}
	}
	return classifyControls(rest)
}

func classifyControls(b []byte) (found Problem) {
	for _, c := range b {
		switch {
		case c == '\t' || c >= 0x20 && c != 0x7f:
		case c == 0:
			found |= NulByte
		case c == '\r':
			found |= BareCR
		default:
			found |= ControlByte
		}
	}
	return found
}

// withoutLineEnd takes LF or CRLF, if there is one, off the end of a line.
func withoutLineEnd(line []byte) []byte {
	n := len(line)
	switch {
	case n == 0 || line[n-1] != '\n':
		return line
	case n > 1 && line[n-2] == '\r':
		return line[:n-2]
	}
	return line[:n-1]
}
