package reports

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"wirelag/analyze"
)

// harURL appends the target URI of x's request (RFC 9112 §3.3) as text of a JSON
// string. Bytes that a URI cannot have are percent-encoded; where the host is
// none, the server's address stands in its place.
func (e *encoder) harURL(b []byte, x *analyze.Exchange) []byte {
	if x.Request == nil {
		return append(e.harAuthority(append(b, "http://"...), x, nil), '/')
	}
	target := e.redact.target(x.Request)
	if scheme, rest, found := bytes.Cut(target, []byte("://")); found && isURIScheme(scheme) {
		b = append(b, scheme...)
		b = append(b, "://"...)
		end := bytes.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		return appendPathAndQuery(e.harAuthority(b, x, rest[:end]), rest[end:])
	}
	b = append(b, "http://"...)
	if x.Request.Method == "CONNECT" { // the target is an authority
		return append(e.harAuthority(b, x, target), '/')
	}
	b = e.harAuthority(b, x, e.redact.requestHost(x.Request))
	target = e.redact.target(x.Request)
	if string(target) == "*" { // the target is the server
		return append(b, '/')
	}
	return appendPathAndQuery(b, target)
}

// harAuthority appends the authority, or else the server's address.
func (e *encoder) harAuthority(b []byte, x *analyze.Exchange, authority []byte) []byte {
	host := authority
	if at := bytes.LastIndexByte(authority, '@'); at >= 0 {
		host = authority[at+1:]
		if isHost(host) {
			b = appendPercentEncoded(b, authority[:at], "!$&'()*+,;=:")
			b = append(b, '@')
		}
	}
	if !isHost(host) {
		return e.redact.server(x.Connection).AppendTo(b)
	}
	return appendPercentEncoded(b, host, "[]:")
}

func isURIScheme[S string | []byte](s S) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return len(s) > 0
}

// isHost reports whether s is a name or address, and a port where there is one,
// as programs accept it in a URL.
func isHost(s []byte) bool {
	host, port := s, []byte(nil)
	if colon := bytes.LastIndexByte(s, ':'); colon > bytes.LastIndexByte(s, ']') {
		host, port = s[:colon], s[colon+1:]
	}
	if len(port) > 0 {
		if _, err := strconv.ParseUint(string(port), 10, 16); err != nil {
			return false
		}
	}
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		addr, err := netip.ParseAddr(string(host[1 : len(host)-1]))
		return err == nil && addr.Is6() && addr.Zone() == ""
	}
	for rest := host; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '.' && r != '_' {
			return false
		}
		rest = rest[size:]
	}
	return len(host) > 0
}

// appendPathAndQuery appends what follows the authority.
func appendPathAndQuery(b, s []byte) []byte {
	if len(s) == 0 || s[0] != '/' {
		b = append(b, '/')
	}
	s, fragment, found := bytes.Cut(s, []byte{'#'})
	b = appendPercentEncoded(b, s, "!$&'()*+,;=:@/?%")
	if found {
		b = appendPercentEncoded(append(b, '#'), fragment, "!$&'()*+,;=:@/?%")
	}
	return b
}

// appendPercentEncoded appends s with all bytes encoded but the unreserved ones
// (RFC 3986 §2.3), those in allowed, and a "%" there that encodes a byte.
func appendPercentEncoded(b, s []byte, allowed string) []byte {
	for i, c := range s {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		case strings.IndexByte(allowed, c) >= 0 && (c != '%' || i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])):
			b = append(b, c)
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&0xf])
		}
	}
	return b
}

const upperHex = "0123456789ABCDEF"

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// appendQuery appends the parameters of a target's query as names and values,
// decoded (application/x-www-form-urlencoded).
func appendQuery(b, target []byte) []byte {
	target, _, _ = bytes.Cut(target, []byte{'#'})
	_, query, more := bytes.Cut(target, []byte{'?'})
	for first := true; more; {
		var parameter []byte
		parameter, query, more = bytes.Cut(query, []byte{'&'})
		if len(parameter) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		name, value, _ := bytes.Cut(parameter, []byte{'='})
		b = append(b, `{"name":`...)
		b = appendString(b, decoded(name))
		b = append(b, `,"value":`...)
		b = appendString(b, decoded(value))
		b = append(b, '}')
	}
	return b
}

// decoded decodes s in place.
func decoded(s []byte) []byte {
	plain := s[:0]
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		plain = append(plain, c)
	}
	return plain
}
