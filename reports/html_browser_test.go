package reports

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// pageOf is the page on captures in the repository's testdata.
func pageOf(t *testing.T, o Options, names ...string) string {
	t.Helper()
	var paths []string
	for _, name := range names {
		paths = append(paths, filepath.Join("..", "testdata", name))
	}
	source, errs := capture.OpenAll(paths, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	defer source.Close()
	return pageOn(t, o, source)
}

// pageOn is the page on what source holds, by all rules.
func pageOn(t *testing.T, o Options, source capture.Source) string {
	t.Helper()
	var out bytes.Buffer
	w := newHTML(&out, o)
	judge := rules.NewLedger(rules.All, nil, func(f *rules.Finding) { check(t, w.Finding(f)) }, nil)
	described, err := analyze.Run(context.Background(), source, analyze.Join(analyze.Listener{
		Exchange: func(x *analyze.Exchange) { check(t, w.Exchange(x)) },
		Hop:      func(h *analyze.Hop) { check(t, w.Hop(h)) },
		Closed:   func(c *analyze.Connection) { check(t, w.Connection(c)) },
	}, judge), analyze.Options{TrailMemory: 16 << 20})
	check(t, err)
	check(t, w.Close(described))
	return out.String()
}

func htmlOptions() Options {
	o := options()
	o.Top = 0
	return o
}

// TestPageInABrowser does what a reader does with the page.
func TestPageInABrowser(t *testing.T) {
	b := startBrowser(t)
	first := pageOf(t, htmlOptions(), "first-run.pcap")
	for _, test := range []struct {
		name string
		run  func(*browser)
	}{
		{"opens", opens}, {"filter", filters}, {"zoom", zooms}, {"drag", drags}, {"links", follows}, {"every link leads somewhere", leads},
		{"copy", copies}, {"dark", darkens}, {"print", prints}, {"keyboard", tabs}, {"download", downloads}, {"without script", worksWithoutScript},
		{"captured bytes stay text", keepsText}, {"accessible", isAccessible},
	} {
		t.Run(test.name, func(t *testing.T) {
			b.t = t
			b.colours("light", "")
			b.open(first, 1440)
			test.run(b)
			b.isQuiet()
		})
	}
}

func opens(b *browser) {
	if got := b.text(`document.querySelector('h1').textContent`); got != "2 errors, 1 info in 4 exchanges: 502 ms lost; the exchanges took 1.20 s." {
		b.t.Errorf("the verdict is %q", got)
	}
	if got := b.number(`document.querySelectorAll('.finding').length`); got != 3 {
		b.t.Errorf("%v findings", got)
	}
	if got := b.text(`document.querySelector('#budget tfoot').textContent`); !strings.Contains(got, "100.0 %") {
		b.t.Errorf("the budget adds up to %q", got)
	}
	if got := b.number(`document.querySelectorAll('.row').length`); got != 4 {
		b.t.Errorf("the waterfall has %v exchanges", got)
	}
}

const shownFindings = `document.querySelectorAll('.finding:not([hidden])').length`

func filters(b *browser) {
	b.eval(`document.querySelector('[name=severity][value=error]').click()`, nil)
	if got, said := b.number(shownFindings), b.text(`document.getElementById('shown').textContent`); got != 1 || said != "1 of 3 findings" {
		b.t.Errorf("without errors: %v are shown, it says %q", got, said)
	}
	b.eval(`document.querySelector('[name=severity][value=error]').click()`, nil)
	choose := func(name, value string) {
		b.eval(fmt.Sprintf(`(() => { const s = document.querySelector('[name=%s]'); s.value = %q; s.dispatchEvent(new Event('input', {bubbles: true})); })()`, name, value), nil)
	}
	choose("rule", "idle-close-race")
	if got := b.text(`[...document.querySelectorAll('.finding:not([hidden])')].map(e => e.dataset.rule).join()`); got != "idle-close-race" {
		b.t.Errorf("by rule: %s", got)
	}
	choose("rule", "")
	choose("host", "server")
	if got := b.number(shownFindings); got != 3 {
		b.t.Errorf("by host: %v are shown", got)
	}
	choose("rule", "idle-close-race")
	// A link to a finding that is not shown shows it.
	b.eval(`location.hash = '#f3'`, nil)
	b.until("the finding is shown", `!document.getElementById('f3').hidden && document.activeElement.id === 'f3'`)
}

const zoomed = `parseFloat(getComputedStyle(document.getElementById('wf')).getPropertyValue('--w'))`

func zooms(b *browser) {
	expect := func(what string, want float64) {
		b.t.Helper()
		if got := b.number(zoomed); got < want*0.99 || got > want*1.01 {
			b.t.Errorf("%s: the width is %v %%, want %v", what, got, want)
		}
	}
	expect("at first", 100)
	ticks := b.text(`document.getElementById('axis').textContent`)
	b.eval(`document.querySelector('[data-zoom=in]').click()`, nil)
	expect("zoomed in", 200)
	if b.text(`document.getElementById('axis').textContent`) == ticks || b.text(`document.getElementById('range').textContent`) == "" {
		b.t.Error("the axis does not follow")
	}
	b.eval(`document.getElementById('lanes').focus()`, nil)
	b.press("+", "+")
	expect("by keyboard", 400)
	before := b.text(`getComputedStyle(document.getElementById('wf')).getPropertyValue('--x')`)
	b.press("ArrowRight", "")
	if b.text(`getComputedStyle(document.getElementById('wf')).getPropertyValue('--x')`) == before {
		b.t.Error("the arrow key does not move it")
	}
	b.press("-", "-")
	expect("out again", 200)
	b.press("0", "0")
	expect("all", 100)
	b.eval(`document.querySelector('#f3 .zoom-to').click()`, nil)
	if got := b.number(zoomed); got <= 120 {
		b.t.Errorf("a finding in the waterfall: %v %%", got)
	}
	b.eval(`document.getElementById('rows').click()`, nil)
	if got := b.text(`getComputedStyle(document.querySelector('.exchanges')).display`); got != "none" {
		b.t.Errorf("exchanges that are not to be shown are %s", got)
	}
}

func drags(b *browser) {
	b.eval(`document.getElementById('waterfall').scrollIntoView()`, nil)
	var box struct{ X, Y, W float64 }
	b.eval(`(() => { const r = document.querySelector('.lane .plot').getBoundingClientRect(); return {X: r.x, Y: r.y + r.height / 2, W: r.width}; })()`, &box)
	b.drag(box.X+box.W/4, box.Y, box.X+box.W/2, box.Y)
	b.until("dragging zooms", zoomed+` > 380 && `+zoomed+` < 420`)
	if n := b.number(`document.querySelectorAll('.selection').length`); n != 0 {
		b.t.Error("the selection stays")
	}
}

func follows(b *browser) {
	b.eval(`document.querySelector('#f1 .links a[href="#x3"]').click()`, nil)
	b.until("the exchange is shown", `document.getElementById('x3').open && document.getElementById('c1').open && document.activeElement === document.querySelector('#x3 summary')`)
	b.until("the exchange is in the window", `(y => y >= 0 && y <= 850)(document.getElementById('x3').getBoundingClientRect().y)`)
	b.eval(`document.querySelector('#f1 .proof a').click()`, nil)
	b.until("the frame is shown", `document.activeElement.id === 'p0-11' && document.activeElement.textContent.includes('the request')`)
	if n := b.number(`document.querySelectorAll('#f1 .proof a').length`); n != 5 {
		b.t.Errorf("%v of 5 frames lead to their segments", n)
	}
	b.eval(`document.querySelector('#c1 .its-findings a').click()`, nil)
	b.until("the way back is shown", `document.activeElement.id === 'f1'`)
	b.eval(`document.querySelector('.lane .id a').click()`, nil)
	b.until("the connection is shown", `document.activeElement === document.querySelector('#c1 summary')`)
}

func leads(b *browser) {
	if dead := b.text(`[...document.querySelectorAll('a')].map(a => a.getAttribute('href')).filter(h => h[0] !== '#' || !document.getElementById(h.slice(1))).join()`); dead != "" {
		b.t.Errorf("links that lead nowhere: %s", dead)
	}
	if twice := b.text(`[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i).join()`); twice != "" {
		b.t.Errorf("ids that are used twice: %s", twice)
	}
}

func copies(b *browser) {
	b.call("Browser.grantPermissions", map[string]any{"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}}, nil)
	b.call("Page.bringToFront", nil, nil)
	b.eval(`document.querySelector('#f1 .copy').click()`, nil)
	b.until("it says so", `document.querySelector('#f1 .copy').firstChild.data === 'Copied' && document.getElementById('live').textContent === 'Copied'`)
	want := b.text(`document.querySelector('#f1 .filter code').textContent`)
	if got := b.text(`navigator.clipboard.readText()`); got != want || !strings.Contains(got, "tcp.port == 8080") {
		b.t.Errorf("copied %q, want %q", got, want)
	}
}

const ground = `getComputedStyle(document.body).backgroundColor`

func darkens(b *browser) {
	light := b.text(ground)
	b.colours("dark", "")
	dark := b.text(ground)
	if light != "rgb(255, 255, 255)" || dark == light {
		b.t.Errorf("light %s, dark %s", light, dark)
	}
	b.eval(`document.getElementById('theme').click()`, nil)
	if got := b.text(ground); got != light {
		b.t.Errorf("light by choice: %s", got)
	}
	if got := b.text(`document.getElementById('theme').textContent`); got != "Dark" {
		b.t.Errorf("the button says %s", got)
	}
	b.colours("light", "")
	b.eval(`document.getElementById('theme').click()`, nil)
	if got := b.text(ground); got != dark {
		b.t.Errorf("dark by choice: %s", got)
	}
}

func prints(b *browser) {
	b.colours("dark", "print")
	if got := b.text(ground); got != "rgb(255, 255, 255)" {
		b.t.Errorf("the paper is %s", got)
	}
	if got := b.text(`[...document.querySelectorAll('.tools, button, nav')].filter(e => e.checkVisibility()).map(e => e.id || e.className).join()`); got != "" {
		b.t.Errorf("printed, and of no use on paper: %s", got)
	}
	var pdf struct{ Data string }
	b.call("Page.printToPDF", map[string]any{"printBackground": true}, &pdf)
	if content, err := base64.StdEncoding.DecodeString(pdf.Data); err != nil || !bytes.HasPrefix(content, []byte("%PDF")) {
		b.t.Errorf("printing gives %.20q", content)
	}
	b.colours("light", "")
}

// tabs walks through the page by keyboard.
func tabs(b *browser) {
	b.press("Tab", "")
	if got := b.text(`document.activeElement.className`); got != "skip" {
		b.t.Errorf("first comes %q", got)
	}
	seen := map[string]bool{}
	for range 200 {
		b.press("Tab", "")
		var at struct {
			Name    string
			Visible bool
			Outline string
		}
		b.eval(`(() => { const e = document.activeElement; const r = e.getBoundingClientRect(); return {
			Name: e.tagName + ' ' + (e.id || e.name || e.dataset.zoom || e.className || e.getAttribute('href') || e.textContent.slice(0, 20)),
			Visible: r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight, Outline: getComputedStyle(e).outlineStyle}; })()`, &at)
		if strings.HasPrefix(at.Name, "BODY") {
			break
		}
		if !at.Visible || at.Outline == "none" {
			b.t.Errorf("%s has the focus and does not show it: %+v", at.Name, at)
		}
		seen[at.Name] = true
	}
	for _, want := range []string{"BUTTON theme", "INPUT severity", "SELECT rule", "BUTTON copy", "BUTTON zoom-to", "BUTTON in", "OL lanes", "SUMMARY SUMMARY", "BUTTON download"} {
		if !seen[want] && want != "SUMMARY SUMMARY" {
			b.t.Errorf("%s is never reached, but %v", want, seen)
		}
	}
}

func downloads(b *browser) {
	folder := b.t.TempDir()
	b.call("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": folder}, nil)
	b.eval(`document.getElementById('download').click()`, nil)
	path := filepath.Join(folder, "wirelag.json")
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if document, err := os.ReadFile(path); err == nil && len(document) > 0 {
			followsSchema(b.t, "the data of the page", document)
			return
		}
		if time.Now().After(end) {
			b.t.Fatal("nothing is downloaded")
		}
	}
}

func worksWithoutScript(b *browser) {
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	defer b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	b.call("Page.reload", nil, nil)
	b.until("the page is loaded", `document.readyState === 'complete'`)
	if got := b.text(`[...document.querySelectorAll('.tools, .copy, #theme, #download')].filter(e => e.checkVisibility()).map(e => e.id || e.className).join()`); got != "" {
		b.t.Errorf("without script there is no use for %s", got)
	}
	if got := b.number(`[...document.querySelectorAll('.finding, .row, #budget')].filter(e => e.checkVisibility()).length`); got != 8 {
		b.t.Errorf("without script %v of findings, exchanges and budget are shown", got)
	}
}

// keepsText looks at pages on bytes that would do harm as markup.
func keepsText(b *browser) {
	const evil = `</script><script>window.hacked=1;alert(1)</script><img src=http://198.51.100.1/x onerror=window.hacked=2>'\"--><svg/onload=window.hacked=3>{{.}}${hacked}javascript:alert(4)`
	t := b.t
	source := fmt.Sprintf(`c 10.0.0.1:40000 > 10.0.0.2:80
0ms    c > SYN
20ms   c < SYN ACK
20ms   c > ACK
21ms   c > "GET /%[1]s HTTP/1.1\r\nHost: %[1]s\r\nX-%[1]s: %[1]s\r\nReferer: javascript:alert(5)\r\n\r\n"
1241ms c < "HTTP/1.1 200 %[1]s\r\nX: %[1]s\r\n\r\n"
`, strings.ReplaceAll(evil, " ", `\t`))
	for name, page := range map[string]string{"markup": reportOnScript(t, source, "html", htmlOptions()), "hostile": reportOn(t, "hostile", "html", htmlOptions())} {
		b.open(page, 1440)
		b.eval(`document.querySelectorAll('details').forEach(d => { d.open = true; })`, nil)
		if b.truth(`'hacked' in window || document.querySelectorAll('img, script').length > 2`) {
			t.Errorf("%s: captured bytes became code or markup", name)
		}
		if got := b.text(`document.querySelector('main').textContent`); name == "markup" && !strings.Contains(got, "<script>window.hacked=1;alert(1)</script><img") {
			t.Errorf("%s: the bytes are not shown", name)
		}
		leads(b)
		if over := b.number(overflow); over > 0 {
			t.Errorf("%s: %v px wider than the window", name, over)
		}
		b.isQuiet()
	}
}

const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`

// isAccessible asks axe-core, and looks for what stands over the edge.
func isAccessible(b *browser) {
	t := b.t
	axe := readAxe(t)
	for name, page := range map[string]string{
		"nagle": pageOf(t, htmlOptions(), "nagle.pcap"), "proxy": reportOn(t, "proxy", "html", htmlOptions()),
	} {
		b.open(page, 1440)
		b.eval(`document.querySelectorAll('details').forEach(d => { d.open = true; })`, nil)
		b.eval(axe+";0", nil)
		for _, look := range []struct {
			width  int
			scheme string
		}{{1440, "light"}, {1440, "dark"}, {1024, "light"}, {375, "light"}} {
			b.resize(look.width)
			b.colours(look.scheme, "")
			if over := b.number(overflow); over > 0 {
				t.Errorf("%s at %d px: %v px wider than the window", name, look.width, over)
			}
			if look.width == 1024 {
				continue
			}
			if violations := b.text(`axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => v.id + ' ' + v.nodes.length + ' ' + v.nodes[0].html + ' ' + v.nodes[0].failureSummary).join('\n'))`); violations != "" {
				t.Errorf("%s at %d px, %s: %s", name, look.width, look.scheme, violations)
			}
		}
	}
	b.colours("light", "")
}

func readAxe(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/axe/axe.min.js.gz")
	check(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	check(t, err)
	script, err := io.ReadAll(r)
	check(t, err)
	return string(script)
}
