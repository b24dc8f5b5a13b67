package reports

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"unicode/utf8"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

//go:embed html
var htmlFiles embed.FS

// htmlPage is what the page shows, in the order in which it does.
type htmlPage struct {
	Title     string
	Verdict   string
	Worst     string // severity; "" without findings
	Facts     []htmlFact
	Health    []htmlHealth
	Budget    *htmlBudget
	Findings  htmlFindings
	Waterfall waterfall
	Pairs     []htmlPair
	Details   []htmlConnection
	LeftOut   []string // what the page does not show, and how to get it
	Ports     []portChart
	Rules     []htmlRule
	Version   string
	Secrets   string // whether they are shown
	JSON      template.JS
	Style     template.CSS
	Script    template.JS
	Policy    string
}

// htmlFact is a name and a value.
type htmlFact struct{ Name, Value string }

// htmlHealth says what the capture lost, cut or could not show.
type htmlHealth struct{ Kind, Count, Meaning string }

// htmlPair is a row of the table of clients and servers.
type htmlPair struct {
	Client, Server                                                  string
	Connections, Exchanges, RTT, Sent, Received, Failed, Unanswered string
}

// htmlRule is a rule with its options in force.
type htmlRule struct {
	ID, Title string
	Options   []htmlFact
}

// write renders the page.
func (p *htmlPage) write(w io.Writer) error {
	style, script := readHTML("page.css"), readHTML("page.js")
	p.Style, p.Script = template.CSS(style), template.JS(script)
	p.Policy = "default-src 'none'; style-src " + hashOf(style) + "; script-src " + hashOf(script) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
	return pageTemplate().Execute(w, p)
}

func pageTemplate() *template.Template {
	return template.Must(template.New("page.tmpl").ParseFS(htmlFiles, "html/*.tmpl"))
}

func readHTML(name string) string {
	content, err := htmlFiles.ReadFile("html/" + name)
	if err != nil {
		panic("a file of the page is not embedded: " + err.Error())
	}
	return string(bytes.TrimSpace(content))
}

// hashOf is the source expression that allows an inline script or style (CSP
// Level 3, §2.3.1).
func hashOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// drawer is what drawing the parts of a page takes.
type drawer struct {
	*htmlWriter
	telling
	capture *analyze.Capture
	shown   map[uint64]*drawing // the connections of the waterfall
	detail  map[uint64]bool     // the connections that are drawn in detail
	rows    map[uint64]bool     // the exchanges that have a row
	told    map[uint64]bool     // the exchanges that are told in detail
	stories []*story            // those that are told
	number  map[*rules.Finding]int
	proofs  map[capture.Frame]string // where frames that findings name are shown, as fragments
	heads   int                      // bytes that there is room for of message heads,
	bars    int                      // and stalls in the waterfall
}

// page gathers what the page shows.
func (h *htmlWriter) page(c *analyze.Capture) (*htmlPage, error) {
	d := &drawer{
		htmlWriter: h, telling: newTelling(c, &h.options, &h.redact), capture: c,
		shown: map[uint64]*drawing{}, detail: map[uint64]bool{}, rows: map[uint64]bool{}, told: map[uint64]bool{},
		number: map[*rules.Finding]int{}, proofs: map[capture.Frame]string{}, heads: mostHeads, bars: mostStalls,
	}
	drawings := h.gallery.settle()
	d.choose(drawings)
	p := &htmlPage{Title: d.title(), Version: h.options.Version, Secrets: h.options.secrets()}
	for i := range c.Health {
		item := &c.Health[i]
		p.Health = append(p.Health, htmlHealth{item.Kind, count(item.Count), Printable(d.redact.meaning(c, item))})
	}
	d.verdict(p)
	p.Facts = d.facts()
	p.Budget = d.budget()
	p.Details = d.details(drawings) // and what of it findings can lead to
	p.Findings = d.findings()
	p.Waterfall = d.waterfall(drawings)
	p.Pairs = d.pairRows()
	p.Ports = h.ports.charts(d)
	p.Rules = d.rulesInForce()
	p.LeftOut = d.leftOut()
	var err error
	p.JSON, err = d.json(drawings)
	return p, err
}

// choose decides what is drawn, and sorts the drawings for it.
func (d *drawer) choose(drawings []*drawing) {
	for i, each := range drawings {
		d.shown[each.connection.ID] = each
		if i < htmlDetailed {
			d.detail[each.connection.ID] = true
		}
		each.sort()
		for _, x := range each.exchanges {
			d.rows[x.ID] = true
		}
	}
	slices.SortFunc(drawings, func(a, b *drawing) int {
		return cmp.Or(cmp.Compare(a.connection.First().Time, b.connection.First().Time), cmp.Compare(a.connection.ID, b.connection.ID))
	})
	for _, each := range drawings {
		if d.detail[each.connection.ID] {
			d.chooseHeads(each)
		}
	}
	all := d.htmlWriter.stories.sorted()
	d.stories = all[:min(len(all), d.htmlWriter.rows(htmlStories))]
	for i, s := range d.stories {
		for _, f := range append([]*rules.Finding{s.worst}, s.others...) {
			d.number[f] = i + 1
		}
	}
}

// sort puts the exchanges in order.
func (d *drawing) sort() {
	slices.SortFunc(d.exchanges, func(a, b keptExchange) int { return cmp.Compare(a.ID, b.ID) })
}

func (d *drawer) title() string {
	names := d.redact.shortNames(d.capture.Files)
	switch n := len(names); n {
	case 0:
		return "no input"
	case 1:
		return names[0]
	default:
		return names[0] + " and " + counted(uint64(n-1), "more file")
	}
}

// secrets says what is not shown as it was captured.
func (o *Options) secrets() string {
	switch {
	case o.ShowSecrets && o.RedactHosts:
		return "Secrets are shown; hosts have pseudonyms."
	case o.ShowSecrets:
		return "Secrets are shown."
	case o.RedactHosts:
		return "Secrets are masked, hosts have pseudonyms."
	}
	return "Secrets are masked."
}

// request is the request line's method and target.
func (d *drawer) request(m *http1.Message) string {
	if m == nil {
		return "not captured"
	}
	return clip(Printable(d.redact.method(m))+" "+Printable(string(d.redact.target(m))), mostInRow)
}

// client and server are the ends of a connection, host what the server is called.
func (d *drawer) client(c *analyze.Connection) string { return d.redact.client(c).String() }

func (d *drawer) server(c *analyze.Connection) string { return d.redact.server(c).String() }

func (d *drawer) host(c *analyze.Connection) string {
	return clip(Printable(string(d.redact.serverName(c))), mostInRow)
}

const mostInRow = 250 // bytes of a name or a request line in a row

// clip shortens s to about n bytes; an ellipsis shows that it did.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// verdict says in a sentence what was found.
func (d *drawer) verdict(p *htmlPage) {
	found := &d.htmlWriter.stories.found
	p.Verdict = newVerdict(&d.htmlWriter.stories, d.capture, d.spent(), d.options).String()
	for severity := range rules.Error + 1 {
		if found.of[severity] > 0 {
			p.Worst = severity.String()
		}
	}
}

func (d *drawer) facts() []htmlFact {
	c := d.capture
	facts := []htmlFact{}
	for i, f := range c.Files {
		if i == maxFiles {
			facts = append(facts, htmlFact{"Files", "and " + counted(uint64(len(c.Files)-maxFiles), "more file")})
			break
		}
		facts = append(facts, htmlFact{"File", Printable(d.redact.fileName(f)) + " " + describe(f)})
	}
	facts = append(facts, htmlFact{"Packets", count(c.Packets) + " (" + count(c.TCPPackets) + " TCP), " + size(int64(c.Bytes))})
	if c.Packets > 0 {
		facts = append(facts, htmlFact{"Time", duration(c.End.Sub(c.Start)) + " from " + d.clock.began()})
	}
	facts = append(facts, htmlFact{"Traffic", counted(c.Connections, "connection") + ", " + exchanges(c)})
	if c.Interrupted {
		facts = append(facts, htmlFact{"Note", "Interrupted: this is what was read until then."})
	}
	return facts
}

func (d *drawer) pairRows() (rows []htmlPair) {
	sorted := d.pairs.busiest()
	others := d.pairs.other
	for i, each := range sorted {
		if i < d.htmlWriter.rows(htmlPairs) {
			server := d.redact.addressPort(each.server).String()
			if each.named != nil {
				server += " (" + d.host(each.named) + ")"
			}
			rows = append(rows, pairRow(d.redact.address(each.client).String(), server, each))
		} else {
			others.add(each)
		}
	}
	if others.connections+others.exchanges > 0 {
		rows = append(rows, pairRow("all others", "", &others))
	}
	return rows
}

func pairRow(client, server string, p *pair) htmlPair {
	return htmlPair{
		Client: client, Server: server, Connections: count(p.connections), Exchanges: count(p.exchanges),
		RTT: duration(p.rtt.median()), Sent: size(p.toServer), Received: size(p.toClient),
		Failed: failures(p.failures).text, Unanswered: failures(p.unanswered).text,
	}
}

func (d *drawer) rulesInForce() (list []htmlRule) {
	for _, r := range d.options.Rules {
		one := htmlRule{ID: r.ID, Title: r.Title}
		for _, o := range r.Options {
			one.Options = append(one.Options, htmlFact{o.Name, d.options.Values.Text(r, o)})
		}
		list = append(list, one)
	}
	return list
}

// leftOut says what the page does not show.
func (d *drawer) leftOut() (lines []string) {
	g := &d.gallery
	if rows, shown := uint64(len(d.rows)), uint64(len(d.shown)); rows < g.told || shown < g.connections {
		lines = append(lines, "The waterfall shows "+count(rows)+" of "+counted(g.told, "exchange")+" and "+count(shown)+" of "+
			counted(g.connections, "connection")+": those with findings and the slowest. For the rest, --host, --path, --status, --since and --until "+
			"choose exchanges for a page of their own; --format json and ndjson have everything.")
	}
	if detailed := len(d.detail); detailed < len(d.shown) {
		lines = append(lines, "Segments and message heads are shown of "+count(uint64(detailed))+" connections: those with the worst findings, then the slowest.")
	}
	if d.options.Selected {
		lines = append(lines, "The exchanges are a selection (--host, --path, --status, --since, --until).")
	}
	return lines
}
