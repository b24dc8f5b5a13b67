package reports

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain tells the ASCII characters that stand for themselves in a JSON string.
var plain = func() (table [utf8.RuneSelf]bool) {
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
	if n := len(b); len(s) <= longPlain {
		if b = append(b, s...); isPlain(b[n:]) {
			return append(b, '"')
		}
		b = b[:n]
	}
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if plain[c] {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscapedASCII(b, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if size > 1 && unicode.IsPrint(r) {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		if size == 1 {
			b = append(b, `\\x`...)
			b = append(b, hexDigits[s[i]>>4], hexDigits[s[i]&0xf])
		} else {
			b = appendUTF16(b, r)
		}
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// longPlain is up to which length a string is first taken to be plain.
const longPlain = 1 << 10

// isPlain reports whether all of b stands for itself in a JSON string. Eight
// bytes at a time are looked at: of ASCII, which are not below 0x20, no DEL,
// quotation mark or backslash (the "hasless" and "haszero" of Bit Twiddling Hacks).
func isPlain(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		del, quote, backslash := w^0x7f*ones, w^'"'*ones, w^'\\'*ones
		if ((w-0x20*ones)&^w|(del-ones)&^del|(quote-ones)&^quote|(backslash-ones)&^backslash|w)&highs != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf || !plain[c] {
			return false
		}
	}
	return true
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
