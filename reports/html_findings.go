package reports

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// htmlFindings are the findings of a page, and what they can be filtered by.
type htmlFindings struct {
	Cards      []htmlFinding
	Severities []string
	Rules      []string
	Hosts      []string
	More       string // what is not told; "" when all is
}

// htmlFinding is what the page tells as one: see story.
type htmlFinding struct {
	Number                int
	Severity, Rule, Title string
	Likely, Known         bool
	Tally, Place          string
	Host                  string // to filter by
	What, Why, Do         string
	Evidence              []htmlEvidence
	MoreEvidence          string
	Filter                string
	References            []string
	Connections           []htmlLink
	Exchanges             []htmlLink
	Others                []htmlOther
	MoreOthers            string
	From, To              string // seconds since the start of the waterfall
}

type htmlEvidence struct {
	Frame            htmlLink
	File, Time, What string
}

// htmlLink is a text and what it leads to on the page; "" where that is not shown.
type htmlLink struct{ Text, Target string }

// htmlOther is another finding of the same rule between the same ends.
type htmlOther struct {
	Where htmlLink
	Text  string
}

func (d *drawer) findings() (f htmlFindings) {
	explained := map[*rules.Rule]bool{}
	for i, s := range d.stories {
		card := d.card(i+1, s)
		if explained[s.worst.Rule] {
			card.Why = ""
		}
		explained[s.worst.Rule] = true
		f.Cards = append(f.Cards, card)
		f.Severities = appendNew(f.Severities, card.Severity)
		f.Rules = appendNew(f.Rules, card.Rule)
		f.Hosts = appendNew(f.Hosts, card.Host)
	}
	slices.Sort(f.Rules)
	slices.Sort(f.Hosts)
	hidden := d.htmlWriter.stories.more
	for _, s := range d.htmlWriter.stories.order[len(d.stories):] {
		hidden.of[s.severity] += uint64(s.findings)
	}
	if hidden.total() > 0 {
		f.More = "And " + hidden.String() + " more (--top, --format json)."
	}
	if under := d.htmlWriter.stories.under; under.total() > 0 {
		f.More += " Without " + under.String() + " (--min-severity)."
	}
	return f
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (d *drawer) card(number int, s *story) htmlFinding {
	f := s.worst
	card := htmlFinding{
		Number: number, Severity: s.severity.String(), Rule: f.Rule.ID, Title: f.Title(),
		Likely: f.Confidence == rules.Likely, Known: s.known == s.findings, Tally: s.sum(), Place: d.ends(f), Host: cmp.Or(d.host(f.Connection), d.server(f.Connection)),
		What: clip(Printable(d.redact.detail(f)), mostTold), Why: opening(f.Rule.Doc.What), Do: clip(Printable(d.redact.advice(f)), mostTold),
		Filter: d.redact.filter(f), References: f.Rule.Doc.References,
		Connections: links(f.Connections, f.ConnectionsTotal, d.toConnection), Exchanges: links(f.Exchanges, f.ExchangesTotal, d.toExchange),
	}
	var more int
	card.Evidence, more = d.evidence(f)
	if more > 0 {
		card.MoreEvidence = "and " + count(uint64(more)) + " more"
	}
	card.From, card.To = d.seconds(f.Start.Time), d.seconds(f.End.Time)
	d.others(&card, s)
	return card
}

// sum is how often and at what cost.
func (s *story) sum() string {
	text := s.times()
	lost := loss(s.cost, s.lost)
	if text != "" && lost != "" {
		text += ", "
	}
	return text + lost
}

// ends names client and server of a finding.
func (d *drawer) ends(f *rules.Finding) string {
	client := d.redact.client(f.Connection)
	s := client.String()
	if f.ConnectionsTotal > 1 || f.Rule.Per == rules.PerPair {
		s = client.Addr().String()
	}
	s += " → " + d.server(f.Connection)
	if name := d.host(f.Connection); name != "" {
		s += " (" + name + ")"
	}
	return s
}

const mostTold = 2000 // bytes of what a finding says

// maxLinks is how many connections or exchanges of a finding the page names.
const maxLinks = 12

// links lead to the first of ids, which are the first of total.
func links(ids []uint64, total int, target func(uint64) string) (links []htmlLink) {
	for _, id := range ids[:min(len(ids), maxLinks)] {
		links = append(links, htmlLink{strconv.FormatUint(id, 10), target(id)})
	}
	if more := total - len(links); more > 0 {
		links = append(links, htmlLink{"and " + count(uint64(more)) + " more", ""})
	}
	return links
}

// toConnection is where a connection is shown, as a fragment.
func (d *drawer) toConnection(id uint64) string {
	switch {
	case d.detail[id]:
		return "#c" + strconv.FormatUint(id, 10)
	case d.shown[id] != nil:
		return "#w" + strconv.FormatUint(id, 10)
	}
	return ""
}

// toExchange is where an exchange is shown, as a fragment.
func (d *drawer) toExchange(id uint64) string {
	switch {
	case d.told[id]:
		return "#x" + strconv.FormatUint(id, 10)
	case d.rows[id]:
		return "#r" + strconv.FormatUint(id, 10)
	}
	return ""
}

func (d *drawer) evidence(f *rules.Finding) (list []htmlEvidence, more int) {
	packets, more := firstPackets(f)
	for i := range packets {
		if e := &packets[i]; !e.Mark.IsZero() {
			list = append(list, htmlEvidence{htmlLink{e.Mark.Frame.String(), d.proofs[e.Mark.Frame]}, d.file(e.Mark.Frame), d.clock.moment(e.Mark.Time), clip(Printable(d.redact.evidence(f, e)), mostInRow)})
		}
	}
	return list, more
}

// others lists the other findings of the story.
func (d *drawer) others(card *htmlFinding, s *story) {
	for _, f := range s.others {
		id := f.Connection.ID
		other := htmlOther{Where: htmlLink{"connection " + strconv.FormatUint(id, 10), d.toConnection(id)}, Text: d.clock.moment(f.Start.Time)}
		if lost := loss(f.Cost, f.BytesLost); lost != "" {
			other.Text += ", " + lost
		}
		card.Others = append(card.Others, other)
	}
	if more := s.findings - 1 - len(s.others); more > 0 {
		card.MoreOthers = "and " + count(uint64(more)) + " more"
	}
}

// seconds is a moment in seconds since the start of the capture.
func (d *drawer) seconds(t capture.Time) string {
	return strconv.FormatFloat(float64(t.Sub(d.capture.Start))/float64(time.Second), 'f', 6, 64)
}
