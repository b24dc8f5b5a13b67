package reports

import (
	"time"

	"wirelag/reassembly/capture"
)

// frames appends a first and a last frame, with the indexes of their files
// where there are several.
func (e *encoder) frames(b []byte, first, last capture.Frame) []byte {
	if e.files {
		b = append(b, `,"file":`...)
		b = appendInt(b, int64(first.File()))
		b = append(b, `,"last_file":`...)
		b = appendInt(b, int64(last.File()))
	}
	b = append(b, `,"first_frame":`...)
	b = appendUint(b, first.Number())
	b = append(b, `,"last_frame":`...)
	return appendUint(b, last.Number())
}

// mark appends the time of m, or null when it is no moment.
func (e *encoder) mark(b []byte, m capture.Mark) []byte {
	if m.IsZero() {
		return append(b, "null"...)
	}
	return e.time(b, m.Time)
}

// time appends t as a string (RFC 3339, nine digits of fraction, UTC).
func (e *encoder) time(b []byte, t capture.Time) []byte {
	seconds, fraction := int64(t)/1e9, int64(t)%1e9
	if fraction < 0 {
		seconds, fraction = seconds-1, fraction+1e9
	}
	b = append(b, e.second.text(seconds)...)
	b = appendDigits(b, uint64(fraction), 9)
	return append(b, `Z"`...)
}

// secondCache is the latest second written: most moments share it with the one
// before, and nearly all of them the day.
type secondCache struct {
	second, day int64 // since the Unix epoch
	buf         []byte
}

// text is the beginning of the string up to the decimal point; valid until the next call.
func (c *secondCache) text(second int64) []byte {
	if second == c.second && c.buf != nil {
		return c.buf
	}
	const date, secondsOfDay = `"2006-01-02T`, 24 * 60 * 60
	c.second = second
	day, second := second/secondsOfDay, second%secondsOfDay
	if second < 0 {
		day, second = day-1, second+secondsOfDay
	}
	if day != c.day || c.buf == nil {
		c.day = day
		c.buf = time.Unix(day*secondsOfDay, 0).UTC().AppendFormat(c.buf[:0], date)
	}
	c.buf = appendDigits(c.buf[:len(date)], uint64(second/3600), 2)
	c.buf = appendDigits(append(c.buf, ':'), uint64(second/60%60), 2)
	c.buf = appendDigits(append(c.buf, ':'), uint64(second%60), 2)
	c.buf = append(c.buf, '.')
	return c.buf
}
