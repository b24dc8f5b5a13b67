package reports

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture/generate"
	"wirelag/reassembly/capture/script"
	"wirelag/rules"
)

// text is what is left of a page without its markup, style and script.
func pageText(page string) string {
	for _, element := range []string{"style", "script", "head"} {
		page = regexp.MustCompile(`(?s)<`+element+`.*?</`+element+`>`).ReplaceAllString(page, "")
	}
	page = html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " "))
	return strings.Join(strings.Fields(page), " ")
}

func TestPageOfNothing(t *testing.T) {
	page := reportOnScript(t, "", "html", options())
	if text := pageText(page); !strings.Contains(text, "Nothing to judge: there are no TCP connections in the capture.") {
		t.Errorf("the page says: %s", text)
	}
	for _, section := range []string{"findings", "waterfall", "connections", "ports"} {
		if strings.Contains(page, `id="`+section+`"`) {
			t.Errorf("a page of nothing has a section %s", section)
		}
	}
}

// A page has neither scripts nor styles but its own, and loads nothing.
func TestPageIsCompleteInItself(t *testing.T) {
	page := reportOn(t, "hostile", "html", options())
	for _, c := range []struct {
		pattern string
		want    int
	}{
		{`<script`, 2}, {`<style`, 1}, {`<link`, 1}, {`<(img|iframe|object|embed|base|form action)`, 0},
		{`(src|action|formaction|style| on[a-z]+)=`, 0}, {`href="[^#"]`, 1}, {`(url|@import)\(?\s*["']?https?:`, 0},
	} {
		if found := regexp.MustCompile(`(?i)`+c.pattern).FindAllString(withoutScript(page), -1); len(found) != c.want {
			t.Errorf("%s: %d times %q, want %d", c.pattern, len(found), found, c.want)
		}
	}
}

// withoutScript is a page without what stands between the script tags.
func withoutScript(page string) string {
	return regexp.MustCompile(`(?s)(<script[^>]*>).*?(</script>)`).ReplaceAllString(page, "$1$2")
}

// Markup in captured strings stays text.
func TestPageEscapes(t *testing.T) {
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(2)>'--><b>`
	page := reportOnScript(t, fmt.Sprintf(`c 10.0.0.1:40000 > 10.0.0.2:80
0ms    c > SYN
20ms   c < SYN ACK
20ms   c > ACK
21ms   c > "GET /%[1]s HTTP/1.1\r\nHost: %[1]s\r\n%[1]s: %[1]s\r\n\r\n"
1241ms c < "HTTP/1.1 200 %[1]s\r\nX: %[1]s\r\n\r\n"
`, strings.ReplaceAll(evil, " ", "\t")), "html", options())
	for _, markup := range []string{"<script>alert", "<img"} {
		if strings.Contains(page, markup) {
			t.Errorf("the page contains %q", markup)
		}
	}
	if n := strings.Count(page, "</script>"); n != 2 {
		t.Errorf("%d scripts end", n)
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the strings are not shown")
	}
}

// A page stays small, and says what it leaves out, however much there is.
func TestPagesAreBounded(t *testing.T) {
	source, err := generate.NewSource(generate.Options{Kind: generate.Mixed, Seed: 1, Size: 64 << 20})
	check(t, err)
	page := pageOn(t, htmlOptions(), source)
	exchanges := source.Truth().Requests
	if exchanges < 2*galleryExchanges || source.Truth().Connections < 2*galleryConnections {
		t.Fatalf("the capture has %d exchanges on %d connections only", exchanges, source.Truth().Connections)
	}
	if len(page) > 10e6 {
		t.Errorf("the page has %d bytes", len(page))
	}
	for _, c := range []struct {
		what string
		most int
	}{{`<li class="line row`, galleryExchanges}, {`<li class="lane`, galleryConnections}, {`<details class="connection`, htmlDetailed}, {`<article class="finding`, htmlStories}} {
		if n := strings.Count(page, c.what); n == 0 || n > c.most {
			t.Errorf("%s: %d times, at most %d", c.what, n, c.most)
		}
	}
	if text := pageText(page); !strings.Contains(text, "of "+count(exchanges)+" exchanges") || !strings.Contains(text, "--since") {
		t.Error("it does not say what it leaves out")
	}
}

// What is worth drawing is kept, whenever it comes.
func TestGalleryKeepsTheWorst(t *testing.T) {
	var g gallery
	connection := func(id uint64) *analyze.Connection {
		return &analyze.Connection{Connection: &reassembly.Connection{ID: id}}
	}
	exchange := func(c *analyze.Connection, id uint64, took time.Duration) *analyze.Exchange {
		return &analyze.Exchange{ID: id, Connection: c, Request: &http1.Message{}, Response: &http1.Message{}, Timing: analyze.Timing{Wait: took}}
	}
	const n = 20 * galleryConnections
	bad := map[uint64]bool{3: true, n / 2: true}
	later := &rules.Finding{Rule: rules.All[0], Severity: rules.Error, Connection: connection(1), Connections: []uint64{1, n - 5}}
	g.addFinding(later)
	for id := uint64(1); id <= n; id++ {
		c := connection(id)
		took := time.Duration(id%1000) * time.Millisecond
		if id == 7 {
			took = time.Hour
		}
		g.addExchange(exchange(c, id, took))
		g.addConnection(c)
		if bad[id] {
			g.addFinding(&rules.Finding{Rule: rules.All[0], Severity: rules.Error, Connection: c, Connections: []uint64{id}})
		}
		if len(g.drawings) > 2*galleryConnections || g.exchanges > 2*galleryExchanges {
			t.Fatalf("%d connections, %d exchanges are kept", len(g.drawings), g.exchanges)
		}
	}
	kept := map[uint64]bool{}
	for _, d := range g.settle() {
		kept[d.connection.ID] = true
	}
	if len(kept) != galleryConnections || !kept[3] || !kept[n/2] || !kept[n-5] || !kept[7] {
		t.Errorf("%d are kept; those with findings %t, %t and %t, the slowest %t", len(kept), kept[3], kept[n/2], kept[n-5], kept[7])
	}
	if g.connections != n || g.told != n {
		t.Errorf("%d connections and %d exchanges were counted", g.connections, g.told)
	}
}

// Long heads do not make the page long.
func TestPageOfLongHeads(t *testing.T) {
	var s strings.Builder
	for i := range 120 {
		fmt.Fprintf(&s, "c%d 10.0.0.1:%d > 10.0.0.2:80\n", i, 10000+i)
	}
	for i := range 120 {
		fmt.Fprintf(&s, "%[1]dms c%[1]d > \"GET /\" repeat(\"<\", 30000) \" HTTP/1.1\\r\\nHost: \" repeat(\"<\", 30000) \"\\r\\nX: \" repeat(\"<\", 60000) \"\\r\\n\\r\\n\" split\n", i)
		fmt.Fprintf(&s, "%[1]dms c%[1]d < \"HTTP/1.1 200 \" repeat(\"<\", 30000) \"\\r\\nContent-Length: 0\\r\\nX: \" repeat(\"&\", 60000) \"\\r\\n\\r\\n\" split\n", i)
	}
	parsed, err := script.Parse(s.String())
	check(t, err)
	page := pageOn(t, htmlOptions(), parsed.Source())
	if len(page) > 10e6 {
		t.Errorf("the page has %d bytes", len(page))
	}
	if n := strings.Count(page, `class="line row`); n != 120 {
		t.Errorf("%d exchanges are shown", n)
	}
}
