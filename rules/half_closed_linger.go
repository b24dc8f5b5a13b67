package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

const (
	lingerMin     = 30 * time.Second // RULES
	lingerWarning = 5                // connections of a pair (RULES)
)

var halfClosedLinger = &Rule{
	ID:         "half-closed-linger",
	Title:      "one side closed and the other kept its side open",
	Group:      Ending,
	Severities: []Severity{Info, Warning},
	Per:        PerPair,
	Doc: Doc{
		What: "After the FIN of one side the other can only finish what it has to send. A program that neither sends nor closes has forgotten the connection: " +
			"it costs a descriptor and memory on both sides (CLOSE_WAIT there, FIN_WAIT_2 here) until something runs out.",
		Measured: "From the first FIN, or the other side's last data behind it, to that side's FIN, the RST, or the end of the capture (of several, the one that has the connection): >= 30 s. " +
			"Info; a warning from 5 connections of a client -> server pair. Cost = 0.",
		CapturePoint: "30 s are much more than any path: not corrected.",
		Limits:       "Silent where the server still owes a response, where the first FIN is not acknowledged, for connections without HTTP, and where the second FIN, or bytes of the connection, are missing from the capture.",
		Cure:         "Let the program that keeps its side open close a connection when reading says that it ended, and look for leaked connections in its pool.",
		References:   []string{"HTTP-DG §4.7.4", "RFC 9293 §3.6"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			fin, finished, ok := halfClosed(c)
			if !ok {
				return
			}
			other := finished.Other()
			since := max(fin.Time, c.Closing.LastData[other])
			end, how := capture.Mark{Frame: c.Last().Frame, Time: c.WatchedUntil()}, "the capture ended"
			if at := c.FIN(other); !at.IsZero() {
				end, how = at, "it closed, too"
			} else if rst, _ := c.RST(); !rst.IsZero() {
				end, how = rst, "a reset came"
			}
			lasted := end.Time.Sub(since)
			if lasted < lingerMin {
				return
			}
			p.Report(Instance{
				Connection: c,
				Severity:   Info,
				Detail: fmt.Sprintf("%s, and for %s the other side sent nothing and did not close, until %s.",
					upperFirst(closer(c, finished, "closed")), ms(lasted), how),
				Evidence: []Evidence{{fin, "FIN"}, {c.Last(), "the last packet"}},
			})
		}}
	},
	Conclude: func(f *Finding) {
		if f.Count >= lingerWarning {
			f.Severity = Warning
			f.Detail = fmt.Sprintf("%d connections to %s were left half closed. On one of them: %s", f.Count, f.Connection.Server(), f.Detail)
		}
	},
}

// halfClosed returns the first FIN of c and its sender, where the other side had
// it and nothing left to do but to close.
func halfClosed(c *analyze.Connection) (fin capture.Mark, side reassembly.Side, ok bool) {
	fin, side, ok = c.Ended()
	if !ok || c.Closing == nil || c.FIN(side).IsZero() || !c.Intact() || c.Exchanges == 0 ||
		c.Close() == reassembly.ByTimeout || side == c.ClientSide() && c.Unfinished > 0 {
		return fin, side, false
	}
	acknowledged, _ := c.Acknowledged(side)
	return fin, side, acknowledged > c.Bytes(c.Direction(side)) // a FIN counts as one
}
