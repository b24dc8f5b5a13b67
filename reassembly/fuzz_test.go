package reassembly_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// FuzzTable plays scripts of segments: any flags, numbers near each other or
// far off, repeats, holes, reused ports. The low byte of each sequence number is
// its payload, so that every byte tells its place.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0x12, 0, 0, 0, 0, 1, 0x2a, 0, 0, 0, 9, 1})
	f.Add([]byte("\x02\x00\x00\x00\x00\x01\x12\x01\x00\x00\x00\x01\x10\x00\x01\x00\x20\x01\x10\x00\x41\x00\x20\x01\x10\x00\x21\x00\x20\x01"))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 6*400 {
			return
		}
		once := play(t, reassembly.Limits{}, script, 1)
		twice := play(t, reassembly.Limits{}, script, 2)
		asleep := play(t, reassembly.Limits{Ready: -1}, script, 1)
		if asleep != once {
			t.Errorf("connections that sleep tell another story:\n%s\nawake:\n%s", asleep, once)
		}
		if once != twice {
			t.Errorf("frames captured twice tell another story:\n%s\nonce:\n%s", twice, once)
		}
	})
}

// play feeds the segments of a script, each n times over, and returns what was told.
func play(t *testing.T, limits reassembly.Limits, script []byte, n int) string {
	limits.PendingPerDirection, limits.Connections = 64<<10, 8
	p := newPlayer(t, limits)
	for frame := 1; len(script) >= 6; frame++ {
		s := p.segment(script[:6], frame)
		for range n {
			p.table.Add(s)
			p.table.Lull()
		}
		script = script[6:]
	}
	p.table.Finish()
	p.check()
	return p.story
}

type player struct {
	t        *testing.T
	table    *reassembly.Table
	now      time.Duration
	story    string
	streams  map[uint64]*[2]stream
	accepted uint64 // bytes of payload in segments that were acted on
	closed   map[uint64]bool
	total    uint64 // bytes of the streams of closed connections
}

type stream struct {
	length int64
	next   byte
	begun  bool
}

func newPlayer(t *testing.T, limits reassembly.Limits) *player {
	p := &player{t: t, streams: map[uint64]*[2]stream{}, closed: map[uint64]bool{}}
	p.table = reassembly.NewTable(reassembly.Consumer{
		Segment: func(_ *reassembly.Connection, _ reassembly.Side, s *packet.Segment, class reassembly.Class) {
			if !class.Has(reassembly.Ignored) {
				p.accepted += uint64(s.Length)
			}
		},
		Data: func(c *reassembly.Connection, side reassembly.Side, data []byte, at capture.Span) {
			s := p.stream(c, side)
			for _, b := range data {
				if s.begun && b != s.next {
					t.Fatalf("connection %d side %d: byte %d is %d, want %d", c.ID, side, s.length, b, s.next)
				}
				s.begun, s.next = true, b+1
				s.length++
			}
			if at.Readable < at.At.Time && at.Readable != 0 {
				t.Fatalf("readable before it came")
			}
			p.story += fmt.Sprintf("%d.%d data %d %d\n", c.ID, side, len(data), at.At.Frame)
		},
		Gap: func(c *reassembly.Connection, side reassembly.Side, n int64, at capture.Span) {
			if n <= 0 {
				t.Fatalf("a gap of %d bytes", n)
			}
			s := p.stream(c, side)
			s.length += n
			s.next += byte(n)
			p.story += fmt.Sprintf("%d.%d gap %d %d\n", c.ID, side, n, at.At.Frame)
		},
		Finished: func(c *reassembly.Connection, side reassembly.Side, _ capture.Mark) {
			p.story += fmt.Sprintf("%d.%d fin\n", c.ID, side)
		},
		Closed: func(c *reassembly.Connection) {
			if p.closed[c.ID] {
				t.Fatalf("connection %d is closed twice", c.ID)
			}
			for side := range reassembly.Side(2) {
				length := p.stream(c, side).length
				if got := c.Bytes(c.Direction(side)); got != length {
					t.Fatalf("connection %d side %d: %d bytes told, %d counted", c.ID, side, length, got)
				}
				p.total += uint64(length)
			}
			p.closed[c.ID] = true
			p.story += fmt.Sprintf("%d closed %s %s\n", c.ID, c.Close(), c.State())
		},
	}, limits)
	return p
}

func (p *player) stream(c *reassembly.Connection, side reassembly.Side) *stream {
	if p.closed[c.ID] && p.streams[c.ID] == nil {
		p.t.Fatalf("connection %d goes on after its end", c.ID)
	}
	if p.streams[c.ID] == nil {
		p.streams[c.ID] = new([2]stream)
	}
	return &p.streams[c.ID][side]
}

var fuzzBases = [...]uint32{1000, 0xFFFFFF80, 1 << 31, 77_000_000}

// segment makes a segment of six bytes: flags; direction, tuple and base; offset
// (two bytes); length; time.
func (p *player) segment(b []byte, frame int) *packet.Segment {
	p.now += time.Duration(b[5]) * time.Duration(b[5]) * 100 * time.Microsecond
	base := fuzzBases[b[1]>>2&3]
	s := &packet.Segment{
		Mark: capture.Mark{Time: capture.Time(time.Hour + p.now), Frame: capture.NewFrame(0, uint64(frame))},
		Src:  packet.NewEndpoint(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, b[1] >> 4 & 1}), 40000)),
		Dst:  server, Seq: base + uint32(b[2]), Ack: base + uint32(b[3]), Flags: packet.Flags(b[0]),
		Window: 1000, IPID: uint16(frame), Length: uint32(b[4]),
	}
	if b[1]&2 != 0 {
		s.Seq += uint32(b[3]) << 8
	}
	if b[1]&1 != 0 {
		s.Src, s.Dst = s.Dst, s.Src
	}
	first := s.Seq
	if s.Flags.Has(packet.SYN) {
		first++
	}
	captured := s.Length
	if b[1]&0x20 != 0 {
		captured /= 2
		s.Cut = captured < s.Length
	}
	s.Payload = make([]byte, captured)
	for i := range s.Payload {
		s.Payload[i] = byte(first + uint32(i))
	}
	return s
}

func (p *player) check() {
	s := p.table.Stats()
	if s.Delivered+s.Missing != p.total {
		p.t.Errorf("delivered %d + missing %d, want %d", s.Delivered, s.Missing, p.total)
	}
	if s.Delivered+s.CutBytes+s.Trimmed != p.accepted {
		p.t.Errorf("delivered %d + cut %d + trimmed %d, want the %d bytes that were sent", s.Delivered, s.CutBytes, s.Trimmed, p.accepted)
	}
	if s.OverlapConflicts != 0 {
		p.t.Errorf("%d bytes differ from their first copy, though all are alike", s.OverlapConflicts)
	}
	if open := p.table.Open(); open != 0 {
		p.t.Errorf("%d connections are open after the end", open)
	}
}
