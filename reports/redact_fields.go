package reports

import "strings"

// hostKind is what the value of a field can say of hosts.
type hostKind uint8

const (
	anyText     hostKind = iota // nothing is known of the field: it can say anything
	noHosts                     // by its definition, none
	listedHosts                 // it is a list of hosts
	targets                     // it is a URL
	cookieHosts                 // attributes of cookies name hosts and paths
)

func hostsIn(field string) hostKind {
	switch strings.ToLower(field) {
	case "accept", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "age", "allow", "authorization",
		"cache-control", "connection", "content-encoding", "content-language", "content-length", "content-range", "content-type",
		"date", "dnt", "expect", "expires", "if-modified-since", "if-unmodified-since", "keep-alive", "last-modified",
		"max-forwards", "pragma", "priority", "proxy-authorization", "proxy-connection", "range", "retry-after", "sec-fetch-dest",
		"sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "server", "strict-transport-security", "te", "trailer",
		"transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent", "vary", "x-content-type-options",
		"x-frame-options", "x-powered-by", "x-xss-protection":
		return noHosts
	case "forwarded", "host", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-server", "x-forwarded-proto", "x-real-ip",
		"x-client-ip", "true-client-ip", "cf-connecting-ip", "access-control-allow-origin", "alt-svc":
		return listedHosts
	case "content-location", "destination", "location", "origin", "referer":
		return targets
	case "cookie", "cookie2", "set-cookie", "set-cookie2":
		return cookieHosts
	}
	return anyText
}

// cookies appends cookies with their attributes.
func (p *pseudonyms) cookies(b []byte, s string) []byte {
	for i, pair := range strings.Split(s, ";") {
		if i > 0 {
			b = append(b, ';')
		}
		name, value, _ := strings.Cut(pair, "=")
		switch strings.ToLower(strings.Trim(name, " \t")) {
		case "domain":
			b = p.text(append(append(b, name...), '='), value, allNames)
		case "path":
			b = p.path(append(append(b, name...), '='), value)
		default:
			b = p.text(b, pair, names)
		}
	}
	return b
}
