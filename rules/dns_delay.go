package rules

import (
	"fmt"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/dns"
	"wirelag/reassembly/capture"
)

const (
	dnsDelayMin    = 100 * time.Millisecond
	dnsDelayMaxGap = 5 * time.Second // between the answer and the first SYN: later connections did not wait for it
)

var dnsDelay = &Rule{
	ID:         "dns-delay",
	Title:      "the lookup of the server's name took long",
	Group:      Opening,
	Severities: []Severity{Warning},
	Doc: Doc{
		What: "Before the connection the client asked for the server's addresses. A slow name server, a query that was lost and sent again after " +
			"seconds, or names of the search list that do not exist all stand in front of the first byte.",
		Measured: "A lookup (UDP or TCP port 53) by the same client, whose answer contains the server's address, ended less than 5 s before the first " +
			"SYN, and took >= 100 ms, or had a query sent again (with another port or identifier: >= 100 ms after the first), or failed first (names of the search list included). " +
			"Cost = the whole lookup, from its first query to the answer.",
		CapturePoint: "The round trip between capture point and client is added.",
		Limits: "Silent when the lookup is not in the capture (cached, or another way to the name server), and for further connections " +
			"that use an answer already known. What a resolver asks on behalf of the client is not seen as the client's.",
		Cure: "Retries: look for loss on the way to the name server, or a resolver that does not answer. Search list: use fully qualified names " +
			"(a final dot) or a smaller ndots. Slow: a caching resolver on the host.",
		References: []string{"HTTP-DG §4.2.1", "RFC 1035 §4.2.1", "RFC 1536"},
	},
	Listen: func(p *Pass) analyze.Listener {
		told := map[capture.Frame]bool{}
		return analyze.Listener{Closed: func(c *analyze.Connection) {
			took, ok := c.LookupTime()
			if !ok || told[c.Lookup.Start.Frame] || c.SYN().Sub(c.Lookup.End) >= dnsDelayMaxGap {
				return
			}
			l := c.Lookup
			if took < dnsDelayMin && l.Retries == 0 && l.Failures == 0 {
				return
			}
			if len(told) >= maxClaims {
				clear(told)
			}
			told[l.Start.Frame] = true
			i := Instance{
				Connection: c, ExchangeID: c.FirstExchange, Lookup: l, Severity: Warning, Cost: took,
				Detail: fmt.Sprintf("The lookup of the server's name took %s (%s).", ms(took), triesOf(l)),
			}
			for _, step := range l.Steps {
				i.Evidence = append(i.Evidence, Evidence{step.Mark, step.Event.String()})
			}
			i.Evidence = append(i.Evidence, Evidence{c.SYN(), "SYN to the address in the answer"})
			p.Report(i)
		}}
	},
}

// triesOf counts the queries of a lookup.
func triesOf(l *dns.Lookup) string {
	tries := count(l.Tries, "query", "queries")
	if l.Retries > 0 {
		tries += fmt.Sprintf(", %d repeated", l.Retries)
	}
	if l.Failures > 0 {
		tries += fmt.Sprintf(", %d failed first", l.Failures)
	}
	return tries
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
