package packet

import (
	"encoding/binary"
	"math/bits"
)

// maxVerified is the length of a segment, TCP header included, up to which its
// checksum is verified: it takes 6 ns for an ACK and 30 ns for the longest.
const maxVerified = 512

// verify says what the checksum of the whole TCP segment b is. Where the adapter
// is to compute it, the field holds the pseudo header's sum, not complemented
// (Linux and others), or zero (some loopback interfaces).
func verify(b []byte, s *Segment) Checksum {
	pseudo := pseudoSum(s, len(b))
	switch field := binary.BigEndian.Uint16(b[16:]); {
	case fold(sum(pseudo, b)) == 0xffff:
		return ChecksumGood
	case field == fold(pseudo), field == 0:
		return ChecksumPartial
	}
	return ChecksumBad
}

// pseudoSum is the sum of the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1) of a
// segment of n bytes. The 0xffff in mapped IPv4 addresses is a zero of one's
// complement, so that one sum serves both versions.
func pseudoSum(s *Segment, n int) uint64 {
	total, carry := bits.Add64(protocolTCP+uint64(n), s.Src.addr.high, 0)
	total, carry = bits.Add64(total, s.Src.addr.low, carry)
	total, carry = bits.Add64(total, s.Dst.addr.high, carry)
	total, carry = bits.Add64(total, s.Dst.addr.low, carry)
	total, carry = bits.Add64(total, carry, 0)
	return total + carry
}

// sum adds b to a one's complement sum, eight bytes at a time (RFC 1071 §2).
func sum(total uint64, b []byte) uint64 {
	var carry uint64
	for len(b) >= 32 {
		total, carry = bits.Add64(total, binary.BigEndian.Uint64(b), carry)
		total, carry = bits.Add64(total, binary.BigEndian.Uint64(b[8:]), carry)
		total, carry = bits.Add64(total, binary.BigEndian.Uint64(b[16:]), carry)
		total, carry = bits.Add64(total, binary.BigEndian.Uint64(b[24:]), carry)
		b = b[32:]
	}
	for len(b) >= 8 {
		total, carry = bits.Add64(total, binary.BigEndian.Uint64(b), carry)
		b = b[8:]
	}
	if len(b) > 0 {
		var rest [8]byte
		copy(rest[:], b)
		total, carry = bits.Add64(total, binary.BigEndian.Uint64(rest[:]), carry)
	}
	total, carry = bits.Add64(total, carry, 0)
	return total + carry
}

// fold reduces a sum to 16 bits, the last carry included.
func fold(total uint64) uint16 {
	total = total>>32 + total&0xffffffff
	total = total>>32 + total&0xffffffff
	folded := uint32(total)
	folded = folded>>16 + folded&0xffff
	folded = folded>>16 + folded&0xffff
	return uint16(folded)
}
