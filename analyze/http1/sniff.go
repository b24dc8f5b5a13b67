package http1

import "bytes"

// Sniff is the answer to "is this the start of a message?".
type Sniff uint8

// The answers.
const (
	NeedMore Sniff = iota // it can be, but the bytes do not suffice to tell
	No
	Yes
)

// SniffRequest tells whether data can be the start of a request: Yes needs a
// whole request line, empty lines before it allowed, with a version, or GET and
// an absolute path without one. The HTTP/2 preface is none. middle: data stands in the
// middle of a stream, where no more of a line is waited for than that of a known method;
// what else it begins with may be the end of a body.
func SniffRequest(data []byte, middle bool) Sniff {
	data = data[leadingLineEnds(data):]
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		if len(data) > lineMax || !canBeRequest(data) || middle && !startsKnownMethod(data) {
			return No
		}
		return NeedMore
	}
	line := withoutLineEnd(data[:end+1])
	s, ok := parseRequestLine(line)
	if ok && (!s.simple || line[s.textStart] == '/') {
		return Yes
	}
	return No
}

// SniffResponse tells whether data can be the start of a response: Yes needs
// "HTTP/", a digit, and no more.
func SniffResponse(data []byte) Sniff {
	data = data[leadingLineEnds(data):]
	switch {
	case isVersion(data):
		return Yes
	case canBeResponse(data):
		return NeedMore
	}
	return No
}

// leadingLineEnds counts the bytes of empty lines at the start of data.
func leadingLineEnds(data []byte) (n int) {
	for n < len(data) && isLineEnd(data[n]) {
		n++
	}
	return n
}

// probeMax is how many bytes canBeRequest and canBeResponse look at.
const probeMax = maxMethod + 1

// canBeRequest reports whether the first bytes of a line allow it to be a request line.
func canBeRequest(probe []byte) bool {
	n := tokenLength(probe[:min(len(probe), probeMax)])
	return n <= maxMethod && (n == len(probe) || n > 0 && isSpace(probe[n]))
}

// canBeResponse reports whether the first bytes of a line allow it to be a status line.
func canBeResponse(probe []byte) bool {
	const start = "http/"
	n := min(len(probe), len(start))
	return equalFold(probe[:n], start[:n]) && (len(probe) <= n || isDigit(probe[n]))
}

// startsKnownMethod reports whether probe is the beginning of a known method, or
// such a method, a space and more.
func startsKnownMethod(probe []byte) bool {
	for _, m := range knownMethods {
		n := min(len(m), len(probe))
		if string(probe[:n]) == m[:n] && (len(probe) == n || probe[n] == ' ') {
			return true
		}
	}
	return false
}
