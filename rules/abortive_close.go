package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/reassembly"
)

var abortiveClose = &Rule{
	ID:         "abortive-close",
	Title:      "a connection was ended by a reset",
	Group:      Ending,
	Severities: []Severity{Info},
	Doc: Doc{
		What: "One side ended the connection with RST instead of FIN, with nothing on its way. Nothing was lost; some programs do so to skip TIME_WAIT, " +
			"and one day something will be on its way.",
		Measured:     "RST by a decision of its sender (not in answer to a segment), who had sent no FIN, when all requests had their whole responses and all bytes of both sides were acknowledged. Cost = 0.",
		CapturePoint: "What its sender knew is judged there, through the round trip between it and the capture point.",
		Limits:       "Silent for connections without HTTP, and where bytes of the connection are missing from the capture.",
		Cure:         "Close in the ordinary way (no SO_LINGER with time 0) unless ports are really running out.",
		References:   []string{"HTTP-DG §4.7.4", "RFC 9293 §3.10.5"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			rst, side := c.RST()
			if c.Close() != reassembly.ByRST || !c.Synchronised() || !c.Intact() || c.Exchanges == 0 || c.Unfinished > 0 ||
				c.Closing == nil || c.Closing.Reset.Answer || !c.FIN(side).IsZero() || inFlight(c) {
				return
			}
			p.Report(Instance{
				Connection: c,
				Severity:   Info,
				Detail:     fmt.Sprintf("%s with nothing on its way.", upperFirst(closer(c, side, "reset"))),
				Evidence:   []Evidence{{rst, "RST"}},
			})
		}}
	},
}

// inFlight reports whether bytes may have been on their way when c was reset.
func inFlight(c *analyze.Connection) bool {
	_, side := c.RST()
	sent := c.Bytes(c.Direction(side))
	received, ok := c.Acknowledged(side.Other())
	return c.Closing.Reset.Acknowledged < sent || sent > 0 && !ok || received < c.Bytes(c.Direction(side.Other()))
}
