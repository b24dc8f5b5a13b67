package reassembly_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

var (
	client = packet.NewEndpoint(netip.MustParseAddrPort("10.0.0.1:40000"))
	server = packet.NewEndpoint(netip.MustParseAddrPort("10.0.0.2:80"))
)

// wire feeds segments to a table and records what it tells.
type wire struct {
	table  *reassembly.Table
	frame  uint64
	ipid   uint16
	bare   bool // segments have no IP identification
	events []string
	closed []*reassembly.Connection
	class  []reassembly.Class
	bytes  [2]bytes.Buffer // by direction; a gap is written as <n>
}

func newWire(limits reassembly.Limits) *wire {
	w := &wire{}
	w.table = reassembly.NewTable(reassembly.Consumer{
		Segment: func(_ *reassembly.Connection, _ reassembly.Side, _ *packet.Segment, class reassembly.Class) {
			w.class = append(w.class, class)
		},
		Data: func(c *reassembly.Connection, side reassembly.Side, data []byte, at capture.Span) {
			w.bytes[c.Direction(side)].Write(data)
			w.events = append(w.events, fmt.Sprintf("%d:%s@%d+%s", c.ID, data, at.At.Frame.Number(), at.Readable.Sub(at.At.Time)))
		},
		Gap: func(c *reassembly.Connection, side reassembly.Side, n int64, at capture.Span) {
			fmt.Fprintf(&w.bytes[c.Direction(side)], "<%d>", n)
			w.events = append(w.events, fmt.Sprintf("%d:<%d>@%d", c.ID, n, at.At.Frame.Number()))
		},
		Finished: func(c *reassembly.Connection, side reassembly.Side, at capture.Mark) {
			w.events = append(w.events, fmt.Sprintf("%d:fin %s@%d", c.ID, c.Direction(side), at.Frame.Number()))
		},
		Closed: func(c *reassembly.Connection) {
			kept := new(reassembly.Snapshot)
			kept.Take(c)
			w.closed = append(w.closed, &kept.Connection)
			w.events = append(w.events, fmt.Sprintf("%d:closed %s %s", c.ID, c.Close(), c.State()))
		},
	}, limits)
	return w
}

// segment is one line of a test's traffic.
type segment struct {
	at      time.Duration
	fromC   bool
	flags   packet.Flags
	seq     uint32
	ack     uint32
	payload string
}

func (w *wire) send(segments ...segment) {
	for _, s := range segments {
		w.frame++
		if !w.bare {
			w.ipid++
		}
		seg := &packet.Segment{
			Mark: capture.Mark{Time: capture.Time(time.Hour + s.at), Frame: capture.NewFrame(0, w.frame)},
			Src:  client, Dst: server, Seq: s.seq, Ack: s.ack, Flags: s.flags, Window: 65535, IPID: w.ipid,
			Payload: []byte(s.payload), Length: uint32(len(s.payload)),
		}
		if !s.fromC {
			seg.Src, seg.Dst = server, client
		}
		if s.flags.Has(packet.SYN) {
			seg.Options.MSS = 1460
		}
		w.table.Add(seg)
	}
}

const (
	syn    = packet.SYN
	synAck = packet.SYN | packet.ACK
	ack    = packet.ACK
	finAck = packet.FIN | packet.ACK
	rst    = packet.RST
	rstAck = packet.RST | packet.ACK
)

const ms = time.Millisecond

func handshake(isn, isn2 uint32) []segment {
	return []segment{
		{0, true, syn, isn, 0, ""},
		{20 * ms, false, synAck, isn2, isn + 1, ""},
		{30 * ms, true, ack, isn + 1, isn2 + 1, ""},
	}
}

func join(parts ...[]segment) []segment {
	var all []segment
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestStreams(t *testing.T) {
	var c, s uint32 = 0xFFFFFFF0, 1000 // the client's numbers wrap
	const far = 1<<30 - 64
	tests := []struct {
		name       string
		segments   []segment
		toServer   string
		toClient   string
		states     string
		connection int
	}{
		{"in order, closed by the client", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "request of more than sixteen bytes"},
			{60 * ms, false, ack, s + 1, c + 35, "response"},
			{70 * ms, true, finAck, c + 35, s + 9, ""},
			{90 * ms, false, finAck, s + 9, c + 36, ""},
			{100 * ms, true, ack, c + 36, s + 10, ""},
		}), "request of more than sixteen bytes", "response", "fin time-wait", 1},
		{"reset", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "abc"},
			{60 * ms, false, rstAck, s + 1, c + 4, ""},
		}), "abc", "", "rst reset", 1},
		{"what a reset carries is no part of the stream", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "abc"},
			{60 * ms, false, rstAck, s + 1, c + 4, "flow expired"},
		}), "abc", "", "rst reset", 1},
		{"a stale reset ends nothing", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "abc"},
			{40 * ms, false, ack, s + 1, c + 4, "defgh"},
			{50 * ms, true, ack, c + 4, s + 6, ""},
			{60 * ms, false, rst, s - 5000, 0, ""},
			{70 * ms, true, ack, c + 4, s + 6, "more"},
		}), "abcmore", "defgh", "open established", 1},
		{"an injected reset is taken back", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "abc"},
			{40 * ms, false, rst, s + 1, 0, ""},
			{50 * ms, false, ack, s + 1, c + 4, "defgh"},
			{5000 * ms, true, ack, c + 4, s + 6, "more"},
		}), "abcmore", "defgh", "open established", 1},
		{"refused", []segment{
			{0, true, syn, c, 0, ""},
			{20 * ms, false, rstAck, 0, c + 1, ""},
		}, "", "", "rst reset", 1},
		{"swapped, over the wrap", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 11, s + 1, "klmnopqrst"},
			{32 * ms, true, ack, c + 1, s + 1, "abcdefghij"},
		}), "abcdefghijklmnopqrst", "", "open established", 1},
		{"retransmission overlapping the wrap", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "abcdefghijklmnop"},
			{300 * ms, true, ack, c + 5, s + 1, "efghijklmnopqrst"},
		}), "abcdefghijklmnopqrst", "", "open established", 1},
		{"lost by the capture", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "abc"},
			{32 * ms, true, ack, c + 9, s + 1, "ijk"},
			{50 * ms, false, ack, s + 1, c + 12, ""},
			{51 * ms, true, ack, c + 12, s + 1, "lmn"},
		}), "abc<5>ijklmn", "", "open established", 1},
		{"lost by the capture, acknowledged before more comes", join(handshake(c, s), []segment{
			{50 * ms, false, ack, s + 1, c + 12, ""},
			{51 * ms, true, ack, c + 12, s + 1, "lmn"},
		}), "<11>lmn", "", "open established", 1},
		{"never filled", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "abc"},
			{32 * ms, true, ack, c + 9, s + 1, "ijk"},
		}), "abc<5>ijk", "", "open established", 1},
		{"FIN before the data it follows", join(handshake(c, s), []segment{
			{31 * ms, true, finAck, c + 4, s + 1, ""},
			{32 * ms, true, ack, c + 1, s + 1, "abc"},
		}), "abc", "", "open fin-wait-1", 1},
		{"first copy wins", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 4, s + 1, "DEF"},
			{32 * ms, true, ack, c + 1, s + 1, "abcdefghi"},
		}), "abcDEFghi", "", "open established", 1},
		{"port reused while the server's side is still open", join(handshake(c, s), []segment{
			{31 * ms, true, finAck, c + 1, s + 1, ""},
			{500 * ms, true, syn, 5000, 0, ""},
			{520 * ms, false, synAck, 9000, 5001, ""},
			{530 * ms, true, ack, 5001, 9001, "new"},
		}), "new", "", "timeout fin-wait-1,open established", 2},
		{"port reuse answered by a challenge, and accepted long after the reset of that", join(handshake(c, s), []segment{
			{31 * ms, false, finAck, s + 1, c + 1, ""},
			{32 * ms, true, finAck, c + 1, s + 2, ""},
			{33 * ms, false, ack, s + 2, c + 2, ""},
			{5000 * ms, true, syn, 900, 0, ""},
			{5020 * ms, false, ack, s + 2, c + 2, ""},
			{5030 * ms, true, rst, c + 2, 0, ""},
			{8000 * ms, true, syn, 900, 0, ""},
			{8020 * ms, false, synAck, 9000, 901, ""},
			{8030 * ms, true, ack, 901, 9001, "new"},
		}), "new", "", "fin closed,open established", 2},
		{"a stray SYN does not end a connection", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "abc"},
			{40 * ms, true, syn, 5000, 0, ""},
			{50 * ms, false, ack, s + 1, c + 4, "def"},
			{60 * ms, true, ack, c + 4, s + 4, "ghi"},
		}), "abcghi", "def", "open established,open syn-sent", 2},
		{"TCP Fast Open", []segment{
			{0, true, syn, c, 0, "GET"},
			{20 * ms, false, synAck, s, c + 4, ""},
			{21 * ms, false, ack, s + 1, c + 4, "OK"},
			{30 * ms, true, ack, c + 4, s + 3, " more"},
		}, "GET more", "OK", "open established", 1},
		{"Fast Open data not accepted and sent again", []segment{
			{0, true, syn, c, 0, "GET"},
			{20 * ms, false, synAck, s, c + 1, ""},
			{30 * ms, true, ack, c + 1, s + 1, "GET"},
		}, "GET", "", "open established", 1},
		{"a SYN with data sent again after half the sequence space", join(handshake(c, s), []segment{
			{31 * ms, true, ack, c + 1, s + 1, "a"},
			{32 * ms, true, ack, c + 2 + far, s + 1, "b"},
			{2 * time.Second, false, ack, s + 1, c + 3 + far, ""},
			{4 * time.Second, true, ack, c + 3 + 2*far, s + 1, "c"},
			{6 * time.Second, false, ack, s + 1, c + 4 + 2*far, ""},
			{8 * time.Second, true, ack, c + 174 + 2*far, s + 1, "d"},
			{10 * time.Second, false, ack, s + 1, c + 175 + 2*far, ""},
			{12 * time.Second, true, syn, c, 0, strings.Repeat("x", 200)},
		}), fmt.Sprintf("a<%d>b<%[1]d>c<170>d", far), "", "open established", 1},
		{"mid-stream, beginning with a keep-alive probe", []segment{
			{0, true, ack, 499, 900, ""},
			{20 * ms, false, ack, 900, 500, ""},
			{30 * ms, true, ack, 500, 900, "abc"},
			{40 * ms, false, ack, 900, 503, "def"},
		}, "abc", "def", "open established", 1},
		{"simultaneous open", []segment{
			{0, true, syn, c, 0, ""},
			{1 * ms, false, syn, s, 0, ""},
			{20 * ms, true, synAck, c, s + 1, ""},
			{21 * ms, false, synAck, s, c + 1, ""},
			{30 * ms, true, ack, c + 1, s + 1, "abc"},
		}, "abc", "", "open established", 1},
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
			states := ""
			for _, c := range w.closed {
				if states != "" {
					states += ","
				}
				states += c.Close().String() + " " + c.State().String()
			}
			if states != test.states {
				t.Errorf("ended %q, want %q\n%v", states, test.states, w.events)
			}
			if len(w.closed) != test.connection {
				t.Errorf("%d connections, want %d", len(w.closed), test.connection)
			}
		})
	}
}

func TestRoundTrips(t *testing.T) {
	w := newWire(reassembly.Limits{})
	w.send(handshake(100, 500)...)
	w.send(
		segment{40 * ms, true, ack, 101, 501, "request"},
		segment{58 * ms, false, ack, 501, 108, "response"},
		segment{67 * ms, true, ack, 108, 509, ""},
	)
	w.table.Finish()
	c := w.closed[0]
	toServer, _ := c.RTTServer()
	toClient, _ := c.RTTClient()
	rtt, _ := c.RTT()
	setup, _ := c.Setup()
	if toServer != 18*ms || toClient != 9*ms || rtt != 27*ms || setup != 29*ms {
		t.Errorf("server %v client %v rtt %v setup %v, want 18ms 9ms 27ms 29ms", toServer, toClient, rtt, setup)
	}
}

// TestSYNBehindItsAnswer has the SYN/ACK before the SYN in the file, as queues that are emptied
// in turn have, and once a SYN that was sent again behind it.
func TestSYNBehindItsAnswer(t *testing.T) {
	for _, at := range []time.Duration{19 * ms, 21 * ms} {
		w := newWire(reassembly.Limits{})
		w.send(
			segment{20 * ms, false, synAck, 500, 101, ""},
			segment{at, true, syn, 100, 0, ""},
			segment{80 * ms, true, ack, 101, 501, ""},
		)
		w.table.Finish()
		c := w.closed[0]
		toServer, known := c.RTTServer()
		answered := !c.AnsweredSYN().IsZero()
		if behind := at < 20*ms; known != behind || answered != behind || behind && toServer != ms {
			t.Errorf("SYN at %v: server %v %v, answered %v", at, toServer, known, answered)
		}
	}
}

func TestClasses(t *testing.T) {
	var c, s uint32 = 100, 500
	tests := []struct {
		name string
		last segment
		want reassembly.Class
	}{
		{"new", segment{60 * ms, true, ack, c + 4, s + 1, "def"}, reassembly.New},
		{"sent again", segment{300 * ms, true, ack, c + 1, s + 1, "abc"}, reassembly.Retransmitted},
		{"keep-alive", segment{60 * ms, true, ack, c + 3, s + 1, "x"}, reassembly.KeepAlive},
		{"keep-alive without data", segment{60 * ms, true, ack, c + 3, s + 1, ""}, reassembly.KeepAlive},
		{"out of order", segment{60 * ms, true, ack, c + 7, s + 1, "ghi"}, reassembly.New | reassembly.OutOfOrder},
		{"stale reset", segment{60 * ms, true, rst, c - 9000, 0, ""}, reassembly.Ignored},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWire(reassembly.Limits{})
			w.send(handshake(c, s)...)
			w.send(segment{31 * ms, true, ack, c + 1, s + 1, "abc"}, segment{50 * ms, false, ack, s + 1, c + 4, ""}, test.last)
			if got := w.class[len(w.class)-1]; got != test.want {
				t.Errorf("class %b, want %b", got, test.want)
			}
		})
	}
}

// TestResetsOfAClosedSocket has three resets, all the same, for as many segments that they answer:
// they are no copies, except where the capture holds some.
func TestResetsOfAClosedSocket(t *testing.T) {
	for _, copies := range []bool{false, true} {
		w := newWire(reassembly.Limits{})
		w.bare = true
		opening := handshake(100, 500)
		if copies {
			opening = join(opening, opening[2:])
		}
		w.send(join(opening, []segment{
			{31 * ms, true, ack, 101, 501, "abc"},
			{32 * ms, true, ack, 104, 501, "def"},
			{40 * ms, false, rst, 501, 0, ""},
			{40*ms + ms/2, false, rst, 501, 0, ""},
			{41 * ms, false, rst, 501, 0, ""},
		})...)
		w.table.Finish()
		want := uint64(0)
		if copies {
			want = 3
		}
		if got := w.table.Stats().Copies; got != want {
			t.Errorf("copies in the capture %v: %d, want %d", copies, got, want)
		}
	}
}

// TestCopies has copies of a connection, made at every segment, stay as they are
// while the table goes on with it, and with others in the same memory.
func TestCopies(t *testing.T) {
	type copied struct {
		connection *reassembly.Connection
		story      string
	}
	var copies []copied
	first := new(reassembly.Snapshot)
	take := func(c *reassembly.Connection) {
		first.Clear()
		first.Take(c)
		second := new(reassembly.Snapshot)
		second.Take(&first.Connection)
		copies = append(copies, copied{&second.Connection, storyOf(&first.Connection)})
	}
	w := newWire(reassembly.Limits{})
	w.table = reassembly.NewTable(reassembly.Consumer{
		Segment:  func(c *reassembly.Connection, _ reassembly.Side, _ *packet.Segment, _ reassembly.Class) { take(c) },
		Gap:      func(c *reassembly.Connection, _ reassembly.Side, _ int64, _ capture.Span) { take(c) },
		Finished: func(c *reassembly.Connection, _ reassembly.Side, _ capture.Mark) { take(c) },
		Ending:   take,
		Closed:   take,
	}, reassembly.Limits{})
	for i := range uint32(4) {
		isn := i << 20
		opening := handshake(isn, 500)
		w.send(join(opening[:1], opening[:1], opening[1:], []segment{
			{31 * ms, true, ack, isn + 1, 501, "abc"},
			{32 * ms, true, ack, isn + 7, 501, "ghi"},
			{33 * ms, true, ack, isn + 1, 501, "abc"},
			{34 * ms, false, ack, 501, isn + 10, "response"},
			{40 * ms, true, finAck, isn + 10, 509, ""},
			{41 * ms, false, rst, 509, 0, ""},
			{42 * ms, false, finAck, 509, isn + 11, ""},
			{43 * ms, true, ack, isn + 11, 510, ""},
			{44 * ms, true, rst, isn + 11, 0, ""},
		})...)
		if i == 1 {
			w.table.Advance(capture.Time(2 * time.Hour))
		}
	}
	w.table.Finish()
	if len(copies) < 50 {
		t.Fatalf("only %d copies", len(copies))
	}
	for i, c := range copies {
		if now := storyOf(c.connection); now != c.story {
			t.Errorf("copy %d was\n%s\nand is\n%s", i, c.story, now)
		}
	}
}

// storyOf is all that a connection tells of itself.
func storyOf(c *reassembly.Connection) string {
	var b strings.Builder
	v := reflect.ValueOf(c)
	for i := range v.NumMethod() {
		if m := v.Method(i); m.Type().NumIn() == 0 && m.Type().NumOut() > 0 {
			fmt.Fprintf(&b, "%s", v.Type().Method(i).Name)
			for _, out := range m.Call(nil) {
				fmt.Fprintf(&b, " %v", out)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// TestLimits floods the table and checks that it keeps what its limits say.
func TestLimits(t *testing.T) {
	t.Run("half-open connections", func(t *testing.T) {
		w := newWire(reassembly.Limits{Connections: 1000})
		for i := range 20_000 {
			w.table.Add(&packet.Segment{
				Mark: capture.Mark{Time: capture.Time(i), Frame: capture.NewFrame(0, uint64(i+1))},
				Src:  packet.NewEndpoint(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 1)),
				Dst:  server, Flags: syn, Seq: uint32(i),
			})
			if open := w.table.Open(); open > 1000 {
				t.Fatalf("%d connections are followed", open)
			}
		}
		if n := w.table.Stats().EvictedConnections; n != 19_000 {
			t.Errorf("%d evicted, want 19000", n)
		}
	})
	t.Run("one-byte segments out of order", func(t *testing.T) {
		w := newWire(reassembly.Limits{})
		w.send(handshake(100, 500)...)
		for i := range 50_000 {
			w.send(segment{31 * ms, true, ack, 100 + 200_000 - 2*uint32(i), 501, "x"})
		}
		if w.table.Stats().EvictedHoles == 0 {
			t.Error("no hole was given up")
		}
	})
}

// TestFloodsEvictInOrder opens many more connections than are followed: each is
// closed in its turn (once all have been looked at), and one that goes on stays.
func TestFloodsEvictInOrder(t *testing.T) {
	const limit, flood, busyPort = 100, 5000, 1
	var closed []uint16
	table := reassembly.NewTable(reassembly.Consumer{Closed: func(c *reassembly.Connection) {
		closed = append(closed, c.Client().Port())
	}}, reassembly.Limits{Connections: limit})
	frame := uint64(0)
	send := func(port uint16, back bool, flags packet.Flags, seq, ack uint32) {
		frame++
		s := packet.Segment{
			Mark: capture.Mark{Time: capture.Time(time.Hour + time.Duration(frame)*time.Microsecond), Frame: capture.NewFrame(0, frame)},
			Src:  packet.NewEndpoint(netip.AddrPortFrom(client.Addr(), port)), Dst: server, Seq: seq, Ack: ack, Flags: flags, IPID: uint16(frame),
		}
		if back {
			s.Src, s.Dst = s.Dst, s.Src
		}
		table.Add(&s)
	}
	open := func(port uint16) {
		send(port, false, packet.SYN, 100, 0)
		send(port, true, packet.SYN|packet.ACK, 500, 101)
		send(port, false, packet.ACK, 101, 501)
	}
	open(busyPort)
	for i := range uint32(flood) {
		open(uint16(1000 + i))
		send(busyPort, false, packet.ACK, 101, 501)
	}
	if len(closed) < flood-limit {
		t.Fatalf("%d were closed", len(closed))
	}
	if !slices.IsSorted(closed[limit:]) || slices.Contains(closed, busyPort) {
		t.Errorf("closed in another order: %v", closed)
	}
}

// TestRandomLosses sends a stream in segments that are lost, repeated, swapped
// and cut differently, and checks every byte that comes out against its place.
func TestRandomLosses(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		isn := random.Uint32()
		if seed%3 == 0 {
			isn = -uint32(random.IntN(3000)) // wraps
		}
		w := newWire(reassembly.Limits{})
		w.send(handshake(isn, 500)...)
		position, total := uint32(0), uint32(1+random.IntN(6000))
		at := 31 * ms
		for tries := 0; position < total || tries < 20; tries++ {
			n := uint32(1 + random.IntN(300))
			from := position
			switch random.IntN(6) {
			case 0:
				from -= min(from, uint32(random.IntN(500)))
			case 1:
				from += uint32(random.IntN(400))
			}
			at += time.Duration(random.IntN(40)) * ms
			w.send(segment{at, true, ack, isn + 1 + from, 501, pattern(from, n)})
			if from <= position {
				position = max(position, from+n)
			}
			if random.IntN(5) == 0 {
				w.send(segment{at + ms, false, ack, 501, isn + 1 + position - min(position, uint32(random.IntN(100))), ""})
			}
			if tries > 2000 {
				break
			}
		}
		w.table.Finish()
		if err := checkPattern(w.events); err != "" {
			t.Fatalf("seed %d: %s", seed, err)
		}
	}
}

// pattern is n bytes that tell their place.
func pattern(from, n uint32) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = place(from + uint32(i))
	}
	return string(b)
}

func place(i uint32) byte { return byte('a' + (i*2654435761>>24)%26) }

// checkPattern follows the events of a connection and compares every byte with its place.
func checkPattern(events []string) string {
	position := uint32(0)
	for _, e := range events {
		var id, n, frame int
		if c, _ := fmt.Sscanf(e, "%d:<%d>@%d", &id, &n, &frame); c == 3 {
			position += uint32(n)
			continue
		}
		_, rest, _ := bytes.Cut([]byte(e), []byte(":"))
		data, _, ok := bytes.Cut(rest, []byte("@"))
		if !ok || bytes.HasPrefix(data, []byte("fin")) {
			continue
		}
		for _, b := range data {
			if b != place(position) {
				return fmt.Sprintf("byte %d is %q, want %q", position, b, place(position))
			}
			position++
		}
	}
	return ""
}
