package reports

import (
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		in   time.Duration
		want string
	}{
		{analyze.Unknown, "–"},
		{0, "0"},
		{400, "0 µs"},
		{1600, "2 µs"},
		{999_499, "999 µs"},
		{999_500, "1.00 ms"},
		{1_234_567, "1.23 ms"},
		{9_996_000, "10.0 ms"},
		{41_300_000, "41.3 ms"},
		{99_960_000, "100 ms"},
		{999_600_000, "1.00 s"},
		{1_234 * time.Millisecond, "1.23 s"},
		{75 * time.Second, "75.0 s"},
		{599 * time.Second, "599 s"},
		{10 * time.Minute, "0:10 h"},
		{83 * time.Minute, "1:23 h"},
		{60 * time.Hour, "2.50 d"},
		{292 * 365 * 24 * time.Hour, "106580 d"},
	} {
		if got := duration(c.in); got != c.want {
			t.Errorf("%d ns: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		in   int64
		want string
	}{
		{0, "0 B"}, {999, "999 B"}, {1000, "1.00 KB"}, {12_345, "12.3 KB"}, {999_499, "999 KB"},
		{999_500, "1.00 MB"}, {1 << 30, "1.07 GB"}, {1<<63 - 1, "9.22 EB"},
	} {
		if got := size(c.in); got != c.want {
			t.Errorf("%d: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		in   uint64
		want string
	}{{0, "0 packets"}, {1, "1 packet"}, {999, "999 packets"}, {1000, "1,000 packets"}, {1234567, "1,234,567 packets"}} {
		if got := counted(c.in, "packet"); got != c.want {
			t.Errorf("%d: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestMoments(t *testing.T) {
	start := capture.Time(1_767_225_599_500_000_000) // 2025-12-31 23:59:59.5 UTC
	east := time.FixedZone("EAST", 3600)
	for _, c := range []struct {
		zone         *time.Location
		length       time.Duration
		moment       string
		began, named string
	}{
		{nil, time.Second, "0.250 s", "2025-12-31 23:59:59.500 UTC", "relative"},
		{time.UTC, 100 * time.Millisecond, "23:59:59.750", "2025-12-31 23:59:59.500 UTC", "one day"},
		{time.UTC, time.Second, "2025-12-31 23:59:59.750", "2025-12-31 23:59:59.500 UTC", "over midnight"},
		{east, time.Second, "00:59:59.750", "2026-01-01 00:59:59.500 EAST", "local"},
	} {
		k := newClock(&analyze.Capture{Start: start, End: start.Add(c.length)}, c.zone)
		if got := k.moment(start.Add(250 * time.Millisecond)); got != c.moment {
			t.Errorf("%s: got %q, want %q", c.named, got, c.moment)
		}
		if got := k.began(); got != c.began {
			t.Errorf("%s: began %q, want %q", c.named, got, c.began)
		}
	}
}
