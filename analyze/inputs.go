package analyze

import (
	"slices"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// inputs knows until when the captures went on: those of different hosts or times end
// when they do, and those of which an input is but a piece with the last piece.
type inputs struct {
	all      []input        // by number; nil where there is but one
	latest   map[string]int // the input met last of those that are named alike
	met      int
	current  int          // the input of the latest packet
	finished capture.Time // the end of all; 0 before it
}

// input is what was met of one.
type input struct {
	series      string
	number      int // in the order in which they were met, from 1
	first, last capture.Time
	quiet       time.Duration // the longest silence in it
	next        int           // the piece after it; itself without one
}

// turn is where packets of another input begin to come.
type turn struct {
	at       int32 // in the chunk
	from, to int
	left     stay // of from
}

// stay is what was met of an input so far.
type stay struct {
	last  capture.Time
	quiet time.Duration
}

func newInputs(files []*capture.File) inputs {
	if len(files) < 2 {
		return inputs{}
	}
	in := inputs{all: make([]input, len(files)), latest: map[string]int{}, current: -1}
	for i, f := range files {
		in.all[i] = input{series: f.Series(), next: i}
	}
	return in
}

// turn takes a turn at a moment.
func (in *inputs) turn(t turn, at capture.Time) {
	if t.from >= 0 {
		in.leave(t.from, t.left)
	}
	in.current = t.to
	to := &in.all[t.to]
	to.next = t.to // pieces of a capture do not overlap
	if to.number > 0 {
		return
	}
	in.met++
	to.number, to.first, to.last = in.met, at, at
	if before, known := in.latest[to.series]; known {
		in.join(before, t.to)
	}
	in.latest[to.series] = t.to
}

// leave notes what was met of an input.
func (in *inputs) leave(i int, s stay) {
	of := &in.all[i]
	of.last, of.quiet = max(of.last, s.last), max(of.quiet, s.quiet)
}

// learn notes that a connection was seen in one input before and is seen in another now.
func (in *inputs) learn(before, now *reassembly.Connection) {
	if in.all == nil {
		return
	}
	from := before.Last()
	if from.IsZero() {
		from = now.First()
	}
	if to := now.Last().Frame.File(); to != from.Frame.File() {
		in.join(from.Frame.File(), to)
	}
}

// join takes input to for the next piece of a capture after input from, unless they overlap.
func (in *inputs) join(from, to int) {
	f, t := &in.all[from], &in.all[to]
	if f.next == from && from != in.current && f.number < t.number && f.last <= t.first {
		f.next = to
	}
}

// longestCut is how long none of a capture's packets come where it goes on in another
// input, if they come that often elsewhere in it.
const longestCut = time.Second

// isCut reports whether the silence between an input and the one that seems to be the next
// piece is one as others: a writer that goes on in another file loses no time.
func (f *input) isCut(next *input) bool {
	return next.first.Sub(f.last) <= longestCut+max(f.quiet, next.quiet)
}

// goesOnIn is the next piece of the capture that input i is of.
func (in *inputs) goesOnIn(i int) (next int, ok bool) {
	f := &in.all[i]
	return f.next, f.next != i && f.isCut(&in.all[f.next])
}

// until is when the capture that input i is of ended, or how far it is at the moment now.
func (in *inputs) until(i int, now capture.Time) capture.Time {
	switch {
	case in.all == nil:
		return max(now, in.finished)
	case in.finished != 0:
		return in.all[i].last
	}
	for next, ok := in.goesOnIn(i); ok; next, ok = in.goesOnIn(i) {
		i = next
	}
	if i == in.current {
		return now
	}
	return in.all[i].last
}

// finish notes that all was met, up to end: what an input says of its end is that of its
// capture from then on.
func (in *inputs) finish(met []stay, files []*capture.File, end capture.Time) {
	in.finished, in.current = end, -1
	order := make([]int, in.met)
	for i := range in.all {
		in.leave(i, met[i])
		if f := files[i]; f.Filtered+f.Unfilterable > 0 { // what was left out tells that it went on
			in.leave(i, stay{last: f.Last.Add(-f.ClockOffset)})
		}
		if number := in.all[i].number; number > 0 {
			order[number-1] = i
		}
	}
	for _, i := range slices.Backward(order) {
		if next, ok := in.goesOnIn(i); ok {
			in.all[i].last = in.all[next].last
		}
	}
}
