package dns

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"wirelag/reassembly/capture"
)

// FuzzParse compares with dnsmessage: what that accepts is accepted here, with
// the same question and the same addresses and aliases.
func FuzzParse(f *testing.F) {
	f.Add([]byte(header1 + wwwQuestion + aRecord))
	f.Add([]byte(header2 + wwwQuestion + atName + "\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03cdn" + atExample + aRecord))
	f.Add([]byte(header1 + wwwQuestion + atName + "\x00\x41\x00\x01\x00\x00\x00\x3c\x00\x0f\x00\x01\x00\x00\x04\x00\x08\x0a\x00\x00\x02\x0a\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		err := m.Parse(b)
		checkMessage(t, &m)
		want, ok := reference(b)
		if !ok {
			return
		}
		if (errors.Is(err, errName) || errors.Is(err, errShort)) && strings.Contains(want, " 5 ") {
			return // an alias longer or shorter than its data, or data that ends behind the message: dnsmessage lets that pass
		}
		if got := rendition(&m, err); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// checkMessage checks what holds for any message.
func checkMessage(t *testing.T, m *Message) {
	if len(m.Answers) > maxRecords {
		t.Fatalf("%d answers", len(m.Answers))
	}
	names := [][]byte{m.Name}
	for _, r := range m.Answers {
		if r.Addr.IsValid() == (r.Target != nil) {
			t.Fatalf("%v and %q", r.Addr, r.Target)
		}
		names = append(names, r.Name, r.Target)
	}
	for _, name := range names {
		checkName(t, name)
	}
	steps := 0
	m.Addresses(func(netip.Addr, uint32) { steps++ })
	if steps > maxRecords {
		t.Fatalf("%d addresses", steps)
	}
}

func checkName(t *testing.T, b []byte) {
	if len(b) == 0 {
		return
	}
	n := Name(b)
	if len(b) > maxName || b[len(b)-1] != 0 || !bytes.Equal(b, bytes.ToLower(b)) && isASCII(b) {
		t.Fatalf("name %q", b)
	}
	labels := 0
	rest := n
	for _, r, ok := rest.label(); ok; _, r, ok = rest.label() {
		rest = r
		labels++
	}
	if rest != "\x00" {
		t.Fatalf("name %q ends in %q", b, string(rest))
	}
	if shared, whole := n.shared(n); shared != labels || !whole {
		t.Fatalf("%q shares %d of %d labels with itself", b, shared, labels)
	}
	for _, c := range n.String() {
		if c <= ' ' || c > '~' {
			t.Fatalf("%q is written %q", b, n.String())
		}
	}
}

func isASCII(b []byte) bool { return bytes.IndexFunc(b, func(r rune) bool { return r > '~' }) < 0 }

// rendition describes m in the way of reference.
func rendition(m *Message, err error) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %v %v %d %d %v\n", m.ID, m.Response, m.Truncated, m.Opcode, m.RCode, err)
	fmt.Fprintf(&s, "%q %d\n", m.Name, m.Type)
	for _, r := range m.Answers {
		if r.Type == A || r.Type == AAAA || r.Type == CNAME {
			fmt.Fprintf(&s, "%q %d %d %v %q\n", r.Name, r.Type, r.TTL, r.Addr, r.Target)
		}
	}
	return s.String()
}

// reference describes message b as dnsmessage reads it; ok is false where it
// does not read it, or where the two are meant to differ.
func reference(b []byte) (text string, ok bool) {
	var (
		p dnsmessage.Parser
		s strings.Builder
	)
	h, err := p.Start(b)
	if err != nil {
		return "", false
	}
	fmt.Fprintf(&s, "%d %v %v %d %d %v\n", h.ID, h.Response, h.Truncated, h.OpCode, h.RCode, nil)
	questions, err := p.AllQuestions()
	if err != nil {
		return "", false
	}
	name, asked := "", dnsmessage.Type(0)
	if len(questions) > 0 && questions[0].Class == dnsmessage.ClassINET {
		name, asked = wire(questions[0].Name), questions[0].Type
	}
	fmt.Fprintf(&s, "%q %d\n", name, asked)
	for n := 0; ; n++ {
		switch line, err := referenceAnswer(&p); {
		case errors.Is(err, dnsmessage.ErrSectionDone):
			return s.String(), n < maxRecords/2
		case err != nil:
			return "", false
		default:
			s.WriteString(line)
		}
	}
}

// referenceAnswer describes the next answer of p, "" if it is not one to compare.
func referenceAnswer(p *dnsmessage.Parser) (string, error) {
	h, err := p.AnswerHeader()
	if err != nil {
		return "", err
	}
	switch {
	case h.Type == dnsmessage.Type(SVCB), h.Type == dnsmessage.Type(HTTPS):
		return "", fmt.Errorf("a type that dnsmessage does not look into")
	case h.Class != dnsmessage.ClassINET:
	case h.Type == dnsmessage.TypeA && h.Length == 4:
		r, err := p.AResource()
		return fmt.Sprintf("%q %d %d %v %q\n", wire(h.Name), h.Type, ttl(h.TTL), netip.AddrFrom4(r.A), ""), err
	case h.Type == dnsmessage.TypeAAAA && h.Length == 16:
		r, err := p.AAAAResource()
		return fmt.Sprintf("%q %d %d %v %q\n", wire(h.Name), h.Type, ttl(h.TTL), netip.AddrFrom16(r.AAAA).Unmap(), ""), err
	case h.Type == dnsmessage.TypeA, h.Type == dnsmessage.TypeAAAA:
		return "", fmt.Errorf("an address of the wrong length, which dnsmessage lets pass")
	case h.Type == dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		return fmt.Sprintf("%q %d %d %v %q\n", wire(h.Name), h.Type, ttl(h.TTL), netip.Addr{}, wire(r.CNAME)), err
	}
	return "", p.SkipAnswer()
}

// wire is n in the form of Name.
func wire(n dnsmessage.Name) string {
	var b []byte
	for label := range strings.SplitSeq(strings.TrimSuffix(n.String(), "."), ".") {
		if label != "" {
			b = append(b, byte(len(label)))
			b = appendLower(b, []byte(label))
		}
	}
	return string(append(b, 0))
}

// FuzzTracker feeds messages, as datagrams both ways and as a TCP stream in
// pieces, and checks the tracker's bounds.
func FuzzTracker(f *testing.F) {
	query := "\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + wwwQuestion
	f.Add([]byte("\x00\x1d" + query + "\x00\x2d" + header1 + wwwQuestion + aRecord))
	f.Fuzz(func(t *testing.T, b []byte) {
		tracker := NewTracker()
		client, resolver := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.53:53")
		up, down := tracker.NewStream(client, resolver, mark(1)), tracker.NewStream(resolver, client, capture.Mark{})
		frame := 0
		for _, piece := range slices.Collect(slices.Chunk(b, 7)) {
			frame++
			at := capture.Span{At: mark(frame), Readable: mark(frame).Time}
			up.Feed(piece, at)
			down.Feed(piece, at)
		}
		whole := tracker.NewStream(client, resolver, mark(1))
		at := capture.Span{At: mark(frame), Readable: mark(frame).Time}
		before := tracker.stats.Messages
		whole.Feed(b, at)
		if n := tracker.stats.Messages - before; 2*n != before {
			t.Errorf("%d messages at once, %d in pieces both ways", n, before)
		}
		if l, _ := tracker.Connect(client.Addr(), netip.MustParseAddr("10.0.0.2"), mark(frame+1)); l != nil {
			checkLookup(t, l)
		}
		for _, s := range []*Stream{up, down, whole} {
			s.Close()
		}
		if tracker.buffered != 0 {
			t.Errorf("%d bytes are still counted", tracker.buffered)
		}
	})
}

func checkLookup(t *testing.T, l *Lookup) {
	if l.Seen() < 0 || l.Tries < 1 || l.Retries >= l.Tries || l.Failures > l.Tries || len(l.Steps) > maxSteps || l.Name == "" {
		t.Errorf("%+v", l)
	}
}

// mark is packet n, at 10 ms after the one before.
func mark(n int) capture.Mark {
	return capture.Mark{Time: capture.Time(n) * 10_000_000, Frame: capture.NewFrame(0, uint64(n))}
}
