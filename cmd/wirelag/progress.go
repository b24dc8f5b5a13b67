package main

import (
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"wirelag/reassembly/capture"
)

// How soon a progress bar shows up (most captures are done before), and how
// often it moves.
const (
	progressDelay  = 500 * time.Millisecond
	progressPeriod = 100 * time.Millisecond
)

// wantsProgress reports whether somebody is there to look at a progress bar.
func (a *reporter) wantsProgress() bool {
	return !a.options.quiet && os.Getenv("CI") == "" && a.drawsOnTerminal()
}

// drawsOnTerminal reports whether standard error can show something in place. Nothing is
// drawn where lines of the report come in between: it would erase them.
func (a *reporter) drawsOnTerminal() bool {
	return !a.options.noProgress && isTerminal(a.stderr) && os.Getenv("TERM") != "dumb" && !a.streamsToTerminal()
}

func (a *reporter) streamsToTerminal() bool {
	return a.format().Streams && a.options.output == "-" && isTerminal(a.stdout)
}

// showProgress shows on w how much of files is read, until stop is called.
func showProgress(w io.Writer, files []*capture.File) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-quit:
		case <-time.After(progressDelay):
			renderProgress(w, files, quit)
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

func renderProgress(w io.Writer, files []*capture.File, quit <-chan struct{}) {
	bar := progress.NewWriter()
	bar.SetOutputWriter(w)
	bar.SetTerminalWidth(widthOf(w))
	bar.SetUpdateFrequency(progressPeriod)
	bar.Style().Visibility.Time = false
	// It is over when the tracker is: Stop would do nothing before Render begins.
	bar.SetAutoStop(true)
	tracker := &progress.Tracker{Message: "reading", Units: progress.UnitsBytes, AutoStopDisabled: true}
	bar.AppendTracker(tracker)
	rendered := make(chan struct{})
	go func() {
		defer close(rendered)
		bar.Render()
	}()
	ticker := time.NewTicker(progressPeriod)
	defer ticker.Stop()
	for reading := true; reading; {
		select {
		case <-quit:
			reading = false
		case <-ticker.C:
		}
		read, size := progressOf(files)
		tracker.UpdateTotal(size)
		tracker.SetValue(read)
	}
	tracker.MarkAsDone()
	<-rendered
}

// progressOf sums the progress of files up; size is 0 when that of one is not known.
func progressOf(files []*capture.File) (read, size int64) {
	known := true
	for _, f := range files {
		r, s := f.Progress()
		read, size = read+r, size+s
		known = known && s > 0
	}
	if !known {
		return read, 0
	}
	return read, size
}
