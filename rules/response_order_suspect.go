package rules

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
)

// orderWindow is how many exchanges of a pipeline are compared with each other.
const orderWindow = 8

var responseOrderSuspect = &Rule{
	ID:         "response-order-suspect",
	Title:      "responses in a pipeline seem to have changed places",
	Group:      Pipelining,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "Responses have to come in the order of their requests; nothing in them says which request they answer. If a server or proxy mixes them up, " +
			"users get what others asked for.",
		Measured: "Two requests of a pipeline, and a response that contradicts its own while it fits the other: Content-Location names the other's target, or the Content-Type is that of " +
			"the other's file name extension. And a second sign: the other response contradicts its request in the same way, or a HEAD got a body. Cost = 0.",
		CapturePoint: "Bytes are the same everywhere.",
		Likely:       "Always: a server may answer what it likes. Two signs that fit each other are taken for more than chance.",
		Limits:       "Silent for one sign alone, for redirects and errors, and where bytes of the connection are missing from the capture. Compared are up to 8 exchanges that follow each other.",
		Cure:         "Do not pipeline to this server, and look at what handles requests in parallel in it, or in front of it.",
		References:   []string{"HTTP-DG §4.6", "RFC 9112 §9.3.2", "RFC 9110 §8.7"},
	},
	Listen: func(p *Pass) analyze.Listener {
		runs := map[uint64]*pipelineRun{} // by connection
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				id := x.Connection.ID
				r := runs[id]
				switch {
				case x.Request == nil:
					return
				case r != nil && x.Order.Pipelined:
				case x.Connection.Waiting > 0:
					r = &pipelineRun{}
					runs[id] = r
				default:
					delete(runs, id)
					return
				}
				if i, ok := r.add(x); ok {
					p.Report(i)
				}
			},
			Closed: func(c *analyze.Connection) { delete(runs, c.ID) },
		}
	},
}

// pipelineRun is what was pipelined lately on one connection.
type pipelineRun struct {
	latest []*analyze.Exchange
	told   bool
}

// add compares x with those before it.
func (r *pipelineRun) add(x *analyze.Exchange) (Instance, bool) {
	for _, y := range r.latest {
		if why, ok := exchanged(y, x); ok && !r.told && x.Connection.Intact() {
			r.told = true
			return Instance{
				Connection: x.Connection,
				Exchange:   y,
				Also:       x,
				Severity:   Warning,
				Confidence: Likely,
				Detail:     fmt.Sprintf("Two responses of a pipeline seem to have changed places: %s.", why),
				Evidence: []Evidence{
					{y.Request.Start.At, "one request"},
					{y.Response.Start.At, "the response in its place"},
					{x.Request.Start.At, "the other request"},
				},
			}, true
		}
	}
	if len(r.latest) == orderWindow {
		r.latest = append(r.latest[:0], r.latest[1:]...)
	}
	r.latest = append(r.latest, x.Keep())
	return Instance{}, false
}

// exchanged reports whether the response to x, and that to y behind it, fit each
// other's request by two signs.
func exchanged(x, y *analyze.Exchange) (why string, ok bool) {
	switch {
	case x.Response == nil:
		return "", false
	case names(x.Response, y, x) && names(y.Response, x, y):
		return "each one's Content-Location names the target of the other's request", true
	case names(x.Response, y, x) && bodyToHEAD(x):
		return "a HEAD got a body, and the Content-Location of another request's target", true
	case isTyped(x.Response, y, x) && isTyped(y.Response, x, y):
		return "each one's Content-Type is that of the other's request", true
	}
	return "", false
}

// names reports whether m says to be what x asks for, and not what instead asks for.
func names(m *http1.Message, x, instead *analyze.Exchange) bool {
	if m == nil {
		return false
	}
	location, ok := m.Get("Content-Location")
	location = pathOf(location)
	return ok && location != "" && location == pathOf(x.Request.Target) && location != pathOf(instead.Request.Target)
}

// bodyToHEAD reports whether x is a HEAD whose response bytes followed that
// begin no message.
func bodyToHEAD(x *analyze.Exchange) bool {
	excess := x.Connection.Excess
	return x.Request.Method == "HEAD" && excess != nil && excess[reassembly.ToClient].Bytes > 0 && excess[reassembly.ToClient].Exchange == x.ID
}

// isTyped reports whether m is of the type that x asks for by its extension, and
// not of that which instead asks for.
func isTyped(m *http1.Message, x, instead *analyze.Exchange) bool {
	if m == nil || m.Status != 200 {
		return false
	}
	value, _ := m.Get("Content-Type")
	wanted, other := typeByExtension[extension(x)], typeByExtension[extension(instead)]
	return wanted != "" && other != "" && wanted != other && strings.HasPrefix(strings.ToLower(value), wanted)
}

// typeByExtension has the beginnings of types that hardly anything else is sent as.
var typeByExtension = map[string]string{
	".css": "text/css", ".html": "text/html", ".json": "application/json", ".pdf": "application/pdf",
	".gif": "image/gif", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".svg": "image/svg",
	".webp": "image/webp", ".woff2": "font/woff2", ".mp4": "video/mp4",
}

func extension(x *analyze.Exchange) string {
	return strings.ToLower(path.Ext(pathOf(x.Request.Target)))
}

// pathOf is the path of a target or Content-Location, "" where it has none.
func pathOf(reference string) string {
	u, err := url.Parse(reference)
	if err != nil {
		return ""
	}
	return u.Path
}
