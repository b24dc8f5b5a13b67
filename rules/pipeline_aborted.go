package rules

import (
	"fmt"

	"wirelag/analyze"
)

var pipelineAborted = &Rule{
	ID:         "pipeline-aborted",
	Title:      "a connection ended with pipelined requests unanswered",
	Group:      Pipelining,
	Severities: []Severity{Warning, Error},
	Doc: Doc{
		What: "The client cannot tell which of the unanswered requests the server acted on. It has to send them again, and may do so only " +
			"with those that are idempotent.",
		Measured: "FIN or RST ended the connection, at least one request without a final response is left, and one of those was pipelined (its first segment acknowledges " +
			"less than the whole response to the request before it). Error when one of them is not idempotent. " +
			"Cost = from the end of the connection to the first byte of the last response to their repeats, 0 without any.",
		CapturePoint: "Acknowledgement numbers say what was pipelined, wherever the capture was taken; the cost is the client's, half a round trip to it is added on each side.",
		Limits:       "Silent where bytes of the connection, or its end, are missing from the capture, and where it is not clear where the message before ends (ambiguous-framing). Repeats are looked for until 30 s after the end. Where the server had closed an idle connection it is idle-close-race.",
		Cure:         "Let the server announce its last response with \"Connection: close\" and the client pipeline no more requests than the server takes on one connection; repeat automatically only what is idempotent.",
		References:   []string{"HTTP-DG §4.6", "HTTP-DG §4.7.2", "RFC 9112 §9.3.2"},
	},
	Signs: incomplete,
	Listen: func(p *Pass) analyze.Listener {
		return failedListener(p, wasPipeline, func(f *failedRequests) {
			for i := range f.requests {
				p.Report(abortedRequest(f, i))
			}
		})
	},
}

// wasPipeline reports whether the connection ended with a pipeline unanswered.
func wasPipeline(f *failedRequests) bool {
	c := f.connection
	if _, _, ok := c.Ended(); !ok || !c.Intact() {
		return false
	}
	for _, x := range f.requests {
		if x.Order.Pipelined {
			return true
		}
	}
	return false
}

// abortedRequest is the instance for one of the requests; the first has the cost
// of all of them.
func abortedRequest(f *failedRequests, n int) Instance {
	x := f.requests[n]
	i := Instance{
		Connection: f.connection,
		Exchange:   x,
		Also:       f.again[n],
		Severity:   Warning,
		Evidence:   []Evidence{{x.Request.Start.At, "request that got no response"}},
	}
	unsafe := f.unsafe()
	if unsafe > 0 {
		i.Severity = Error
	}
	if f.again[n] != nil {
		i.Evidence = append(i.Evidence, Evidence{f.again[n].Request.Start.At, "the same request, sent again"})
	}
	if n > 0 {
		return i
	}
	end, ended := f.connection.Failed()
	for _, again := range f.again {
		if answered, ok := answeredAt(again); ok {
			i.Cost = max(i.Cost, answered.Sub(ended))
		}
	}
	_, by, _ := f.connection.Ended()
	how := "closed"
	if rst, side := f.connection.RST(); !rst.IsZero() {
		by, how = side, "reset"
	}
	i.Evidence = append(i.Evidence, Evidence{end, closer(f.connection, by, how)})
	safe := fmt.Sprintf("%d may be repeated safely, %d may not", len(f.requests)-unsafe, unsafe)
	switch {
	case f.total == 1 && unsafe == 0:
		safe = "it may be repeated safely"
	case f.total == 1:
		safe = "it may not be repeated safely"
	case unsafe == f.total:
		safe = "none may be repeated safely"
	case len(f.requests)-unsafe == f.total:
		safe = "all may be repeated safely"
	}
	i.Detail = fmt.Sprintf("%s and left %s of a pipeline unanswered: %s. %s",
		upperFirst(closer(f.connection, by, how)), count(f.total, "request", "requests"), safe, f.fate())
	return i
}

// fate says how many of the requests were sent again.
func (f *failedRequests) fate() string {
	switch n := f.repeats(); {
	case n == 0:
		return "The capture shows none of them sent again."
	case f.total == 1:
		return "It was sent again."
	case f.missing == 0:
		return "All of them were sent again."
	case n == 1:
		return "One of them was sent again."
	default:
		return fmt.Sprintf("%d of them were sent again.", n)
	}
}
