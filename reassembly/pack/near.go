package pack

import "encoding/binary"

// ring is the latest numbers of a kind that were not near another.
type ring struct {
	values [nearest]uint64
	next   int
}

const (
	nearest = 6           // as many are compared with
	whole   = nearest + 1 // in place of one of them: eight bytes follow
	little  = 64          // as near as that is no use
)

// remember takes v, which differs by d from the nearest before it.
func (r *ring) remember(v, d uint64) {
	if d < little {
		return
	}
	r.values[r.next] = v
	r.next = (r.next + 1) % nearest
}

// difference is how far v is from another: small numbers for small differences of either sign.
func difference(k kind, v, from uint64) uint64 {
	d := v - from
	if k == sequences {
		d = uint64(int32(d))
	}
	zigzag := d<<1 ^ uint64(int64(d)>>63)
	switch {
	case k != moments || zigzag >= 1<<62:
		return zigzag
	case int64(d)%1000 == 0: // most clocks count microseconds
		d = uint64(int64(d) / 1000)
		return (d<<1^uint64(int64(d)>>63))<<1 | 1
	}
	return zigzag << 1
}

// away is the number that has a difference from another.
func away(k kind, from, difference uint64) uint64 {
	unit := uint64(1)
	if k == moments {
		if difference&1 != 0 {
			unit = 1000
		}
		difference >>= 1
	}
	v := from + (difference>>1^-(difference&1))*unit
	if k == sequences {
		v = uint64(uint32(v))
	}
	return v
}

// Writer holds what was packed. The zero Writer holds nothing.
type Writer struct {
	b     []byte
	rings [rings]ring
}

// Reset makes w hold nothing, with the memory that it has.
func (w *Writer) Reset() { *w = Writer{b: w.b[:0]} }

// Bytes is what w holds, until something is added or it is reset.
func (w *Writer) Bytes() []byte { return w.b }

// Number appends v.
func (w *Writer) Number(v uint64) { w.b = binary.AppendUvarint(w.b, v) }

// Truth appends v.
func (w *Writer) Truth(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	w.b = append(w.b, b)
}

// Text appends s.
func (w *Writer) Text(s string) {
	w.Number(uint64(len(s)))
	w.b = append(w.b, s...)
}

// near appends v: of its first byte, three bits say what it is near to.
func (w *Writer) near(k kind, v uint64) {
	r := &w.rings[k]
	to, least := 0, difference(k, v, 0)
	for i, from := range r.values {
		if d := difference(k, v, from); d < least {
			to, least = i+1, d
		}
	}
	r.remember(v, least)
	first := byte(to) | byte(least&0xf)<<3
	switch rest := least >> 4; {
	case least >= 1<<62:
		w.b = binary.LittleEndian.AppendUint64(append(w.b, whole), v)
	case rest != 0:
		w.b = binary.AppendUvarint(append(w.b, first|0x80), rest)
	default:
		w.b = append(w.b, first)
	}
}

// Reader reads what a Writer held, in the same order.
type Reader struct {
	rest  string
	rings [rings]ring
}

// NewReader returns a Reader of what a Writer held.
func NewReader(packed string) *Reader { return &Reader{rest: packed} }

// Number reads a number.
func (r *Reader) Number() uint64 {
	v, shift := uint64(0), 0
	for {
		b := r.rest[0]
		r.rest = r.rest[1:]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
		shift += 7
	}
}

// Truth reads a truth value.
func (r *Reader) Truth() bool { return r.Number() != 0 }

// Text reads a text, which is a part of what was packed.
func (r *Reader) Text() string {
	n := r.Number()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *Reader) near(k kind) uint64 {
	first := r.rest[0]
	r.rest = r.rest[1:]
	to := int(first & 7)
	if to == whole {
		v := binary.LittleEndian.Uint64([]byte(r.rest[:8]))
		r.rest = r.rest[8:]
		r.rings[k].remember(v, 1<<62)
		return v
	}
	d := uint64(first>>3) & 0xf
	if first&0x80 != 0 {
		d |= r.Number() << 4
	}
	from := uint64(0)
	if to > 0 {
		from = r.rings[k].values[to-1]
	}
	v := away(k, from, d)
	r.rings[k].remember(v, d)
	return v
}
