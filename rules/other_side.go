package rules

import "time"

// Bounds of waiting for the other side of an intermediary to show up.
const (
	otherSideWait = 10 * time.Second
	maxSuspects   = 1 << 12
)

// otherSide keeps instances until the other side of an intermediary must have shown up,
// which may show them to be none.
type otherSide struct{ later[Instance] }

// newOtherSide asks stands of each instance when the time has come.
func newOtherSide(p *Pass, stands func(*Instance) bool) *otherSide {
	return &otherSide{later[Instance]{pass: p, after: otherSideWait, most: maxSuspects, judge: func(i Instance) {
		if stands(&i) {
			p.Report(i)
		}
		i.release()
	}}}
}

func (o *otherSide) add(i Instance) {
	i.keep()
	o.later.add(i)
}
