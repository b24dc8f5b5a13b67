package reports

import (
	"cmp"
	"strconv"
	"strings"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// ladder shows the segments of a connection that matter, between client and server.
type ladder struct {
	Client, Server string
	File           string // that has the first segment, where there are several
	Steps          []step
	Note           string // what is left out
}

// step is a segment, a silence before one, or segments that are left out.
type step struct {
	Kind        string // "segment", "stall", "wait", "idle" or "omitted"
	Frame       string
	Anchor      string // that findings lead to; "" where none does
	Time, Delta string
	ToServer    bool
	Class       string // how the segment is drawn
	Flags       string
	Numbers     string // sequence and acknowledgement number, length
	Message     string // that begins in it
	Notes       []stepNote
	Text        string // of what is no segment
}

// stepNote says what a finding takes the segment for.
type stepNote struct {
	Severity, Text string
	Finding        int // number on the page; 0 when it is not told there
}

// Bounds of a ladder.
const (
	ladderEnds = 6   // first and last segments that are always shown
	ladderRows = 120 // at most
	ladderRun  = 3   // so many plain segments in a row are shown at least
)

// sketch is what drawing a connection's segments takes.
type sketch struct {
	*drawer
	drawing  *drawing
	segments []analyze.TrailSegment
	notes    map[capture.Frame][]stepNote
	messages map[capture.Frame]string
	stalls   []phaseSpan // of its messages, by the capture's clock
}

func (d *drawer) sketch(each *drawing) *sketch {
	s := &sketch{drawer: d, drawing: each, notes: map[capture.Frame][]stepNote{}, messages: map[capture.Frame]string{}}
	if trail := each.connection.Trail; trail != nil {
		s.segments = trail.Segments
	}
	for _, f := range each.findings {
		for i := range f.Evidence[:min(len(f.Evidence), 3*maxEvidence)] {
			e := &f.Evidence[i]
			note := stepNote{f.Severity.String(), clip(Printable(d.redact.evidence(f, e)), mostInRow), d.number[f]}
			if !e.Mark.IsZero() && len(s.notes[e.Mark.Frame]) < 3 && !hasNote(s.notes[e.Mark.Frame], note.Text) {
				s.notes[e.Mark.Frame] = append(s.notes[e.Mark.Frame], note)
			}
		}
	}
	for _, x := range each.exchanges {
		if x.Request != nil {
			s.message(x.Request.First.Frame, d.request(x.Request))
		}
		if x.Response != nil {
			s.message(x.Response.First.Frame, clip(status(x.Response).text+" "+Printable(d.redact.reason(x.Response)), mostInRow))
		}
		for _, t := range []*analyze.Transfer{x.Sending, x.Answering} {
			s.stalls = append(s.stalls, stallsOf(t, 0)...)
		}
	}
	return s
}

func hasNote(notes []stepNote, text string) bool {
	for _, n := range notes {
		if n.Text == text {
			return true
		}
	}
	return false
}

func (s *sketch) message(at capture.Frame, text string) {
	if before := s.messages[at]; before != "" {
		text = clip(before+", "+text, mostInRow)
	}
	s.messages[at] = text
}

func (s *sketch) ladder() (l ladder) {
	c := s.drawing.connection
	l = ladder{Client: s.client(c), Server: s.server(c)}
	show := s.choose()
	skipped, file := 0, ""
	for i := range s.segments {
		segment := &s.segments[i]
		skipped += int(segment.Skipped)
		if !show[i] {
			skipped++
			continue
		}
		if skipped > 0 {
			l.Steps = append(l.Steps, step{Kind: "omitted", Text: counted(uint64(skipped), "segment") + " not shown"})
		}
		if i > 0 && skipped == 0 {
			if gap, ok := s.silence(i); ok {
				l.Steps = append(l.Steps, gap)
			}
		}
		if in := s.file(segment.Frame); in != file {
			if file != "" {
				l.Steps = append(l.Steps, step{Kind: "omitted", Text: "in " + in})
			}
			l.File, file = cmp.Or(l.File, in), in
		}
		l.Steps = append(l.Steps, s.step(i))
		skipped = 0
	}
	if len(s.segments) == 0 {
		l.Note = "The segments of this connection were not kept."
	}
	return l
}

// choose tells the segments to be shown: ends, what findings name, where
// messages begin, what was lost, and what stands around silences.
func (s *sketch) choose() []bool {
	n := len(s.segments)
	show := make([]bool, n)
	rows := 0
	set := func(i int) {
		if i >= 0 && i < n && !show[i] && rows < ladderRows {
			show[i] = true
			rows++
		}
	}
	for i := range min(n, ladderEnds) {
		set(i)
		set(n - 1 - i)
	}
	for _, telling := range []func(i int) bool{s.named, s.marked, s.afterSilence} {
		for i := range s.segments {
			if telling(i) {
				set(i - 1)
				set(i)
			}
		}
	}
	for i := 0; i < n; i++ { // short runs are shown
		end := i
		for end < n && !show[end] {
			end++
		}
		if run := end - i; run > 0 && run <= ladderRun {
			for j := i; j < end; j++ {
				set(j)
			}
		}
		i = max(i, end)
	}
	return show
}

// named: a finding names segment i.
func (s *sketch) named(i int) bool { return len(s.notes[s.segments[i].Frame]) > 0 }

// marked: segment i opens, closes, repeats, or begins a message.
func (s *sketch) marked(i int) bool {
	segment := &s.segments[i]
	return segment.Flags&(packet.SYN|packet.FIN|packet.RST) != 0 || segment.Class&reassembly.Retransmitted != 0 ||
		segment.Window == 0 || s.messages[segment.Frame] != ""
}

func (s *sketch) afterSilence(i int) bool {
	_, ok := s.silence(i)
	return ok
}

func (s *sketch) step(i int) step {
	segment, c := &s.segments[i], s.drawing.connection
	st := step{
		Kind: "segment", Frame: segment.Frame.String(), Time: s.clock.moment(segment.Time),
		ToServer: c.Direction(segment.Side) == reassembly.ToServer, Class: classOf(segment), Flags: flagsOf(segment),
		Message: s.messages[segment.Frame], Notes: s.notes[segment.Frame],
	}
	if len(st.Notes) > 0 {
		st.Anchor = "p" + strconv.Itoa(segment.Frame.File()) + "-" + st.Frame
		s.proofs[segment.Frame] = "#" + st.Anchor
	}
	if i > 0 {
		st.Delta = "+" + duration(max(segment.Sub(s.segments[i-1].Mark), 0))
	}
	numbers := []string{"seq " + strconv.FormatInt(segment.Offset+s.base(segment), 10)}
	if segment.Ack >= 0 {
		numbers = append(numbers, "ack "+strconv.FormatInt(segment.Ack+1, 10))
	}
	if segment.Length > 0 {
		numbers = append(numbers, "len "+strconv.FormatInt(int64(segment.Length), 10))
	}
	if segment.Window == 0 && segment.Flags&packet.RST == 0 {
		numbers = append(numbers, "window 0")
	}
	if text := remark(segment); text != "" {
		numbers = append(numbers, text)
	}
	st.Numbers = strings.Join(numbers, " · ")
	return st
}

// base makes sequence numbers relative as packet analysers show them: a SYN has
// 0, the first byte 1.
func (s *sketch) base(segment *analyze.TrailSegment) int64 {
	if segment.Flags.Has(packet.SYN) {
		return 0
	}
	return 1
}

// classOf says how a segment is drawn.
func classOf(s *analyze.TrailSegment) string {
	switch {
	case s.Class.Has(reassembly.Ignored):
		return "ignored"
	case s.Flags.Has(packet.RST):
		return "rst"
	case s.Class.Has(reassembly.Retransmitted):
		return "resent"
	case s.Flags&(packet.SYN|packet.FIN) != 0:
		return "control"
	case s.Length > 0:
		return "data"
	}
	return "ack"
}

func remark(s *analyze.TrailSegment) string {
	for _, r := range []struct {
		class reassembly.Class
		text  string
	}{
		{reassembly.Ignored, "ignored"}, {reassembly.Retransmitted, "sent again"}, {reassembly.Reordered, "out of order"},
		{reassembly.KeepAlive, "keep-alive"}, {reassembly.OutOfOrder, "behind a hole"}, {reassembly.DuplicateACK, "duplicate ack"},
	} {
		if s.Class.Has(r.class) {
			return r.text
		}
	}
	return ""
}

var flagNames = [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"}

// flagsOf names the flags. PSH says little, and ACK goes without saying where
// there is more than an acknowledgement.
func flagsOf(s *analyze.TrailSegment) string {
	hidden := packet.PSH
	if s.Length > 0 || s.Flags&(packet.FIN|packet.RST) != 0 {
		hidden |= packet.ACK
	}
	var names []string
	for i, name := range flagNames {
		if f := packet.Flags(1 << i); s.Flags.Has(f) && !hidden.Has(f) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
