package reports

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	neturl "net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture/script"
)

type harEntry struct {
	Started  string `json:"startedDateTime"`
	Time     float64
	Exchange int `json:"_exchange"`
	Request  struct {
		Method, URL string
		Cookies     []map[string]any
		QueryString []struct{ Name, Value string }
	}
	Response struct {
		Status      int
		Error       string `json:"_error"`
		RedirectURL string
		Cookies     []map[string]any
		Content     struct {
			Size     int
			MIMEType string
		}
	}
	Timings struct {
		Blocked, DNS, Connect, SSL, Send, Wait, Receive float64

		Unknown []string `json:"_unknown"`
	}
	Findings []struct {
		ID   int
		Rule string
	} `json:"_findings"`
}

// entries are those of an archive that follows HAR 1.2, and what the
// specification says beyond its shape.
func entries(t *testing.T, archive string) []harEntry {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("testdata/har-1.2.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(archive))
	if err != nil {
		t.Fatalf("%v in %s", err, archive)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%v in %s", err, archive)
	}
	var decoded struct{ Log struct{ Entries []harEntry } }
	if err := json.Unmarshal([]byte(archive), &decoded); err != nil {
		t.Fatal(err)
	}
	all := decoded.Log.Entries
	if !slices.IsSortedFunc(all, func(a, b harEntry) int { return strings.Compare(a.Started, b.Started) }) {
		t.Errorf("the entries are not in the order of their starts: %s", archive)
	}
	for _, e := range all {
		p, sum := e.Timings, 0.0
		for _, phase := range []float64{p.Blocked, p.DNS, p.Connect, p.Send, p.Wait, p.Receive} {
			sum += max(phase, 0)
		}
		if math.Abs(sum-e.Time) > 1e-6 {
			t.Errorf("exchange %d: time %v, the phases take %v", e.Exchange, e.Time, sum)
		}
		if p.SSL > p.Connect {
			t.Errorf("exchange %d: ssl %v is not a part of connect %v", e.Exchange, p.SSL, p.Connect)
		}
	}
	return all
}

func TestArchive(t *testing.T) {
	golden(t, "hostile.har", reportOn(t, "hostile", "har", options()))
	several := options()
	several.SeveralFiles, several.ShowSecrets = true, true
	shown := entries(t, reportOn(t, "hostile", "har", several))
	masked := entries(t, reportOn(t, "hostile", "har", options()))
	if len(masked) != 5 || len(shown) != 5 {
		t.Fatalf("%d and %d entries", len(masked), len(shown))
	}
	if got := shown[0].Request.Cookies; len(got) != 2 || got[0]["name"] != "sid" || got[0]["value"] != "SECRET-2" || got[1]["name"] != "theme" {
		t.Errorf("cookies of the request: %v", got)
	}
	if got := shown[0].Response.Cookies; len(got) != 1 || got[0]["value"] != "SECRET-8" || got[0]["path"] != "/" || got[0]["httpOnly"] != true || got[0]["secure"] != false {
		t.Errorf("cookies of the response: %v", got)
	}
	for _, e := range masked {
		if got := e.Response.Status == 0; got != (e.Response.Error != "") {
			t.Errorf("exchange %d: status %d, error %q", e.Exchange, e.Response.Status, e.Response.Error)
		}
		if len(e.Findings) != 1 || e.Findings[0].Rule != "every-exchange" {
			t.Errorf("exchange %d: findings %v", e.Exchange, e.Findings)
		}
	}
	entries(t, reportOnScript(t, "", "har", options()))
	entries(t, reportOn(t, "proxy", "har", options()))
}

func TestArchiveIsTheSameThroughATemporaryFile(t *testing.T) {
	formats := Formats
	defer func() { Formats = formats }()
	Formats = []Format{{Name: "har", New: func(w io.Writer, o Options) Writer {
		h := newHAR(w, o)
		for _, s := range spoolsOf(h) {
			s.limit = 100
		}
		return h
	}}}
	golden(t, "hostile.har", reportOn(t, "hostile", "har", options()))
}

// An exchange begins with the lookup and the connection that it waited for, as
// the client saw it; entries are sorted by that.
func TestArchiveTellsTheClientsTime(t *testing.T) {
	const source = `
start 2026-01-02T03:04:05Z
a 10.0.0.1:40000 > 10.0.0.2:80
b 10.0.0.1:40001 > 10.0.0.2:80
# Captured 20 ms from the client.
100ms  a > SYN
140ms  a < SYN ACK
180ms  a > ACK
181ms  a > "GET /first HTTP/1.1\r\nHost: h\r\n\r\n"
190ms  b > SYN
230ms  b < SYN ACK
270ms  b > ACK
271ms  b > "GET /reset HTTP/1.1\r\nHost: h\r\n\r\n"
281ms  a < "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n\r\nabc"
321ms  a > ACK
330ms  a > "GET /cut HTTP/1.1\r\nHost: h\r\n\r\n"
400ms  a < "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
401ms  a < FIN
771ms  b < RST
`
	all := entries(t, reportOnScript(t, source, "har", options()))
	if len(all) != 3 {
		t.Fatalf("%d entries", len(all))
	}
	first, reset, cut := all[0], all[1], all[2]
	if first.Started != "2026-01-02T03:04:05.081000000Z" || first.Timings.Connect != 80 || first.Time != 220 || first.Response.Error != "" ||
		first.Response.Content.Size != -1 || first.Response.Content.MIMEType != "text/plain" {
		t.Errorf("first: %+v", first)
	}
	// It waited from when its request was sent until it learned of the reset.
	if reset.Timings.Wait != 540 || reset.Timings.Unknown != nil || reset.Response.Error != "no response: the server reset the connection" {
		t.Errorf("reset: %+v", reset)
	}
	if cut.Response.Status != 200 || cut.Response.Error != "not the whole response: the server closed the connection" || cut.Response.Content.MIMEType != "x-unknown" {
		t.Errorf("cut: %+v", cut)
	}
}

// What the capture does not show is not accused of anything.
func TestArchiveOfWhatIsNotThere(t *testing.T) {
	all := entries(t, reportOnScript(t, `
a [2001:db8::1]:40000 > [2001:db8::2]:80
b 10.0.0.1:40001 > 10.0.0.2:80
0ms a < "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
9ms b > SYN
9ms b < SYN ACK
9ms b > ACK
9ms b > "GET / HTTP/1.1\r\n\r\n"
`[1:], "har", options()))
	if len(all) != 2 {
		t.Fatalf("%d entries", len(all))
	}
	alone, open := all[0], all[1]
	if alone.Request.Method != "" || alone.Request.URL != "http://[2001:db8::2]:80/" || !slices.Equal(alone.Timings.Unknown, []string{"send", "wait"}) {
		t.Errorf("response alone: %+v", alone)
	}
	if open.Response.Error != "no response: the capture shows no end of the connection" || !slices.Equal(open.Timings.Unknown, []string{"wait", "receive"}) ||
		open.Request.URL != "http://10.0.0.2:80/" {
		t.Errorf("unanswered: %+v", open)
	}
}

func TestURLsOfRequests(t *testing.T) {
	connection := reassemblyConnection(t)
	for _, c := range []struct{ method, target, host, want string }{
		{"GET", "/a/b?x=1&y=%20", "www.example", "http://www.example/a/b?x=1&y=%20"},
		{"GET", "/", "www.example:8080", "http://www.example:8080/"},
		{"GET", "/", "[2001:db8::1]:80", "http://[2001:db8::1]:80/"},
		{"GET", "/", "", "http://192.0.2.1:81/"},
		{"GET", "/", "a/b", "http://192.0.2.1:81/"},
		{"GET", "/", "a b", "http://192.0.2.1:81/"},
		{"GET", "/", "a:b", "http://192.0.2.1:81/"},
		{"GET", "/", "a:65536", "http://192.0.2.1:81/"},
		{"GET", "/", "[x]", "http://192.0.2.1:81/"},
		{"GET", "/", ":80", "http://192.0.2.1:81/"},
		{"GET", "/", "\xff", "http://192.0.2.1:81/"},
		{"GET", "/", "日本.example", "http://%E6%97%A5%E6%9C%AC.example/"},
		{"GET", "/", "joe:pw@h", "http://***@h/"},
		{"GET", "/\x1b[\"\\ \xff%zz%4", "h", "http://h/%1B%5B%22%5C%20%FF%25zz%254"},
		{"GET", "/a#b#c", "h", "http://h/a#b%23c"},
		{"GET", "a", "h", "http://h/a"},
		{"GET", "", "h", "http://h/"},
		{"GET", "?token=x", "h", "http://h/?token=***"},
		{"GET", "http://o.example:81/p?key=x", "h", "http://o.example:81/p?key=***"},
		{"GET", "HTTP://joe:pw@o.example", "h", "HTTP://***@o.example/"},
		{"GET", "http://?", "h", "http://192.0.2.1:81/?"},
		{"GET", "/http://o/", "h", "http://h/http://o/"},
		{"GET", "x y://o/", "h", "http://h/x%20y://o/"},
		{"OPTIONS", "*", "h", "http://h/"},
		{"CONNECT", "o.example:443", "h", "http://o.example:443/"},
	} {
		x := typicalExchange()
		x.Connection.Connection = connection
		x.Request.Method, x.Request.Target, x.Request.Fields = c.method, c.target, http1.FieldsOf([]http1.Field{{Name: "Host", Value: c.host}})
		e := newEncoder(Options{})
		got := string(e.harURL(nil, x))
		if got != c.want {
			t.Errorf("%s %q of %q: got %q, want %q", c.method, c.target, c.host, got, c.want)
		}
	}
}

// reassemblyConnection is one to 192.0.2.1:81.
func reassemblyConnection(t testing.TB) (found *reassembly.Connection) {
	parsed, err := script.Parse("c 10.0.0.1:1 > 192.0.2.1:81\n0ms c > SYN\n")
	if err != nil {
		t.Fatal(err)
	}
	listener := analyze.Listener{Closed: func(c *analyze.Connection) { found = c.Keep().Connection }}
	if _, err := analyze.Run(context.Background(), parsed.Source(), listener, analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	return found
}

func FuzzURL(f *testing.F) {
	f.Add("GET", "/\x00?#%", "h:1")
	f.Add("CONNECT", "[::1]:443", "")
	f.Add("GET", "ftp://u@h:9\\/", "h")
	connection := reassemblyConnection(f)
	f.Fuzz(func(t *testing.T, method, target, host string) {
		x := typicalExchange()
		x.Connection.Connection = connection
		x.Request.Method, x.Request.Target, x.Request.Fields = method, target, http1.FieldsOf([]http1.Field{{Name: "Host", Value: host}})
		e := newEncoder(Options{})
		got := string(e.harURL(nil, x))
		if u, err := neturl.Parse(got); err != nil || u.Host == "" {
			t.Errorf("%q of %q: %q: %v", target, host, got, err)
		}
		if encoded := appendString(nil, got); !bytes.Equal(encoded, []byte(`"`+got+`"`)) {
			t.Errorf("%q of %q: %q needs %s", target, host, got, encoded)
		}
		if query := append(appendQuery([]byte{'['}, []byte(target)), ']'); !json.Valid(query) {
			t.Errorf("%q: %s", target, query)
		}
	})
}

func TestQueries(t *testing.T) {
	for target, want := range map[string]string{
		"/":                      "",
		"/?":                     "",
		"/?a=1&b&&c=d=e#f?g":     `{"name":"a","value":"1"},{"name":"b","value":""},{"name":"c","value":"d=e"}`,
		"/?a+b=%41%zz%e2%82%ac%": `{"name":"a b","value":"A%zz€%"}`,
		"/?a=%ff%5c%1b":          `{"name":"a","value":"\\xff\\\\\u001b"}`,
	} {
		if got := string(appendQuery(nil, []byte(target))); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
}
