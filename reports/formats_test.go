package reports

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
	"wirelag/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// reportOn writes the report of the script testdata/NAME.txt.
func reportOn(t testing.TB, name, format string, o Options) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return reportOnScript(t, string(source), format, o)
}

func reportOnScript(t testing.TB, source, format string, o Options) string {
	t.Helper()
	return reportBy(t, strangeRules, source, format, o)
}

func reportBy(t testing.TB, asked []*rules.Rule, source, format string, o Options) string {
	t.Helper()
	parsed, err := script.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := formatCalled(t, format).New(&out, o)
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	judge := rules.NewLedger(asked, nil, func(f *rules.Finding) { check(w.Finding(f)) }, nil)
	described, err := analyze.Run(context.Background(), parsed.Source(), analyze.Join(judge, analyze.Listener{
		Exchange: func(x *analyze.Exchange) { check(w.Exchange(x)) },
		Hop:      func(h *analyze.Hop) { check(w.Hop(h)) },
		Closed:   func(c *analyze.Connection) { check(w.Connection(c)) },
	}), analyze.Options{})
	check(err)
	check(w.Close(described))
	return out.String()
}

func formatCalled(t testing.TB, name string) Format {
	t.Helper()
	for _, f := range Formats {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no format %q", name)
	return Format{}
}

func options() Options {
	return Options{Version: "1.2.3", Width: 80, Top: 10, Rules: rules.All}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test ./reports -update rewrites it. Got:\n%s", path, got)
	}
}

func TestGoldens(t *testing.T) {
	for _, width := range []int{80, 120, 200} {
		o := options()
		o.Width = width
		golden(t, fmt.Sprintf("hostile-%d.golden", width), reportOn(t, "hostile", "text", o))
	}
	inColor := options()
	inColor.Color, inColor.Zone = true, time.UTC
	golden(t, "hostile-color.golden", reportOn(t, "hostile", "text", inColor))
	golden(t, "hostile.json", reportOn(t, "hostile", "json", options()))
	golden(t, "hostile.ndjson", reportOn(t, "hostile", "ndjson", options()))
	several := options()
	several.SeveralFiles, several.ShowSecrets = true, true
	golden(t, "hostile-several.json", reportOn(t, "hostile", "json", several))
}

func TestSecretsAreMaskedInEveryFormat(t *testing.T) {
	const secret = "SECRET-"
	for _, f := range Formats {
		o := options()
		o.Width = 1000
		if got := reportOn(t, "hostile", f.Name, o); strings.Contains(got, secret) {
			at := strings.Index(got, secret)
			t.Errorf("%s: …%s…", f.Name, got[max(0, at-60):at+20])
		}
		o.ShowSecrets = true
		if got := reportOn(t, "hostile", f.Name, o); !strings.Contains(got, secret) && f.Name != "junit" { // which shows no exchanges
			t.Errorf("%s: masked though not asked for", f.Name)
		}
	}
}

func TestNoControlCharacterReachesTheReport(t *testing.T) {
	for _, f := range Formats {
		o := options()
		o.Width = 1000
		for _, r := range strings.ReplaceAll(reportOn(t, "hostile", f.Name, o), "\r\n", "\n") {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %q", f.Name, r)
			}
		}
	}
}

func TestLinesFitThePage(t *testing.T) {
	for width := minWidth; width < 300; width++ {
		o := options()
		o.Width, o.Zone, o.Color = width, time.UTC, width%2 == 0
		for line := range strings.Lines(reportOn(t, "hostile", "text", o)) {
			line = strings.TrimRight(line, "\n")
			if got := text.StringWidthWithoutEscSequences(line); got > width {
				t.Errorf("width %d: %d columns: %s", width, got, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("width %d: blanks at the end: %q", width, line)
			}
		}
	}
}

func TestTablesAreBounded(t *testing.T) {
	o := options()
	o.Top = 2
	golden(t, "hostile-top-2.golden", reportOn(t, "hostile", "text", o))
}

func TestEmptyCapture(t *testing.T) {
	for _, f := range Formats {
		if f.Name == "html" {
			continue // see TestPageOfNothing
		}
		golden(t, "empty-"+f.Name+".golden", reportOnScript(t, "", f.Name, options()))
	}
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile("../docs/schema/wirelag-1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// followsSchema checks a document, or a line of one.
func followsSchema(t *testing.T, name string, document []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := schema(t).Validate(value); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestJSONFollowsTheSchema(t *testing.T) {
	read := func(name string) []byte {
		document, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	for _, name := range []string{"hostile.json", "hostile-several.json", "empty-json.golden"} {
		followsSchema(t, name, read(name))
	}
	for _, name := range []string{"hostile.ndjson", "empty-ndjson.golden"} {
		for line := range bytes.Lines(read(name)) {
			followsSchema(t, name, line)
		}
	}
	for _, what := range []string{"connection", "finding"} {
		if schema(t).Validate(map[string]any{"type": what, "id": json.Number("1")}) == nil {
			t.Errorf("the schema accepts a %s that has nothing but a number", what)
		}
	}
}

func TestJSONIsTheSameThroughATemporaryFile(t *testing.T) {
	formats := Formats
	defer func() { Formats = formats }()
	Formats = []Format{{Name: "json", New: func(w io.Writer, o Options) Writer {
		j := newJSON(w, o)
		for _, s := range spoolsOf(j) {
			s.limit = 100
		}
		return j
	}}}
	golden(t, "hostile.json", reportOn(t, "hostile", "json", options()))
}

// spoolsOf are those that a writer keeps.
func spoolsOf(w Writer) []*spool {
	switch w := w.(type) {
	case *jsonWriter:
		return []*spool{&w.spool, &w.told}
	case *harWriter:
		return []*spool{&w.entries, &w.told}
	}
	return nil
}

func TestGivingUpLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	t.Setenv("TMP", folder)
	for _, f := range Formats {
		var out bytes.Buffer
		w := f.New(&out, options())
		for _, s := range spoolsOf(w) {
			s.limit = 100
		}
		x := typicalExchange()
		if err := w.Exchange(x); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if err := w.Finding(typicalFinding()); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		written := out.Len()
		if err := w.Close(nil); err != nil || out.Len() != written {
			t.Errorf("%s: error %v, %d more bytes written", f.Name, err, out.Len()-written)
		}
		checkEmpty(t, folder)
	}
}

func TestPairsAreBounded(t *testing.T) {
	var s strings.Builder
	for i := range maxPairs + 200 {
		fmt.Fprintf(&s, "c%d 10.1.%d.%d:1000 > 10.0.0.2:80\n", i, i/200, i%200)
	}
	for i := range maxPairs + 200 {
		fmt.Fprintf(&s, "%dms c%d > SYN\n", i, i)
	}
	got := reportOnScript(t, s.String(), "text", options())
	others := ""
	for line := range strings.Lines(got) {
		if strings.Contains(line, "all others") {
			others = strings.Join(strings.Fields(line), " ")
		}
	}
	if want := "all others 1,190 0"; others != want {
		t.Errorf("got %q, want %q in\n%s", others, want, got)
	}
}

// However strange the text in it, a table fits its page and is printable.
func FuzzTable(f *testing.F) {
	f.Add("日本語🚀", "2001:db8::1", 40)
	f.Add("\x1b[31m\u202e", "e\u0301\u0301\u200d", 77)
	f.Fuzz(func(t *testing.T, a, b string, width int) {
		if width < minWidth || width > 400 {
			return
		}
		p := &page{width: width}
		g := grid{columns: []column{
			{head: "Client", least: 15, address: true}, {head: "Host", least: 12, most: 24, rank: 2},
			{head: "Request", least: 20}, {head: "Status", right: true}, {head: "Wait", right: true, rank: 1},
		}}
		a, b = Printable(a), Printable(b)
		g.row(cell{text: "10.0.0.1"}, cell{text: a}, cell{text: b}, cell{text: "200"}, cell{text: "1.23 s"})
		g.row(cell{text: "10.0.0.1"}, cell{text: b}, cell{text: a}, cell{text: "none"}, cell{text: absent})
		p.title(a)
		p.paragraph(a+" "+b, normal)
		p.labelled("what", faint, a+" "+b, normal)
		p.table(&g)
		for line := range strings.Lines(p.text.String()) {
			line = strings.TrimRight(line, "\n")
			if got := text.StringWidth(line); got > width {
				t.Errorf("width %d: %d columns: %q", width, got, line)
			}
			for _, r := range line {
				if !unicode.IsPrint(r) {
					t.Errorf("%q in %q", r, line)
				}
			}
		}
	})
}

// TestInterimAlone reports an exchange of which the capture has but an interim
// response, in all formats.
func TestInterimAlone(t *testing.T) {
	const source = `
c 10.0.0.1:40000 > 10.0.0.2:80
0ms  c > ACK "behind the head of an upload"
40ms c < "HTTP/1.1 100 Continue\r\n\r\n"
41ms c > ACK
`
	for _, f := range Formats {
		got := reportOnScript(t, source, f.Name, Options{})
		if f.Name == "csv" || f.Name == "har" {
			if !strings.Contains(got, "2026-01-01T00:00:00.04") {
				t.Errorf("%s: the exchange does not begin with its interim response: %s", f.Name, got)
			}
		}
		if got == "" {
			t.Errorf("%s is empty", f.Name)
		}
	}
}
