package reports

import (
	"strings"
)

// mask stands in place of a secret.
const mask = "***"

// redactor masks the secrets in captured strings: credentials, the values of
// cookies, user information in URLs and the values of query parameters that are
// named like secrets. Its results are valid until its next call.
type redactor struct {
	off bool // secrets are shown
	buf []byte
}

// url masks the secrets in a URL, a request target or a host.
func (r *redactor) url(s string) []byte {
	r.buf = r.buf[:0]
	if r.off {
		r.buf = append(r.buf, s...)
	} else {
		r.buf = appendMaskedURL(r.buf, s)
	}
	return r.buf
}

// value masks the secrets in the value of a header or trailer field; changed
// says whether the field may have any.
func (r *redactor) value(name, value string) (masked []byte, changed bool) {
	if r.off {
		return nil, false
	}
	r.buf = r.buf[:0]
	switch secretsOf(strings.Trim(name, " \t")) {
	case credentials:
		r.buf = appendMaskedCredentials(r.buf, value)
	case cookies:
		r.buf = appendMaskedCookies(r.buf, value)
	case setCookie:
		r.buf = appendMaskedSetCookie(r.buf, value)
	case url:
		r.buf = appendMaskedURL(r.buf, value)
	default:
		return nil, false
	}
	return r.buf, true
}

// secrets is what a field's value may give away.
type secrets uint8

const (
	none        secrets = iota
	credentials         // RFC 9110 §11.4
	cookies             // RFC 6265 §4.2.1
	setCookie           // RFC 6265 §4.1.1
	url
)

// secretFields are the fields with secrets in them.
var secretFields = [...]struct {
	name    string
	secrets secrets
}{
	{"Host", url},
	{"Link", url},
	{"Cookie", cookies},
	{"Origin", url},
	{"Cookie2", cookies},
	{"Referer", url},
	{"Refresh", url},
	{"Location", url},
	{"Set-Cookie", setCookie},
	{"Destination", url},
	{"Set-Cookie2", setCookie},
	{"Authorization", credentials},
	{"Content-Location", url},
	{"Proxy-Authorization", credentials},
}

func secretsOf(name string) secrets {
	for i := range secretFields {
		if f := &secretFields[i]; len(f.name) == len(name) && strings.EqualFold(f.name, name) {
			return f.secrets
		}
	}
	return none
}

// longestScheme bounds what is taken for the name of an authentication scheme
// (the longest of IANA's registry has 13 characters, AWS4-HMAC-SHA256 has 16).
const longestScheme = 20

// appendMaskedCredentials keeps the authentication scheme, where there is one.
func appendMaskedCredentials(b []byte, value string) []byte {
	scheme, rest, found := strings.Cut(value, " ")
	if !found || strings.Trim(rest, " ") == "" || !isScheme(scheme) {
		return append(b, mask...)
	}
	b = append(b, scheme...)
	b = append(b, ' ')
	return append(b, mask...)
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return s != "" && len(s) <= longestScheme
}

// appendMaskedCookies keeps the names.
func appendMaskedCookies(b []byte, value string) []byte {
	for pair := range strings.SplitAfterSeq(value, ";") {
		b = appendMaskedPair(b, pair)
	}
	return b
}

// appendMaskedPair masks the value of "name=value", or all of what has no name.
// A semicolon at the end and the white space around are kept.
func appendMaskedPair(b []byte, pair string) []byte {
	pair, ended := strings.CutSuffix(pair, ";")
	name := strings.IndexByte(pair, '=') + 1
	if name == 0 {
		name = len(pair) - len(strings.TrimLeft(pair, " \t"))
	}
	b = append(b, pair[:name]...)
	if name < len(pair) {
		b = append(b, mask...)
	}
	if ended {
		b = append(b, ';')
	}
	return b
}

// appendMaskedSetCookie keeps the name and the attributes.
func appendMaskedSetCookie(b []byte, value string) []byte {
	first := true
	for pair := range strings.SplitAfterSeq(value, ";") {
		if !first && isCookieAttribute(pair) {
			b = append(b, pair...)
		} else {
			b = appendMaskedPair(b, pair)
		}
		first = false
	}
	return b
}

// isCookieAttribute reports whether pair is an attribute and nothing else: a
// second "=" is that of another cookie, in fields that were joined by commas.
func isCookieAttribute(pair string) bool {
	name, value, _ := strings.Cut(strings.Trim(pair, " \t;"), "=")
	if strings.Contains(value, "=") {
		return false
	}
	for _, known := range [...]string{"Path", "Domain", "Expires", "Max-Age", "Secure", "HttpOnly", "SameSite", "Partitioned", "Priority"} {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// appendMaskedURL masks user information and the values of secret parameters
// in the query and in the fragment (OAuth's implicit grant has them there). A
// URL may also begin with its authority ("user@host:443", "//user@host/").
func appendMaskedURL(b []byte, s string) []byte {
	path, _, _ := strings.Cut(s, "?")
	path, _, _ = strings.Cut(path, "#")
	s = s[len(path):]
	if strings.HasPrefix(path, "//") {
		b = append(b, path[:2]...)
		path = path[2:]
	}
	b, path = appendMaskedUserinfo(b, path)
	b = appendMaskedURLs(b, path)
	for s != "" {
		end := strings.IndexAny(s[1:], "?#&;") + 1
		if end == 0 {
			end = len(s)
		}
		b = appendMaskedParameter(append(b, s[0]), s[1:end])
		s = s[end:]
	}
	return b
}

func appendMaskedParameter(b []byte, parameter string) []byte {
	name, _, found := strings.Cut(parameter, "=")
	if !found || !isSecretParameter(name) {
		return appendMaskedURLs(b, parameter)
	}
	b = append(b, parameter[:len(name)+1]...)
	return append(b, mask...)
}

// isSecretParameter reports whether a query parameter is named like a secret,
// in any case and however it is percent-encoded.
func isSecretParameter(name string) bool {
	var plain [len("access_token")]byte
	n := 0
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' && i+2 < len(name) {
			c = unhex(name[i+1])<<4 | unhex(name[i+2])
			i += 2
		}
		if n == len(plain) {
			return false
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		plain[n] = c
		n++
	}
	switch string(plain[:n]) {
	case "token", "access_token", "api_key", "key", "sig", "signature", "secret", "password", "code", "session":
		return true
	}
	return false
}

func unhex(c byte) byte {
	if c <= '9' {
		return c & 0xf
	}
	return c&0xf + 9
}

// appendMaskedUserinfo masks what stands before "@" in the authority that s
// begins with, and returns what is left of s.
func appendMaskedUserinfo(b []byte, s string) (masked []byte, rest string) {
	authority := s
	if slash := strings.IndexByte(s, '/'); slash >= 0 {
		authority = s[:slash]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return append(b, mask...), s[at:]
	}
	return b, s
}

// appendMaskedURLs masks the user information of every URL in s.
func appendMaskedURLs(b []byte, s string) []byte {
	for {
		scheme := strings.Index(s, "://")
		if scheme < 0 {
			return append(b, s...)
		}
		authority := scheme + len("://")
		b, s = appendMaskedUserinfo(append(b, s[:authority]...), s[authority:])
	}
}
