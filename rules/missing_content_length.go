package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var missingContentLength = &Rule{
	ID:         "missing-content-length",
	Title:      "only the close of the connection tells where a response ends",
	Group:      Ending,
	Severities: []Severity{Info, Warning},
	Doc: Doc{
		What: "The response has neither a Content-Length nor chunks. A crash of the server in the middle looks like its end: that it was truncated cannot be noticed, " +
			"and a cache may keep the part. The connection cannot be used again either.",
		Measured: "A response that nothing but the end of the connection delimits (by its method and status it may have a body), with bytes or without, and that end is in the capture. Warning where a proxy or cache stands in the way (Via, Age), " +
			"or an RST ended it; else info. Cost = 0.",
		CapturePoint: "The same everywhere.",
		Limits:       "Silent for HTTP/0.9 and tunnels, for a length or coding that some do not take for one (other rules), and where a part of the head, or the end of the connection, is missing from the capture.",
		Cure:         "Send Content-Length, or chunked to HTTP/1.1 clients; most frameworks do when the application does not write to the socket itself.",
		References:   []string{"HTTP-DG §4.7.1", "RFC 9112 §6.3", "RFC 9112 §8"},
	},
	Signs: untilClose,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			m := x.Response
			const unknown = http1.HeadLost | http1.HeadUnfinished
			if x.Request == nil || m == nil || m.Framing != http1.UntilClose || m.Version == http1.HTTP09 || m.Lost > 0 || m.Problems.Has(unknown) || m.AmbiguousLength() {
				return
			}
			end, text, ok := endOfStream(x.Connection, x.Connection.ClientSide().Other(), m)
			if !ok {
				return
			}
			i := Instance{
				Connection: x.Connection,
				Exchange:   x,
				Severity:   Info,
				Detail:     fmt.Sprintf("%s of a response without length ended when %s.", count(int(m.BodyBytes), "byte", "bytes"), text),
				Evidence:   []Evidence{{m.Start.At, "response without length"}, {end, text}},
			}
			switch {
			case !m.Complete:
				i.Severity = Warning
				i.Detail += " Whether that was all of it is not known."
			case hasField(m, "Via"), hasField(m, "Age"), hasField(x.Request, "Via"):
				i.Severity = Warning
				i.Detail += " A proxy or cache on the way (Via, Age) may keep a part of it for the whole."
			}
			p.Report(i)
		}}
	},
}
