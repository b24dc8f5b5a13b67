package reports

import (
	"net/netip"
	neturl "net/url"
	"strings"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/vantage"
	"wirelag/rules"
)

// mask stands in place of a secret.
const mask = "***"

// redactor is the one way of captured text into a report, whatever its format:
// it masks secrets (credentials, the values of cookies, user information in URLs
// and the values of query parameters that are named like secrets), and replaces
// what names hosts where that is asked for. Nothing else in this package reads
// addresses, names, targets, fields or what rules say about them; a test checks
// that. What is returned as bytes is valid until the next call.
type redactor struct {
	off   bool        // secrets are shown
	hosts *pseudonyms // nil: hosts are shown
	buf   []byte
	other []byte
}

func newRedactor(o Options) redactor {
	r := redactor{off: o.ShowSecrets, buf: []byte{}, other: []byte{}}
	if o.RedactHosts {
		r.hosts = newPseudonyms(o.RedactKey)
	}
	return r
}

// client and server are the ends of a connection.
func (r *redactor) client(c *analyze.Connection) netip.AddrPort { return r.addressPort(c.Client()) }

func (r *redactor) server(c *analyze.Connection) netip.AddrPort { return r.addressPort(c.Server()) }

func (r *redactor) addressPort(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(r.address(a.Addr()), a.Port())
}

func (r *redactor) address(a netip.Addr) netip.Addr {
	if r.hosts == nil {
		return a
	}
	return r.hosts.address(a)
}

// keyOf tells client and server apart. Its addresses are to be shown by the redactor.
func keyOf(c *reassembly.Connection) pairKey { return pairKey{c.Client().Addr(), c.Server()} }

// serverName is what the server of a connection is called; empty when unknown.
func (r *redactor) serverName(c *analyze.Connection) []byte { return r.host(c.ServerName) }

// host is a host, with its port where that stands with it.
func (r *redactor) host(s string) []byte {
	r.mask(s)
	if r.hosts != nil {
		r.replace(r.hosts.host)
	}
	return r.buf
}

// url is a URL or request target.
func (r *redactor) url(s string) []byte {
	r.mask(s)
	if r.hosts != nil {
		r.replace(r.hosts.target)
	}
	return r.buf
}

// target is the target of a request.
func (r *redactor) target(m *http1.Message) []byte { return r.url(m.Target) }

// requestHost is the host that a request is for, as sent.
func (r *redactor) requestHost(m *http1.Message) []byte { return r.host(hostOf(m)) }

// hostOf is the host that a request is for, as sent: that of an absolute target
// (RFC 9112 §3.2.2), or the Host field's.
func hostOf(m *http1.Message) string {
	if strings.HasPrefix(m.Target, "/") {
		host, _ := m.Get("Host")
		return host
	}
	if scheme, rest, found := strings.Cut(m.Target, "://"); found && isURIScheme(scheme) {
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			rest = rest[:end]
		}
		return rest[strings.LastIndexByte(rest, '@')+1:]
	}
	host, _ := m.Get("Host")
	return host
}

// hostOfExchange is the host that x is for: as its request says, or else what its
// server is called.
func (r *redactor) hostOfExchange(x *analyze.Exchange) []byte {
	if x.Request != nil {
		if host := r.requestHost(x.Request); len(host) > 0 {
			return host
		}
	}
	return r.serverName(x.Connection)
}

// method is that of a request.
func (r *redactor) method(m *http1.Message) string { return r.captured(m.Method) }

// reason is the reason phrase of a response.
func (r *redactor) reason(m *http1.Message) string { return r.captured(m.Reason) }

// captured is other captured text.
func (r *redactor) captured(s string) string {
	if r.hosts == nil {
		return s
	}
	return string(r.hosts.text(nil, s, names))
}

// headers counts the fields of a message's head, trailers those behind its body.
func headers(m *http1.Message) int { return m.Fields.Len() }

func trailers(m *http1.Message) int { return m.Trailers.Len() }

// header is field i of a message's head, from 0. Unless redacted is nil, it is
// what of the value may be shown.
func (r *redactor) header(m *http1.Message, i int) (name, value string, redacted []byte) {
	f := m.Fields.At(i)
	return r.captured(f.Name), f.Value, r.value(f.Name, f.Value)
}

// headOf is the head of a message, kept to compare others with it.
type headOf struct{ fields http1.Fields }

// is reports whether m has the same fields.
func (h *headOf) is(m *http1.Message) bool { return headers(m) > 0 && h.fields.Equal(&m.Fields) }

// has reports whether field i of m is the same.
func (h *headOf) has(m *http1.Message, i int) bool {
	return i < h.fields.Len() && h.fields.At(i) == m.Fields.At(i)
}

func (h *headOf) take(m *http1.Message) { h.fields = m.Fields }

// trailer is field i behind a message's body, as a header is.
func (r *redactor) trailer(m *http1.Message, i int) (name, value string, redacted []byte) {
	f := m.Trailers.At(i)
	return r.captured(f.Name), f.Value, r.value(f.Name, f.Value)
}

// get is the value of the first field of m called name; empty without one.
func (r *redactor) get(m *http1.Message, name string) []byte {
	value, _ := m.Get(name)
	if redacted := r.value(name, value); redacted != nil {
		return redacted
	}
	r.buf = append(r.buf[:0], value...)
	return r.buf
}

// value is what may be shown of a header or trailer field; nil where that is the
// value as it was captured.
func (r *redactor) value(name, value string) (redacted []byte) {
	if r.hosts == nil && (r.off || !mayHaveSecrets(name)) {
		return nil
	}
	return r.redacted(trimmedName(name), value)
}

// trimmedName is the name of a field without white space around it, which
// nearly none has.
func trimmedName(s string) string {
	if s != "" && (s[0] <= ' ' || s[len(s)-1] <= ' ') {
		return strings.Trim(s, " \t")
	}
	return s
}

func (r *redactor) redacted(name, value string) []byte {
	masked := !r.off && r.maskValue(name, value)
	if r.hosts == nil {
		if masked {
			return r.buf
		}
		return nil
	}
	if !masked {
		r.buf = append(r.buf[:0], value...)
	}
	r.replaceValue(name)
	return r.buf
}

// detail, advice and evidence are what a finding says.
func (r *redactor) detail(f *rules.Finding) string { return r.told(f, f.Detail) }

// instance is what happened in one instance of a finding.
func (r *redactor) instance(rule *rules.Rule, i *rules.Instance) string {
	return r.told(&rules.Finding{Rule: rule, Connection: i.Connection}, i.Detail)
}

func (r *redactor) advice(f *rules.Finding) string { return r.told(f, f.Advice) }

func (r *redactor) evidence(f *rules.Finding, e *rules.Evidence) string { return r.told(f, e.What) }

// subject is what a finding is about beside client and server: "GET host/path".
func (r *redactor) subject(f *rules.Finding) string {
	host, method, path := f.Subject()
	subject := string(r.host(host))
	if path != "" {
		subject += string(r.url(path))
	}
	if method != "" {
		subject = r.captured(method) + " " + subject
	}
	return subject
}

// told is text of a rule: our own words, and what they quote.
func (r *redactor) told(f *rules.Finding, s string) string {
	if r.hosts == nil {
		return s
	}
	called := f.Connection.ServerName
	name, port := splitPort(called)
	if isDomain(name) {
		s = strings.ReplaceAll(s, name, string(r.hosts.host(nil, name)))
	} else if port != "" {
		s = strings.ReplaceAll(s, called, string(r.hosts.host(nil, called)))
	}
	return string(r.hosts.text(nil, s, addresses))
}

// filter is a finding's display filter. With pseudonyms it finds nothing.
func (r *redactor) filter(f *rules.Finding) string { return r.told(f, f.Filter()) }

// fingerprint identifies a finding among reports whose hosts are replaced by
// the same key, or are not.
func (r *redactor) fingerprint(f *rules.Finding) string {
	if r.hosts == nil {
		return f.Fingerprint()
	}
	return r.hosts.fingerprint(f.Fingerprint())
}

// fileName is the name of an input.
func (r *redactor) fileName(f *capture.File) string {
	if r.hosts == nil {
		return f.Name
	}
	return r.hosts.file(f.Name)
}

// damage is why an input could not be read to its end.
func (r *redactor) damage(f *capture.File) string { return r.ofFiles(f.Damage, f) }

// meaning is what capture health means.
func (r *redactor) meaning(c *analyze.Capture, h *analyze.HealthItem) string {
	return r.ofFiles(h.Meaning, c.Files...)
}

// ofFiles is text of our own that may name files.
func (r *redactor) ofFiles(s string, files ...*capture.File) string {
	if r.hosts == nil {
		return s
	}
	for _, f := range files {
		if len(f.Name) > 1 {
			s = strings.ReplaceAll(s, f.Name, r.hosts.file(f.Name))
		}
	}
	return string(r.hosts.text(nil, s, addresses))
}

// networkInterface is the name of the one that a point captured on.
func (r *redactor) networkInterface(v *vantage.Vantage) string {
	name := v.Interface
	if r.hosts == nil || isPlainWord(strings.TrimRight(name, "0123456789")) && len(name) <= len("enp0s31f6") {
		return name
	}
	return string(r.hosts.word(nil, name))
}

// mask leaves a URL, request target or host in buf without its secrets.
func (r *redactor) mask(s string) {
	r.buf = r.buf[:0]
	if r.off {
		r.buf = append(r.buf, s...)
	} else {
		r.buf = appendMaskedURL(r.buf, s)
	}
}

// replace changes what is in buf.
func (r *redactor) replace(by func(b []byte, s string) []byte) {
	r.other = by(r.other[:0], string(r.buf))
	r.buf, r.other = r.other, r.buf
}

// maskValue leaves the value of a field in buf without its secrets, if it may have any.
func (r *redactor) maskValue(name, value string) bool {
	switch secretsOf(name) {
	case credentials:
		r.buf = appendMaskedCredentials(r.buf[:0], value)
	case cookies:
		r.buf = appendMaskedCookies(r.buf[:0], value)
	case setCookie:
		r.buf = appendMaskedSetCookie(r.buf[:0], value)
	case url:
		r.buf = appendMaskedURL(r.buf[:0], value)
	case whole:
		r.buf = append(r.buf[:0], mask...)
	default:
		return false
	}
	return true
}

// replaceValue replaces what names hosts in buf, the value of a field.
func (r *redactor) replaceValue(name string) {
	switch hostsIn(name) {
	case noHosts:
		r.replace(func(b []byte, s string) []byte { return r.hosts.text(b, s, names) })
	case listedHosts:
		r.replace(func(b []byte, s string) []byte { return r.hosts.text(b, s, allNames) })
	case targets:
		r.replace(r.hosts.target)
	case cookieHosts:
		r.replace(r.hosts.cookies)
	default:
		r.replace(r.hosts.word)
	}
}

// secrets is what a field's value may give away.
type secrets uint8

const (
	none        secrets = iota
	credentials         // RFC 9110 §11.4
	cookies             // RFC 6265 §4.2.1
	setCookie           // RFC 6265 §4.1.1
	url
	whole // a key or a token, by common use
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
	{"Api-Key", whole},
	{"Cookie2", cookies},
	{"Referer", url},
	{"Refresh", url},
	{"Location", url},
	{"X-Api-Key", whole},
	{"Set-Cookie", setCookie},
	{"Destination", url},
	{"Set-Cookie2", setCookie},
	{"X-Auth-Token", whole},
	{"X-Csrf-Token", whole},
	{"X-Xsrf-Token", whole},
	{"Authorization", credentials},
	{"Private-Token", whole},
	{"X-Rewrite-URL", url},
	{"X-Vault-Token", whole},
	{"X-Access-Token", whole},
	{"X-Goog-Api-Key", whole},
	{"X-Original-URI", url},
	{"X-Original-URL", url},
	{"X-Forwarded-URI", url},
	{"X-Session-Token", whole},
	{"Content-Location", url},
	{"Proxy-Authorization", credentials},
	{"X-Amz-Security-Token", whole},
	{"X-Forwarded-Access-Token", whole},
	{"Ocp-Apim-Subscription-Key", whole},
}

func secretsOf(name string) secrets {
	for i := range secretFields {
		if f := &secretFields[i]; len(f.name) == len(name) && strings.EqualFold(f.name, name) {
			return f.secrets
		}
	}
	return none
}

// mayHaveSecrets reports whether name, with white space around it, may be one of
// secretFields. Hardly another has the length and both ends of one.
func mayHaveSecrets(name string) bool {
	return name != "" && (secretEnds[len(name)%len(secretEnds)]&ends(name) != 0 || name[0] <= ' ' || name[len(name)-1] <= ' ')
}

// secretEnds are the ends of the names of secretFields, by length.
var secretEnds = func() (of [32]uint32) {
	for _, f := range secretFields {
		of[len(f.name)] |= ends(f.name)
	}
	return of
}()

// ends is the bit that stands for a name's first and last letter, in either case.
func ends(name string) uint32 { return 1 << ((name[0] + 3*name[len(name)-1]) & 31) }

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
	if isPlainPath(s) {
		return append(b, s...)
	}
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

// isPlainPath reports whether s has nothing in it that may lead in a secret: no
// query, fragment, scheme or user information.
func isPlainPath(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '?', '#', '@', ':', ';', '&':
			return false
		}
	}
	return true
}

func appendMaskedParameter(b []byte, parameter string) []byte {
	name, value, found := strings.Cut(parameter, "=")
	if !found || !isSecretParameter(name) && !hidesSecret(value) {
		return appendMaskedURLs(b, parameter)
	}
	b = append(b, parameter[:len(name)+1]...)
	return append(b, mask...)
}

// hidesSecret reports whether a value is a percent-encoded URL, as logins are told where to
// go on, with a secret in it. What that holds encoded once more is not looked at: there may
// be as many layers as there are bytes.
func hidesSecret(value string) bool {
	if !strings.Contains(value, "%") {
		return false
	}
	s, err := neturl.PathUnescape(value)
	if err != nil {
		return false
	}
	for parameter := range strings.FieldsFuncSeq(s, func(c rune) bool { return strings.ContainsRune("?#&;", c) }) {
		if name, _, found := strings.Cut(parameter, "="); found && isSecretParameter(name) {
			return true
		}
	}
	return string(appendMaskedURLs(nil, s)) != s
}

// isSecretParameter reports whether a query parameter is named like a secret,
// in any case and however it is percent-encoded: by one of these names, or by one
// whose last word is like "id_token" or "X-Amz-Signature".
func isSecretParameter(name string) bool {
	var plain [longestParameter]byte
	n, word := 0, 0 // where the last word begins
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' && i+2 < len(name) {
			c = unhex(name[i+1])<<4 | unhex(name[i+2])
			i += 2
		}
		switch rest := name[i+1:]; {
		case c == ']', c == '[' && (rest == "]" || strings.EqualFold(rest, "%5d")): // token[]
			continue
		case c == '[': // user[token]
			n, word = 0, 0
			continue
		case n == len(plain):
			return false
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		plain[n] = c
		n++
		if c == '_' || c == '-' {
			word = n
		}
	}
	switch string(plain[word:n]) {
	case "token", "signature", "secret", "password":
		return true
	}
	switch string(plain[:n]) {
	case "api_key", "api-key", "apikey", "key", "sig", "code", "session":
		return true
	}
	return false
}

// longestParameter bounds what is taken for the name of a secret.
const longestParameter = 64

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
