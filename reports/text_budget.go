package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"wirelag/analyze"
)

// phaseTitles are the phases as text shows them.
var phaseTitles = [analyze.Phases]string{
	"DNS", "connect", "TLS", "blocked", "send", "wait", "receive", "no answer",
}

// budget shows where the clients' time went: a line for each phase, with what
// of it is known.
func (p *page) budget(b *Budget) {
	parts := b.Parts()
	if len(parts) == 0 {
		return
	}
	p.title("Where the clients' time went: " + duration(b.Spent.Total()) + " in " + counted(b.Exchanges, "exchange") + incomplete(b))
	const head = gap + len("no answer") + gap + len("1.23 ms") + gap + len("100.0 %") + gap
	bars := 0
	if p.width >= narrow {
		bars = min((p.width-head)/4, mostBar)
	}
	for phase := range analyze.Phase(analyze.Phases) {
		in := slices.DeleteFunc(slices.Clone(parts), func(part Part) bool { return part.Phase != phase })
		if len(in) > 0 {
			p.phase(phase, b.Spent.In(phase), in, bars)
		}
	}
}

// incomplete says of how many exchanges the time is not known in full.
func incomplete(b *Budget) string {
	switch {
	case b.Incomplete == 0:
		return ""
	case b.Incomplete == b.Exchanges:
		return ", as far as it is known"
	}
	return ", of " + count(b.Incomplete) + " of them in part"
}

const (
	mostBar = 24 // columns
	narrow  = 60 // a page without room for bars
)

func (p *page) phase(phase analyze.Phase, took time.Duration, parts []Part, bars int) {
	if parts[0].On == analyze.OnRest { // what is not explained comes last
		parts = append(parts[1:], parts[0])
	}
	share := 0
	var details []string
	for _, part := range parts {
		share += part.PerMille
		if part.On != analyze.OnPhase {
			details = append(details, part.On.String()+" "+percent(part.PerMille))
		}
	}
	lead := fmt.Sprintf("  %-9s  %s  %7s  ", phaseTitles[phase], padded(duration(took), 7), percent(share))
	if bars > 0 {
		length := (share*bars + 999) / 1000
		lead += p.paint(strings.Repeat("█", length), faint) + strings.Repeat(" ", bars-length+gap)
	}
	indent := strings.Repeat(" ", text.StringWidthWithoutEscSequences(lead))
	for _, line := range wrapItems(details, p.width-len(indent)) {
		p.text.WriteString(strings.TrimRight(lead+cut(line, p.width-len(indent)), " ") + "\n")
		lead = indent
	}
}

// padded fills s up from the left.
func padded(s string, width int) string {
	return strings.Repeat(" ", max(width-text.StringWidth(s), 0)) + s
}

// percent shows thousandths of what is more than nothing.
func percent(perMille int) string {
	if perMille == 0 {
		return "< 0.1 %"
	}
	return strconv.Itoa(perMille/10) + "." + strconv.Itoa(perMille%10) + " %"
}

// wrapItems joins items by commas, in lines of at most width columns; there is
// one line at least.
func wrapItems(items []string, width int) (lines []string) {
	line := ""
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if line != "" && text.StringWidth(line+" "+item) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+item, " ")
	}
	return append(lines, line)
}

// shares are the columns of budgets: what of the time they stand for.
var shares = []struct {
	head string
	rank int
	of   func(s *analyze.Spent) time.Duration
}{
	{"Setup", 3, func(s *analyze.Spent) time.Duration {
		return s.In(analyze.DNSPhase) + s.In(analyze.ConnectPhase) + s.In(analyze.TLSPhase)
	}},
	{"Blocked", 5, func(s *analyze.Spent) time.Duration { return s.In(analyze.BlockedPhase) }},
	{"Send", 5, func(s *analyze.Spent) time.Duration { return s[analyze.SendPhase][analyze.OnRest] }},
	{"Net", 1, func(s *analyze.Spent) time.Duration { return s[analyze.WaitPhase][analyze.OnRoundTrip] }},
	{"Server", 1, func(s *analyze.Spent) time.Duration { return s[analyze.WaitPhase][analyze.OnServer] }},
	{"Unknown", 4, func(s *analyze.Spent) time.Duration { return s[analyze.WaitPhase][analyze.OnRest] }},
	{"Receive", 3, func(s *analyze.Spent) time.Duration { return s[analyze.ReceivePhase][analyze.OnRest] }},
	{"TCP", 1, func(s *analyze.Spent) time.Duration {
		total := time.Duration(0)
		for _, phase := range []analyze.Phase{analyze.SendPhase, analyze.WaitPhase, analyze.ReceivePhase} {
			for on := analyze.OnNagle; on <= analyze.OnWindow; on++ {
				total += s[phase][on]
			}
		}
		return total
	}},
	{"No answer", 2, func(s *analyze.Spent) time.Duration { return s.In(analyze.NoAnswerPhase) }},
}

// budgets shows the same by client and server, in percent, where there are several.
func (p *page) budgets(all *pairs, rows int) {
	if len(all.order) < 2 {
		return
	}
	sorted := slices.Clone(all.order)
	slices.SortStableFunc(sorted, func(a, b *pair) int {
		return cmp.Compare(b.budget.Spent.Total(), a.budget.Spent.Total())
	})
	g := grid{columns: []column{
		{head: "Client", least: 15, address: true}, {head: "Server", least: 20, address: true}, {head: "Host", least: 12, most: 24, rank: 6},
		{head: "Time", right: true},
	}}
	for _, s := range shares {
		g.columns = append(g.columns, column{head: s.head, right: true, rank: s.rank})
	}
	others := all.other
	for i, each := range sorted {
		switch {
		case each.budget.Spent.Total() == 0:
		case i < rows:
			g.share(p.redact.address(each.client).String(), p.redact.addressPort(each.server).String(), p.nameOf(each), &each.budget)
		default:
			others.add(each)
		}
	}
	if others.budget.Spent.Total() > 0 {
		g.share("all others", "", "", &others.budget)
	}
	if len(g.rows) > 0 {
		p.title("The same by client and server, in percent of the time")
		p.table(&g)
	}
}

func (g *grid) share(client, server, name string, b *Budget) {
	row := []cell{{text: client}, {text: server}, {text: name}, {text: duration(b.Spent.Total())}}
	total := float64(b.Spent.Total())
	for _, s := range shares {
		text := absent
		if d := s.of(&b.Spent); d > 0 {
			text = strconv.FormatFloat(100*float64(d)/total, 'f', 1, 64)
		}
		row = append(row, cell{text: text})
	}
	g.row(row...)
}
