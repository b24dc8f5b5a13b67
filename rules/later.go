package rules

import (
	"time"

	"wirelag/reassembly/capture"
)

// later holds what a rule judges when some time has passed, the same for all: the oldest first.
type later[T any] struct {
	pass  *Pass
	after time.Duration
	most  int // beyond which the oldest is judged early
	judge func(T)
	held  []dated[T]
}

type dated[T any] struct {
	what  T
	until capture.Time
}

func (l *later[T]) add(what T) {
	l.held = append(l.held, dated[T]{what, l.pass.Now().Add(l.after)})
	if len(l.held) > l.most {
		l.hurry()
	}
}

// hurry judges the oldest before its time, if there is one.
func (l *later[T]) hurry() (ok bool) {
	if len(l.held) == 0 {
		return false
	}
	l.pass.Forget()
	l.next()
	return true
}

func (l *later[T]) next() {
	what := l.held[0].what
	l.held[0] = dated[T]{}
	l.held = l.held[1:]
	l.judge(what)
}

func (l *later[T]) tick(now capture.Time) {
	for len(l.held) > 0 && l.held[0].until < now {
		l.next()
	}
}

func (l *later[T]) finish() {
	for len(l.held) > 0 {
		l.next()
	}
}
