package analyze

import (
	"slices"
	"strings"

	"wirelag/analyze/http1"
)

// Bounds of what a detached exchange keeps of a message.
const (
	detachedHead  = 4 << 10 // bytes of its fields
	detachedMarks = 64      // pauses, and losses
)

// Detach returns a copy of x that shares no memory with other exchanges, whose
// messages lie in slabs of many: for who keeps few exchanges for long. Of long
// heads and much disturbed transfers, the copy has only the beginning.
func (x *Exchange) Detach() *Exchange {
	detached := *x
	detached.kept = true
	detached.Request, detached.Response = detachMessage(x.Request), detachMessage(x.Response)
	detached.Interim = nil
	for _, m := range x.Interim {
		detached.Interim = append(detached.Interim, detachMessage(m))
	}
	detached.Sending, detached.Answering = detachTransfer(x.Sending), detachTransfer(x.Answering)
	return &detached
}

func detachMessage(m *http1.Message) *http1.Message {
	if m == nil {
		return nil
	}
	detached := *m
	detached.Method, detached.Target, detached.Reason = strings.Clone(m.Method), strings.Clone(m.Target), strings.Clone(m.Reason)
	detached.Fields = detachFields(&detached, &m.Fields)
	if m.Trailers != nil {
		detached.Trailers = new(detachFields(&detached, m.Trailers))
	}
	return &detached
}

// detachFields copies the first of fields and notes in m what it leaves out.
func detachFields(m *http1.Message, fields *http1.Fields) http1.Fields {
	var kept []http1.Field
	room := detachedHead
	for _, f := range fields.All() {
		if room -= len(f.Name) + len(f.Value); room < 0 {
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
