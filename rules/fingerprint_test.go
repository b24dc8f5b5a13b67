package rules

import (
	"context"
	"fmt"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
)

// exchangeSeen finds every exchange; its findings are about connections, or, as
// pairSeen, about pairs.
var exchangeSeen, pairSeen = seen("exchange-seen", PerConnection), seen("pair-seen", PerPair)

func seen(id string, per Per) *Rule {
	return &Rule{ID: id, Per: per, Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			p.Report(Instance{Connection: x.Connection, Exchange: x})
		}}
	}}
}

// fingerprint is that of the only finding of rule about one exchange.
func fingerprint(t *testing.T, rule *Rule, endpoints, request string) (found string) {
	t.Helper()
	parsed, err := script.Parse(fmt.Sprintf(`
c %s
1ms c > SYN
2ms c < SYN ACK
3ms c > ACK
4ms c > "%s"
5ms c < "HTTP/1.1 204 No Content\r\n\r\n"
`, endpoints, request))
	if err != nil {
		t.Fatal(err)
	}
	listener := NewLedger([]*Rule{rule}, nil, func(f *Finding) { found += f.Fingerprint() }, nil)
	if _, err := analyze.Run(context.Background(), parsed.Source(), listener, analyze.Options{}); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFingerprint(t *testing.T) {
	const endpoints, request = "10.0.0.1:40000 > 10.0.0.2:80", `GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n`
	one := fingerprint(t, exchangeSeen, endpoints, request)
	if len(one) != 16 {
		t.Errorf("%q", one)
	}
	for _, same := range [][2]string{
		{"10.0.0.1:50000 > 10.0.0.2:80", request},
		{endpoints, `GET /a HTTP/1.0\r\nX: y\r\nHost: H\r\n\r\n`},
		{endpoints, `GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n`},
		{endpoints, `GET http://joe:secret@h/a?x=2 HTTP/1.1\r\nHost: other\r\n\r\n`},
	} {
		if got := fingerprint(t, exchangeSeen, same[0], same[1]); got != one {
			t.Errorf("%v is taken for another finding", same)
		}
	}
	all := map[string]bool{one: true, fingerprint(t, pairSeen, endpoints, request): true}
	others := [][2]string{
		{"10.0.0.3:40000 > 10.0.0.2:80", request},
		{"10.0.0.1:40000 > 10.0.0.3:80", request},
		{"10.0.0.1:40000 > 10.0.0.2:81", request},
		{endpoints, `GET /A HTTP/1.1\r\nHost: h\r\n\r\n`},
		{endpoints, `PUT /a HTTP/1.1\r\nHost: h\r\n\r\n`},
		{endpoints, `GET /a HTTP/1.1\r\nHost: other\r\n\r\n`},
	}
	for _, other := range others {
		all[fingerprint(t, exchangeSeen, other[0], other[1])] = true
	}
	if len(all) != len(others)+2 {
		t.Errorf("%d fingerprints of %d findings", len(all), len(others)+2)
	}
	if fingerprint(t, pairSeen, endpoints, request) != fingerprint(t, pairSeen, endpoints, `PUT /b HTTP/1.1\r\nHost: i\r\n\r\n`) {
		t.Error("what is about a pair depends on what was asked for")
	}
}
