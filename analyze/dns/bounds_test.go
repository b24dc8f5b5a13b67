package dns

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

func TestRecent(t *testing.T) {
	r := newRecent[int, string](3)
	r.put(1, "one", 10, 0)
	r.put(2, "two", 100, 0)
	r.put(3, "three", 100, 0)
	r.put(1, "ONE", 10, 1) // the newest now
	r.put(4, "four", 100, 2)
	if got := contents(&r, 2); got != "ONE  three four, 1 evicted" {
		t.Error(got)
	}
	if got := contents(&r, 10); got != "ONE  three four, 1 evicted" {
		t.Error(got)
	}
	if got := contents(&r, 11); got != "  three four, 1 evicted" {
		t.Error(got)
	}
	r.remove(3)
	r.remove(3)
	r.put(2, "two", 300, 101)
	if got := contents(&r, 101); got != " two  , 1 evicted" || len(r.entries) != 1 {
		t.Error(got, len(r.entries))
	}
	r.put(3, "three", 300, 200)
	r.put(2, "TWO", 300, 200)
	if newest := r.order.Back().Value.(*entry[int, string]); r.oldest().key != 3 || newest.key != 2 || r.order.Len() != 2 {
		t.Error("the order of being put is lost")
	}
}

func contents(r *recent[int, string], now capture.Time) string {
	var words [4]string
	for i := range words {
		words[i], _ = r.get(i+1, now)
	}
	return fmt.Sprintf("%s %s %s %s, %d evicted", words[0], words[1], words[2], words[3], r.evicted)
}

// datagram carries a message from a client's port to its resolver, or back.
func datagram(n int, client netip.Addr, message []byte) *packet.Segment {
	s := &packet.Segment{
		Mark:    mark(n),
		Src:     packet.NewEndpoint(netip.AddrPortFrom(client, 5000)),
		Dst:     packet.NewEndpoint(netip.MustParseAddrPort("10.0.0.53:53")),
		Length:  uint32(len(message)),
		Payload: message,
	}
	if message[2]&0x80 != 0 {
		s.Src, s.Dst = s.Dst, s.Src
	}
	return s
}

// numbered returns a query and its answer for a name and address of number n.
func numbered(n int) (query, reply []byte) {
	const host = "\x08hostname\x04test\x00\x00\x01\x00\x01"
	query = []byte("\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + host)
	reply = []byte(header1 + host + aRecord)
	digits := fmt.Appendf(nil, "%08x", n)
	copy(query[headerBytes+1:], digits)
	copy(reply[headerBytes+1:], digits)
	binary.BigEndian.PutUint32(reply[len(reply)-4:], uint32(n))
	return query, reply
}

// TestBounded asks for more hosts than are kept, from more clients than are
// kept, within a second, with and without answers.
func TestBounded(t *testing.T) {
	const n = 3 * maxQueries
	tracker := NewTracker()
	for i := range n {
		client := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		query, reply := numbered(i)
		q, r := datagram(1, client, query), datagram(2, client, reply)
		if tracker.Datagram(q); i%4 > 0 {
			tracker.Datagram(r)
		}
	}
	kept := [...]int{len(tracker.queries.entries), len(tracker.lookups.entries), len(tracker.answers.entries), len(tracker.names.entries)}
	if want := [...]int{maxQueries, maxLookups, maxAnswers, maxNames}; kept != want {
		t.Errorf("kept %d, want %d", kept, want)
	}
	const answers = n / 4 * 3
	if s, want := tracker.Stats(), uint64(n-maxQueries+n-maxLookups+answers-maxAnswers+answers-maxNames); s.Evicted != want || s.Messages != n+answers {
		t.Errorf("%+v, want %d evicted", s, want)
	}
	last := netip.AddrFrom4([4]byte{0, 0, byte((n - 1) >> 8), byte((n - 1) & 0xff)})
	client := netip.AddrFrom4([4]byte{10, 0, byte((n - 1) >> 8), byte((n - 1) & 0xff)})
	if l, name := tracker.Connect(client, last, mark(3)); l == nil || name != fmt.Sprintf("%08x.test", n-1) {
		t.Errorf("the latest: %v, %q", l, name)
	}
}

// TestLookupBounded asks the same again and again, and fails all the time.
func TestLookupBounded(t *testing.T) {
	client := netip.MustParseAddr("10.0.0.1")
	tracker := NewTracker()
	query, reply := numbered(1)
	failure := append([]byte(nil), reply[:len(reply)-len(aRecord)]...)
	failure[3] |= 2 // SERVFAIL
	binary.BigEndian.PutUint16(failure[6:], 0)
	for i := range 500 {
		tracker.Datagram(datagram(4*i, client, query))
		tracker.Datagram(datagram(4*i+3, client, failure))
	}
	tracker.Datagram(datagram(2001, client, query))
	tracker.Datagram(datagram(2004, client, reply))
	l, _ := tracker.Connect(client, netip.AddrFrom4([4]byte{0, 0, 0, 1}), mark(2005))
	if l == nil || len(l.Steps) != maxSteps || l.Tries != 501 || l.Failures != 1 {
		t.Errorf("%+v", l)
	}
}

func TestCounts(t *testing.T) {
	client := netip.MustParseAddr("10.0.0.1")
	query, reply := numbered(1)
	tracker := NewTracker()
	tracker.Datagram(datagram(1, client, query))
	tracker.Datagram(datagram(2, client, reply[:len(reply)-3]))
	if s := tracker.Stats(); s.Messages != 2 || s.Malformed != 1 {
		t.Errorf("%+v", s)
	}
	cut := datagram(3, client, reply[:len(reply)-3])
	cut.Cut = true
	tracker.Datagram(cut)
	if s := tracker.Stats(); s.Malformed != 1 {
		t.Errorf("what the snaplen cut counts as malformed: %+v", s)
	}
}

func TestStream(t *testing.T) {
	client, resolver := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.53:53")
	query, reply := numbered(1)
	server := netip.AddrFrom4([4]byte{0, 0, 0, 1})
	for _, size := range []int{1, 2, 3, 7, 1000} {
		tracker := NewTracker()
		up, down := tracker.NewStream(client, resolver, mark(1)), tracker.NewStream(resolver, client, mark(1))
		feed(up, prefixed(query), size, 5)
		feed(down, prefixed(reply), size, 105)
		l, name := tracker.Connect(client.Addr(), server, mark(301))
		if l == nil || name != "00000001.test" || l.Start != mark(1) || l.End.Frame != mark(105+(len(reply)+1)/size).Frame {
			t.Errorf("in pieces of %d: %+v %s", size, l, name)
		}
	}
}

// TestStreamOfManyMessages has two queries in one segment, on a connection that
// was opened long before.
func TestStreamOfManyMessages(t *testing.T) {
	client, resolver := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.53:53")
	tracker := NewTracker()
	up, down := tracker.NewStream(client, resolver, mark(1)), tracker.NewStream(resolver, client, mark(1))
	q1, r1 := numbered(1)
	q2, r2 := numbered(2)
	feed(up, append(prefixed(q1), prefixed(q2)...), 1000, 100)
	feed(down, append(prefixed(r2), prefixed(r1)...), 1000, 102)
	for i := range 2 {
		l, name := tracker.Connect(client.Addr(), netip.AddrFrom4([4]byte{0, 0, 0, byte(i + 1)}), mark(103))
		if l == nil || l.Start != mark(100) || l.End != mark(102) || name != fmt.Sprintf("%08x.test", i+1) {
			t.Errorf("%+v %s", l, name)
		}
	}
}

func prefixed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

func feed(s *Stream, b []byte, size, frame int) {
	for ; len(b) > 0; frame++ {
		n := min(size, len(b))
		s.Feed(b[:n], capture.Span{At: mark(frame), Readable: mark(frame).Time})
		b = b[n:]
	}
}

// TestStreamsBounded has many streams that announce long messages and stop.
func TestStreamsBounded(t *testing.T) {
	client, resolver := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.53:53")
	tracker := NewTracker()
	part := append([]byte{0xff, 0xff}, make([]byte, 60000)...)
	streams := make([]*Stream, 100)
	for i := range streams {
		streams[i] = tracker.NewStream(client, resolver, capture.Mark{})
		feed(streams[i], part, len(part), 1)
	}
	if held := maxStreamBytes / len(part); tracker.buffered != held*len(part) || tracker.Stats().Streams != uint64(len(streams)-held) {
		t.Errorf("%d bytes held, %+v", tracker.buffered, tracker.Stats())
	}
	for _, s := range streams {
		s.Close()
	}
	if tracker.buffered != 0 {
		t.Errorf("%d bytes held by nobody", tracker.buffered)
	}
}

// BenchmarkLookup is a query, its answer and the connection that follows.
func BenchmarkLookup(b *testing.B) {
	tracker := NewTracker()
	client := netip.MustParseAddr("10.0.0.1")
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		query, reply := numbered(n)
		tracker.Datagram(datagram(3*n, client, query))
		tracker.Datagram(datagram(3*n+1, client, reply))
		tracker.Connect(client, netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), mark(3*n+2))
	}
}
