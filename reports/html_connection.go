package reports

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
)

// Bounds of the details of connections.
const (
	htmlDetailed = 30      // connections told in detail
	htmlHeads    = 16      // exchanges of a connection whose heads are shown
	mostHead     = 8 << 10 // bytes of a message's head
	mostHeads    = 3 << 20 // of all heads together
	mostField    = 2 << 10 // of a field
)

// htmlConnection is a connection in detail.
type htmlConnection struct {
	ID        uint64
	Title     string
	Name      string
	Worst     string
	Facts     []htmlFact
	Findings  []htmlFindingLink
	Exchanges []htmlExchange
	More      string // exchanges that are left out
	Ladder    ladder
	Graphs    []streamGraph
	Alone     bool // there is no other
}

type htmlFindingLink struct {
	Severity, Rule, Title string
	Number                int // 0 when it is not told
}

// htmlExchange is an exchange in detail.
type htmlExchange struct {
	ID              uint64
	Request, Status string
	Failed          bool
	Total           string
	Phases          []htmlPhase
	Causes          []htmlFact
	Heads           []htmlHead
	Hops            []hopTable
}

type htmlPhase struct {
	Class, Name, Time string
	X, W              string // share of the exchange's time, in per cent
}

// htmlHead is a message head as text.
type htmlHead struct{ Title, Text, Note string }

// chooseHeads picks the exchanges whose heads are shown: of findings, then the slowest.
func (d *drawer) chooseHeads(each *drawing) {
	order := slices.Clone(each.exchanges)
	concerned := map[uint64]bool{}
	for _, f := range each.findings {
		for _, id := range f.Exchanges {
			concerned[id] = true
		}
	}
	slices.SortStableFunc(order, func(a, b keptExchange) int {
		if concerned[a.ID] != concerned[b.ID] {
			if concerned[a.ID] {
				return -1
			}
			return 1
		}
		return cmp.Compare(durationOf(b.Exchange), durationOf(a.Exchange))
	})
	for _, x := range order[:min(len(order), htmlHeads)] {
		d.told[x.ID] = true
	}
}

func (d *drawer) details(drawings []*drawing) (list []htmlConnection) {
	for _, each := range drawings {
		if d.detail[each.connection.ID] {
			list = append(list, d.connection(each))
		}
	}
	return list
}

func (d *drawer) connection(each *drawing) htmlConnection {
	c := each.connection
	detail := htmlConnection{
		ID: c.ID, Title: d.client(c) + " → " + d.server(c), Name: d.host(c), Facts: d.connectionFacts(c), Alone: len(d.shown) == 1,
	}
	if len(each.findings) > 0 {
		detail.Worst = each.worst.String()
	}
	for _, f := range each.findings {
		detail.Findings = append(detail.Findings, htmlFindingLink{f.Severity.String(), f.Rule.ID, f.Title(), d.number[f]})
	}
	for _, x := range each.exchanges {
		if d.told[x.ID] {
			detail.Exchanges = append(detail.Exchanges, d.exchange(x.Exchange))
		}
	}
	if more := each.told - len(detail.Exchanges); more > 0 {
		detail.More = "and " + counted(uint64(more), "more exchange")
	}
	s := d.sketch(each)
	detail.Ladder, detail.Graphs = s.ladder(), s.graphs()
	return detail
}

func (d *drawer) connectionFacts(c *analyze.Connection) []htmlFact {
	facts := []htmlFact{
		{"Opened", d.clock.moment(c.First().Time) + ", frame " + c.First().Frame.String()},
		{"Ended", howItEnded(c)},
		{"Protocol", c.Protocol.String()},
	}
	add := func(name, value string) {
		if value != absent && value != "0" && value != "" {
			facts = append(facts, htmlFact{name, value})
		}
	}
	if lookup, ok := c.LookupTime(); ok {
		add("Name lookup", duration(lookup))
	}
	add("Setup", duration(known(c.Setup())))
	add("Round trip", duration(known(c.RTT())))
	if toClient, ok := c.RTTClient(); ok {
		if toServer, ok := c.RTTServer(); ok {
			add("Captured", duration(toClient)+" from the client, "+duration(toServer)+" from the server")
		}
	}
	add("Sent", size(c.Bytes(reassembly.ToServer)))
	add("Received", size(c.Bytes(reassembly.ToClient)))
	add("Packets", count(c.Packets()))
	add("Sent again", count(c.Retransmissions()))
	if c.MidStream() {
		add("Note", "it was open before the capture began")
	}
	return facts
}

func (d *drawer) exchange(x *analyze.Exchange) htmlExchange {
	e := htmlExchange{
		ID: x.ID, Request: d.request(x.Request), Status: status(x.Response).text, Total: duration(totalOf(&x.Timing)),
		Failed: x.Response == nil || x.Response.Status >= 400,
	}
	e.Phases = phaseShares(phasesOf(x))
	e.Causes = causeFacts(&x.Timing.Causes)
	if x.Request != nil {
		e.Heads = append(e.Heads, d.head("Request", x.Request))
	}
	for _, m := range x.Interim {
		e.Heads = append(e.Heads, d.head("Interim response", m))
	}
	if x.Response != nil {
		e.Heads = append(e.Heads, d.head("Response", x.Response))
	}
	for _, h := range d.gallery.hops[x.ID] {
		e.Hops = append(e.Hops, d.hop(h, x.ID))
	}
	return e
}

// phaseShares are the phases as shares of their sum.
func phaseShares(phases []phaseSpan) (shares []htmlPhase) {
	total, at := time.Duration(0), time.Duration(0)
	for _, p := range phases {
		total += p.to.Sub(p.from)
	}
	for _, p := range phases {
		took := p.to.Sub(p.from)
		if took > time.Nanosecond {
			x, w := float64(at)/float64(total)*100, float64(took)/float64(total)*100
			shares = append(shares, htmlPhase{p.class, p.name, duration(took), across(x), across(w)})
		}
		at += took
	}
	return shares
}

func causeFacts(c *analyze.Causes) (facts []htmlFact) {
	for _, cause := range []struct {
		name string
		took time.Duration
	}{
		{"retransmission", c.Retransmission}, {"receive window", c.Window}, {"delayed acknowledgement", c.DelayedACK},
		{"Nagle's algorithm", c.Nagle}, {"slow start", c.SlowStart},
	} {
		if cause.took > 0 {
			facts = append(facts, htmlFact{cause.name, duration(cause.took)})
		}
	}
	return facts
}

// head is the head of a message as it was sent, secrets masked, as far as there is room.
func (d *drawer) head(title string, m *http1.Message) htmlHead {
	lines := []string{d.startLine(m)}
	for i := range headers(m) {
		lines = append(lines, fieldLine(d.redact.header(m, i)))
	}
	if trailers(m) > 0 {
		lines = append(lines, "")
	}
	for i := range trailers(m) {
		lines = append(lines, fieldLine(d.redact.trailer(m, i)))
	}
	return htmlHead{title, d.fit(strings.Join(lines, "\n")), d.headNote(m)}
}

// fit is as much of a text as there is room for on the page.
func (d *drawer) fit(s string) string {
	s = clip(s, mostHead)
	if d.heads -= len(template.HTMLEscapeString(s)); d.heads < 0 {
		return "… (left out: the page is long enough)"
	}
	return s
}

func (d *drawer) startLine(m *http1.Message) string {
	version := "HTTP/" + string(appendVersion(nil, m.Version))
	if m.Role == http1.Request {
		return clip(Printable(d.redact.method(m))+" "+Printable(string(d.redact.target(m))), mostField) + " " + version
	}
	return version + " " + strconv.Itoa(m.Status) + " " + clip(Printable(d.redact.reason(m)), mostField)
}

func fieldLine(name, value string, redacted []byte) string {
	return clip(Printable(name), mostField) + ": " + valueText(name, value, redacted)
}

func valueText(_, value string, redacted []byte) string {
	if redacted != nil {
		value = string(redacted)
	}
	return clip(Printable(value), mostField)
}

func (d *drawer) headNote(m *http1.Message) string {
	notes := []string{"head " + size(m.HeaderBytes)}
	if m.BodyBytes > 0 || m.Framing != http1.NoBody {
		notes = append(notes, "body "+size(m.BodyBytes)+" ("+m.Framing.String()+"), not shown")
	}
	if !m.Complete {
		notes = append(notes, "incomplete")
	}
	if m.FieldsCut > 0 {
		notes = append(notes, counted(uint64(m.FieldsCut), "field")+" not kept")
	}
	if m.Problems != 0 {
		notes = append(notes, m.Problems.String())
	}
	frames := "frame " + m.First.Frame.String()
	if m.Last.Frame != m.First.Frame {
		frames = "frames " + m.First.Frame.String() + "–" + m.Last.Frame.String()
	}
	return strings.Join(append([]string{frames}, notes...), ", ")
}
