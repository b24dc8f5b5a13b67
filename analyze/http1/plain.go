package http1

import (
	"encoding/binary"
	"math/bits"
)

// plainMax is how many bytes of a head plainFields takes at once.
const plainMax = 4 << 10

// plainFields takes the fields at the start of data that lie whole in it, with the
// byte behind them, and have nothing odd: no fold, no control byte, no line end
// but CRLF, no white space around the name or behind the value. It does what field
// does with each of them, but copies them all at once, and leaves the rest to lines.
func (p *Parser) plainFields(data []byte) (rest []byte) {
	data, rest = data[:min(len(data), plainMax)], data
	if len(data) > int(p.room) || p.arena.scarce(len(data)*bytesOfOneField) {
		return rest
	}
	if behind, same := p.sameFields(rest); same {
		return behind
	}
	fields, problems := &p.message.Fields, p.message.Problems
	places, base := fields.places, len(fields.text)
	n, kept := 0, 0
	for len(places) < fieldsMax {
		f, ok := readPlainField(data[n:])
		if !ok {
			break
		}
		p.frame(data[n:n+f.name], data[n+f.value:n+f.end])
		if len(places) == cap(places) {
			places = p.arena.places.grow(places, fieldsReserved)
		}
		places = append(places, placeOf(base+n, f.name, f.value, f.end))
		n += f.next
		kept += f.end
	}
	if n == 0 {
		return rest
	}
	before, weight := len(fields.places), fields.weight()
	fields.places, fields.text = places, append(p.arena.text.grow(fields.text, n), data[:n]...)
	p.message.noteFields(before)
	p.room -= int32(kept)
	p.keep(fields.weight() - weight)
	p.flags |= sawCRLF
	p.count(n)
	if before == 0 && p.message.Problems == problems && p.flags&maySwitch == 0 && isBlank(rest[n:min(n+2, len(rest))]) {
		p.flags |= allPlain
	}
	return rest[n:]
}

// plainField says where in a line the parts of a field are.
type plainField struct {
	name       int // its end
	value, end int // without the white space around
	next       int // the line behind
}

// readPlainField reads the line that data starts with, if it is whole and plain.
func readPlainField(data []byte) (f plainField, ok bool) {
	for f.name < len(data) && tokenBytes[data[f.name]] {
		f.name++
	}
	if f.name == 0 || f.name == len(data) || data[f.name] != ':' {
		return f, false
	}
	f.value = f.name + 1
	for f.value < len(data) && isSpace(data[f.value]) {
		f.value++
	}
	f.end = f.value + plainLength(data[f.value:])
	f.next = f.end + len("\r\n")
	if f.next >= len(data) || data[f.end] != '\r' || data[f.end+1] != '\n' || isSpace(data[f.next]) {
		return f, false
	}
	return f, !isSpace(data[f.end-1])
}

// plainLength is how many bytes of b, from its start, are no control bytes
// other than HTAB.
func plainLength(b []byte) (n int) {
	for n+8 <= len(b) {
		found := controlMask(binary.LittleEndian.Uint64(b[n:]))
		if found == 0 {
			n += 8
			continue
		}
		n += bits.TrailingZeros64(found) / 8
		if b[n] != '\t' {
			return n
		}
		n++
	}
	for n < len(b) && (b[n] >= 0x20 && b[n] != 0x7f || b[n] == '\t') {
		n++
	}
	return n
}
