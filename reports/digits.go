package reports

import (
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"wirelag/analyze"
)

// appendUint appends n in decimal digits.
func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }

// appendInt appends n in decimal digits.
func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// appendMillis appends d in milliseconds with all of its nanoseconds; −1 when it is unknown.
func appendMillis(b []byte, d time.Duration) []byte {
	switch {
	case d == 0:
		return append(b, '0')
	case d < 0:
		return append(b, "-1"...)
	}
	whole, fraction := uint64(d)/1e6, uint64(d)%1e6
	b = appendUint(b, whole)
	if fraction == 0 {
		return b
	}
	b = appendDigits(append(b, '.'), fraction, 6)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// appendOffset appends d, which may be negative, in milliseconds.
func appendOffset(b []byte, d time.Duration) []byte {
	if d < 0 {
		b = append(b, '-')
		d = -d
	}
	return appendMillis(b, d)
}

// known is d, or analyze.Unknown.
func known(d time.Duration, ok bool) time.Duration {
	if !ok {
		return analyze.Unknown
	}
	return d
}

// appendDigits appends n with leading zeros; it has no more digits than width.
func appendDigits(b []byte, n uint64, width int) []byte {
	const mostDigits = 20
	b = slices.Grow(b, mostDigits)[:len(b)+width]
	digits := b[len(b)-width:]
	for len(digits) >= 2 {
		binary.LittleEndian.PutUint16(digits[len(digits)-2:], pairsOfDigits[n%100])
		digits = digits[:len(digits)-2]
		n /= 100
	}
	if len(digits) > 0 {
		digits[0] = byte('0' + n)
	}
	return b
}

// pairsOfDigits are the numbers below 100 in two digits each.
var pairsOfDigits = func() (pairs [100]uint16) {
	for n := range pairs {
		pairs[n] = binary.LittleEndian.Uint16([]byte{byte('0' + n/10), byte('0' + n%10)})
	}
	return pairs
}()
