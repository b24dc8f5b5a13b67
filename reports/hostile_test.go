package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// hostileStrings are what a capture can hold to harm whoever looks at a report.
var hostileStrings = []string{
	"\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;http://evil/\x07", "\u009b31m\u0090q\u009c", "\x9b31m", "\b\b\b\x7f\r overwritten", "a\nb\vc\fd\x85e",
	"\u202egnp.exe\u202c\u2066\u2069\u200e\u061c", "\ufeff\u200b\u200d\u00ad\U000e0041", "e" + strings.Repeat("\u0301", 400),
	"\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe6\x97", "\ufffd\ufffe\uffff\U0010ffff", "\x00nul\x00",
	"<script>alert(1)</script>", "</script><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "<!--", "-->", "]]>", "<![CDATA[", "&amp;&lt;&#0;&bogus;",
	"javascript:alert(1)", "<plaintext>", "<svg/onload=alert(1)>", "{{7*7}}${7*7}",
	"=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0", "＝1", "'=1", "\"=1\",=2\r\n=3", ";=1", ",\",\"\n",
	"\u2028\u2029", `\`, `\u0000`, `\ud800`, `"`, `","x":"`, "\ud7ff\U0001f680", `\xff`, "[[_$_]]", "%s%n%d%!", "$(rm -rf /)`id`",
	strings.Repeat("x", 100_000), strings.Repeat("日本", 5000), strings.Repeat("<", 5000), "", " ", "../../etc/passwd", "C:\\con\\nul", "-rf", "name\nwith\nlines.pcap",
}

// said is what a capture says, s in every place that can hold captured text. Words
// of the program stand before s only where it has them there itself.
func said(s string) (*analyze.Exchange, *rules.Finding, *analyze.Capture) {
	x := typicalExchange()
	request, response := *x.Request, *x.Response
	request.Method, request.Target = s, s
	request.Fields = http1.FieldsOf([]http1.Field{{Name: "Host", Value: s}, {Name: s, Value: s}, {Name: "Cookie", Value: s}, {Name: "Authorization", Value: s}, {Name: "Referer", Value: s}, {Name: "Content-Type", Value: s}})
	request.Trailers = new(http1.FieldsOf([]http1.Field{{Name: s, Value: s}}))
	response.Reason = s
	response.Fields = http1.FieldsOf([]http1.Field{{Name: s, Value: s}, {Name: "Location", Value: s}, {Name: "Set-Cookie", Value: s}, {Name: "Content-Type", Value: s}, {Name: "Via", Value: s}})
	x.Request, x.Response = &request, &response
	x.Connection.ServerName = s
	f := &rules.Finding{
		ID: 1, Rule: strangeRules[0], Severity: rules.Error, Connection: x.Connection, Connections: []uint64{1}, Exchanges: []uint64{x.ID},
		ConnectionsTotal: 1, ExchangesTotal: 1, Count: 1, Cost: time.Millisecond, Detail: s, Advice: s,
		Evidence: []rules.Evidence{{Mark: request.Start.At, What: s}}, EvidenceTotal: 1, Start: request.Start.At, End: request.End.At,
	}
	c := &analyze.Capture{
		Files:   []*capture.File{{Name: s, Damage: s, Packets: 3}, {Name: "other.pcap"}},
		Packets: 3, TCPPackets: 3, Connections: 1, Exchanges: 1, Requests: 1, Responses: 1,
		Start: request.Start.At.Time, End: request.End.At.Time,
		Health: []analyze.HealthItem{{Kind: "cut-record", Count: 1, Meaning: s}},
	}
	return x, f, c
}

func reportSaid(t testing.TB, f Format, o Options, s string) string {
	t.Helper()
	x, finding, described := said(s)
	var out bytes.Buffer
	w := f.New(&out, o)
	err := errors.Join(w.Exchange(x), w.Finding(finding), w.Connection(x.Connection), w.Close(described))
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return out.String()
}

// inert says for each format what a report must be, whatever the capture says.
// benign is the report on a capture that says nothing strange.
var inert = map[string]func(report, benign string) error{
	"text":   printableLines,
	"json":   oneObject,
	"har":    oneObject,
	"ndjson": objectPerLine,
	"csv":    sameColumns,
	"junit":  wellFormed,
	"html":   sameMarkup,
}

// inertness checks reports on hostile text.
type inertness struct {
	benign map[string]string // reports on text that is not, by format and options
}

func (n *inertness) check(t testing.TB, s string, how int) {
	t.Helper()
	o := options()
	o.SeveralFiles, o.ShowSecrets = true, how&1 != 0
	o.RedactHosts, o.RedactKey = how&2 != 0, []byte("key")
	for _, f := range Formats {
		check := inert[f.Name]
		if check == nil {
			t.Fatalf("say in inert what a report in %s must be", f.Name)
		}
		key := fmt.Sprint(f.Name, how)
		if n.benign[key] == "" {
			n.benign[key] = reportSaid(t, f, o, "plain")
		}
		if err := check(reportSaid(t, f, o, s), n.benign[key]); err != nil {
			t.Errorf("%s, options %d, %.60q: %v", f.Name, how, s, err)
		}
	}
}

// TestHostileStrings: what a capture says comes out of every format inert.
func TestHostileStrings(t *testing.T) {
	n := inertness{map[string]string{}}
	for _, s := range hostileStrings {
		for how := range 4 {
			n.check(t, s, how)
		}
	}
}

func FuzzReports(f *testing.F) {
	for i, s := range hostileStrings {
		f.Add(s[:min(len(s), 200)], uint8(i))
	}
	n := inertness{map[string]string{}}
	f.Fuzz(func(t *testing.T, s string, how uint8) { n.check(t, s, int(how%4)) })
}

// printableLines: nothing that a terminal acts on but the end of a line.
func printableLines(report, _ string) error {
	if !utf8.ValidString(report) {
		return errors.New("not UTF-8")
	}
	for i, r := range report {
		if r != '\n' && !unicode.IsPrint(r) {
			return fmt.Errorf("%q in …%q", r, report[max(0, i-40):i])
		}
	}
	return nil
}

func oneObject(report, benign string) error {
	if !json.Valid([]byte(report)) {
		return errors.New("no JSON")
	}
	return printableLines(report, benign)
}

func objectPerLine(report, benign string) error {
	if n, want := strings.Count(report, "\n"), strings.Count(benign, "\n"); n != want {
		return fmt.Errorf("%d lines, want %d", n, want)
	}
	for line := range strings.Lines(report) {
		if err := oneObject(line, ""); err != nil {
			return err
		}
	}
	return nil
}

// sameColumns: the fields that there are without it, none of which a spreadsheet
// takes for a formula.
func sameColumns(report, benign string) error {
	if err := printableLines(strings.ReplaceAll(report, "\r\n", "\n"), ""); err != nil {
		return err
	}
	rows, err := csv.NewReader(strings.NewReader(report)).ReadAll()
	if err != nil {
		return err
	}
	want, err := csv.NewReader(strings.NewReader(benign)).ReadAll()
	if err != nil || len(rows) != len(want) {
		return fmt.Errorf("%d rows, want %d: %v", len(rows), len(want), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			first, _ := utf8.DecodeRuneInString(cell)
			if _, err := strconv.ParseFloat(cell, 64); err != nil && strings.ContainsRune("=+-@＝＋－＠", first) {
				return fmt.Errorf("the formula %q", cell)
			}
		}
	}
	return nil
}

// wellFormed: XML (which names what it may not contain) with the elements that
// there are without it.
func wellFormed(report, benign string) error {
	got, err := elements(report)
	if err != nil {
		return err
	}
	want, err := elements(benign)
	if err == nil && got != want {
		err = fmt.Errorf("elements\n%s, want\n%s", got, want)
	}
	return errors.Join(err, noControls(report))
}

func elements(document string) (names string, err error) {
	d := xml.NewDecoder(strings.NewReader(document))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return names, nil
		}
		if err != nil {
			return names, err
		}
		if start, ok := token.(xml.StartElement); ok {
			names += start.Name.Local + " "
			for _, a := range start.Attr {
				names += a.Name.Local + " "
			}
		}
	}
}

// sameMarkup: no more elements and attributes than there are without it. Text without
// "<" can begin none, nor end a script, where it must be escaped like anywhere else.
func sameMarkup(report, benign string) error {
	for _, mark := range []string{"<", "<script", "</script", "<!--"} {
		n, want := strings.Count(strings.ToLower(report), mark), strings.Count(strings.ToLower(benign), mark)
		if n > want {
			return fmt.Errorf("%d times %q, want %d", n, mark, want)
		}
	}
	want := markupOf(benign)
	for what, n := range markupOf(report) {
		if n > want[what] {
			return fmt.Errorf("%d times %s, want %d", n, what, want[what])
		}
	}
	return noControls(report)
}

// linking are the attributes that lead somewhere.
var linking = map[string]bool{"href": true, "xlink:href": true, "src": true, "action": true, "formaction": true}

// markupOf counts the elements of a page and their attributes, and links that run scripts.
func markupOf(page string) map[string]int {
	counts := map[string]int{}
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		t := z.Token()
		if t.Type != html.StartTagToken && t.Type != html.SelfClosingTagToken {
			continue
		}
		counts[t.Data]++
		for _, a := range t.Attr {
			counts[t.Data+" "+a.Key]++
			if scheme, _, _ := strings.Cut(a.Val, ":"); linking[a.Key] && strings.EqualFold(strings.TrimSpace(scheme), "javascript") {
				counts[t.Data+" "+a.Key+" that runs a script"]++
			}
		}
	}
	return counts
}

func noControls(report string) error {
	return printableLines(strings.NewReplacer("\r\n", "\n", "\t", " ").Replace(report), "")
}
