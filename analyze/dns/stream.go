package dns

import (
	"encoding/binary"
	"net/netip"
	"time"

	"wirelag/reassembly/capture"
)

// lengthBytes is the length in front of a message over TCP (RFC 1035 §4.2.2).
const lengthBytes = 2

// setupGap is how soon after the beginning of a connection to a resolver its
// first query belongs to it: the connection was opened for that query.
const setupGap = 500 * time.Millisecond

// Stream reads the messages that one side of a TCP connection sends.
type Stream struct {
	tracker  *Tracker
	src, dst netip.AddrPort
	opened   capture.Mark // the connection's SYN, until the first message; zero when unknown
	rest     []byte       // an unfinished message, with its length
	closed   bool
}

// NewStream returns a reader of what src sends to dst. opened is the SYN of
// their connection, zero when unknown.
func (t *Tracker) NewStream(src, dst netip.AddrPort, opened capture.Mark) *Stream {
	return &Stream{tracker: t, src: src, dst: dst, opened: opened}
}

// Feed takes the next bytes of the stream. data is borrowed.
func (s *Stream) Feed(data []byte, at capture.Span) {
	for len(data) > 0 && !s.closed {
		n := s.missing()
		if len(s.rest) == 0 && len(data) >= lengthBytes {
			n = lengthBytes + int(binary.BigEndian.Uint16(data))
			if n <= len(data) {
				s.message(data[lengthBytes:n], at)
				data = data[n:]
				continue
			}
		}
		n = min(n, len(data))
		s.keep(data[:n])
		data = data[n:]
		if len(s.rest) >= lengthBytes && s.missing() == 0 {
			s.message(s.rest[lengthBytes:], at)
			s.forget()
		}
	}
}

// missing is how many bytes are missing from what is next: the length, or the
// message behind it.
func (s *Stream) missing() int {
	if len(s.rest) < lengthBytes {
		return lengthBytes - len(s.rest)
	}
	return lengthBytes + int(binary.BigEndian.Uint16(s.rest)) - len(s.rest)
}

func (s *Stream) message(b []byte, at capture.Span) {
	e := envelope{src: s.src, dst: s.dst, at: capture.Mark{Time: at.Readable, Frame: at.At.Frame}}
	e.start = e.at
	if !s.opened.IsZero() && e.at.Sub(s.opened) <= setupGap {
		e.start = s.opened
	}
	s.opened = capture.Mark{}
	s.tracker.take(b, e)
}

// keep holds b until the rest of its message comes.
func (s *Stream) keep(b []byte) {
	t := s.tracker
	if t.buffered+len(b) > maxStreamBytes {
		t.stats.Streams++
		s.Close()
		return
	}
	t.buffered += len(b)
	s.rest = append(s.rest, b...)
}

func (s *Stream) forget() {
	s.tracker.buffered -= len(s.rest)
	s.rest = nil
}

// Close ends the stream: at its end, or where bytes are missing (the next
// message's beginning cannot be found then).
func (s *Stream) Close() {
	s.forget()
	s.closed = true
}
