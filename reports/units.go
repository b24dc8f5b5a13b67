package reports

import (
	"fmt"
	"strconv"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// absent is shown where a number does not apply or is not known.
const absent = "–"

// duration shows d with three significant digits.
func duration(d time.Duration) string {
	us := float64(d) / 1e3
	switch {
	case d < 0:
		return absent
	case us == 0:
		return "0"
	case us < 999.5:
		return fmt.Sprintf("%.0f µs", us)
	case us < 999.5e3:
		return digits(us/1e3) + " ms"
	case d < 10*time.Minute:
		return digits(d.Seconds()) + " s"
	case d < 24*time.Hour:
		return fmt.Sprintf("%d:%02d h", int(d.Hours()), int(d.Minutes())%60)
	}
	return digits(d.Hours()/24) + " d"
}

// size shows n bytes with three significant digits, in powers of 1000.
func size(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n)/1e3, 0
	for value >= 999.5 && unit < len(sizeUnits)-1 {
		value, unit = value/1e3, unit+1
	}
	return digits(value) + " " + sizeUnits[unit]
}

var sizeUnits = [...]string{"KB", "MB", "GB", "TB", "PB", "EB"}

// digits shows three significant digits of v, all of those before the point.
func digits(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// count shows n with its thousands apart.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is n and what it counts: "1 packet", "2 packets".
func counted(n uint64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
}

// clock shows moments of a capture: the seconds since its start or, where there
// is a zone, the time of day, with the date where the capture runs over several.
type clock struct {
	zone   *time.Location
	start  capture.Time
	layout string
}

func newClock(c *analyze.Capture, zone *time.Location) clock {
	k := clock{zone: zone, start: c.Start, layout: "15:04:05.000"}
	if zone != nil && k.date(c.Start) != k.date(c.End) {
		k.layout = time.DateOnly + " " + k.layout
	}
	return k
}

func (k clock) date(t capture.Time) string { return t.UTC().In(k.zone).Format(time.DateOnly) }

func (k clock) moment(t capture.Time) string {
	if k.zone == nil {
		return strconv.FormatFloat(t.Sub(k.start).Seconds(), 'f', 3, 64) + " s"
	}
	return t.UTC().In(k.zone).Format(k.layout)
}

// began shows the start of the capture in full.
func (k clock) began() string {
	zone := k.zone
	if zone == nil {
		zone = time.UTC
	}
	return k.start.UTC().In(zone).Format("2006-01-02 15:04:05.000 MST")
}
