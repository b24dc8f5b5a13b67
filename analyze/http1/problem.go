package http1

import (
	"math/bits"
	"strings"
)

// Problem is a set of faults and oddities of one message. None of them stops
// the parser; the comments say how it carries on.
type Problem uint32

// The problems. What is said of lines and fields is true of trailers, too.
const (
	// BareLF: a line of the head ends with LF alone. Accepted as a line end (RFC 9112 §2.2).
	BareLF Problem = 1 << iota
	// LFOnly: every line up to the end of the header section does; BareLF is set, too.
	LFOnly
	// BareCR: a CR inside a line of the head. Kept as a byte of the line (RFC 9112 §2.2).
	BareCR
	// ObsFold: a folded field. Unfolded (RFC 9112 §5.2).
	ObsFold
	// NulByte: a NUL in the head. Kept.
	NulByte
	// ControlByte: another control byte in the head, other than HTAB. Kept.
	ControlByte
	// SpaceBeforeColon: white space between field name and colon. Taken off, the
	// field counts (RFC 9112 §5.1).
	SpaceBeforeColon
	// SpaceBeforeField: a line that starts with white space directly behind the
	// start line. It is kept as a field without name (RFC 9112 §2.2).
	SpaceBeforeField
	// NoColon: a line without a colon. Kept as a name without value.
	NoColon
	// InvalidFieldName: a field name that is empty or no token (RFC 9110 §5.1). Kept.
	InvalidFieldName
	// RepeatedLength: the same Content-Length more than once (RFC 9110 §8.6).
	RepeatedLength
	// ConflictingLengths: different valid Content-Lengths. The first one is in force.
	ConflictingLengths
	// InvalidLength: a Content-Length that is no decimal number below 2⁶³. It is
	// ignored; without a valid one a request has no body and a response ends with
	// the connection (RFC 9112 §6.3).
	InvalidLength
	// LengthWithTransferEncoding: both fields. Transfer-Encoding decides (RFC 9112 §6.3).
	LengthWithTransferEncoding
	// UnknownTransferEncoding: a coding that is not registered, identity, or
	// chunked with parameters, twice, or not last, and a request whose last coding
	// is not chunked (RFC 9112 §6.3 item 4). When the last coding is not
	// chunked, a response ends with the connection, and a request is framed by
	// its Content-Length, if any.
	UnknownTransferEncoding
	// TransferEncodingInHTTP10: Transfer-Encoding before HTTP/1.1. It is ignored,
	// as browsers and net/http do.
	TransferEncodingInHTTP10
	// BadChunkSize: a chunk size that is no hexadecimal number below 2⁶³, or has white
	// space before it. White space is skipped; otherwise the message ends there.
	BadChunkSize
	// BadChunkEnd: no line end behind a chunk's data. The message ends there.
	BadChunkEnd
	// BareLFInChunk: a line of the chunk framing ends with LF alone. Accepted.
	BareLFInChunk
	// SpaceInTarget: white space inside the request target. Kept whole.
	SpaceInTarget
	// BadStartLine: a request line without target, a status that has not three
	// digits, white space too much or missing. See Message for what could be read.
	BadStartLine
	// OddVersion: anything but HTTP/1.0, HTTP/1.1, or none (HTTP/0.9).
	OddVersion
	// LeadingCRLF: empty lines before the start line (RFC 9112 §2.2). They are in WireBytes.
	LeadingCRLF
	// HeadCut: the head exceeds a limit; FieldsCut and BytesCut say by how much.
	HeadCut
	// HeadLost: the capture lost a part of the head. Nothing is known of the body.
	HeadLost
	// HeadUnfinished: the stream ended inside the head.
	HeadUnfinished
	// TrailersUnfinished: the stream ended behind the last chunk, before the
	// empty line: the body is whole though the message is not.
	TrailersUnfinished
)

var problemNames = [...]string{
	"bare-lf", "lf-only", "bare-cr", "obs-fold", "nul-byte", "control-byte",
	"space-before-colon", "space-before-field", "no-colon", "invalid-field-name",
	"repeated-length", "conflicting-lengths", "invalid-length", "length-with-transfer-encoding",
	"unknown-transfer-encoding", "transfer-encoding-in-http10",
	"bad-chunk-size", "bad-chunk-end", "bare-lf-in-chunk",
	"space-in-target", "bad-start-line", "odd-version", "leading-crlf",
	"head-cut", "head-lost", "head-unfinished", "trailers-unfinished",
}

// String lists the names of the problems, separated by spaces.
func (p Problem) String() string {
	var names []string
	for rest := p; rest != 0; rest &= rest - 1 {
		names = append(names, problemNames[bits.TrailingZeros32(uint32(rest))])
	}
	return strings.Join(names, " ")
}

// AmbiguousLength reports whether programs are known to differ in where m ends: for a fault of
// its length or coding, or for one of its fields where it says anything of these.
func (m *Message) AmbiguousLength() bool {
	const ofLength = ConflictingLengths | InvalidLength | LengthWithTransferEncoding | UnknownTransferEncoding | TransferEncodingInHTTP10 | BadChunkSize
	const ofFields = SpaceBeforeColon | SpaceBeforeField | BareCR
	return m.Problems.Has(ofLength) || m.Problems.Has(ofFields) && m.speaksOfLength()
}

// speaksOfLength reports whether a field, or what some read as one, tells how long m is.
func (m *Message) speaksOfLength() bool {
	for _, f := range m.Fields.All() {
		for _, text := range [...]string{f.Name, f.Value} {
			text = strings.ToLower(text)
			if strings.Contains(text, "content-length") || strings.Contains(text, "transfer-encoding") {
				return true
			}
		}
	}
	return false
}

// Has reports whether any of the problems q is in p.
func (p Problem) Has(q Problem) bool { return p&q != 0 }
