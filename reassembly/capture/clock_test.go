package capture

import (
	"math"
	exact "math/big"
	"math/rand/v2"
	"testing"
)

// exactTime is clock.time in arithmetic without limits.
func exactTime(resolution uint8, offset int64, ticks uint64) Time {
	base := int64(10)
	if resolution&0x80 != 0 {
		base = 2
	}
	per := new(exact.Int).Exp(exact.NewInt(base), exact.NewInt(int64(resolution&0x7f)), nil)
	nanos := new(exact.Int).SetUint64(ticks)
	nanos.Mul(nanos, exact.NewInt(nanosPerSecond))
	nanos.Quo(nanos, per) // not negative: rounds down
	shift := new(exact.Int).Mul(exact.NewInt(offset), exact.NewInt(nanosPerSecond))
	nanos.Add(nanos, shift)
	switch {
	case nanos.IsInt64():
		return Time(nanos.Int64())
	case nanos.Sign() < 0:
		return minTime
	}
	return maxTime
}

func TestClockIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	ticks := []uint64{0, 1, 999999, 1e9, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64}
	offsets := []int64{0, 1, -1, 1700000000, -1700000000, 9223372036, 9223372037, -9223372036, -9223372037, math.MaxInt64, math.MinInt64}
	for resolution := range 256 {
		cases := ticks
		for range 20 {
			cases = append(cases, random.Uint64()>>random.UintN(64))
		}
		for _, offset := range offsets {
			c := newClock(uint8(resolution), offset)
			for _, n := range cases {
				want := exactTime(uint8(resolution), offset, n)
				if want == minTime || want < minTime+nanosPerSecond && want < 0 {
					continue // the last second is rounded to the limit
				}
				if got := c.time(n); got != want {
					t.Fatalf("resolution %#x, offset %d: %d ticks are %d ns, want %d", resolution, offset, n, got, want)
				}
			}
		}
	}
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		name       string
		resolution uint8
		offset     int64
		ticks      uint64
		want       Time
	}{
		{"10^-6", 6, 0, 1700000000123456, 1700000000123456000},
		{"10^-9", 9, 0, 1700000000123456789, 1700000000123456789},
		{"seconds", 0, 0, 1700000000, 1700000000000000000},
		{"10^-12 is rounded down", 12, 0, 1700000000123999, 1700000000123},
		{"2^-32 of half a second", 0x80 | 32, 0, 1700000000<<32 | 1<<31, 1700000000500000000},
		{"2^-10", 0x80 | 10, 0, 1700000000<<10 | 512, 1700000000500000000},
		{"2^-64", 0x80 | 64, 0, 1 << 63, 500000000},
		{"10^-70", 70, 0, math.MaxUint64, 0},
		{"offset", 6, 1700000000, 5, 1700000000000005000},
		{"offset back before 1970", 6, -2, 500000, -1500000000},
		{"beyond 2262", 0, 0, 1 << 40, maxTime},
		{"before 1678", 0, -1 << 40, 0, minTime},
	} {
		clock := newClock(c.resolution, c.offset)
		if got := clock.time(c.ticks); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
