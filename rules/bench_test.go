package rules

import (
	"context"
	"fmt"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/generate"
	"wirelag/reassembly/capture/script"
)

// BenchmarkRules tells all rules of the exchanges and connections of generated
// captures, again and again: the cost is that of an exchange, of KeepAlive, and of
// a connection with one, of Short.
func BenchmarkRules(b *testing.B) {
	for _, kind := range []generate.Kind{generate.KeepAlive, generate.Short} {
		b.Run(kind.String(), func(b *testing.B) {
			src, err := generate.NewSource(generate.Options{Kind: kind, Seed: 1, Size: 8 << 20})
			if err != nil {
				b.Fatal(err)
			}
			told := record(b, src)
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

func TestExchangesAllocateNothing(t *testing.T) {
	text := "c 10.0.0.1:40000 > 10.0.0.2:80\n0us c > SYN\n90us c < SYN ACK\n100us c > ACK\n"
	for i := range 20 {
		text += fmt.Sprintf("%dus c > \"GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n\"\n", 1000*i+200)
		text += fmt.Sprintf("%dus c < \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\"\n", 1000*i+500)
	}
	s, err := script.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	told := record(t, s.Source())
	l := NewLedger(All, nil, func(f *Finding) { t.Errorf("found: %s", show(f)) }, nil)
	exchanges := 0
	tell := func() {
		for i := range told {
			if told[i].exchange != nil || told[i].requested {
				told[i].tell(&l)
				exchanges++
			}
		}
	}
	if n := testing.AllocsPerRun(100, tell); n != 0 || exchanges == 0 {
		t.Errorf("%v allocations for %d exchanges", n, exchanges/101)
	}
}

// moment is a call of a listener, and the connection as it was then.
type moment struct {
	connection analyze.Connection
	about      *analyze.Connection
	requested  bool
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
	case m.requested:
		l.Requested(m.about)
	case m.exchange != nil:
		l.Exchange(m.exchange)
	default:
		l.Closed(m.about)
	}
	return m.exchange != nil
}

// record analyses a capture.
func record(t testing.TB, src capture.Source) (told []moment) {
	t.Helper()
	listener := analyze.Listener{
		Requested: func(c *analyze.Connection) {
			told = append(told, moment{connection: *c.Keep(), about: c, requested: true})
		},
		Exchange: func(x *analyze.Exchange) {
			told = append(told, moment{connection: *x.Connection.Keep(), about: x.Connection, exchange: x.Keep()})
		},
		Closed: func(c *analyze.Connection) { told = append(told, moment{connection: *c.Keep(), about: c}) },
		Tick:   func(now capture.Time) { told = append(told, moment{now: now}) },
	}
	if _, err := analyze.Run(context.Background(), src, listener, analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	return told
}
