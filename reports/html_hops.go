package reports

import (
	"slices"
	"strconv"
	"strings"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

// hopTable compares a message on both sides of a proxy.
type hopTable struct {
	Title  string
	Other  htmlLink
	Facts  []htmlFact
	Tables []fieldTable
}

type fieldTable struct {
	Title, Label string
	Rows         []fieldRow
}

// fieldRow is a field on the client's side and upstream.
type fieldRow struct {
	Name, Front, Back string
	Change            string // "", "changed", "removed" or "added", on the way that the message went
}

// hop compares the messages of both sides of a proxy, as seen from exchange id.
func (d *drawer) hop(h *analyze.Hop, id uint64) hopTable {
	other, title := h.Front, "The client's side of the proxy"
	if h.Front.ID == id {
		other, title = h.Back, "Upstream of the proxy"
	}
	t := hopTable{Title: title, Other: htmlLink{strconv.FormatUint(other.ID, 10), d.toExchange(other.ID)}}
	if h.Added >= 0 {
		t.Facts = append(t.Facts, htmlFact{"added by the proxy", duration(h.Added)})
	}
	if !h.Certain {
		t.Facts = append(t.Facts, htmlFact{"link", "likely"})
	}
	if h.Joined {
		t.Facts = append(t.Facts, htmlFact{"request", "not forwarded: answered with the response to another one's"})
	}
	if h.Front.ID != id {
		return t
	}
	if h.Front.Request != nil && h.Back.Request != nil {
		t.Tables = append(t.Tables, d.compare("Request", h.Front.Request, h.Back.Request, "removed", "added"))
	}
	if h.Answered && h.Front.Response != nil && h.Back.Response != nil {
		t.Tables = append(t.Tables, d.compare("Response", h.Front.Response, h.Back.Response, "added", "removed"))
	}
	for i := range t.Tables {
		t.Tables[i].Label = t.Tables[i].Title + " of exchange " + strconv.FormatUint(id, 10) + " and, upstream of the proxy, " + t.Other.Text
	}
	return t
}

// compare sets the fields of a message on the client's side beside those upstream.
func (d *drawer) compare(title string, front, back *http1.Message, frontOnly, backOnly string) fieldTable {
	t := fieldTable{Title: title}
	first := fieldRow{Name: "start line", Front: d.startLine(front), Back: d.startLine(back)}
	if first.Front != first.Back {
		first.Change = "changed"
	}
	t.Rows = append(t.Rows, first)
	for _, name := range d.names(front, back) {
		inFront, inBack := d.fieldsCalled(front, name), d.fieldsCalled(back, name)
		row := fieldRow{Name: clip(Printable(name), mostInRow), Front: d.fit(d.values(front, inFront)), Back: d.fit(d.values(back, inBack))}
		switch {
		case len(inBack) == 0:
			row.Change = frontOnly
		case len(inFront) == 0:
			row.Change = backOnly
		case !sameValues(front, back, inFront, inBack):
			row.Change = "changed"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// names are the names of the fields of both messages, each once.
func (d *drawer) names(front, back *http1.Message) (names []string) {
	for _, m := range []*http1.Message{front, back} {
		for i := range headers(m) {
			name, _, _ := d.redact.header(m, i)
			if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
				names = append(names, name)
			}
		}
	}
	return names
}

// fieldsCalled are the numbers of the fields of m with a name.
func (d *drawer) fieldsCalled(m *http1.Message, name string) (numbers []int) {
	for i := range headers(m) {
		if n, _, _ := d.redact.header(m, i); strings.EqualFold(n, name) {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// sameValues compares what was captured: what is masked may differ, too.
func sameValues(a, b *http1.Message, inA, inB []int) bool {
	if len(inA) != len(inB) {
		return false
	}
	for i := range inA {
		if a.Fields.At(inA[i]).Value != b.Fields.At(inB[i]).Value {
			return false
		}
	}
	return true
}

func (d *drawer) values(m *http1.Message, numbers []int) string {
	var values []string
	for _, i := range numbers {
		values = append(values, valueText(d.redact.header(m, i)))
	}
	return strings.Join(values, "\n")
}
