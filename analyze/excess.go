package analyze

import (
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// Excess is bytes behind the end of a message that do not begin another.
type Excess struct {
	Exchange    uint64 // ID of the exchange whose message they follow
	number      *number
	Length      int64 // the Content-Length of that message; −1 without one
	Bytes       int64
	First, Last capture.Mark
}

// ended is the message of a direction that ended last.
type ended struct {
	exchange *number
	end      int64 // the place behind it in its stream
	length   int64
	doubtful bool // what asked for it is not known: the answer to a HEAD has no body, whatever it says
}

// learn takes over the exchange's number once it is known.
func (e *Excess) learn() {
	if e.number != nil {
		e.Exchange = e.number.value
	}
}

// exceed charges bytes that belong to no message to the message before them.
// Line ends mean nothing (RFC 9112 §2.2), what the end of the stream cut may have
// become a message, and where bytes are missing from the capture nothing is known.
func (v *conversation) exceed(d reassembly.Direction, data []byte, at capture.Span) {
	c := &v.connection
	before := v.pairing.ended[d]
	if before.exchange == nil || before.doubtful || v.pairing.finishing || !c.Intact() || onlyLineEnds(data) {
		return
	}
	if c.Excess == nil {
		c.Excess = &[2]Excess{}
	}
	e := &c.Excess[d]
	switch {
	case e.Bytes == 0:
		*e = Excess{number: before.exchange, Length: before.length, First: at.At}
	case e.number != before.exchange:
		return
	}
	e.Bytes += int64(len(data))
	e.Last = at.At
}

// otherAnswer notes that data, which belongs to no message, is what the server sent instead of
// a response when it had a request: a page without a head, an alert of TLS. Behind another
// response, that is proved by the request, which the client sent when it had all of that.
func (v *conversation) otherAnswer(data []byte, at capture.Span) bool {
	x, excess := v.pairing.next(), v.connection.Excess
	switch {
	case x == nil || x.Request == nil || v.pairing.finishing || onlyLineEnds(data):
		return false
	case x.OtherAnswer:
		return true
	case excess != nil && excess[reassembly.ToClient].Bytes > 0:
		return false
	}
	client, first := v.connection.ClientSide(), v.pairing.ended[reassembly.ToClient].exchange == nil
	if ack := v.acknowledged(client.Other(), at.At); ack.known {
		x.OtherAnswer = v.connection.Offset(client, ack.number) > x.start && (first || x.Informed)
	} else {
		x.OtherAnswer = first
	}
	return x.OtherAnswer
}

func onlyLineEnds(data []byte) bool {
	for _, b := range data {
		if b != '\r' && b != '\n' {
			return false
		}
	}
	return true
}
