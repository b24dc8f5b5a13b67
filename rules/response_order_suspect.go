package rules

import (
	"fmt"
	"hash/maphash"
	"net/url"
	"path"
	"strings"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
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
		seed := maphash.MakeSeed()
		return analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				id := x.Connection.ID
				r := runs[id]
				switch {
				case x.Request == nil:
					return
				case r != nil && x.Order.Pipelined:
				case x.Connection.Waiting == 0:
					delete(runs, id)
					return
				case r == nil && len(runs) >= maxRuns:
					p.Forget()
					return
				default:
					r = &pipelineRun{}
					runs[id] = r
				}
				if i, ok := r.add(x, seed); ok {
					p.Report(i)
				}
			},
			Closed: func(c *analyze.Connection) { delete(runs, c.ID) },
		}
	},
}

// pipelineRun is what was pipelined lately on one connection.
type pipelineRun struct {
	latest []placed
	told   bool
}

// placed is what tells whether a response of a pipeline is in the place of another.
type placed struct {
	exchange          uint64
	request, response capture.Mark
	isHEAD            bool
	target, location  uint64 // hashes of the path asked for, and of that which the response says to be; 0: none
	asked, is         string // the type of the former by its extension, and that of the response, if they are well known
}

func placeOf(x *analyze.Exchange, seed maphash.Seed) placed {
	request, response := x.Request, x.Response
	target := pathOf(request.Target)
	p := placed{exchange: x.ID, request: request.Start.At, isHEAD: request.Method == "HEAD", target: maphash.String(seed, target)}
	if response == nil {
		return p
	}
	p.response = response.Start.At
	if location, ok := response.Get("Content-Location"); ok {
		if location = pathOf(location); location != "" {
			p.location = maphash.String(seed, location)
		}
	}
	if p.asked = typeByExtension[strings.ToLower(path.Ext(target))]; p.asked != "" && response.Status == 200 {
		p.is = wellKnownType(response)
	}
	return p
}

// wellKnownType is the type of m, if it is one of those by extension.
func wellKnownType(m *http1.Message) string {
	value, _ := m.Get("Content-Type")
	value = strings.ToLower(value)
	for _, t := range typeByExtension {
		if strings.HasPrefix(value, t) {
			return t
		}
	}
	return ""
}

// add compares x with those before it.
func (r *pipelineRun) add(x *analyze.Exchange, seed maphash.Seed) (Instance, bool) {
	c, p := x.Connection, placeOf(x, seed)
	for i := range r.latest {
		y := &r.latest[i]
		if why, ok := exchanged(y, &p, c); ok && !r.told && c.Intact() {
			r.told = true
			return Instance{
				Connection: c,
				Exchange:   x,
				also:       &place{c.ID, y.exchange, connectionPair(c)},
				Severity:   Warning,
				Confidence: Likely,
				Detail:     fmt.Sprintf("Two responses of a pipeline seem to have changed places: %s.", why),
				Evidence: []Evidence{
					{y.request, "one request"},
					{y.response, "the response in its place"},
					{p.request, "the other request"},
				},
			}, true
		}
	}
	if len(r.latest) == orderWindow {
		r.latest = append(r.latest[:0], r.latest[1:]...)
	}
	r.latest = append(r.latest, p)
	return Instance{}, false
}

// exchanged reports whether the response to x, and that to y behind it, fit each
// other's request by two signs.
func exchanged(x, y *placed, c *analyze.Connection) (why string, ok bool) {
	other := x.location != 0 && x.location == y.target && x.location != x.target
	switch {
	case other && y.location != 0 && y.location == x.target && y.location != y.target:
		return "each one's Content-Location names the target of the other's request", true
	case other && bodyToHEAD(x, c):
		return "a HEAD got a body, and the Content-Location of another request's target", true
	case x.asked != y.asked && x.is != "" && x.is == y.asked && y.is == x.asked:
		return "each one's Content-Type is that of the other's request", true
	}
	return "", false
}

// bodyToHEAD reports whether x is a HEAD whose response bytes followed that
// begin no message.
func bodyToHEAD(x *placed, c *analyze.Connection) bool {
	return x.isHEAD && c.Excess != nil && c.Excess[reassembly.ToClient].Bytes > 0 && c.Excess[reassembly.ToClient].Exchange == x.exchange
}

// typeByExtension has the beginnings of types that hardly anything else is sent as.
var typeByExtension = map[string]string{
	".css": "text/css", ".html": "text/html", ".json": "application/json", ".pdf": "application/pdf",
	".gif": "image/gif", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".svg": "image/svg",
	".webp": "image/webp", ".woff2": "font/woff2", ".mp4": "video/mp4",
}

// pathOf is the path of a target or Content-Location, "" where it has none.
func pathOf(reference string) string {
	u, err := url.Parse(reference)
	if err != nil {
		return ""
	}
	return u.Path
}
