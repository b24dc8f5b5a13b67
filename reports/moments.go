package reports

import (
	"strconv"
	"time"

	"wirelag/reassembly/capture"
)

// frames appends a first and a last frame, with the indexes of their files
// where there are several.
func (e *encoder) frames(b []byte, first, last capture.Frame) []byte {
	if e.files {
		b = append(b, `,"file":`...)
		b = strconv.AppendInt(b, int64(first.File()), 10)
		b = append(b, `,"last_file":`...)
		b = strconv.AppendInt(b, int64(last.File()), 10)
	}
	b = append(b, `,"first_frame":`...)
	b = strconv.AppendUint(b, first.Number(), 10)
	b = append(b, `,"last_frame":`...)
	return strconv.AppendUint(b, last.Number(), 10)
}

// appendMillis appends d in milliseconds with all of its nanoseconds; −1 when it is unknown.
func appendMillis(b []byte, d time.Duration) []byte {
	if d < 0 {
		return append(b, "-1"...)
	}
	b = strconv.AppendInt(b, int64(d/time.Millisecond), 10)
	fraction := int(d % time.Millisecond)
	if fraction == 0 {
		return b
	}
	b = append(b, '.')
	for unit := int(time.Millisecond) / 10; fraction > 0; unit /= 10 {
		b = append(b, byte('0'+fraction/unit))
		fraction %= unit
	}
	return b
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
	const day = int64(24 * time.Hour)
	days, rest := int64(t)/day, int64(t)%day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	seconds := uint64(rest / int64(time.Second))
	b = append(b, '"')
	b = append(b, e.date.text(days)...)
	b = append(b, 'T')
	b = appendDigits(b, seconds/3600, 2)
	b = append(b, ':')
	b = appendDigits(b, seconds/60%60, 2)
	b = append(b, ':')
	b = appendDigits(b, seconds%60, 2)
	b = append(b, '.')
	b = appendDigits(b, uint64(rest%int64(time.Second)), 9)
	return append(b, `Z"`...)
}

// appendDigits appends n with leading zeros.
func appendDigits(b []byte, n uint64, width int) []byte {
	const zeros = "000000000"
	b = append(b, zeros[:width]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// dateCache is the latest date written: most moments share it with the one before.
type dateCache struct {
	days int64
	buf  []byte
}

// text is the date days after the Unix epoch; valid until the next call.
func (d *dateCache) text(days int64) []byte {
	if days != d.days || d.buf == nil {
		d.days = days
		d.buf = time.Unix(days*24*60*60, 0).UTC().AppendFormat(d.buf[:0], time.DateOnly)
	}
	return d.buf
}
