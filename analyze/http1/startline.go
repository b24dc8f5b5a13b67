package http1

import (
	"bytes"
	"math"
)

// maxMethod is the longest method taken for one. The longest registered method
// (IANA HTTP Method Registry) has 17 letters.
const maxMethod = 64

// knownMethods are those that a request must have where it is not known that
// one begins: the tail of a method or of a body would do for another. They are those
// of the IANA HTTP Method Registry, and the common ones besides.
var knownMethods = [...]string{
	"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE", "PROPFIND", "PROPPATCH",
	"MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "QUERY", "ACL", "BIND", "UNBIND", "REBIND",
	"LINK", "UNLINK", "LABEL", "MERGE", "CHECKIN", "CHECKOUT", "UNCHECKOUT", "UPDATE", "UPDATEREDIRECTREF",
	"VERSION-CONTROL", "BASELINE-CONTROL", "MKACTIVITY", "MKCALENDAR", "MKREDIRECTREF", "MKWORKSPACE", "ORDERPATCH",
	"PURGE", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "M-SEARCH", "RPC_IN_DATA", "RPC_OUT_DATA", "CCM_POST", "BITS_POST", "SOURCE",
}

// startLine is what a start line says; its text stays in the line.
type startLine struct {
	method             int // length of the method; requests
	status             int // responses
	textStart, textEnd int // the target, or the reason
	version            Version
	problems           Problem
	simple             bool // HTTP/0.9: no version and no head (RFC 1945 §4.1)
	exact              bool // the version is written as HTTP/x.y
}

// provable reports whether the line has the full form that tells a message
// from other bytes: METHOD SP target SP HTTP/x.y, or HTTP/x.y SP 3DIGIT.
func (s *startLine) provable() bool {
	return s.exact && !s.problems.Has(BadStartLine|SpaceInTarget|NulByte|ControlByte|BareCR)
}

// parseStartLine reads a start line without its line end.
func parseStartLine(role Role, line []byte) (startLine, bool) {
	if role == Request {
		return parseRequestLine(line)
	}
	return parseStatusLine(line)
}

// parseRequestLine reads a request line (RFC 9112 §3). What lies between the
// method and the version is the target; white space around it is forgiven.
func parseRequestLine(line []byte) (s startLine, ok bool) {
	s.method = tokenLength(line)
	end := trimmedLength(line)
	if s.method == 0 || s.method > maxMethod || end <= s.method || !isSpace(line[s.method]) {
		return s, false
	}
	word := end
	for !isSpace(line[word-1]) {
		word--
	}
	s.textStart, s.textEnd = s.method+1, end
	strict := line[s.method] == ' ' && end == len(line)
	if isVersion(line[word:end]) {
		s.setVersion(line[word:end])
		s.textEnd = max(word-1, s.textStart)
		strict = strict && line[word-1] == ' '
	} else {
		s.simple, s.version = true, HTTP09
	}
	strict = s.trimTarget(line) && strict
	if !strict {
		s.problems |= BadStartLine
	}
	s.problems |= controls(line)
	if s.simple {
		return s, string(line[:s.method]) == "GET" && !s.problems.Has(SpaceInTarget)
	}
	return s, !isPreface(line)
}

// trimTarget reports whether there was a target, and nothing to trim.
func (s *startLine) trimTarget(line []byte) (strict bool) {
	text := line[s.textStart:s.textEnd]
	target := trimSpace(text)
	if bytes.IndexByte(target, ' ') >= 0 || bytes.IndexByte(target, '\t') >= 0 {
		s.problems |= SpaceInTarget
	}
	if len(target) > 0 {
		s.textStart += bytes.IndexByte(text, target[0])
	}
	s.textEnd = s.textStart + len(target)
	return len(target) > 0 && len(target) == len(text)
}

// isPreface recognises the start line of HTTP/2 (RFC 9113 §3.4), which is made
// to be no request of HTTP/1.
func isPreface(line []byte) bool { return string(line) == "PRI * HTTP/2.0" }

// isVersion reports whether word starts as an HTTP-version does, in any case.
func isVersion(word []byte) bool {
	return len(word) > 5 && equalFold(word[:5], "http/") && isDigit(word[5])
}

// setVersion reads an HTTP-version that isVersion accepted.
func (s *startLine) setVersion(word []byte) {
	major, n := digits(word[5:])
	s.version.Major = saturate(major)
	if rest := word[5+n:]; len(rest) > 0 && rest[0] == '.' {
		minor, _ := digits(rest[1:])
		s.version.Minor = saturate(minor)
	}
	s.exact = len(word) == 8 && string(word[:5]) == "HTTP/" && word[6] == '.' && isDigit(word[7])
	if !s.exact || s.version != HTTP11 && s.version != HTTP10 {
		s.problems |= OddVersion
	}
}

func saturate(n int) uint8 { return uint8(min(n, math.MaxUint8)) }

// digits reads the decimal number at the start of b, saturated at 1,000,
// and the number of its digits.
func digits(b []byte) (value, n int) {
	for n < len(b) && isDigit(b[n]) {
		value = min(10*value+int(b[n]-'0'), 1000)
		n++
	}
	return value, n
}

// statusDigits is the length of a status code (RFC 9112 §4).
const statusDigits = 3

// parseStatusLine reads a status line (RFC 9112 §4). The reason and the space
// before it may be missing, which is common; a status that has not three digits
// is read as far as it goes, and is 0 when there is none.
func parseStatusLine(line []byte) (s startLine, ok bool) {
	end := versionLength(line)
	if end == 0 {
		return s, false
	}
	s.setVersion(line[:end])
	s.problems |= controls(line)
	if end < len(line) && !isSpace(line[end]) && !isDigit(line[end]) {
		return s, false
	}
	rest := trimSpace(line[end:])
	_, n := digits(rest)
	if n != statusDigits || line[end] != ' ' || isSpace(line[end+1]) {
		s.problems |= BadStartLine
	}
	n = min(n, statusDigits)
	s.status, _ = digits(rest[:n])
	s.setReason(line, rest[n:])
	return s, true
}

// setReason takes rest, what follows the status in line, for the reason.
func (s *startLine) setReason(line, rest []byte) {
	if len(rest) > 0 && isSpace(rest[0]) {
		rest = rest[1:]
	} else if len(rest) > 0 {
		s.problems |= BadStartLine
	}
	s.textEnd = trimmedLength(line)
	s.textStart = s.textEnd - len(rest)
}

// versionLength is the length of the HTTP-version that line starts with, 0 if
// there is none. A status written right behind it ("HTTP/1.1200 OK") is left out.
func versionLength(line []byte) int {
	if !isVersion(line) {
		return 0
	}
	_, n := digits(line[5:])
	end := 5 + n
	if end == len(line) || line[end] != '.' {
		return end
	}
	_, n = digits(line[end+1:])
	if n > statusDigits {
		n = 1
	}
	return end + 1 + n
}
