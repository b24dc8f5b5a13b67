package http1

import "unsafe"

// Sizes of the pieces that an Arena takes from the heap: large enough that a
// keep-alive exchange of ordinary heads costs less than 0.03 allocations, small
// enough that a few kept messages pin little memory (at most one piece of each).
const (
	slabMessages = 128
	slabFields   = 2048
	slabBytes    = 64 << 10
	// A text longer than this gets memory of its own.
	slabTextMax = slabBytes / 8
	// Fields reserved for a head at first; what it does not need goes back.
	fieldsReserved = 32
	// Line buffers that wait for their next use, and the size of those that may.
	freeLines   = 64
	freeLineMax = 4 << 10
	lineMin     = 512
	// What is kept for all messages that are not over, and, once that is reached, for
	// one: bytes of its start line, of its fields and of the line in progress, and fields.
	heldMax         = 64 << 20
	scarceBytes     = 2 << 10
	scarceFields    = 64
	bytesOfOneField = int(unsafe.Sizeof(Field{}))
)

// Arena hands out the memory of Messages in slabs. The garbage collector frees
// a slab when nobody keeps a Message, Field or string in it any more; an Arena
// never takes anything back. The zero Arena is ready for use. One goroutine may
// use it, for any number of Parsers.
type Arena struct {
	messages []Message // not handed out yet
	text     []byte    // not handed out yet

	fields []Field // the whole slab
	used   int     // of fields
	open   *Field  // start of the latest reservation

	lines [][]byte // free buffers for lines in progress

	held int // bytes kept for messages that are not over
	// Shares is how many arenas share the bound on that; 0 counts as 1.
	Shares int
	// Load, if not nil, is told of what Hold is.
	Load func(bytes int)
}

// Hold notes that n more bytes (see [Message.Size]) are kept for messages that are
// not over; fewer when n is negative. While there are too many, what a head may
// keep is little. Parsers note by themselves what they hold until Handler.Head.
func (a *Arena) Hold(n int) {
	a.held += n
	if a.Load != nil {
		a.Load(n)
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

func (a *Arena) message() *Message {
	if len(a.messages) == 0 {
		a.messages = make([]Message, slabMessages)
	}
	m := &a.messages[0]
	a.messages = a.messages[1:]
	return m
}

// keep copies b into the arena.
func (a *Arena) keep(b []byte) string {
	if len(b) > slabTextMax {
		return string(b)
	}
	if len(b) == 0 {
		return ""
	}
	if len(b) > len(a.text) {
		a.text = make([]byte, slabBytes)
	}
	n := copy(a.text, b)
	// The n bytes are handed out once and never written again: a.text moves past them.
	text := unsafe.String(&a.text[0], n)
	a.text = a.text[n:]
	return text
}

// ahead is the memory of the next n bytes, at most slabTextMax, that are kept:
// what fill writes.
func (a *Arena) ahead(n int) string {
	if n > len(a.text) {
		a.text = make([]byte, slabBytes)
	}
	// Written before anybody but the caller of ahead has it, then never again.
	return unsafe.String(unsafe.SliceData(a.text), n)
}

// fill copies b to where ahead said.
func (a *Arena) fill(b []byte) { a.text = a.text[copy(a.text, b):] }

// appendField appends to a list of fields that this arena started.
func (a *Arena) appendField(list []Field, f Field) []Field {
	if len(list) == cap(list) {
		list = append(a.reserve(max(fieldsReserved, 2*cap(list))), list...)
	}
	return append(list, f)
}

func (a *Arena) reserve(n int) []Field {
	if n > slabFields/4 {
		return make([]Field, 0, n)
	}
	if n > len(a.fields)-a.used {
		a.fields, a.used = make([]Field, slabFields), 0
	}
	list := a.fields[a.used : a.used : a.used+n]
	a.open = &a.fields[a.used]
	a.used += n
	return list
}

// closeFields gives back what list did not need of its reservation, if no other
// was made since, and seals it against appending.
func (a *Arena) closeFields(list []Field) []Field {
	if len(list) > 0 && &list[0] == a.open {
		a.used -= cap(list) - len(list)
		a.open = nil
	}
	return list[:len(list):len(list)]
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
