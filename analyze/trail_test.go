package analyze

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"wirelag/reassembly"
	"wirelag/reassembly/capture/script"
	"wirelag/reassembly/packet"
)

// trailsOf returns the connections of a script, whose segments are kept.
func trailsOf(t *testing.T, source string) (closed []*Connection) {
	t.Helper()
	s, err := script.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(context.Background(), s.Source(), Listener{Closed: func(c *Connection) { closed = append(closed, c.Keep()) }}, Options{TrailMemory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return closed
}

func TestTrail(t *testing.T) {
	c := trailsOf(t, `c 10.0.0.1:40000 > 10.0.0.2:80
0ms   c > SYN
20ms  c < SYN ACK
20ms  c > ACK
21ms  c > "GET / HTTP/1.1\r\n\r\n"
41ms  c < "HTTP/1.1 204 N\r\n\r\n"
42ms  c > FIN ACK
62ms  c < FIN ACK
62ms  c > ACK
`)[0]
	var got []string
	for _, s := range c.Trail.Segments {
		got = append(got, fmt.Sprintf("%s %d+%d %d", c.Direction(s.Side), s.Offset, s.Length, s.Ack))
	}
	want := []string{
		"to server 0+0 -1", "to client 0+0 0", "to server 0+0 0", "to server 0+18 0", "to client 0+18 18",
		"to server 18+0 18", "to client 18+0 19", "to server 19+0 19",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c.Trail.Total != len(want) {
		t.Errorf("%d segments in all", c.Trail.Total)
	}
}

// download is a script of n segments to the client, each acknowledged. Before
// segment pause nothing is sent for a second, segment resent comes twice.
func download(n, pause, resent int) string {
	var b strings.Builder
	b.WriteString("c 10.0.0.1:40000 > 10.0.0.2:80\n0ms c > SYN\n20ms c < SYN ACK\n20ms c > ACK\n")
	at := 21
	for i := range n {
		if i == pause {
			at += 1000
		}
		at++
		fmt.Fprintf(&b, "%dms c < repeat(\"x\", 1000)\n", at)
		if i == resent {
			at++
			fmt.Fprintf(&b, "%dms again c <\n", at)
		}
		fmt.Fprintf(&b, "%dms c > ACK\n", at)
	}
	return b.String()
}

func TestLongTrailKeepsWhatTells(t *testing.T) {
	const n, pause, resent = 20000, 9000, 15000
	c := trailsOf(t, download(n, pause, resent))[0]
	trail := c.Trail
	if len(trail.Segments) > longestTrail || len(trail.Segments) < longestTrail/4 || trail.Total != 2*n+4 {
		t.Fatalf("%d segments of %d are kept", len(trail.Segments), trail.Total)
	}
	kept, skipped, again, paused, data, acks := 0, 0, false, false, 0, 0
	for i, s := range trail.Segments {
		kept++
		skipped += int(s.Skipped)
		again = again || s.Class.Has(reassembly.Retransmitted) && s.Offset == resent*1000
		paused = paused || trail.silence(i) > TrailPause && s.Offset == pause*1000
		if s.Length > 0 {
			data++
		} else {
			acks++
		}
	}
	if kept+skipped != trail.Total {
		t.Errorf("%d are kept, %d are not, of %d", kept, skipped, trail.Total)
	}
	if !again || !paused {
		t.Errorf("the segment sent again is kept: %t; the pause is: %t", again, paused)
	}
	if data < kept/3 || acks < kept/3 {
		t.Errorf("%d segments with data and %d without are kept", data, acks)
	}
	first, last := trail.Segments[0], trail.Segments[len(trail.Segments)-1]
	if !first.Flags.Has(packet.SYN) || last.Mark != c.Last() {
		t.Errorf("it begins with %v and ends with %v, the connection with %v", first, last, c.Last())
	}
}

func TestStreamsLongerThanSequenceNumbers(t *testing.T) {
	var p unwrapped
	p.of(0xfffffff0, true)
	seq, want := uint32(0xfffffff1), int64(0)
	for range 10000 {
		if got := p.of(seq, false); got != want {
			t.Fatalf("%d is at %d, want %d", seq, got, want)
		}
		seq, want = seq+1<<20, want+1<<20
	}
}

func TestTrailsShareTheirRoom(t *testing.T) {
	const limit = 1 << 20
	room := &trailRoom{limit: limit}
	var trails []*Trail
	for range limit/trailSegmentBytes/firstTrail + 10 {
		if trail := room.begin(); trail != nil {
			trails = append(trails, trail)
		}
	}
	if room.used.Load() > limit || room.refused != 10 {
		t.Errorf("%d bytes are used, %d trails refused", room.used.Load(), room.refused)
	}
	full := trails[0]
	c := &reassembly.Connection{}
	for i := range 1000 {
		full.add(c, 0, &packet.Segment{Seq: uint32(i), Length: 1}, 0)
	}
	if full.limit != firstTrail || len(full.Segments) > firstTrail || full.Total != 1000 {
		t.Errorf("without room, a trail has %d of %d segments", len(full.Segments), full.Total)
	}
	for _, trail := range trails {
		trail.Forget()
		trail.Forget()
	}
	if used := room.used.Load(); used != 0 {
		t.Errorf("%d bytes are used by what is forgotten", used)
	}
}
