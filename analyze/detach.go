package analyze

import (
	"slices"
	"strings"
	"unsafe"

	"wirelag/analyze/http1"
)

// Bounds of what a detached exchange keeps of a message.
const (
	detachedHead  = 4 << 10 // bytes of memory of its fields
	detachedMarks = 64      // pauses, and losses
)

// Detach returns a copy of x that shares no memory with other exchanges, whose
// messages lie in slabs of many: for who keeps few exchanges for long. Of long
// heads and much disturbed transfers, the copy has only the beginning. Its
// connection is kept.
func (x *Exchange) Detach() *Exchange { return x.detach(detachedHead) }

// detach is Detach, with so many bytes of the fields of each head.
func (x *Exchange) detach(head int) *Exchange {
	detached := *x
	detached.kept = true
	x.Connection.Keep()
	detached.Request, detached.Response = detachMessage(x.Request, head), detachMessage(x.Response, head)
	detached.Interim = nil
	for _, m := range x.Interim {
		detached.Interim = append(detached.Interim, detachMessage(m, head))
	}
	detached.Sending, detached.Answering = detachTransfer(x.Sending), detachTransfer(x.Answering)
	return &detached
}

// Size is about how many bytes of memory x takes, detached, with its connection.
func (x *Exchange) Size() int64 {
	n := int64(unsafe.Sizeof(*x) + unsafe.Sizeof(told{}))
	for _, m := range append(x.Interim[:len(x.Interim):len(x.Interim)], x.Request, x.Response) {
		if m != nil {
			n += int64(m.Size())
		}
	}
	for _, t := range [...]*Transfer{x.Sending, x.Answering} {
		if t != nil {
			n += int64(unsafe.Sizeof(*t)) + int64(len(t.Pauses))*int64(unsafe.Sizeof(Pause{})) + int64(len(t.Losses))*int64(unsafe.Sizeof(Loss{}))
		}
	}
	return n
}

func detachMessage(m *http1.Message, head int) *http1.Message {
	if m == nil {
		return nil
	}
	detached := *m
	detached.Method, detached.Target, detached.Reason = strings.Clone(m.Method), strings.Clone(m.Target), strings.Clone(m.Reason)
	detached.Fields = detachFields(&detached, &m.Fields, head)
	if m.Trailers != nil {
		detached.Trailers = new(detachFields(&detached, m.Trailers, head))
	}
	return &detached
}

// detachFields copies the first of fields, up to so many bytes, and notes in m what it leaves out.
func detachFields(m *http1.Message, fields *http1.Fields, room int) http1.Fields {
	var kept []http1.Field
	for _, f := range fields.All() {
		if room -= f.Weight(); room < 0 {
			m.FieldsCut++
			m.BytesCut += int64(len(f.Name) + len(f.Value))
			continue
		}
		kept = append(kept, f)
	}
	return http1.FieldsOf(kept)
}

func detachTransfer(t *Transfer) *Transfer {
	if t == nil {
		return nil
	}
	detached := *t
	detached.Pauses = slices.Clone(t.Pauses[:min(len(t.Pauses), detachedMarks)])
	detached.Losses = slices.Clone(t.Losses[:min(len(t.Losses), detachedMarks)])
	return &detached
}
