package reports

import (
	"strconv"

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
		b = appendInt(b, int64(v.File))
		b = append(b, `,"interface":`...)
		b = appendString(b, e.redact.networkInterface(v))
		b = append(b, `,"clock_offset_ms":`...)
		b = appendOffset(b, v.ClockOffset)
		b = append(b, `,"packets":`...)
		b = appendUint(b, v.Packets)
		b = append(b, `,"leads":`...)
		b = strconv.AppendBool(b, v.Leads)
		b = append(b, '}')
	}
	b = append(b, `],"clock_offset_ms":`...)
	return appendOffset(b, c.ClockOffset)
}
