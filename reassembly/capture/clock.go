package capture

import (
	"math"
	"math/bits"
)

const (
	maxTime Time = math.MaxInt64
	minTime Time = math.MinInt64

	nanosPerSecond = 1_000_000_000
)

// clock turns the timestamps of a pcapng interface, counts of ticks, into
// moments.
type clock struct {
	// scale is the nanoseconds of a tick where that is a whole number and
	// offset is 0, which is nearly always; else it is 0.
	scale uint64
	// exponent n makes a tick 10^-n seconds, or 2^-n if binary.
	exponent uint8
	binary   bool
	offset   int64 // seconds to add
}

// newClock returns the clock of an interface with the options if_tsresol and
// if_tsoffset (draft-ietf-opsawg-pcapng §4.2).
func newClock(resolution uint8, offset int64) clock {
	c := clock{exponent: resolution & 0x7f, binary: resolution&0x80 != 0, offset: offset}
	if !c.binary && c.exponent <= 9 && offset == 0 {
		c.scale = powerOfTen(9 - c.exponent)
	}
	return c
}

// time returns the moment of a timestamp, rounded down to the nanosecond and
// clamped to what a Time can say.
func (c *clock) time(ticks uint64) Time {
	if c.scale == 0 {
		return c.slowTime(ticks)
	}
	high, low := bits.Mul64(ticks, c.scale)
	if high != 0 || low > math.MaxInt64 {
		return maxTime
	}
	return Time(low)
}

func (c *clock) slowTime(ticks uint64) Time {
	seconds, nanos := c.split(ticks)
	if c.offset >= 0 {
		sum, carry := bits.Add64(seconds, uint64(c.offset), 0)
		if carry != 0 {
			return maxTime
		}
		return joinTime(sum, false, nanos)
	}
	behind := -uint64(c.offset)
	if seconds >= behind {
		return joinTime(seconds-behind, false, nanos)
	}
	return joinTime(behind-seconds, true, nanos)
}

// split returns the whole seconds of a timestamp and the rest, in nanoseconds.
func (c *clock) split(ticks uint64) (seconds, nanos uint64) {
	n := c.exponent
	if c.binary {
		if n >= 64 {
			return 0, shiftedNanos(ticks, n)
		}
		return ticks >> n, shiftedNanos(ticks&(1<<n-1), n)
	}
	switch {
	case n <= 9:
		per := powerOfTen(n)
		return ticks / per, ticks % per * powerOfTen(9-n)
	case n <= 19:
		per := powerOfTen(n)
		return ticks / per, ticks % per / powerOfTen(n-9)
	case n <= 28:
		return 0, ticks / powerOfTen(n-9)
	}
	return 0, 0 // 2^64 ticks of 10^-29 s are less than a nanosecond
}

// shiftedNanos returns fraction · 2^-n seconds in nanoseconds.
func shiftedNanos(fraction uint64, n uint8) uint64 {
	high, low := bits.Mul64(fraction, nanosPerSecond)
	if n >= 64 {
		return high >> (n - 64)
	}
	return high<<(64-n) | low>>n
}

// joinTime returns the moment seconds (before the epoch if negative) and nanos.
func joinTime(seconds uint64, negative bool, nanos uint64) Time {
	const limit = math.MaxInt64 / nanosPerSecond
	switch {
	case seconds > limit && negative:
		return minTime
	case seconds > limit:
		return maxTime
	case negative:
		return -Time(seconds)*nanosPerSecond + Time(nanos)
	}
	whole := Time(seconds) * nanosPerSecond
	if Time(nanos) > maxTime-whole {
		return maxTime
	}
	return whole + Time(nanos)
}

// powerOfTen returns 10^n, n ≤ 19.
func powerOfTen(n uint8) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
