package rules

import (
	"fmt"
	"slices"
	"strings"

	"wirelag/analyze/http1"
)

// perHop are the names that a Connection field may hold without naming a field
// of the sender's own: options, and fields that are for one connection by
// definition (RFC 9110 §7.6.1).
var perHop = []string{
	"close", "keep-alive", "te", "upgrade", "trailer", "transfer-encoding", "proxy-connection", "proxy-authorization", "proxy-authenticate",
}

// forAll are the fields that all recipients of a message need (RFC 9110 §7.6.1
// forbids to name such a field in Connection).
var forAll = []string{
	"accept", "accept-encoding", "accept-language", "accept-ranges", "age", "allow", "authorization", "cache-control",
	"content-encoding", "content-language", "content-length", "content-location", "content-range", "content-type",
	"cookie", "date", "etag", "expires", "forwarded", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
	"if-unmodified-since", "last-modified", "location", "origin", "pragma", "range", "referer", "server", "set-cookie",
	"user-agent", "vary", "via", "www-authenticate", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
}

func oneOf(names []string, name string) bool {
	for _, n := range names {
		if len(n) == len(name) && strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// nominated are the fields of its sender's own that the Connection field of m names.
func nominated(m *http1.Message) (names []string) {
	known := map[string]bool{}
	for name := range m.List("Connection") {
		if len(names) == maxNominated {
			break
		}
		if lower := strings.ToLower(name); !oneOf(perHop, name) && !oneOf(forAll, name) && !known[lower] {
			known[lower] = true
			names = append(names, name)
		}
	}
	return names
}

// maxNominated is how many names in the Connection field of a message are looked at.
const maxNominated = 256

// maxShown is how much of a field's name is shown.
const maxShown = 40

// shown is the name of a field for a sentence: names are bytes of the capture.
func shown(name string) string {
	for _, c := range []byte(name) {
		if !('a' <= c|0x20 && c|0x20 <= 'z') && !('0' <= c && c <= '9') && c != '-' && c != '_' {
			return "a field with an odd name"
		}
	}
	if len(name) > maxShown {
		return name[:maxShown] + "..."
	}
	return name
}

// maxEnumerated is how many names a sentence has.
const maxEnumerated = 8

// enumerate joins names for a sentence: "A, B and C".
func enumerate(names []string) string {
	if more := len(names) - maxEnumerated; more > 0 {
		names = append(slices.Clone(names[:maxEnumerated]), fmt.Sprintf("%d more", more))
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// whose names what kind of message m is.
func whose(m *http1.Message) string {
	if m.Role == http1.Request {
		return "request"
	}
	return "response"
}
