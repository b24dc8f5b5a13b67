package reports

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain tells the ASCII characters that stand for themselves in a JSON string.
var plain = func() (table [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// appendString appends s as a JSON string. So that every byte can be told from
// the string again, bytes that are not UTF-8 become the text \xNN and a
// backslash becomes two. Characters that a terminal could act on are written as
// JSON escapes.
func appendString[S string | []byte](b []byte, s S) []byte {
	b = append(b, '"')
	start := len(b)
	if b = append(b, s...); !isPlain(b[start:]) {
		b = appendEscaped(b[:start], s)
	}
	return append(b, '"')
}

func appendEscaped[S string | []byte](b []byte, s S) []byte {
	start := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		if s[i] < utf8.RuneSelf {
			b = appendEscapedASCII(b, s[i])
			i++
		} else {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			b = appendEscapedRune(b, s[i:i+size], r)
			i += size
		}
		start = i
	}
	return append(b, s[start:]...)
}

// isPlain reports whether all of b stands for itself in a JSON string. Eight
// bytes at a time are looked at, the last eight once more with those before.
func isPlain(b []byte) bool {
	if len(b) < 8 {
		for _, c := range b {
			if !plain[c] {
				return false
			}
		}
		return true
	}
	special := specials(b[len(b)-8:])
	for ; len(b) > 8; b = b[8:] {
		special |= specials(b)
	}
	return special&highBits == 0
}

const highBits = 0x8080808080808080

// specials has a high bit, at least that of the first, where the first eight bytes of
// b have one that is not plain. The three terms have it for DEL and what is not
// ASCII; for controls and the quotation mark, which 2 turns into a space; and for
// the backslash.
func specials(b []byte) uint64 {
	const ones = 0x0101010101010101
	w := binary.LittleEndian.Uint64(b)
	return (w + ones) | ((w ^ 2*ones) - 0x21*ones) | ((w ^ '\\'*ones) - ones)
}

// appendEscapedRune appends r, which is not ASCII and was encoded as s.
func appendEscapedRune[S string | []byte](b []byte, s S, r rune) []byte {
	switch {
	case len(s) == 1: // not UTF-8
		return append(b, '\\', '\\', 'x', hexDigits[s[0]>>4], hexDigits[s[0]&0xf])
	case unicode.IsPrint(r):
		return append(b, s...)
	}
	return appendUTF16(b, r)
}

func appendEscapedASCII(b []byte, c byte) []byte {
	switch c {
	case '\\':
		return append(b, `\\\\`...)
	case '"':
		return append(b, `\"`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// appendUTF16 appends r as JSON escapes (RFC 8259 §7).
func appendUTF16(b []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		b = appendUTF16(b, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return append(b, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}

// appendInert appends JSON text with the characters that a terminal could act on
// as escapes. They stand in its strings, and mean the same there.
func appendInert(b, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == '\n' || unicode.IsPrint(r) {
			b = append(b, text[:size]...)
		} else {
			b = appendUTF16(b, r)
		}
		text = text[size:]
	}
	return b
}

// Printable makes s fit to be shown on a terminal: control and format
// characters (escape sequences, bidirectional overrides, invisible ones) and
// bytes that are not UTF-8 are written as \xNN, \uNNNN or \UNNNNNNNN. The text
// report and messages send every captured string and file name through it.
func Printable(s string) string {
	for i, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return string(appendPrintable([]byte(s[:i]), s[i:]))
		}
	}
	return s
}

func appendPrintable(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case size == 1 && (r == utf8.RuneError || !unicode.IsPrint(r)):
			b = append(b, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&0xf])
		case unicode.IsPrint(r):
			b = append(b, s[i:i+size]...)
		default:
			b = appendCodePoint(b, r)
		}
		i += size
	}
	return b
}

func appendCodePoint(b []byte, r rune) []byte {
	digits := 4
	b = append(b, '\\', 'u')
	if r > 0xffff {
		digits = 8
		b[len(b)-1] = 'U'
	}
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[r>>shift&0xf])
	}
	return b
}
