package rules

import (
	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// endedByServer returns the FIN or RST by which the server ended c, on its own
// and with nothing of the connection missing from the capture.
func endedByServer(c *analyze.Connection) (capture.Mark, bool) {
	at, side, ok := c.Ended()
	return at, ok && side != c.ClientSide() && c.Intact()
}
