package http1

import (
	"bytes"
	"iter"
	"slices"
	"unsafe"
)

// Field is one header or trailer field. Name and Value are as sent, without the
// white space around the value and behind the name; a folded value (obs-fold) is
// joined by one space (RFC 9112 §5.2). A line without a colon is a Name without
// Value, and a line that starts with white space a Value without Name.
type Field struct{ Name, Value string }

// Weight is about how many bytes of memory f takes among other fields.
func (f Field) Weight() int { return len(f.Name) + len(f.Value) + bytesOfOneField }

// Fields are the fields of a header or trailer section, in order. A nil one is empty.
type Fields struct {
	text   []byte // where it was handed out, it is not changed
	places []place
}

// place says where in the text a field is. Without pointers, the garbage
// collector need not look at fields, and they take half the memory.
type place struct{ name, nameEnd, value, valueEnd uint32 }

const bytesOfOneField = int(unsafe.Sizeof(place{}))

// FieldsOf copies a list of fields, the texts of which have less than 4 GiB together.
func FieldsOf(list []Field) Fields {
	n := 0
	for _, field := range list {
		n += len(field.Name) + len(field.Value)
	}
	f := Fields{text: make([]byte, 0, n), places: make([]place, 0, len(list))}
	for _, field := range list {
		name := len(f.text)
		f.text = append(append(f.text, field.Name...), field.Value...)
		f.places = append(f.places, placeOf(name, len(field.Name), len(field.Name), len(field.Name)+len(field.Value)))
	}
	return f
}

// placeOf is the place of a field in a line at a place of the text: where in the
// line the name ends, the value starts, and ends.
func placeOf(line, nameEnd, value, valueEnd int) place {
	return place{uint32(line), uint32(line + nameEnd), uint32(line + value), uint32(line + valueEnd)}
}

// Len is how many fields there are.
func (f *Fields) Len() int {
	if f == nil {
		return 0
	}
	return len(f.places)
}

// At is field i, from 0.
func (f *Fields) At(i int) Field {
	at, text := &f.places[i], unsafe.String(unsafe.SliceData(f.text), len(f.text))
	return Field{Name: text[at.name:at.nameEnd], Value: text[at.value:at.valueEnd]}
}

// Equal reports whether f and g are the same fields in the same order, and were written
// with the same white space.
func (f *Fields) Equal(g *Fields) bool {
	return bytes.Equal(f.text, g.text) && slices.Equal(f.places, g.places)
}

// All yields the fields with their numbers, from 0.
func (f *Fields) All() iter.Seq2[int, Field] {
	return func(yield func(int, Field) bool) {
		for i := range f.Len() {
			if !yield(i, f.At(i)) {
				return
			}
		}
	}
}

// weight is how many bytes of memory are reserved.
func (f *Fields) weight() int { return cap(f.text) + bytesOfOneField*cap(f.places) }

// called yields the values of the fields called name (any case).
func (f *Fields) called(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range f.places {
			if at := &f.places[i]; int(at.nameEnd-at.name) != len(name) {
				continue
			}
			if field := f.At(i); sameName(field.Name, name) && !yield(field.Value) {
				return
			}
		}
	}
}
