package rules

import (
	"context"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/generate"
)

// BenchmarkRules tells all rules of the exchanges and connections of generated
// captures, again and again: the cost is that of an exchange, of KeepAlive, and of
// a connection with one, of Short.
func BenchmarkRules(b *testing.B) {
	for _, kind := range []generate.Kind{generate.KeepAlive, generate.Short} {
		b.Run(kind.String(), func(b *testing.B) {
			told := record(b, generate.Options{Kind: kind, Seed: 1, Size: 8 << 20})
			b.ReportAllocs()
			l := analyze.Listener{}
			next := len(told)
			for b.Loop() {
				for done := false; !done; next++ {
					if next == len(told) {
						l, next = NewLedger(All, nil, func(*Finding) {}, nil), 0
					}
					done = told[next].tell(&l)
				}
			}
		})
	}
}

// moment is a call of a listener, and the connection as it was then.
type moment struct {
	connection analyze.Connection
	about      *analyze.Connection
	requested  *analyze.Exchange
	exchange   *analyze.Exchange
	now        capture.Time
}

// tell calls l again; over: an exchange was.
func (m *moment) tell(l *analyze.Listener) (over bool) {
	if m.about == nil {
		l.Tick(m.now)
		return false
	}
	*m.about = m.connection
	switch {
	case m.requested != nil:
		l.Requested(m.requested)
	case m.exchange != nil:
		l.Exchange(m.exchange)
	default:
		l.Closed(m.about)
	}
	return m.exchange != nil
}

// record analyses a generated capture.
func record(b *testing.B, o generate.Options) (told []moment) {
	src, err := generate.NewSource(o)
	if err != nil {
		b.Fatal(err)
	}
	listener := analyze.Listener{
		Requested: func(x *analyze.Exchange) {
			told = append(told, moment{connection: *x.Connection, about: x.Connection, requested: x})
		},
		Exchange: func(x *analyze.Exchange) {
			told = append(told, moment{connection: *x.Connection, about: x.Connection, exchange: x})
		},
		Closed: func(c *analyze.Connection) { told = append(told, moment{connection: *c, about: c}) },
		Tick:   func(now capture.Time) { told = append(told, moment{now: now}) },
	}
	if _, err := analyze.Run(context.Background(), src, listener, analyze.Options{}); err != nil {
		b.Fatal(err)
	}
	return told
}
