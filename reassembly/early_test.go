package reassembly_test

import (
	"testing"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// TestEarly has segments stand in the file before those that they answer.
func TestEarly(t *testing.T) {
	var c, s uint32 = 100, 500
	get := segment{31 * ms, true, ack, c + 1, s + 1, "get"}
	response := segment{60 * ms, false, ack, s + 1, c + 4, "response"}
	acknowledged := segment{61 * ms, true, ack, c + 4, s + 9, ""}
	opening := handshake(c, s)
	tests := []struct {
		name               string
		segments           []segment
		toServer, toClient string
	}{
		{"response before its request", join(opening, []segment{response, get, acknowledged}), "get", "response"},
		{"acknowledgement before the bytes", join(opening, []segment{get, acknowledged, response}), "get", "response"},
		{"acknowledgement between the bytes", join(opening, []segment{
			get, {60 * ms, false, ack, s + 5, c + 4, "onse"}, acknowledged, {60 * ms, false, ack, s + 1, c + 4, "resp"},
		}), "get", "response"},
		{"request before the SYN/ACK", []segment{opening[0], get, opening[1], opening[2], response}, "get", "response"},
		{"request before the SYN", []segment{get, opening[0], opening[1], opening[2], response}, "get", "response"},
		{"response before the SYN/ACK", []segment{opening[0], response, opening[1], opening[2], get}, "get", "response"},
		{"request that never comes", join(opening, []segment{response, acknowledged}), "<3>", "response"},
		{"at the end of the capture", join(opening, []segment{response}), "<3>", "response"},
		{"SYN/ACK that never comes", []segment{
			opening[0], opening[2], get, response, {70 * ms, false, finAck, s + 9, c + 4, ""},
		}, "get", "response"},
		{"FIN acknowledged before it comes", join(opening, []segment{
			get, {70 * ms, false, ack, s + 1, c + 5, ""}, {65 * ms, true, finAck, c + 4, s + 1, ""}, {80 * ms, false, ack, s + 1, c + 5, "response"},
		}), "get", "response"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWire(reassembly.Limits{})
			w.send(test.segments...)
			w.table.Finish()
			if got := w.bytes[reassembly.ToServer].String(); got != test.toServer {
				t.Errorf("to server: %q, want %q", got, test.toServer)
			}
			if got := w.bytes[reassembly.ToClient].String(); got != test.toClient {
				t.Errorf("to client: %q, want %q", got, test.toClient)
			}
			if len(w.closed) != 1 {
				t.Errorf("%d connections: %v", len(w.closed), w.events)
			}
			if got := w.closed[0].Last().Frame.Number(); got != uint64(len(test.segments)) {
				t.Errorf("packet %d of %d is the connection's last", got, len(test.segments))
			}
		})
	}
}

// A reset in answer to a SYN may stand before it: that is one connection, which was refused.
func TestEarlyRefusal(t *testing.T) {
	syn := segment{0, true, packet.SYN, 100, 0, ""}
	refusal := segment{1 * ms, false, packet.RST | packet.ACK, 0, 101, ""}
	other := segment{2 * ms, true, packet.SYN, 77_000, 0, ""}
	for _, test := range []struct {
		name        string
		segments    []segment
		connections int
		refused     bool // the first
		midStream   uint64
	}{
		{"behind it", []segment{syn, refusal}, 1, true, 0},
		{"before it", []segment{refusal, syn}, 1, true, 0},
		{"before it, twice", []segment{refusal, {3 * ms, false, packet.RST | packet.ACK, 0, 101, ""}, syn}, 1, true, 0},
		{"alone", []segment{refusal}, 1, false, 1},
		{"before another", []segment{refusal, other}, 2, false, 1},
		{"too long before it", []segment{refusal, {3000 * ms, true, packet.SYN, 100, 0, ""}}, 2, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWire(reassembly.Limits{})
			w.send(test.segments...)
			w.table.Finish()
			if n := w.table.Stats().MidStream; len(w.closed) != test.connections || n != test.midStream {
				t.Fatalf("%d connections, %d of them mid-stream", len(w.closed), n)
			}
			for i, c := range w.closed {
				refused := !c.SYN().IsZero() && !c.MidStream() && c.Close() == reassembly.ByRST
				if refused != (i == 0 && test.refused) || c.Client() != client.AddrPort() {
					t.Errorf("connection %d of client %v: refused %v", c.ID, c.Client(), refused)
				}
			}
		})
	}
}

// TestEarlyDoesNotWaitForLong has an answer to bytes that never come: it is told
// some segments later, and so is what follows it.
func TestEarlyDoesNotWaitForLong(t *testing.T) {
	w := newWire(reassembly.Limits{})
	w.send(handshake(100, 500)...)
	w.send(segment{60 * ms, false, ack, 501, 104, "response"})
	if got := w.bytes[reassembly.ToClient].String(); got != "" {
		t.Fatalf("%q is told at once", got)
	}
	for i := range uint32(20) {
		w.send(segment{61*ms + time.Duration(i)*ms/10, false, ack, 509 + i, 104, "x"})
	}
	if got := w.bytes[reassembly.ToClient].Len(); got < 8+10 {
		t.Errorf("%d bytes are told after 21 segments", got)
	}
}

// TestEarlyBurst has many segments of an answer within half a millisecond before what it
// answers: a second interface may be so late. There is an end to their number.
func TestEarlyBurst(t *testing.T) {
	w := newWire(reassembly.Limits{})
	w.send(handshake(100, 500)...)
	for i := range uint32(20) {
		w.send(segment{60*ms + time.Duration(i)*ms/40, false, ack, 501 + i, 104, "x"})
	}
	if got := w.bytes[reassembly.ToClient].String(); got != "" {
		t.Errorf("%q is told before what it answers", got)
	}
	w.send(segment{60*ms + ms/2, true, ack, 101, 501, "get"})
	if got := w.bytes[reassembly.ToClient].Len(); got != 20 {
		t.Errorf("%d bytes are told behind what they answer", got)
	}
	for i := range uint32(100) {
		w.send(segment{61 * ms, false, ack, 521 + i, 105, "x"})
	}
	if got := w.bytes[reassembly.ToClient].Len(); got < 20+100-64 {
		t.Errorf("%d bytes are told when 100 more wait", got)
	}
}

// TestWindowProbes probes a zero window with the next byte, twice, before the
// rest follows: nothing of it was sent again.
func TestWindowProbes(t *testing.T) {
	w := newWire(reassembly.Limits{})
	w.send(handshake(100, 500)...)
	w.send(segment{31 * ms, true, ack, 101, 501, "abc"})
	w.closeWindow(50*ms, 104)
	w.send(segment{250 * ms, true, ack, 104, 501, "d"})
	w.closeWindow(260*ms, 104)
	w.send(
		segment{650 * ms, true, ack, 104, 501, "d"},
		segment{700 * ms, false, ack, 501, 104, ""},
		segment{710 * ms, true, ack, 104, 501, "defg"},
	)
	w.table.Finish()
	if got := w.bytes[reassembly.ToServer].String(); got != "abcdefg" {
		t.Errorf("to server: %q", got)
	}
	if n := w.closed[0].Retransmissions(); n != 0 {
		t.Errorf("%d retransmissions", n)
	}
	if class := w.class[7]; class != reassembly.KeepAlive {
		t.Errorf("the second probe is of class %b", class)
	}
}

// closeWindow sends the server's acknowledgement with a window of zero.
func (w *wire) closeWindow(at time.Duration, number uint32) {
	w.frame++
	w.ipid++
	w.table.Add(&packet.Segment{
		Mark: capture.Mark{Time: capture.Time(time.Hour + at), Frame: capture.NewFrame(0, w.frame)},
		Src:  server, Dst: client, Seq: 501, Ack: number, Flags: ack, IPID: w.ipid,
	})
}

// TestClockBackwards acknowledges a segment before it was sent, by the clock: that is
// no round trip.
func TestClockBackwards(t *testing.T) {
	w := newWire(reassembly.Limits{})
	w.send(handshake(100, 500)...)
	w.send(segment{40 * ms, true, ack, 101, 501, "abc"}, segment{10 * ms, false, ack, 501, 104, ""})
	w.table.Finish()
	if rtt, ok := w.closed[0].RTTServer(); !ok || rtt != 20*ms {
		t.Errorf("round trip to the server %v %v, want 20ms", rtt, ok)
	}
}

// TestSteadyStateAllocatesNothing adds segments of an open connection, in order
// and with each answer before what it answers.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	for name, order := range map[string][4]int{"in order": {0, 1, 2, 3}, "answers first": {1, 0, 3, 2}} {
		t.Run(name, func(t *testing.T) {
			l := newLoad(order)
			if n := testing.AllocsPerRun(1000, l.round); n != 0 {
				t.Errorf("%v allocations for 4 segments", n)
			}
		})
	}
}

// load is an exchange over and over on one connection.
type load struct {
	table    *reassembly.Table
	segments [4]packet.Segment // request, its acknowledgement, response, its acknowledgement
	order    [4]int
	segment  packet.Segment
	frame    uint64
}

const loadBytes = 1000

func newLoad(order [4]int) *load {
	l := &load{table: reassembly.NewTable(reassembly.Consumer{}, reassembly.Limits{}), order: order}
	payload := make([]byte, loadBytes)
	for i := range l.segments {
		s := &l.segments[i]
		s.Src, s.Dst, s.Flags, s.Window = client, server, ack, 65535
		if i == 1 || i == 2 {
			s.Src, s.Dst = server, client
		}
		if i == 0 || i == 2 {
			s.Payload, s.Length = payload, loadBytes
		}
		s.Seq, s.Ack = 1, 1
		if i > 0 {
			s.Ack += loadBytes
		}
	}
	l.segments[3].Seq += loadBytes
	syn := packet.Segment{Mark: l.mark(), Src: client, Dst: server, Flags: packet.SYN}
	l.table.Add(&syn)
	synAck := packet.Segment{Mark: l.mark(), Src: server, Dst: client, Flags: packet.SYN | packet.ACK, Ack: 1}
	l.table.Add(&synAck)
	for range 100 {
		l.round()
	}
	return l
}

func (l *load) mark() capture.Mark {
	l.frame++
	return capture.Mark{Time: capture.Time(l.frame) * 1000, Frame: capture.NewFrame(0, l.frame)}
}

// round is one exchange.
func (l *load) round() {
	for _, i := range l.order {
		l.segment = l.segments[i]
		l.segment.Mark = l.mark()
		l.table.Add(&l.segment)
	}
	for i := range l.segments {
		l.segments[i].Seq += loadBytes
		l.segments[i].Ack += loadBytes
	}
}

func BenchmarkAdd(b *testing.B) {
	for name, order := range map[string][4]int{"in-order": {0, 1, 2, 3}, "answers-first": {1, 0, 3, 2}} {
		b.Run(name, func(b *testing.B) {
			l := newLoad(order)
			b.ReportAllocs()
			for b.Loop() {
				l.round()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(4*b.N), "ns/segment")
		})
	}
}
