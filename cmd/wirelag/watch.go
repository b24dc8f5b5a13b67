package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture/live"
	"wirelag/reports"
	"wirelag/rules"
)

// viewPeriod is how often the view is shown anew.
const viewPeriod = time.Second

// watch is what a person sees of an analysis that goes on.
type watch struct {
	listener analyze.Listener
	noted    func(*rules.Finding, *rules.Instance) // nil: nothing is shown
	end      func()
}

// newWatch shows on stderr how the analysis of source stands, until its end is
// called: in a view on a terminal, elsewhere in lines.
func (l *listening) newWatch(source *live.Source, asked *request) watch {
	terminal := l.drawsOnTerminal()
	told := l.options.format == "ndjson" || l.streamsToTerminal() // by the report, or lines would get into it
	if l.options.quiet || told && !terminal {
		return watch{end: func() {}}
	}
	options := l.reportOptions(l.stderr, asked)
	shown := reports.NewLive(options)
	if terminal {
		stop := l.showView(shown, source)
		return watch{listener: shown.Listener(), end: stop, noted: func(f *rules.Finding, i *rules.Instance) { shown.Noted(f, i) }}
	}
	return watch{listener: shown.Listener(), end: func() {}, noted: func(f *rules.Finding, i *rules.Instance) {
		if line := shown.Noted(f, i); line != "" {
			fmt.Fprintln(l.stderr, line)
		}
	}}
}

// showView shows the view in place, until stop is called, which takes it away.
func (l *listening) showView(shown *reports.Live, source *live.Source) (stop func()) {
	began := time.Now()
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(viewPeriod)
		defer ticker.Stop()
		var view canvas
		defer func() { view.clear(l.stderr) }()
		for {
			view.show(l.stderr, shown.View(l.name, time.Since(began), reports.LiveCounters(source.Counters()), widthOf(l.stderr)-1))
			select {
			case <-ticker.C:
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// canvas is the lines of a terminal that a view takes.
type canvas struct{ lines int }

// show writes text over what was shown before.
func (c *canvas) show(w io.Writer, text string) {
	io.WriteString(w, c.back()+text)
	c.lines = strings.Count(text, "\n")
}

func (c *canvas) clear(w io.Writer) {
	io.WriteString(w, c.back())
	c.lines = 0
}

// back moves to where the view begins and erases it (ECMA-48 §8.3.22, 8.3.39).
func (c *canvas) back() string {
	if c.lines == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\r\x1b[J", c.lines)
}
