package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
)

// rightAfter is how soon after its response a server closes without having
// waited for another request (RULES: 1 s); idle timeouts are longer.
const rightAfter = time.Second

var unannouncedClose = &Rule{
	ID:         "unannounced-close",
	Title:      "the server closed a connection that it seemed to keep",
	Group:      Reuse,
	Severities: []Severity{Info},
	Doc: Doc{
		What: "The response let the connection go on, and the server closed it all the same. The client learns of it half a round trip " +
			"later; a request that it sends meanwhile is lost, and it cannot tell whether the server acted on it.",
		Measured:     "FIN or RST of the server (before any of the client) <= 1 s after the end of a complete response, where neither message announced a close and both versions persist, and no response without a request announced it behind that. Cost = 0.",
		CapturePoint: "Response and FIN travel the same way: the time between them is the same everywhere.",
		Limits:       "Silent where bytes of the connection, or a FIN that was acknowledged, are missing from the capture, and for a reset that answers a segment.",
		Cure:         "Let the server send \"Connection: close\" with the last response that it means to give, or keep the connection until an idle timeout.",
		References:   []string{"HTTP-DG §4.7", "RFC 9112 §9.6"},
	},
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			end, ok := endedByServer(c)
			if !ok || c.Persistence != analyze.Persistent || c.LastAnswered.IsZero() {
				return
			}
			after := end.Sub(c.LastAnswered)
			if after < 0 || after > rightAfter {
				return
			}
			p.Report(Instance{
				Connection: c,
				Severity:   Info,
				Detail:     fmt.Sprintf("The server closed the connection %s after a response that did not announce it.", ms(after)),
				Evidence:   []Evidence{{c.LastAnswered, "end of the response"}, {end, "the server closes"}},
			})
		}}
	},
}
