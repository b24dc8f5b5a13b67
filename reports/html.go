package reports

import (
	"bufio"
	"io"

	"wirelag/analyze"
	"wirelag/rules"
)

// htmlWriter writes one page, complete in itself. It keeps sums, the findings
// that are told and the connections worth drawing, and writes everything at the end.
type htmlWriter struct {
	w       io.Writer
	options Options
	redact  redactor
	proxied proxied
	pairs   pairs
	stories stories
	gallery gallery
	ports   portUse
}

// What a page has at most.
const (
	htmlStories = 100 // findings told in full
	htmlPairs   = 100
	// htmlOthers is how many more findings of a rule between a client and a server
	// are listed beside the one that is told.
	htmlOthers = 12
)

func newHTML(w io.Writer, o Options) Writer {
	return &htmlWriter{
		w: w, options: o, redact: newRedactor(o),
		proxied: proxied{selected: o.Selected},
		stories: stories{least: o.MinSeverity, others: htmlOthers},
	}
}

func (h *htmlWriter) Connection(c *analyze.Connection) error {
	h.pairs.addConnection(c)
	h.ports.add(c)
	h.gallery.addConnection(c)
	return nil
}

func (h *htmlWriter) Exchange(x *analyze.Exchange) error {
	h.pairs.addExchange(x)
	h.gallery.addExchange(x)
	return nil
}

func (h *htmlWriter) Hop(hop *analyze.Hop) error {
	h.proxied.hop(hop)
	h.gallery.addHop(hop)
	return nil
}

func (h *htmlWriter) Finding(f *rules.Finding) error {
	h.stories.add(f)
	if f.Severity >= h.options.MinSeverity {
		h.gallery.addFinding(f)
	}
	return nil
}

func (h *htmlWriter) Close(c *analyze.Capture) error {
	if c == nil {
		return nil
	}
	p, err := h.page(c)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(h.w, 1<<16)
	if err := p.write(w); err != nil {
		return err
	}
	return w.Flush()
}

// rows is how many rows a table of the page has: as many as were asked for, or
// what the page has room for.
func (h *htmlWriter) rows(room int) int {
	if h.options.Top > 0 {
		return h.options.Top
	}
	return room
}
