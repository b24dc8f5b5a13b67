package reports

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
	"wirelag/rules"
)

// secretParameters are the query names whose values are secret.
var secretParameters = []string{"token", "access_token", "api_key", "key", "sig", "signature", "secret", "password", "code", "session"}

// planted is a capture that has a secret in every place where one is masked, and
// a host ("PLANT", or 198.51.100.…) in every place that can name one.
func planted() string {
	var query strings.Builder
	for _, name := range secretParameters {
		fmt.Fprintf(&query, "&%s=SEKRIT-%s", name, name)
	}
	q := query.String()[1:]
	return `
c 198.51.100.1:40000 > 198.51.100.2:80
p [2001:db8:5ec::1]:40000 > [2001:db8:5ec::2]:3128
0ms c > SYN
20ms c < SYN ACK
20ms c > ACK
21ms c > "GET /a/PLANT-7/PLANT%40x/PLANT.corp/http://PLANT/b.html?` + q + `&id=PLANT&PLANT.corp HTTP/1.1\r\nHost: PLANT.corp:80\r\n` +
		`Authorization: Basic SEKRIT-a\r\nProxy-Authorization: Digest SEKRIT-b\r\nCookie: a=SEKRIT-c; b=SEKRIT-d\r\n` +
		`Referer: https://SEKRIT-e:SEKRIT-f@PLANT.corp/?` + q + `#` + q + `\r\nOrigin: https://PLANT\r\nVia: 1.1 PLANT (198.51.100.3)\r\n` +
		`X-Forwarded-For: 198.51.100.4, PLANT\r\nForwarded: for=\"[2001:db8:5ec::3]:4711\";host=PLANT;proto=https\r\nX-Backend: PLANT\r\n` +
		`X-PLANT.corp: 1\r\nUser-Agent: bot (+http://PLANT.corp/PLANT1)\r\nFrom: joe@PLANT.corp\r\nX-Real-IP: 2001:db8:5ec::4\r\n\r\n"
62ms c < "HTTP/1.1 302 see PLANT.corp\r\nSet-Cookie: s=SEKRIT-g; Domain=PLANT.corp; Path=/PLANT1\r\nLocation: //SEKRIT-h@PLANT/x?` + q + `\r\n` +
		`Alt-Svc: h3=\"PLANT:443\"\r\nAccess-Control-Allow-Origin: http://PLANT\r\nContent-Security-Policy: img-src PLANT.corp\r\nRefresh: 5; url=http://PLANT/?` + q + `\r\n` +
		`Link: <http://PLANT/>; rel=next\r\nServer: x/1 PLANT.corp\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Served-By: PLANT\r\nSet-Cookie: t=SEKRIT-i\r\n\r\n"
100ms p > SYN
120ms p < SYN ACK
120ms p > ACK
121ms p > "GET http://SEKRIT-j:SEKRIT-k@PLANT:8080/?` + q + ` HTTP/1.1\r\nHost: PLANT:8080\r\n\r\n"
140ms p < "HTTP/1.1 204 No Content\r\nContent-Location: http://198.51.100.5/\r\n\r\n"
`
}

// tattling says all that a rule can know.
var tattling = &rules.Rule{
	ID: "tattling", Title: "it tells", Severities: []rules.Severity{rules.Warning},
	Doc: rules.Doc{What: "It tells.", Cure: "Hush."},
	Listen: func(p *rules.Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			c := x.Connection
			p.Report(rules.Instance{
				Connection: c, Exchange: x, Severity: rules.Warning, Detail: fmt.Sprintf("%s asked %s for it; %s, not %s.", c.Client(), c.Server(), c.ServerName, c.Client().Addr()),
				Advice:   fmt.Sprintf("Ask (%s).", c.Server()),
				Evidence: []rules.Evidence{{Mark: x.Request.End.At, What: "to " + c.Server().String()}},
			})
		}}
	},
}

func reportPlanted(t *testing.T, f Format, o Options) string {
	t.Helper()
	parsed, err := script.Parse(planted())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := f.New(&out, o)
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	judge := rules.NewLedger([]*rules.Rule{tattling}, nil, func(f *rules.Finding) { check(w.Finding(f)) }, nil)
	described, err := analyze.Run(context.Background(), parsed.Source(), analyze.Join(judge, analyze.Listener{
		Exchange: func(x *analyze.Exchange) { check(w.Exchange(x)) },
		Closed:   func(c *analyze.Connection) { check(w.Connection(c)) },
	}), analyze.Options{})
	check(err)
	const name = "/home/PLANT/198.51.100.2-PLANT.pcap.gz"
	described.Files = []*capture.File{{Name: name, Damage: "read " + name + ": it ends"}}
	described.Health = append(described.Health, analyze.HealthItem{Kind: "cut-record", Count: 1, Meaning: "it ends (read " + name + ": it ends)"})
	check(w.Close(described))
	return out.String()
}

// No format shows a secret unless it is to, nor a host when it is not to.
func TestNoFormatGivesPlantedTextAway(t *testing.T) {
	for _, f := range Formats {
		for _, secrets := range []bool{false, true} {
			for _, hosts := range []bool{false, true} {
				o := options()
				o.Rules = []*rules.Rule{tattling}
				o.Width, o.ShowSecrets, o.RedactHosts, o.RedactKey = 2000, secrets, !hosts, []byte("k")
				got := reportPlanted(t, f, o)
				what := fmt.Sprintf("%s, secrets %v, hosts %v", f.Name, secrets, hosts)
				for _, plant := range []string{"PLANT", "198.51.100.", "2001:db8:5ec:"} {
					lookFor(t, what, got, plant, hosts)
				}
				if !secrets {
					lookFor(t, what, got, "SEKRIT", false)
				} else if n := strings.Count(got, "SEKRIT"); f.Name == "json" && hosts && n < 60 {
					t.Errorf("the capture has %d secrets only", n)
				}
			}
		}
	}
}

func lookFor(t *testing.T, what, report, plant string, want bool) {
	t.Helper()
	folded := strings.ToLower(report)
	at := strings.Index(folded, strings.ToLower(plant))
	switch {
	case at >= 0 && !want:
		t.Errorf("%s: %s in …%s…", what, plant, report[max(0, at-80):min(len(report), at+80)])
	case at < 0 && want:
		t.Errorf("%s: no %s", what, plant)
	}
}

// The redactor alone reads what names hosts or may be secret.
func TestOnlyTheRedactorReadsCapturedText(t *testing.T) {
	captured := map[string]bool{}
	for _, name := range strings.Fields("Client Server ServerName Target Fields Trailers Method Reason Detail Advice What Fingerprint Filter Subject Get Damage Meaning Interface") {
		captured[name] = true
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "redact.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if b, ok := n.(*ast.BinaryExpr); ok && (b.Op == token.EQL || b.Op == token.NEQ) {
				return false // what is compared is not shown
			}
			if s, ok := n.(*ast.SelectorExpr); ok && captured[s.Sel.Name] && !ofOurs(s.X) {
				t.Errorf("%s reads %s by itself: it has to ask the redactor", name, s.Sel.Name)
			}
			return true
		})
	}
}

// ofOurs reports whether what x selects is text of our own.
func ofOurs(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "strings"
	case *ast.SelectorExpr:
		return x.Sel.Name == "Doc"
	}
	return false
}

func TestPseudonyms(t *testing.T) {
	p := newPseudonyms([]byte("key"))
	same := func(a, b string) {
		t.Helper()
		if a != b {
			t.Errorf("%s and %s", a, b)
		}
	}
	host := func(s string) string { return string(p.host(nil, s)) }
	same(host("www.example.org"), host("WWW.Example.ORG."))
	same(host("www.example.org")+":8080", host("www.example.org:8080"))
	same(host("10.0.0.1")+":80", host("10.0.0.1:80"))
	same("["+host("2001:db8:1::1")+"]:80", host("[2001:db8:1::1]:80"))
	same(host("::ffff:10.0.0.1"), host("10.0.0.1"))
	same("http://"+host("a.example")+"/users/"+string(p.word(nil, "42"))+"/v2/list.html?page="+string(p.word(nil, "7")),
		string(p.target(nil, "http://a.example/users/42/v2/list.html?page=7")))
	same("from "+host("10.0.0.1")+" → "+host("10.0.0.2:80")+", HTTP/1.1 at 40.5 ms.", string(p.text(nil, "from 10.0.0.1 → 10.0.0.2:80, HTTP/1.1 at 40.5 ms.", addresses)))
	same("1.1 "+host("squid")+" ("+host("c++")+")", string(p.text(nil, "1.1 squid (c++)", allNames)))
	same("***", string(p.word(nil, "***")))
	same("*", string(p.target(nil, "*")))
	if other := newPseudonyms([]byte("other")); string(other.host(nil, "a")) == host("a") {
		t.Error("the key does not matter")
	}
	if host("a.example") == host("b.example") {
		t.Error("two names are one")
	}
}

// Whatever a header or target is, pseudonyms neither panic nor let an address through.
func FuzzPseudonyms(f *testing.F) {
	f.Add("http://a/", "for=x")
	f.Add("/:", "@[")
	f.Fuzz(func(t *testing.T, a, b string) {
		r := newRedactor(Options{RedactHosts: true})
		for _, s := range []string{a, b, a + b, a + " 198.51.100.77 " + b, "http://198.51.100.77:80/" + a} {
			r.url(s)
			r.host(s)
			for _, field := range []string{"Via", "Accept", "Location", "Set-Cookie", "X"} {
				r.value(field, s)
			}
		}
		if strings.ContainsAny(a+b, "0123456789") {
			return
		}
		if got := r.value("Accept", a+" 198.51.100.77 "+b); bytes.Contains(got, []byte("198.51.100.77")) {
			t.Errorf("%q", got)
		}
	})
}
