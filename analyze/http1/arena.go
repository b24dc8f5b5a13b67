package http1

import (
	"unsafe"

	"wirelag/reassembly/reuse"
)

// Sizes of the pieces that an Arena takes from the heap: large enough that a
// keep-alive exchange of ordinary heads costs less than 0.03 allocations, small
// enough that a few kept messages pin little memory (at most one piece of each).
const (
	slabBytes = 64 << 10 // of text, and of the places of fields
	// Fields reserved for a head at once; what it does not need goes back.
	fieldsReserved = 16
	// Line buffers that wait for their next use, and the size of those that may.
	freeLines   = 64
	freeLineMax = 4 << 10
	lineMin     = 512
	// What is kept for all messages that are not over, and, once that is reached, for
	// one: bytes of its start line, of its fields and of the line in progress, and fields.
	heldMax      = 64 << 20
	scarceBytes  = 2 << 10
	scarceFields = 64
)

// Arena hands out Messages, and the memory of their texts and fields in slabs. The
// garbage collector frees a slab when nobody keeps Fields or a string in it any more;
// an Arena takes nothing back but Messages. The zero Arena is ready for use. One
// goroutine may use it, for any number of Parsers.
type Arena struct {
	messages reuse.Pool[Message]
	text     slab[byte]
	places   slab[place]

	latest [2]plainHead // by role

	lines [][]byte // free buffers for lines in progress

	held int // bytes kept for messages that are not over
	// Shares is how many arenas share the bound on that; 0 counts as 1.
	Shares int
	// Kept, if not nil, counts what Hold is told of.
	Kept *int64
}

// Hold notes that n more bytes (see [Message.Size]) are kept for messages that are
// not over; fewer when n is negative. While there are too many, what a head may
// keep is little. Parsers note by themselves what they hold until Handler.Head.
func (a *Arena) Hold(n int) {
	a.held += n
	if a.Kept != nil {
		*a.Kept += int64(n)
	}
}

// limit is most, or, while too much is held, no more than few.
func (a *Arena) limit(most, few int) int {
	if a.scarce(0) {
		return min(most, few)
	}
	return most
}

// scarce reports whether too much would be held with n more bytes.
func (a *Arena) scarce(n int) bool { return a.held+n > heldMax/max(a.Shares, 1) }

// Free gives a message back that nobody looks into any more. Its texts stay as they are.
func (a *Arena) Free(m *Message) { a.messages.Put(m) }

// keep copies b into the arena.
func (a *Arena) keep(b []byte) string {
	text := append(a.text.begin(len(b)), b...)
	// It is handed out once and never written again.
	return unsafe.String(unsafe.SliceData(text), len(text))
}

// addField adds the field of a line, the name of which ends and the value of which
// starts at the given offsets, to a list that this arena began.
func (a *Arena) addField(f *Fields, line []byte, name, value int) {
	at := placeOf(len(f.text), name, value, len(line))
	if len(f.places) == cap(f.places) {
		f.places = a.places.grow(f.places, fieldsReserved)
	}
	f.places = append(f.places, at)
	f.text = append(a.text.grow(f.text, len(line)), line...)
}

// closeFields ends a list.
func (a *Arena) closeFields(f *Fields) {
	f.text, f.places = a.text.close(f.text), a.places.close(f.places)
}

// line returns an empty buffer.
func (a *Arena) line() []byte {
	if n := len(a.lines); n > 0 {
		b := a.lines[n-1]
		a.lines = a.lines[:n-1]
		return b
	}
	return make([]byte, 0, lineMin)
}

// freeLine takes a buffer back.
func (a *Arena) freeLine(b []byte) {
	if cap(b) > 0 && cap(b) <= freeLineMax && len(a.lines) < freeLines {
		a.lines = append(a.lines, b[:0])
	}
}
