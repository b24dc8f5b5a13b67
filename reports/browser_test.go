package reports

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium with one page, driven by the DevTools protocol
// over a pipe. A library for that would bring more code than it saves here.
type browser struct {
	t       *testing.T
	to      io.Writer
	session string

	mu      sync.Mutex
	lastID  int
	answers map[int]chan message
	events  []message
	ended   chan struct{} // closed when the browser is gone
}

// message is a command, the answer to one, or an event.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Name    string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// patience is how long a browser may take for anything.
const patience = 2 * time.Minute

// findBrowser returns a Chromium, or skips the test.
func findBrowser(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("short: no browser is started")
	}
	if runtime.GOOS == "windows" {
		t.Skip("pipes cannot be handed to a browser on Windows: the page is not looked at")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed: the page is not looked at")
	return ""
}

// startBrowser starts a browser, which ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := findBrowser(t)
	theirs, ours, err := os.Pipe()
	check(t, err)
	from, into, err := os.Pipe()
	check(t, err)
	folder, err := os.MkdirTemp("", "wirelag-browser")
	check(t, err)
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--remote-debugging-pipe", "--user-data-dir="+folder)
	cmd.ExtraFiles = []*os.File{theirs, into}
	check(t, cmd.Start())
	theirs.Close()
	into.Close()
	b := &browser{t: t, to: ours, answers: map[int]chan message{}, ended: make(chan struct{})}
	go b.read(from)
	t.Cleanup(func() {
		b.leave()
		cmd.Process.Kill()
		cmd.Wait()
		ours.Close()
		for range 50 { // its helpers may write for a moment longer
			if os.RemoveAll(folder) == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	b.openPage()
	return b
}

// leave asks the browser to end, and waits for that.
func (b *browser) leave() {
	if _, err := b.to.Write([]byte(`{"id":1000000,"method":"Browser.close"}` + "\x00")); err != nil {
		return
	}
	select {
	case <-b.ended:
	case <-time.After(10 * time.Second):
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *browser) read(from io.Reader) {
	defer close(b.ended)
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(line[:len(line)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if answer := b.answers[m.ID]; answer != nil {
			delete(b.answers, m.ID)
			answer <- m
		} else if m.Name != "" {
			b.events = append(b.events, m)
		}
		b.mu.Unlock()
	}
}

// call sends a command and puts the result into result, unless that is nil.
func (b *browser) call(name string, params map[string]any, result any) {
	b.t.Helper()
	answer := make(chan message, 1)
	b.mu.Lock()
	b.lastID++
	command := message{ID: b.lastID, Session: b.session, Name: name, Params: params}
	b.answers[command.ID] = answer
	b.mu.Unlock()
	line, err := json.Marshal(command)
	check(b.t, err)
	_, err = b.to.Write(append(line, 0))
	check(b.t, err)
	select {
	case m := <-answer:
		if m.Error != nil {
			b.t.Fatalf("%s: %s", name, m.Error.Message)
		}
		if result != nil {
			check(b.t, json.Unmarshal(m.Result, result))
		}
	case <-b.ended:
		b.t.Fatalf("%s: the browser is gone", name)
	case <-time.After(patience):
		b.t.Fatalf("%s: no answer", name)
	}
}

func (b *browser) openPage() {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
}

// open shows the page in a window so wide.
func (b *browser) open(page string, width int) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "report.html")
	check(b.t, os.WriteFile(path, []byte(page), 0o666))
	b.resize(width)
	b.mu.Lock()
	b.events = nil
	b.mu.Unlock()
	b.call("Page.navigate", map[string]any{"url": "file://" + filepath.ToSlash(path)}, nil)
	b.until("the page is loaded", `document.readyState === 'complete' && location.protocol === 'file:'`)
}

func (b *browser) resize(width int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// colours asks for a colour scheme and a medium ("" for a screen).
func (b *browser) colours(scheme, medium string) {
	b.t.Helper()
	b.call("Emulation.setEmulatedMedia", map[string]any{
		"media": medium, "features": []map[string]any{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
}

// eval runs script, which may return a promise, as if by a click, and puts its
// value into value, unless that is nil.
func (b *browser) eval(script string, value any) {
	b.t.Helper()
	var result struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &result)
	if e := result.ExceptionDetails; e != nil {
		b.t.Fatalf("%s: %s %s", script, e.Text, e.Exception.Description)
	}
	if value != nil && result.Result.Value != nil {
		check(b.t, json.Unmarshal(result.Result.Value, value))
	}
}

// text, number and truth are the value of a script.
func (b *browser) text(script string) (s string) {
	b.t.Helper()
	b.eval(script, &s)
	return s
}

func (b *browser) number(script string) (n float64) {
	b.t.Helper()
	b.eval(script, &n)
	return n
}

func (b *browser) truth(script string) (is bool) {
	b.t.Helper()
	b.eval(script, &is)
	return is
}

// until waits until script is true.
func (b *browser) until(what, script string) {
	b.t.Helper()
	for end := time.Now().Add(patience); !b.truth(script); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("it does not happen that %s", what)
		}
	}
}

// press presses and releases a key.
func (b *browser) press(key, text string) {
	b.t.Helper()
	down := map[string]any{"type": "keyDown", "key": key}
	if text != "" {
		down["text"] = text
	}
	if key == "Tab" {
		down["windowsVirtualKeyCode"] = 9
	}
	if key == "Enter" {
		down["windowsVirtualKeyCode"] = 13
	}
	b.call("Input.dispatchKeyEvent", down, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key}, nil)
}

// drag presses the mouse at one place of the window and releases it at another.
func (b *browser) drag(x1, y1, x2, y2 float64) {
	b.t.Helper()
	for _, step := range []struct {
		kind string
		x, y float64
	}{{"mouseMoved", x1, y1}, {"mousePressed", x1, y1}, {"mouseMoved", (x1 + x2) / 2, y2}, {"mouseMoved", x2, y2}, {"mouseReleased", x2, y2}} {
		b.call("Input.dispatchMouseEvent", map[string]any{"type": step.kind, "x": step.x, "y": step.y, "button": "left", "buttons": 1, "clickCount": 1}, nil)
	}
}

// isQuiet checks that the page said nothing on the console, failed nowhere, and
// asked for nothing but itself.
func (b *browser) isQuiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		params := fmt.Sprint(e.Params)
		switch e.Name {
		case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening":
			b.t.Errorf("%s: %.400s", e.Name, params)
		case "Network.requestWillBeSent":
			request, _ := e.Params.(map[string]any)["request"].(map[string]any)
			if url, _ := request["url"].(string); !strings.HasPrefix(url, "file://") || !strings.HasSuffix(url, "report.html") {
				if !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
					b.t.Errorf("the page asked for %s", url)
				}
			}
		}
	}
}
