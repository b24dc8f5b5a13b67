package reports

import (
	"math"
	"strconv"
	"testing"
)

// TestNumbers: around every power of ten, numbers are as strconv writes them.
func TestNumbers(t *testing.T) {
	numbers := []uint64{0, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64}
	for power := uint64(1); ; power *= 10 {
		numbers = append(numbers, power-1, power, power+1, 7*(power/8)+power/3)
		if power > math.MaxUint64/10 {
			break
		}
	}
	for _, n := range numbers {
		if got, want := string(appendUint(nil, n)), strconv.FormatUint(n, 10); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for _, signed := range []int64{int64(n), -int64(n)} {
			if got, want := string(appendInt(nil, signed)), strconv.FormatInt(signed, 10); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}
