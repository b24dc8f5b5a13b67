package capture

import (
	"encoding/binary"
	"math/bits"
)

// bigEndian is a capture's byte order. It is a bool so that the framing loops
// need no call through an interface.
type bigEndian bool

func (big bigEndian) uint16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if big {
		return bits.ReverseBytes16(v)
	}
	return v
}

func (big bigEndian) uint32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if big {
		return bits.ReverseBytes32(v)
	}
	return v
}

func (big bigEndian) uint64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if big {
		return bits.ReverseBytes64(v)
	}
	return v
}
