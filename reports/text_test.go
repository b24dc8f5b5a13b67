package reports

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"wirelag/analyze"
	"wirelag/rules"
)

func TestNamesAreCutByTheirBeginning(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"short.pcap", "short.pcap"},
		{"/very/long/folder/name/a.pcap", "…der/name/a.pcap"},
		{"日本語日本語日本語.pcap", "…本語日本語.pcap"},
	} {
		if got := cutStart(c.in, 16); got != c.want || text.StringWidth(got) > 16 {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestFiltersBreakBeforeOperators(t *testing.T) {
	const filter = "(ip.addr == 10.0.0.1 && ip.addr == 10.0.0.2 && tcp.port == 80) || (ip.addr == 10.0.0.1 && (udp.port == 53 || tcp.port == 53))"
	for width := 20; width < 80; width++ {
		lines := wrapFilter(filter, width)
		if got := strings.Join(lines, " "); got != filter {
			t.Errorf("%d columns: %q", width, got)
		}
		for i, line := range lines {
			if i > 0 && !strings.HasPrefix(line, "&& ") && !strings.HasPrefix(line, "|| ") {
				t.Errorf("%d columns: a line begins %q", width, line)
			}
		}
	}
}

// However the time is divided, the budget fits its page, its phases stand in
// order, and what is not explained comes last.
func TestBudgetInText(t *testing.T) {
	b := Budget{Exchanges: 1200, Incomplete: 2}
	for p := range b.Spent {
		b.Spent[p][analyze.OnPhase] = time.Duration(p+1) * time.Second
	}
	for on := range b.Spent[analyze.WaitPhase] {
		b.Spent[analyze.WaitPhase][on] = time.Duration(on+1) * 123 * time.Millisecond
	}
	b.Spent[analyze.BlockedPhase] = [analyze.SpentOns]time.Duration{analyze.OnPhase: 1}
	for width := minWidth; width <= 200; width++ {
		p := &page{width: width}
		p.budget(&b)
		got := p.text.String()
		for line := range strings.Lines(got) {
			if n := text.StringWidth(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%d columns: %d in %q", width, n, line)
			}
		}
		if width < 80 {
			continue
		}
		at := -1
		for _, want := range append([]string{"in 1,200 exchanges, of 2 of them in part\n"}, phaseTitles[:]...) {
			found := strings.Index(got, want)
			if found < at {
				t.Errorf("%d columns: %s is not where it should be in\n%s", width, want, got)
			}
			at = found
		}
		if !strings.Contains(got, "unexplained 0.4 %\n") || !strings.Contains(got, "blocked       0 µs  < 0.1 %\n") {
			t.Errorf("%d columns:\n%s", width, got)
		}
	}
}

func TestPairsShareTheBudget(t *testing.T) {
	var s strings.Builder
	for i := range 4 {
		fmt.Fprintf(&s, "c%d 10.0.0.%d:1000 > 10.0.1.1:80\n", i, i)
	}
	for i := range 4 {
		fmt.Fprintf(&s, `%[2]dms c%[1]d > SYN
%[3]dms c%[1]d < SYN ACK
%[3]dms c%[1]d > ACK
%[3]dms c%[1]d > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
%[5]dms c%[1]d < ACK
%[4]dms c%[1]d < "HTTP/1.1 204 No Content\r\n\r\n"
`, i, 1000*i, 1000*i+10, 1000*i+30+100*i, 1000*i+20)
	}
	o := options()
	o.Top = 2
	got := reportOnScript(t, s.String(), "text", o)
	_, section, _ := strings.Cut(got, "percent of the time\n")
	section, _, _ = strings.Cut(section, "\n\n")
	const want = `  Client      Server       Host    Time  Setup  Net  Server
  10.0.0.3    10.0.1.1:80  h     330 ms    3.0  3.0    93.9
  10.0.0.2    10.0.1.1:80  h     230 ms    4.3  4.3    91.3
  all others                     160 ms   12.5 12.5    75.0`
	if strings.Join(strings.Fields(section), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got\n%s\nwant\n%s", section, want)
	}
}

func TestNoRuleCrowdsOutOthers(t *testing.T) {
	of := func(rule int, severity rules.Severity) *story {
		return &story{worst: &rules.Finding{Rule: strangeRules[rule]}, severity: severity, findings: 2, count: 3, cost: time.Second}
	}
	var all []*story
	for range 10 {
		all = append(all, of(0, rules.Error))
	}
	all = append(all, of(0, rules.Info), of(1, rules.Info), of(1, rules.Info))
	told, hidden := chapters(all, 5)
	var got []int
	for _, s := range told {
		got = append(got, slices.Index(all, s.story))
	}
	if !slices.Equal(got, []int{0, 1, 2, 10, 11}) {
		t.Errorf("told are %v", got)
	}
	if last := told[2]; last.alike != 7 || last.alikeCount != 21 || last.alikeCost != 7*time.Second {
		t.Errorf("beside the last of the first rule: %+v", last)
	}
	if hidden.of != [3]uint64{rules.Info: 2} {
		t.Errorf("hidden are %v", hidden.of)
	}
}

func TestTextSaysThatExchangesAreSelected(t *testing.T) {
	o := options()
	o.Selected = true
	got := reportOn(t, "hostile", "text", o)
	for _, want := range []string{"5 of the exchanges are selected; findings are about all\n", "4 info in 5 exchanges: 188 ms and 1.23 KB lost.\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

// One finding of a real rule, as it looks on terminals of three widths.
func TestOneFinding(t *testing.T) {
	const source = `
start 2026-01-02T03:04:05.006Z
c 10.0.0.1:40000 > 10.0.0.2:80
0ms     c > SYN
20ms    c < SYN ACK
20ms    c > ACK
30ms    c > "POST /save HTTP/1.1\r\nHost: 例え.example\r\nContent-Length: 100\r\n\r\n"
90ms    c < ACK
90.1ms  c > repeat("x", 100)
111ms   c < "HTTP/1.1 204 No Content\r\n\r\n"
112ms   c > FIN ACK
132ms   c < FIN ACK
132ms   c > ACK
`
	for _, width := range []int{80, 120, 200} {
		o := options()
		o.Width = width
		golden(t, fmt.Sprintf("one-%d.golden", width), reportBy(t, rules.All, source, "text", o))
	}
}
