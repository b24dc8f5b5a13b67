package reports

import (
	"strconv"
	"time"

	"wirelag/reassembly/vantage"
)

// vantages appends the points that captured a connection and the clock of
// the one that leads it.
func (e *encoder) vantages(b []byte, c *vantage.Connection) []byte {
	separator := `,"vantages":[{"file":`
	for i := range c.Vantages {
		v := &c.Vantages[i]
		b = append(b, separator...)
		separator = `,{"file":`
		b = strconv.AppendInt(b, int64(v.File), 10)
		b = append(b, `,"interface":`...)
		b = appendString(b, e.redact.networkInterface(v))
		b = append(b, `,"clock_offset_ms":`...)
		b = appendOffset(b, v.ClockOffset)
		b = append(b, `,"packets":`...)
		b = strconv.AppendUint(b, v.Packets, 10)
		b = append(b, `,"leads":`...)
		b = strconv.AppendBool(b, v.Leads)
		b = append(b, '}')
	}
	b = append(b, `],"clock_offset_ms":`...)
	return appendOffset(b, c.ClockOffset)
}

// appendOffset appends d, which may be negative, in milliseconds.
func appendOffset(b []byte, d time.Duration) []byte {
	if d < 0 {
		b = append(b, '-')
		d = -d
	}
	return appendMillis(b, d)
}
