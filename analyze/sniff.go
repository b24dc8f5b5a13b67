package analyze

import (
	"bytes"

	"wirelag/analyze/http1"
	"wirelag/reassembly"
)

// protocol is what the beginning of a stream shows.
type protocol uint8

const (
	undecided protocol = iota // too short to tell
	isRequest
	isResponse
	isTLS
	isHTTP2
	somethingElse
)

// sniff tells what side's stream is from its bytes so far (or, hunting, from
// those of one segment), and how many of them come before it.
func (v *conversation) sniff(side reassembly.Side, data []byte) (protocol, int) {
	known := v.connection.Roles() != reassembly.RoleByPort
	client := side == v.connection.ClientSide()
	hunt := v.streams[side].mode == hunting
	best := somethingElse
	if !known || client {
		p, skip := sniffClient(data, hunt)
		if p != undecided && p != somethingElse {
			return p, skip
		}
		best = p
	}
	if !known || !client {
		switch http1.SniffResponse(data) {
		case http1.Yes:
			return isResponse, 0
		case http1.NeedMore:
			best = undecided
		}
	}
	if hunt && best == undecided && len(data) > maxHuntedPrefix {
		return somethingElse, 0
	}
	return best, 0
}

// maxHuntedPrefix is how much of a segment may look like the beginning of a
// message without being one, in the middle of a stream.
const maxHuntedPrefix = 8 << 10

var (
	http2Preface = []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") // RFC 9113 §3.4
	proxyV1      = []byte("PROXY ")
	proxyV2      = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

const (
	proxyV1Max    = 107 // the longest line that the PROXY protocol allows, CRLF included
	proxyV2Header = 16
)

// sniffClient tells what a client's stream begins with. A PROXY protocol header
// (version 1 or 2) is skipped. hunt: data may be the middle of the stream.
func sniffClient(data []byte, hunt bool) (protocol, int) {
	skip, ok := proxyHeader(data)
	if !ok {
		return undecided, 0
	}
	data = data[skip:]
	switch {
	case len(data) == 0:
		return undecided, 0
	case isPrefix(data, http2Preface):
		if len(data) < len("PRI * HTTP/2.0\r\n") {
			return undecided, 0
		}
		return isHTTP2, skip
	case data[0] == tlsHandshake:
		return sniffTLS(data), skip
	}
	switch http1.SniffRequest(data, hunt) {
	case http1.Yes:
		return isRequest, skip
	case http1.NeedMore:
		return undecided, 0
	}
	return somethingElse, 0
}

// isPrefix reports whether data and p agree as far as both go.
func isPrefix(data, p []byte) bool {
	n := min(len(data), len(p))
	return bytes.Equal(data[:n], p[:n])
}

// proxyHeader returns the length of the PROXY protocol header that data begins
// with, 0 without one; ok is false while it is not complete.
func proxyHeader(data []byte) (n int, ok bool) {
	switch {
	case isPrefix(data, proxyV2):
		if len(data) < proxyV2Header {
			return 0, false
		}
		n = proxyV2Header + int(data[14])<<8 + int(data[15])
		return n, len(data) >= n
	case isPrefix(data, proxyV1):
		end := bytes.Index(data[:min(len(data), proxyV1Max)], []byte("\r\n"))
		if end < 0 {
			return 0, len(data) >= proxyV1Max
		}
		return end + 2, true
	}
	return 0, true
}

const (
	tlsHandshake   = 22 // content type (RFC 8446 §5.1)
	tlsClientHello = 1  // handshake type (RFC 8446 §4)
)

// sniffTLS tells whether data, which begins like a TLS record, is a ClientHello.
func sniffTLS(data []byte) protocol {
	const recordHeader = 5
	if len(data) > 1 && data[1] != 3 {
		return somethingElse
	}
	if len(data) <= recordHeader {
		return undecided
	}
	if data[recordHeader] == tlsClientHello {
		return isTLS
	}
	return somethingElse
}
