package script

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"wirelag/reassembly/capture"
)

// maxFrames bounds the bytes of all frames of a script, lost ones included.
const maxFrames = 32 << 20

// parser is a script as far as it was read.
type parser struct {
	script      *Script
	connections map[string]*connection
	start       capture.Time
	at          time.Duration // the time of the line before
	snaplen     int
	bytes       int
}

// Parse reads a script. Its errors name the line.
func Parse(text string) (*Script, error) {
	p := &parser{
		script:      &Script{Interface: &capture.Interface{LinkType: capture.LinkTypeEthernet}},
		connections: map[string]*connection{},
		start:       defaultStart,
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := p.line(number, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return p.script, nil
}

// defaultStart is when scripts start unless they say otherwise.
var defaultStart = capture.Time(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())

func (p *parser) line(number int, line string) error {
	tokens, comment, err := tokenize(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return err
	}
	packets := len(p.script.Packets)
	if len(tokens) > 0 {
		if err := p.statement(tokens); err != nil {
			return err
		}
	}
	var frame capture.Frame
	if n := len(p.script.Packets); n > packets {
		frame = p.script.Packets[n-1].Frame
	}
	for _, want := range wants(comment) {
		p.script.Wants = append(p.script.Wants, Want{Frame: frame, Line: number, Text: want})
	}
	return nil
}

// wants returns the expectations in a comment.
func wants(comment string) (found []string) {
	quoted, begin := false, 0
	for i := 0; i <= len(comment); i++ {
		switch {
		case i == len(comment) || comment[i] == '#' && !quoted:
			if text, ok := strings.CutPrefix(strings.TrimSpace(comment[begin:i]), "want "); ok {
				found = append(found, strings.TrimSpace(text))
			}
			begin = i + 1
		case comment[i] == '\\' && quoted:
			i++
		case comment[i] == '"':
			quoted = !quoted
		}
	}
	return found
}

func (p *parser) statement(tokens []token) error {
	if tokens[0].payload {
		return fmt.Errorf("want a time, a connection's name or a directive before the payload")
	}
	first := tokens[0].text
	if reserved[first] {
		return p.directive(tokens)
	}
	if isTime(first) || first == "lost" || first == "unseen" {
		return p.packetLine(tokens)
	}
	return p.declare(tokens)
}

var reserved = map[string]bool{"link": true, "snaplen": true, "start": true}

func (p *parser) directive(tokens []token) error {
	if len(tokens) != 2 || tokens[1].payload {
		return fmt.Errorf("want one value behind %s", tokens[0].text)
	}
	if len(p.script.Packets) > 0 {
		return fmt.Errorf("%s stands before the first packet", tokens[0].text)
	}
	value := tokens[1].text
	switch tokens[0].text {
	case "link":
		link, ok := linkTypes[value]
		if !ok {
			return fmt.Errorf("unknown link type %q", value)
		}
		p.script.Interface.LinkType = link
	case "snaplen":
		n, err := number[int](value, 1, 1<<31-1)
		if err != nil {
			return err
		}
		p.snaplen = n
		p.script.Interface.Snaplen = uint32(n)
	case "start":
		t, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return err
		}
		if t.Year() < 1990 || t.Year() > 2090 {
			return fmt.Errorf("start lies between 1990 and 2090, so that a pcap file has the time")
		}
		p.start = capture.Time(t.UnixNano())
	}
	return nil
}

// declare reads NAME CLIENT > SERVER [OPTION…].
func (p *parser) declare(tokens []token) error {
	name := tokens[0].text
	if len(tokens) < 4 || tokens[2].text != ">" {
		return fmt.Errorf("want TIME CONNECTION > …, or NAME CLIENT > SERVER with addresses and ports")
	}
	if p.connections[name] != nil {
		return fmt.Errorf("connection %s stands for another already", name)
	}
	from, err := netip.ParseAddrPort(tokens[1].text)
	if err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(tokens[3].text)
	if err != nil {
		return err
	}
	if from.Addr().Is6() != to.Addr().Is6() || from.Addr().Is4In6() || to.Addr().Is4In6() ||
		from.Addr().Zone() != "" || to.Addr().Zone() != "" {
		return fmt.Errorf("want two IPv4 or two IPv6 addresses without zones")
	}
	c := newConnection(uint32(len(p.connections)+1), from, to)
	for _, t := range tokens[4:] {
		if err := c.option(t); err != nil {
			return err
		}
	}
	c.begin()
	p.connections[name] = c
	return nil
}

// packetLine reads [TIME] [lost|unseen] [again|dup] CONNECTION DIRECTION [ITEM…].
func (p *parser) packetLine(tokens []token) error {
	st := &step{}
	if isTime(tokens[0].text) {
		if err := p.setTime(tokens[0].text); err != nil {
			return err
		}
		tokens = tokens[1:]
	}
	for len(tokens) > 0 && !tokens[0].payload && st.prefix(tokens[0].text) {
		tokens = tokens[1:]
	}
	if len(tokens) < 2 || tokens[0].payload || tokens[1].payload {
		return fmt.Errorf("want a connection and a direction")
	}
	st.connection = p.connections[tokens[0].text]
	if st.connection == nil {
		return fmt.Errorf("connection %s is not declared", tokens[0].text)
	}
	switch tokens[1].text {
	case ">":
		st.from = client
	case "<":
		st.from = server
	default:
		return fmt.Errorf("want > or < behind the connection, not %s", tokens[1].text)
	}
	if err := st.parseItems(tokens[2:]); err != nil {
		return err
	}
	return p.run(st)
}

// prefix reads a word that stands before the connection.
func (st *step) prefix(w string) bool {
	switch w {
	case "lost":
		st.fate = lost
	case "unseen":
		st.fate = unseen
	case "again":
		st.verb = again
	case "dup":
		st.verb = dup
	default:
		return false
	}
	return true
}

// run sends what the step says and captures it.
func (p *parser) run(st *step) error {
	from := &st.connection.sides[st.from]
	if st.verb == dup {
		if from.captured == nil {
			return fmt.Errorf("dup: no frame was captured before")
		}
		p.capture(from.captured, 0, 0)
		return p.account(from.captured)
	}
	parts, err := st.parts()
	if err != nil {
		return err
	}
	for i, part := range parts {
		if i > 0 {
			if err := p.moveTo(p.at + st.every); err != nil {
				return err
			}
		}
		s, err := st.connection.build(st, part, i == len(parts)-1, p.at)
		if err != nil {
			return err
		}
		frame, err := s.frame(p.script.Interface.LinkType)
		if err != nil {
			return err
		}
		if err := p.account(frame); err != nil {
			return err
		}
		st.connection.send(st, s)
		if st.fate == captured {
			from.captured = frame
			p.capture(frame, st.snaplen, st.drops)
			st.drops = 0
		}
	}
	return nil
}

// account holds the script to maxFrames.
func (p *parser) account(frame []byte) error {
	if p.bytes += len(frame); p.bytes > maxFrames {
		return fmt.Errorf("more than %d bytes of frames", maxFrames)
	}
	return nil
}

// capture adds a packet, cut to the snaplen (0: that of the script), before
// which so many were dropped.
func (p *parser) capture(frame []byte, snaplen int, drops uint32) {
	if snaplen == 0 {
		snaplen = p.snaplen
	}
	data := frame
	if snaplen > 0 {
		data = frame[:min(snaplen, len(frame))]
	}
	p.script.Packets = append(p.script.Packets, capture.Packet{
		Mark: capture.Mark{
			Time:  p.start.Add(p.at),
			Frame: capture.NewFrame(0, uint64(len(p.script.Packets)+1)),
		},
		Data:      slices.Clip(data),
		Length:    uint32(len(frame)),
		Dropped:   drops,
		Interface: p.script.Interface,
	})
}

// isTime reports whether a word is a time: the name of a connection starts with a letter.
func isTime(w string) bool {
	return w != "" && (w[0] >= '0' && w[0] <= '9' || w[0] == '+' || w[0] == '-')
}

func (p *parser) setTime(w string) error {
	relative := w[0] == '+' || w[0] == '-'
	d, err := parseDuration(w)
	if err != nil {
		return err
	}
	if relative {
		d += p.at
	}
	return p.moveTo(d)
}

func (p *parser) moveTo(at time.Duration) error {
	if at < -maxTime || at > maxTime {
		return fmt.Errorf("time %v lies too far from the start", at)
	}
	p.at = at
	return nil
}

// maxTime is how far from its start a script may go.
const maxTime = 10 * 365 * 24 * time.Hour

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("want a time like 20ms, 1.5s or +20ms, not %q", s)
	}
	return d, nil
}
