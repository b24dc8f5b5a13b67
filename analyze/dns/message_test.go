package dns

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// The sections of messages in the tests, spelled out as on the wire.
const (
	header1     = "\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" // a response with one answer
	header2     = "\x00\x07\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" // with two
	wwwQuestion = "\x03WWW\x07example\x00\x00\x01\x00\x01"           // at offset 12
	atName      = "\xc0\x0c"
	atExample   = "\xc0\x10"
	aRecord     = atName + "\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x02"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, message, want string }{
		{"query", "\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + wwwQuestion, "query 7 A www.example"},
		{"address", header1 + wwwQuestion + aRecord, "response 7 A www.example; www.example A 10.0.0.2 60s"},
		{"IPv6 address", header1 + wwwQuestion + atName + "\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02",
			"response 7 A www.example; www.example AAAA 2001:db8::2 60s"},
		{"alias", header2 + wwwQuestion + atName + "\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03cdn" + atExample + "\xc0\x29\x00\x01\x00\x01\x80\x00\x00\x00\x00\x04\x0a\x00\x00\x02",
			"response 7 A www.example; www.example CNAME cdn.example 60s; cdn.example A 10.0.0.2 0s"},
		{"other records", header2 + wwwQuestion + atName + "\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x02\x01x" + aRecord, "response 7 A www.example; www.example A 10.0.0.2 60s"},
		{"another class", header1 + wwwQuestion + atName + "\x00\x01\x00\x03\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x02", "response 7 A www.example"},
		{"no such name", "\x00\x07\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00" + wwwQuestion, "response 7 NXDOMAIN A www.example"},
		{"truncated", "\x00\x07\x83\x80\x00\x01\x00\x00\x00\x00\x00\x00" + wwwQuestion, "response 7 truncated A www.example"},
		{"no question", "\x00\x07\x81\x81\x00\x00\x00\x00\x00\x00\x00\x00", "response 7 FORMERR"},
		{"hints", header1 + wwwQuestion + atName + "\x00\x41\x00\x01\x00\x00\x00\x3c\x00\x1c\x00\x01\x00" +
			"\x00\x01\x00\x03\x02h2" + "\x00\x04\x00\x08\x0a\x00\x00\x02\x0a\x00\x00\x03" + "\x00\x06\x00\x02??",
			"response 7 A www.example; www.example HTTPS 10.0.0.2 60s; www.example HTTPS 10.0.0.3 60s; error: address has the wrong length"},
		{"service alias", header1 + wwwQuestion + atName + "\x00\x41\x00\x01\x00\x00\x00\x3c\x00\x0b\x00\x00\x03svc\x03cdn\x00", "response 7 A www.example; www.example HTTPS svc.cdn 60s"},
		{"update", "\x00\x07\x28\x00\x00\x01\x00\x00\x00\x00\x00\x00" + wwwQuestion, "query 7 opcode 5 A www.example"},

		{"nothing", "", "query 0; error: message ends early"},
		{"header only", header1, "response 7; error: message ends early"},
		{"half a question", header1 + "\x03www", "response 7; error: message ends early"},
		{"half a record", header1 + wwwQuestion + aRecord[:11], "response 7 A www.example; error: message ends early"},
		{"long data", header1 + wwwQuestion + strings.Replace(aRecord, "\x00\x04", "\x00\xff", 1), "response 7 A www.example; error: message ends early"},
		{"wrong address", header1 + wwwQuestion + atName + "\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x02\x0a\x00", "response 7 A www.example; error: address has the wrong length"},
		{"pointer to itself", header1 + "\xc0\x0c\x00\x01\x00\x01", "response 7; error: name is not valid"},
		{"pointers in a circle", header1 + "\x01a\xc0\x10\x01b\xc0\x0c\x00\x01\x00\x01", "response 7; error: name is not valid"},
		{"pointer behind the end", header1 + "\xff\xff\x00\x01\x00\x01", "response 7; error: message ends early"},
		{"reserved label", header1 + "\x80a\x00\x00\x01\x00\x01", "response 7; error: name is not valid"},
		{"long name", header1 + strings.Repeat("\x3f"+strings.Repeat("a", 63), 4) + "\x00\x00\x01\x00\x01", "response 7; error: name is not valid"},
		{"alias of the wrong length", header1 + wwwQuestion + atName + "\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x07\x03cdn" + atExample + "\x00", "response 7 A www.example; error: name is not valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m Message
			err := m.Parse([]byte(c.message))
			if got := describe(&m, err); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func describe(m *Message, err error) string {
	s := fmt.Sprintf("query %d", m.ID)
	if m.Response {
		s = fmt.Sprintf("response %d", m.ID)
	}
	if m.Opcode != 0 {
		s += fmt.Sprintf(" opcode %d", m.Opcode)
	}
	if m.RCode != NoError {
		s += fmt.Sprintf(" %v", m.RCode)
	}
	if m.Truncated {
		s += " truncated"
	}
	if len(m.Name) > 0 {
		s += fmt.Sprintf(" %v %v", m.Type, Name(m.Name))
	}
	for _, r := range m.Answers {
		to := r.Addr.String()
		if r.Target != nil {
			to = Name(r.Target).String()
		}
		s += fmt.Sprintf("; %v %v %s %ds", Name(r.Name), r.Type, to, r.TTL)
	}
	if err != nil {
		s += "; error: " + err.Error()
	}
	return s
}

func TestNameString(t *testing.T) {
	for _, c := range []struct {
		name Name
		want string
	}{
		{"\x00", "."},
		{"\x01a\x00", "a"},
		{"\x03www\x07example\x00", "www.example"},
		{"\x03a.b\x02c\\\x00", `a\.b.c\\`},
		{"\x04 \x00\x7f\xe9\x00", `\032\000\127\233`},
	} {
		if got := c.name.String(); got != c.want {
			t.Errorf("%q: %s, want %s", string(c.name), got, c.want)
		}
	}
}

// TestMostAnswers has more answers than are read, each with a name of its own.
func TestMostAnswers(t *testing.T) {
	const n = 4000
	b := []byte("\x00\x07\x81\x80\x00\x01\x0f\xa0\x00\x00\x00\x00" + wwwQuestion)
	for range n {
		b = append(b, aRecord...)
	}
	var m Message
	if err := m.Parse(b); err != nil || len(m.Answers) != maxRecords || !m.More {
		t.Errorf("%d answers, more: %v, error %v", len(m.Answers), m.More, err)
	}
	if allocs := testing.AllocsPerRun(10, func() { _ = m.Parse(b) }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
	found := 0
	m.Addresses(func(netip.Addr, uint32) { found++ })
	if found != maxRecords {
		t.Errorf("%d addresses", found)
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	var m Message
	b := []byte(header2 + wwwQuestion + atName + "\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03cdn" + atExample + "\xc0\x29\x00\x01\x00\x01\x80\x00\x00\x00\x00\x04\x0a\x00\x00\x02")
	if err := m.Parse(b); err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(100, func() { _ = m.Parse(b) }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkParse(b *testing.B) {
	var m Message
	data := []byte(header1 + wwwQuestion + aRecord)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		_ = m.Parse(data)
	}
}
