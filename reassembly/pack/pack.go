// Package pack writes structures of numbers into few bytes: for many that are kept,
// and of which few are looked at again. What a number costs is how far it is from the
// nearest of those of its kind before it, as most times, sequence numbers and places in
// a stream are near another.
package pack

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"wirelag/reassembly/capture"
)

// Codec packs structures of type T. Arrays and structures in them are packed, too.
type Codec[T any] struct {
	fields []field
	bitmap int // bytes that say which fields are not zero
}

type field struct {
	offset uintptr
	size   uintptr
	kind   kind
}

// New returns the codec of T that leaves the named fields out: they stay as they are when
// a T is read. It panics where one that it is not to leave out is no number, or there
// is none of a name.
func New[T any](without ...string) *Codec[T] {
	l := layout{without: without}
	l.add(reflect.TypeFor[T](), 0, "")
	if len(l.without) > 0 {
		panic(fmt.Sprintf("pack: no field %q in %v", l.without, reflect.TypeFor[T]()))
	}
	return &Codec[T]{l.fields, (len(l.fields) + 7) / 8}
}

// layout is where the numbers of a structure are.
type layout struct {
	without []string // not met so far
	fields  []field
}

func (l *layout) add(t reflect.Type, offset uintptr, name string) {
	if at := slices.Index(l.without, name); at >= 0 {
		l.without = slices.Delete(l.without, at, at+1)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			path := f.Name
			if name != "" {
				path = name + "." + f.Name
			}
			l.add(f.Type, offset+f.Offset, path)
		}
	case reflect.Array:
		for i := range t.Len() {
			l.add(t.Elem(), offset+uintptr(i)*t.Elem().Size(), fmt.Sprintf("%s[%d]", name, i))
		}
	default:
		k, ok := kindOf(t)
		if !ok {
			panic(fmt.Sprintf("pack: %s is a %v", name, t))
		}
		l.fields = append(l.fields, field{offset, t.Size(), k})
	}
}

// kind is what numbers are compared with each other.
type kind uint8

const (
	moments    kind        = iota // capture.Time
	frames                        // capture.Frame
	sequences                     // of 32 bits, modulo 2^32
	quantities                    // signed
	rings                         // how many kinds are compared
	words      = rings            // neither compared
	truths     = rings + 1        // nor, as they are 1 if not 0, written
)

func kindOf(t reflect.Type) (k kind, ok bool) {
	switch t {
	case reflect.TypeFor[capture.Time]():
		return moments, true
	case reflect.TypeFor[capture.Frame]():
		return frames, true
	}
	switch t.Kind() {
	case reflect.Bool:
		return truths, true
	case reflect.Uint32:
		return sequences, true
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		return quantities, true
	case reflect.Uint8, reflect.Uint16, reflect.Uint, reflect.Uint64:
		return words, true
	}
	return 0, false
}

// Put appends x to what w holds.
func (c *Codec[T]) Put(w *Writer, x *T) {
	start := len(w.b)
	w.b = append(w.b, make([]byte, c.bitmap)...)
	for i := range c.fields {
		f := &c.fields[i]
		v := f.load(unsafe.Pointer(x))
		if v == 0 {
			continue
		}
		w.b[start+i/8] |= 1 << (i % 8)
		switch f.kind {
		case truths:
		case words:
			w.Number(v)
		default:
			w.near(f.kind, v)
		}
	}
}

// Take reads the next that r holds into x, whose fields are zero but for those that
// the codec leaves out.
func (c *Codec[T]) Take(r *Reader, x *T) {
	bitmap := r.rest[:c.bitmap]
	r.rest = r.rest[c.bitmap:]
	for i := range c.fields {
		if bitmap[i/8]&(1<<(i%8)) == 0 {
			continue
		}
		f, v := &c.fields[i], uint64(1)
		switch f.kind {
		case truths:
		case words:
			v = r.Number()
		default:
			v = r.near(f.kind)
		}
		f.store(unsafe.Pointer(x), v)
	}
}

// load is the number of a field, extended by its sign if it has one.
func (f *field) load(x unsafe.Pointer) uint64 {
	p := unsafe.Add(x, f.offset)
	switch f.size {
	case 1:
		return uint64(*(*uint8)(p))
	case 2:
		if f.kind == quantities {
			return uint64(*(*int16)(p))
		}
		return uint64(*(*uint16)(p))
	case 4:
		if f.kind == quantities {
			return uint64(*(*int32)(p))
		}
		return uint64(*(*uint32)(p))
	}
	return *(*uint64)(p)
}

func (f *field) store(x unsafe.Pointer, v uint64) {
	p := unsafe.Add(x, f.offset)
	switch f.size {
	case 1:
		*(*uint8)(p) = uint8(v)
	case 2:
		*(*uint16)(p) = uint16(v)
	case 4:
		*(*uint32)(p) = uint32(v)
	default:
		*(*uint64)(p) = v
	}
}
