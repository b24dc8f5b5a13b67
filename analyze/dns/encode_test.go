package dns_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A message in a script is written
//
//	ask(7 A www.example)
//	reply(7 A www.example: CNAME cdn.example ttl=9, 10.0.0.2 ttl=5)
//	reply(7 A www.example: NXDOMAIN)
//
// with an identifier, the question and, behind the colon, the answers (each
// record's owner is the target of the CNAME before it) or what else it says:
// NXDOMAIN, SERVFAIL, EMPTY, TC (truncated).
var messageForm = regexp.MustCompile(`(ask|reply)\((\d+) (\w+) ([^ :)]+)(?:: ([^)]*))?\)`)

// withMessages replaces the messages in a script by their bytes.
func withMessages(t testing.TB, text string) string {
	t.Helper()
	return messageForm.ReplaceAllStringFunc(text, func(s string) string {
		b, err := encode(messageForm.FindStringSubmatch(s))
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return strconv.Quote(string(b))
	})
}

// encode builds the message whose form was matched.
func encode(form []string) ([]byte, error) {
	id, _ := strconv.Atoi(form[2])
	name, err := dnsmessage.NewName(form[4] + ".")
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: uint16(id), Response: form[1] == "reply", RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: typeOf(form[3]), Class: dnsmessage.ClassINET}},
	}
	for part := range strings.SplitSeq(form[5], ", ") {
		if err := add(&m, &name, part); err != nil {
			return nil, err
		}
	}
	return m.Pack()
}

func typeOf(name string) dnsmessage.Type {
	switch name {
	case "A":
		return dnsmessage.TypeA
	case "AAAA":
		return dnsmessage.TypeAAAA
	case "HTTPS":
		return 65
	}
	return dnsmessage.TypeTXT
}

// add adds what part of a reply says to m; owner is the name it is said of.
func add(m *dnsmessage.Message, owner *dnsmessage.Name, part string) error {
	part, ttl, _ := strings.Cut(part, " ttl=")
	word, option, _ := strings.Cut(part, " ")
	switch word {
	case "", "EMPTY":
		return nil
	case "NXDOMAIN":
		m.RCode = dnsmessage.RCodeNameError
		return nil
	case "SERVFAIL":
		m.RCode = dnsmessage.RCodeServerFailure
		return nil
	case "TC":
		m.Truncated = true
		return nil
	}
	head := dnsmessage.ResourceHeader{Name: *owner, Class: dnsmessage.ClassINET, TTL: 300}
	if ttl != "" {
		if _, err := fmt.Sscan(ttl, &head.TTL); err != nil {
			return err
		}
	}
	if word == "CNAME" {
		target, err := dnsmessage.NewName(option + ".")
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.CNAMEResource{CNAME: target}})
		*owner = target
		return err
	}
	addr, err := netip.ParseAddr(word)
	if err != nil {
		return err
	}
	var body dnsmessage.ResourceBody
	if addr.Is4() {
		body = &dnsmessage.AResource{A: addr.As4()}
	} else {
		body = &dnsmessage.AAAAResource{AAAA: addr.As16()}
	}
	m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: body})
	return nil
}
