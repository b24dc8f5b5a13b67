package rules

import (
	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// endedByServer returns the FIN or RST by which the server ended c, on its own
// and with nothing of the connection missing from the capture. A reset in answer to a
// segment ends nothing: its sender, or a firewall on the way, does not know the connection.
func endedByServer(c *analyze.Connection) (capture.Mark, bool) {
	at, side, ok := c.Ended()
	answer := c.FIN(side).IsZero() && c.Closing != nil && c.Closing.Reset.Answer
	return at, ok && side != c.ClientSide() && !answer && c.Intact()
}
