package analyze_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// quiet is a Source whose link falls silent: behind the packets of another come
// batches that carry nothing but the time.
type quiet struct {
	capture.Source
	moments []capture.Time
}

func (q *quiet) Read(b *capture.Batch) error {
	err := q.Source.Read(b)
	if err != io.EOF || len(q.moments) == 0 {
		return err
	}
	b.Now, q.moments = q.moments[0], q.moments[1:]
	return nil
}

// Where nothing comes the clock goes on, so that what is over is told, and what
// happens is the same whether a live capture tells it bit by bit or a file at once.
func TestTheClockGoesOnInSilence(t *testing.T) {
	for _, c := range []struct {
		moments []time.Duration
		want    []string
	}{
		{[]time.Duration{}, []string{"0s", "0s", "closed"}},
		{[]time.Duration{time.Second, 2100 * time.Millisecond, 3200 * time.Millisecond}, []string{"0s", "1s", "2s", "closed", "3s", "3.2s"}},
		{[]time.Duration{3200 * time.Millisecond}, []string{"0s", "1s", "2s", "closed", "3s", "3.2s"}},
		{[]time.Duration{1900 * time.Millisecond}, []string{"0s", "1s", "1.9s", "closed"}},
	} {
		if told := inSilence(t, c.moments...); !slices.Equal(told, c.want) {
			t.Errorf("at %v: told %q, want %q", c.moments, told, c.want)
		}
	}
	if n := len(inSilence(t, 10*365*24*time.Hour)); n > 200 {
		t.Errorf("ten years are told in %d steps", n)
	}
}

// inSilence is what a listener hears of a connection that was refused, and of
// the time after it, whose moments count from its first packet.
func inSilence(t *testing.T, moments ...time.Duration) (told []string) {
	t.Helper()
	s, err := script.Parse(`
c 10.0.0.1:40000 > 10.0.0.2:80
0ms  c > SYN
0ms  c < RST ACK
`)
	if err != nil {
		t.Fatal(err)
	}
	start := s.Packets[0].Time
	source := &quiet{Source: s.Source()}
	for _, m := range moments {
		source.moments = append(source.moments, start.Add(m))
	}
	listener := analyze.Listener{
		Closed: func(*analyze.Connection) { told = append(told, "closed") },
		Tick:   func(now capture.Time) { told = append(told, now.Sub(start).String()) },
	}
	if _, err := analyze.Run(context.Background(), source, listener, analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	return told
}

// What the capturing system lost may be of every connection that was open.
func TestDroppedPackets(t *testing.T) {
	s, err := script.Parse(`
open   10.0.0.1:40000 > 10.0.0.2:80
closed 10.0.0.1:40001 > 10.0.0.2:80
later  10.0.0.1:40002 > 10.0.0.2:80
0ms open > SYN
1ms open < SYN ACK
1ms open > ACK
2ms open > "GET /before HTTP/1.1\r\nHost: h\r\n\r\n"
3ms open < "HTTP/1.1 204 No Content\r\n\r\n"
3ms closed > SYN
4ms closed < RST ACK
5ms open > "GET /during HTTP/1.1\r\nHost: h\r\n\r\n"
6ms later > SYN drops=2
7ms later < SYN ACK
8ms open < "HTTP/1.1 204 No Content\r\n\r\n"
9ms open > "GET /after HTTP/1.1\r\nHost: h\r\n\r\n"
9ms open < "HTTP/1.1 204 No Content\r\n\r\n"
`)
	if err != nil {
		t.Fatal(err)
	}
	h := listen(t, s.Source())
	for _, c := range h.connections {
		if got, want := c.Intact(), c.ID != 1; got != want {
			t.Errorf("connection %d: intact %v, want %v", c.ID, got, want)
		}
	}
	var disturbed []string
	for _, x := range h.exchanges {
		if x.Disturbed {
			disturbed = append(disturbed, x.Request.Target)
		}
	}
	if !slices.Equal(disturbed, []string{"/during"}) {
		t.Errorf("disturbed: %q", disturbed)
	}
}
