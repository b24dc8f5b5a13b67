package reports

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"wirelag/analyze"
	"wirelag/rules"
)

// strangeRules find something in all traffic, and say it as strangely as can be.
var strangeRules = []*rules.Rule{
	{
		ID: "every-exchange", Title: "an exchange happened", Severities: []rules.Severity{rules.Info, rules.Warning, rules.Error},
		Doc: rules.Doc{
			What: "Exchanges happen. This is of no use to anyone.",
			Cure: "Nothing that could be done.", References: []string{"RFC 9110 §3.4", "HTTP-DG §1.1"},
		},
		Listen: func(p *rules.Pass) analyze.Listener {
			return analyze.Listener{Exchange: func(x *analyze.Exchange) {
				i := rules.Instance{Connection: x.Connection, Exchange: x, Detail: "An exchange with \x1b[31m日本語\u202e \xff \\ \" happened."}
				if x.Response == nil {
					i.Severity, i.BytesLost, i.Detail = rules.Error, 1234, "An exchange had no response."
				}
				if x.Request != nil {
					i.Severity = max(i.Severity, rules.Warning)
					i.Cost = x.Request.End.At.Sub(x.Request.Start.At) + 1500*time.Microsecond
					i.Evidence = []rules.Evidence{{Mark: x.Request.End.At, What: "end\x07 of the request"}, {Mark: x.Request.Start.At, What: "its start"}, {What: "nothing"}}
				}
				p.Report(i)
			}}
		},
	},
	{
		ID: "every-connection", Title: "a connection was there", Severities: []rules.Severity{rules.Info}, Per: rules.PerPair,
		Doc: rules.Doc{What: "Connections come, and go.", Cure: "Let them.", References: []string{"RFC 9293"}},
		Listen: func(p *rules.Pass) analyze.Listener {
			return analyze.Listener{Closed: func(c *analyze.Connection) {
				p.Report(rules.Instance{
					Connection: c, Confidence: rules.Likely, Detail: "It was a connection.",
					Evidence: []rules.Evidence{{Mark: c.First(), What: "its first packet"}, {Mark: c.Last(), What: "its last"}},
				})
			}}
		},
	},
}

// typicalFinding is a finding of its own.
func typicalFinding() *rules.Finding {
	return &rules.Finding{
		ID: 1, Rule: strangeRules[0], Severity: rules.Warning, Connection: typicalExchange().Connection, Connections: []uint64{1},
		ConnectionsTotal: 1, Count: 1, Cost: time.Millisecond, Detail: "It happened.", Advice: "Let it.",
	}
}

// crowd is a script of many clients, each with one connection and one exchange.
func crowd(clients int) string {
	var s strings.Builder
	for i := range clients {
		fmt.Fprintf(&s, "c%d 10.1.%d.%d:1000 > 10.0.0.2:80\n", i, i/200, i%200)
	}
	for i := range clients {
		fmt.Fprintf(&s, `%[1]dms c%[1]d > SYN
%[1]dms c%[1]d < SYN ACK
%[1]dms c%[1]d > ACK
%[1]dms c%[1]d > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
%[1]dms c%[1]d < "HTTP/1.1 204 No Content\r\n\r\n"
`, i)
	}
	return s.String()
}

func TestFindingsAreBoundedInText(t *testing.T) {
	got := reportOnScript(t, crowd(maxStories/2+100), "text", options())
	for _, want := range []string{
		"2,148 warnings, 2,148 info in 2,148 exchanges: 3.22 s lost.\n",
		"\n  also     the same between 2,145 other clients and servers: 2,145 times, 3.22 s\n",
		"\n  and 200 info more (--top, --format json)\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
	if lines := strings.Count(got, "\n"); lines > 200 {
		t.Errorf("%d lines", lines)
	}
}

// A rule that finds much does not crowd out what others found, at any width.
func TestThousandsOfFindingsAreTold(t *testing.T) {
	source := crowd(2500)
	for _, width := range []int{80, 120, 200} {
		o := options()
		o.Width, o.Top = width, 8
		got := reportOnScript(t, source, "text", o)
		if want := "2,500 warnings, 2,500 info in 2,500 exchanges: 3.75 s lost.\n"; !strings.HasPrefix(got, want) {
			t.Errorf("%d columns: begins with %q", width, got[:100])
		}
		for _, rule := range strangeRules {
			if n := strings.Count(got, " "+rule.ID+": "); n != mostAlike {
				t.Errorf("%d columns: %s is told %d times", width, rule.ID, n)
			}
			if n := strings.Count(got, opening(rule.Doc.What)); n != 1 {
				t.Errorf("%d columns: what %s is about is told %d times", width, rule.ID, n)
			}
		}
		lines := strings.Split(got, "\n")
		if len(lines) > 130 {
			t.Errorf("%d columns: %d lines", width, len(lines))
		}
		for _, line := range lines {
			if n := text.StringWidth(line); n > width {
				t.Errorf("%d columns: a line has %d: %s", width, n, line)
			}
		}
	}
}

func TestFindingsOfOnePairAreOneStory(t *testing.T) {
	const script = `
a 10.0.0.1:40001 > 10.0.0.2:80
b 10.0.0.1:40002 > 10.0.0.2:80
0ms a > SYN
0ms a < SYN ACK
0ms a > ACK
1ms a > "GET /1 HTTP/1.1\r\nHost: example.org\r\n\r\n"
2ms a < "HTTP/1.1 204 No Content\r\n\r\n"
3ms a > "GET /2 HTTP/1.1\r\nHost: example.org\r\n\r\n"
4ms a < "HTTP/1.1 204 No Content\r\n\r\n"
5ms b > SYN
5ms b < SYN ACK
5ms b > ACK
6ms b > "GET /3 HTTP/1.1\r\n"
8ms b > "Host: example.org\r\n\r\n"
9ms b < "HTTP/1.1 204 No Content\r\n\r\n"
`
	golden(t, "story.golden", reportOnScript(t, script, "text", options()))
	o := options()
	o.MinSeverity = rules.Warning
	got := reportOnScript(t, script, "text", o)
	if strings.Contains(got, "every-connection") || !strings.Contains(got, "\n  without 1 info (--min-severity)\n") ||
		!strings.HasPrefix(got, "2 warnings, 1 info in 3 exchanges: 6.50 ms lost; the exchanges took ") {
		t.Errorf("--min-severity warning: %s", got)
	}
}

// Connections that findings share count once: a story says on how many it happened.
func TestStoriesCountConnectionsOnce(t *testing.T) {
	perConnection, perPair := strangeRules[0], strangeRules[1]
	for _, c := range []struct {
		rule           *rules.Rule
		findings       int
		count, touched int // of each
		want           string
	}{
		{perConnection, 1, 1, 2, ""}, {perConnection, 1, 3, 2, "3 times"},
		{perConnection, 12, 1, 2, "12 times on 12 connections"}, {perConnection, 2, 3, 1, "6 times on 2 connections"},
		{perPair, 1, 7, 5, "7 times"}, {perPair, 2, 7, 5, "14 times"},
	} {
		var s stories
		for range c.findings {
			f := typicalFinding()
			f.Rule, f.Count, f.ConnectionsTotal = c.rule, c.count, c.touched
			s.add(f)
		}
		if got := s.order[0].times(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// Lists inside a finding are capped, and say how many there are.
func TestFindingListsAreCapped(t *testing.T) {
	var s strings.Builder
	s.WriteString("c 10.0.0.1:1000 > 10.0.0.2:80\n0ms c > SYN\n0ms c < SYN ACK\n0ms c > ACK\n")
	for i := range 150 {
		fmt.Fprintf(&s, "%dms c > \"GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n\"\n", 2*i+1)
		fmt.Fprintf(&s, "%dms c < \"HTTP/1.1 204 No Content\\r\\n\\r\\n\"\n", 2*i+2)
	}
	var report struct {
		Summary struct {
			Findings map[string]int
			Cost     float64 `json:"cost_ms"`
		}
		Findings []struct {
			Rule, Detail   string
			Count          int
			Cost           float64 `json:"cost_ms"`
			Exchanges      []int
			ExchangesTotal int `json:"exchanges_total"`
			Frames         []int
			FramesTotal    int `json:"frames_total"`
			Evidence       []struct{ What string }
		}
	}
	document := reportOnScript(t, s.String(), "json", options())
	if err := json.Unmarshal([]byte(document), &report); err != nil {
		t.Fatal(err)
	}
	f := report.Findings[0]
	if f.Rule != "every-exchange" || f.Count != 150 || len(f.Exchanges) != 100 || f.ExchangesTotal != 150 ||
		f.FramesTotal != 450 || len(f.Frames) > 100 || len(f.Evidence) > 100 || f.Cost != 225 {
		t.Errorf("%+v", f)
	}
	if report.Summary.Findings["warning"] != 1 || report.Summary.Findings["info"] != 1 || report.Summary.Cost != 225 {
		t.Errorf("%+v", report.Summary)
	}
	if want := "An exchange with \x1b[31m日本語\u202e \\xff \\\\ \" happened."; f.Detail != want {
		t.Errorf("%q, want %q", f.Detail, want)
	}
	followsSchema(t, "capped", []byte(document))
}

// A verdict comes first, whatever there is to say.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		sums      findingSums
		exchanges uint64
		asked     int
		want      string
		known     findingSums
	}{
		{sums: findingSums{}, exchanges: 12, asked: len(rules.All), want: "Nothing to complain about in 12 exchanges."},
		{sums: findingSums{}, exchanges: 0, asked: len(rules.All), want: "Nothing to complain about in 3 connections without a readable HTTP exchange."},
		{sums: findingSums{}, exchanges: 1, asked: 2, want: fmt.Sprintf("Nothing to complain about in 1 exchange, by 2 of %d rules.", len(rules.All))},
		{sums: findingSums{of: [3]uint64{3, 0, 0}}, exchanges: 12, asked: len(rules.All), want: "Nothing to complain about (3 info) in 12 exchanges."},
		{sums: findingSums{of: [3]uint64{3, 0, 0}, cost: time.Second}, exchanges: 12, asked: len(rules.All), want: "Nothing to complain about (3 info, 1.00 s) in 12 exchanges."},
		{sums: findingSums{of: [3]uint64{0, 1, 0}, cost: time.Second}, exchanges: 12, asked: len(rules.All), want: "1 warning in 12 exchanges: 1.00 s lost; the exchanges took 2.00 s."},
		{sums: findingSums{of: [3]uint64{0, 2, 1}, cost: 3200 * time.Millisecond, lost: 5}, exchanges: 12, asked: len(rules.All), want: "1 error, 2 warnings in 12 exchanges: 3.20 s and 5 B lost; the exchanges took 2.00 s."},
		{sums: findingSums{of: [3]uint64{0, 0, 1}, cost: 3 * time.Second}, exchanges: 1, asked: 2, want: fmt.Sprintf("1 error in 1 exchange, by 2 of %d rules: 3.00 s lost; the exchange took 2.00 s.", len(rules.All))},
		{sums: findingSums{of: [3]uint64{0, 0, 1}, lost: 4096}, exchanges: 1000, asked: len(rules.All), want: "1 error in 1,000 exchanges: 4.10 KB lost."},
		{exchanges: 1, asked: len(rules.All), known: findingSums{of: [3]uint64{0, 2, 0}, cost: time.Second}, want: "Nothing to complain about (known: 2 warnings) in 1 exchange."},
		{sums: findingSums{of: [3]uint64{0, 1, 0}}, exchanges: 1, asked: len(rules.All), known: findingSums{of: [3]uint64{1, 0, 1}}, want: "1 warning (known: 1 error, 1 info) in 1 exchange."},
	} {
		p := &page{width: 100}
		p.verdict(&verdict{&c.sums, &c.known, &analyze.Capture{Connections: 3, Exchanges: c.exchanges}, 2 * time.Second, c.asked})
		if got := strings.TrimSpace(p.text.String()); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
