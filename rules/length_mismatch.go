package rules

import (
	"fmt"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
)

var lengthMismatch = &Rule{
	ID:         "length-mismatch",
	Title:      "a body is not as long as its message says",
	Group:      Ending,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "Both sides have to agree where a message ends. If they do not, the rest of a body is read as the next message, or the next message as a body: " +
			"the connection is out of step, and requests get the answers of others.",
		Measured: "Bytes (other than line ends) behind the end of a response, or of a request with Content-Length, that do not begin a message; Content-Length with " +
			"different values; chunk framing in which a size, or the line end behind a chunk, is missing. Cost = 0.",
		CapturePoint: "Bytes are the same everywhere.",
		Limits: "Silent where bytes of the connection are missing from the capture, for what may be the beginning of a message that the end of the connection " +
			"cut, and where the request of a response is not in the capture (the answer to a HEAD has no body).",
		Cure:       "Let the application set no Content-Length by hand where the framework knows it, send no body with HEAD, 204 and 304, and close the connection where a length turned out wrong.",
		References: []string{"HTTP-DG §4.7.1", "RFC 9112 §6.3", "RFC 9110 §8.6"},
	},
	Signs: faulty,
	Listen: func(p *Pass) analyze.Listener {
		told := map[uint64]uint64{} // by connection: the exchange whose framing was told to be broken
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				for _, m := range []*http1.Message{x.Request, x.Response} {
					if i, ok := mismatch(x, m); ok {
						if len(told) < maxNoted {
							told[x.Connection.ID] = x.ID
						} else {
							p.Forget()
						}
						p.Report(i)
					}
				}
			},
			Closed: func(c *analyze.Connection) {
				before := told[c.ID]
				delete(told, c.ID)
				if c.Excess == nil || !c.Intact() {
					return
				}
				for d := range c.Excess {
					e := &c.Excess[d]
					if e.Bytes > 0 && e.Exchange != before && (reassembly.Direction(d) == reassembly.ToClient || e.Length >= 0) {
						p.Report(excess(c, e))
					}
				}
			},
		}
	},
}

// mismatch judges what the head of m and its chunks say.
func mismatch(x *analyze.Exchange, m *http1.Message) (Instance, bool) {
	i := Instance{Connection: x.Connection, Exchange: x, Severity: Error}
	switch {
	case m == nil || m.Lost > 0, x.Request == nil && m.BodyBytes == 0:
		return i, false // what answers a HEAD has no body, whatever it says
	case m.Problems.Has(http1.ConflictingLengths):
		i.Detail = fmt.Sprintf("A message of %d body bytes has Content-Lengths that differ: nobody can tell which is right.", m.BodyBytes)
		i.Evidence = []Evidence{{m.HeadEnd.At, "head with different Content-Lengths"}}
		return i, true
	case !m.Complete && m.Problems.Has(http1.BadChunkSize|http1.BadChunkEnd):
		i.Detail = fmt.Sprintf("The chunk framing of a message breaks after %d bytes of its body.", m.BodyBytes)
		i.Evidence = []Evidence{{m.Start.At, "the message begins"}, {m.End.At, "where its chunks break"}}
		return i, true
	}
	return i, false
}

func excess(c *analyze.Connection, e *analyze.Excess) Instance {
	length := "a message"
	if e.Length >= 0 {
		length = fmt.Sprintf("a message of %d bytes by its Content-Length", e.Length)
	}
	return Instance{
		Connection: c,
		ExchangeID: e.Exchange,
		Severity:   Error,
		Detail:     fmt.Sprintf("%s the end of %s.", follow(e), length),
		Evidence:   []Evidence{{e.First, "first of the bytes too many"}, {e.Last, "last of them"}},
	}
}

// follow says that so many bytes follow.
func follow(e *analyze.Excess) string {
	return count(int(e.Bytes), "byte that begins no message follows", "bytes that begin no message follow")
}
