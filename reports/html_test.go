package reports

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// text is what is left of a page without its markup, style and script.
func pageText(page string) string {
	for _, element := range []string{"style", "script", "head"} {
		page = regexp.MustCompile(`(?s)<`+element+`.*?</`+element+`>`).ReplaceAllString(page, "")
	}
	page = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(page), " ")
}

func TestPageOfNothing(t *testing.T) {
	page := reportOnScript(t, "", "html", options())
	if text := pageText(page); !strings.Contains(text, "Nothing to complain about in a capture without TCP connections.") {
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
