package rules

import (
	"time"

	"wirelag/reassembly/capture"
)

// Bounds of waiting for the other side of an intermediary to show up.
const (
	otherSideWait = 10 * time.Second
	maxSuspects   = 1 << 12
)

// otherSide keeps instances until the other side of an intermediary must have shown up,
// which may show them to be none.
type otherSide struct {
	pass    *Pass
	stands  func(*Instance) bool // asked when the time has come
	waiting []suspect            // the oldest first
}

type suspect struct {
	instance Instance
	until    capture.Time
}

func (o *otherSide) add(i Instance) {
	i.keep()
	o.waiting = append(o.waiting, suspect{i, o.pass.Now().Add(otherSideWait)})
	if len(o.waiting) > maxSuspects {
		o.pass.Forget()
		o.oldest()
	}
}

func (o *otherSide) tick(now capture.Time) {
	for len(o.waiting) > 0 && o.waiting[0].until < now {
		o.oldest()
	}
}

func (o *otherSide) finish() {
	for len(o.waiting) > 0 {
		o.oldest()
	}
}

// oldest reports what was seen first, if it stands.
func (o *otherSide) oldest() {
	w := o.waiting[0]
	o.waiting[0] = suspect{}
	o.waiting = o.waiting[1:]
	if o.stands(&w.instance) {
		o.pass.Report(w.instance)
	}
	w.instance.release()
}
