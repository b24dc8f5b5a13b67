package reports

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/netip"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// pseudonyms replace what names a host: addresses, names, the parts of paths
// that vary, and captured text that could hold any of these. The same name gets
// the same pseudonym wherever it stands, in every report made with the same key;
// without the key nobody can try out names to find which one it was.
//
// An IPv4 address becomes one of 240.0.0.0/4, which is in use nowhere (RFC 1112
// §4), an IPv6 address one of 2001:db8::/32 (RFC 3849), a name one below
// "example" (RFC 2606), anything else "~" and eight hexadecimal digits.
type pseudonyms struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newPseudonyms(key []byte) *pseudonyms { return &pseudonyms{mac: hmac.New(sha256.New, key)} }

// digest is the keyed hash of a name of some kind; valid until the next call.
func (p *pseudonyms) digest(kind byte, name string) []byte {
	p.mac.Reset()
	p.mac.Write([]byte{kind})
	p.mac.Write([]byte(name))
	return p.mac.Sum(p.sum[:0])
}

const (
	ofAddress     = 'a'
	ofHost        = 'h'
	ofWord        = 'w'
	ofFingerprint = 'f'
)

func (p *pseudonyms) address(a netip.Addr) netip.Addr {
	if !a.IsValid() {
		return a
	}
	a = a.Unmap().WithZone("")
	d := p.digest(ofAddress, a.String())
	if a.Is4() {
		return netip.AddrFrom4([4]byte{0xf0 | d[0], d[1], d[2], d[3]})
	}
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	copy(b[4:], d)
	return netip.AddrFrom16(b)
}

func (p *pseudonyms) fingerprint(s string) string {
	return hex.EncodeToString(p.digest(ofFingerprint, s)[:len(s)/2])
}

// word appends the pseudonym of a string that may be anything.
func (p *pseudonyms) word(b []byte, s string) []byte {
	if s == "" || s == mask {
		return append(b, s...)
	}
	return hex.AppendEncode(append(b, '~'), p.digest(ofWord, s)[:4])
}

// host appends the pseudonym of a host name or of an address, with the port and
// the user information that it has.
func (p *pseudonyms) host(b []byte, s string) []byte {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		b = append(p.word(b, s[:at]), '@')
		s = s[at+1:]
	}
	name, port := splitPort(s)
	if a, bracketed, ok := literal(name); ok {
		return append(appendLiteral(b, p.address(a), bracketed), port...)
	}
	if name = strings.TrimSuffix(strings.ToLower(name), "."); name != "" && name != mask {
		b = append(b, 'h')
		b = hex.AppendEncode(b, p.digest(ofHost, name)[:4])
		name = ".example"
	}
	return append(append(b, name...), port...)
}

// splitPort cuts off a port with its colon; an address of IPv6 without brackets has none.
func splitPort(s string) (name, port string) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 || strings.Trim(s[colon+1:], "0123456789") != "" || len(s)-colon > len(":65535") {
		return s, ""
	}
	if strings.IndexByte(s, ':') != colon && s[colon-1] != ']' {
		return s, ""
	}
	return s[:colon], s[colon:]
}

// literal reads an address, which may stand in brackets.
func literal(s string) (a netip.Addr, bracketed, ok bool) {
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		s, bracketed = s[1:len(s)-1], true
	}
	if !strings.ContainsAny(s, ".:") || strings.Trim(s[:1], "0123456789abcdefABCDEF:") != "" {
		return a, bracketed, false // most words, without an error to build
	}
	a, err := netip.ParseAddr(s)
	return a, bracketed, err == nil
}

func appendLiteral(b []byte, a netip.Addr, bracketed bool) []byte {
	if !bracketed {
		return a.AppendTo(b)
	}
	return append(a.AppendTo(append(b, '[')), ']')
}

// target appends a URL or request target in any of its forms.
func (p *pseudonyms) target(b []byte, s string) []byte {
	if s == "*" {
		return append(b, s...)
	}
	if scheme := schemeOf(s); scheme > 0 {
		b = append(b, s[:scheme]...)
		s = s[scheme:]
	} else if strings.HasPrefix(s, "//") {
		b = append(b, s[:2]...)
		s = s[2:]
	}
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		return p.path(p.host(b, s[:end]), s[end:])
	}
	return p.host(b, s)
}

// schemeOf is the length of a URL's scheme with its "://"; 0 without one.
func schemeOf(s string) int {
	end := strings.IndexAny(s, "/?#")
	if end < 1 || s[end-1] != ':' || !strings.HasPrefix(s[end:], "//") {
		return 0
	}
	return end + 2
}

// path appends a path with its query and fragment: names stay, what varies does not.
func (p *pseudonyms) path(b []byte, s string) []byte {
	end := strings.IndexAny(s, "?#")
	if end < 0 {
		end = len(s)
	}
	embedded := false // a URL in the path: its host comes next
	for i, segment := range strings.Split(s[:end], "/") {
		if i > 0 {
			b = append(b, '/')
		}
		switch {
		case segment == "":
		case embedded || !isPlainSegment(segment):
			b = p.segment(b, segment)
		default:
			b = append(b, segment...)
		}
		embedded = strings.HasSuffix(segment, ":") || embedded && segment == ""
	}
	for s = s[end:]; s != ""; s = s[end:] {
		if end = strings.IndexAny(s[1:], "?#&;") + 1; end == 0 {
			end = len(s)
		}
		b = p.parameter(append(b, s[0]), s[1:end])
	}
	return b
}

func (p *pseudonyms) segment(b []byte, s string) []byte {
	b = p.word(b, s)
	if extension := filepath.Ext(s); isFileExtension(extension) {
		b = append(b, extension...)
	}
	return b
}

func (p *pseudonyms) parameter(b []byte, s string) []byte {
	name, value, found := strings.Cut(s, "=")
	if isPlainWord(name) {
		b = append(b, name...)
	} else {
		b = p.word(b, name)
	}
	if found {
		b = p.word(append(b, '='), value)
	}
	return b
}

// longestPlain is how long a word of a path can be; longer ones vary.
const longestPlain = 32

// isPlainWord reports whether s looks like a part of an interface and not like
// a value: words of ASCII letters, or a version ("v2").
func isPlainWord(s string) bool {
	if len(s) > longestPlain {
		return false
	}
	if len(s) > 1 && s[0]|0x20 == 'v' && len(s) <= len("v99") && strings.Trim(s[1:], "0123456789") == "" {
		return true
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !('a' <= c|0x20 && c|0x20 <= 'z' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

func isPlainSegment(s string) bool {
	extension := filepath.Ext(s)
	if isFileExtension(extension) {
		s = strings.TrimSuffix(s, extension)
	}
	return isPlainWord(s)
}

func isFileExtension(s string) bool {
	switch strings.ToLower(s) {
	case ".html", ".htm", ".php", ".asp", ".aspx", ".jsp", ".cgi", ".js", ".mjs", ".css", ".map", ".wasm", ".json", ".xml",
		".txt", ".csv", ".md", ".pdf", ".zip", ".gz", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".woff", ".woff2", ".mp4":
		return true
	}
	return false
}

// certainty is how much of a text is taken to name hosts.
type certainty uint8

const (
	addresses certainty = iota // literal addresses, URLs and paths: text of our own
	names                      // and what has the form of a domain name: captured text
	allNames                   // and every other word: text that lists hosts
)

// text appends s with what names hosts in it replaced.
func (p *pseudonyms) text(b []byte, s string, names certainty) []byte {
	for s != "" {
		end := strings.IndexAny(s, " \t\r\n\"'<>(),;[]{}|=")
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			b = p.token(b, s[:end], names)
		}
		if end < len(s) {
			b = append(b, s[end])
			end++
		}
		s = s[end:]
	}
	return b
}

func (p *pseudonyms) token(b []byte, s string, how certainty) []byte {
	core := s
	if !isLiteral(s) {
		core = strings.TrimRight(s, ".:!?")
	}
	rest := s[len(core):]
	name, _ := splitPort(core)
	head, _, isPath := strings.Cut(core, "/")
	headName, _ := splitPort(head)
	switch {
	case core == "":
	case schemeOf(core) > 0, isPath && (isLiteral(headName) || how >= names && isDomain(headName)):
		b = p.target(b, core)
	case isPath && head == "" && len(core) > 1:
		b = p.path(b, core)
	case isLiteral(name), how >= names && isDomain(name), how == allNames && !isProtocolWord(core):
		b = p.host(b, core)
	default:
		b = append(b, core...)
	}
	return append(b, rest...)
}

func isLiteral(s string) bool {
	_, _, ok := literal(s)
	return ok
}

// isDomain reports whether s has the form of a domain name of several labels.
func isDomain(s string) bool {
	s = s[strings.LastIndexByte(s, '@')+1:]
	last := s[strings.LastIndexByte(s, '.')+1:]
	if len(last) == len(s) || len(last) < 2 || last[0] >= '0' && last[0] <= '9' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c >= utf8.RuneSelf) {
			return false
		}
	}
	return true
}

// isProtocolWord reports whether s is what lists of hosts have besides hosts
// (Via, Forwarded: RFC 9110 §7.6.3, RFC 7239 §4).
func isProtocolWord(s string) bool {
	switch strings.ToLower(s) {
	case "for", "by", "host", "proto", "http", "https", "unknown", mask:
		return true
	}
	return strings.Trim(strings.TrimPrefix(strings.ToUpper(s), "HTTP/"), "0123456789.") == ""
}

// file is the pseudonym of a file's name; what kind of file it is stays.
func (p *pseudonyms) file(name string) string {
	if name == "-" {
		return name
	}
	kind, rest := "", name
	for {
		extension := filepath.Ext(rest)
		switch strings.ToLower(extension) {
		case ".pcap", ".pcapng", ".cap", ".dump", ".gz", ".zst", ".xz", ".lz4":
			kind = extension + kind
			rest = strings.TrimSuffix(rest, extension)
		default:
			return string(p.word(nil, name)) + kind
		}
	}
}
