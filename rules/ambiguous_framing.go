package rules

import (
	"fmt"
	"strings"

	"wirelag/analyze"
	"wirelag/analyze/http1"
)

var ambiguousFraming = &Rule{
	ID:         "ambiguous-framing",
	Title:      "where a message ends depends on who reads it",
	Group:      Ending,
	Severities: []Severity{Error},
	Doc: Doc{
		What: "Programs differ in how they read a head like this one. If two of them share a connection (a proxy and the server behind it), what one takes for a body " +
			"the other takes for a request: requests can be smuggled past the first.",
		Measured: "Content-Length together with Transfer-Encoding; a transfer coding that is unknown, chunked before another, or in a request another than chunked at the end; Transfer-Encoding in HTTP/1.0; a Content-Length that is " +
			"no number, or too large a one; white space before a colon, before the first field or before a chunk size; a bare CR in the head. Cost = 0.",
		CapturePoint: "Bytes are the same everywhere.",
		Limits: "Silent for a bare LF as line end, folded fields and equal Content-Lengths, which are read alike, for messages without a body by their status or method (2xx to CONNECT among them), " +
			"and for heads of which the capture lost a part. That anybody was attacked is not said.",
		Cure:       "Reject such messages at the first hop (status 400), find what makes them, and keep proxies and servers up to date.",
		References: []string{"HTTP-DG §4.7.1", "RFC 9112 §6.1", "RFC 9112 §6.3", "RFC 9112 §11.2"},
	},
	Signs: faulty,
	Listen: func(p *Pass) analyze.Listener {
		return analyze.Listener{Exchange: func(x *analyze.Exchange) {
			for _, m := range []*http1.Message{x.Request, x.Response} {
				tricks := tricksOf(m)
				if len(tricks) == 0 {
					continue
				}
				name := "request"
				if m.Role == http1.Response {
					name = "response"
				}
				p.Report(Instance{
					Connection: x.Connection,
					Exchange:   x,
					Severity:   Error,
					Detail:     fmt.Sprintf("The head or framing of a %s is ambiguous: it has %s.", name, strings.Join(tricks, ", and ")),
					Evidence:   []Evidence{{m.Start.At, name + " begins"}, {m.HeadEnd.At, "end of its head"}},
				})
			}
		}}
	},
}

// framingTricks are the problems that programs are known to take differently.
var framingTricks = []struct {
	problem http1.Problem
	body    bool // matters only where there may be a body
	what    string
}{
	{http1.LengthWithTransferEncoding, true, "Content-Length together with Transfer-Encoding"},
	{http1.UnknownTransferEncoding, true, "a Transfer-Encoding that does not end in chunked, or is not known"},
	{http1.TransferEncodingInHTTP10, true, "Transfer-Encoding in HTTP/1.0"},
	{http1.InvalidLength, true, "a Content-Length that is no number, or too large a one"},
	{http1.SpaceBeforeColon, false, "white space before a colon"},
	{http1.SpaceBeforeField, false, "white space before the first field"},
	{http1.BareCR, false, "a CR that ends no line"},
	{http1.BadChunkSize, true, "white space before a chunk size"},
}

func tricksOf(m *http1.Message) (what []string) {
	if m == nil || m.Problems.Has(http1.HeadLost|http1.HeadUnfinished) {
		return nil
	}
	bodiless := m.Role == http1.Response && (m.Framing == http1.NoBody || m.Framing == http1.Tunnel)
	for _, t := range framingTricks {
		switch {
		case !m.Problems.Has(t.problem), bodiless && t.body:
		case t.problem == http1.UnknownTransferEncoding && onlyIdentity(m):
		case t.problem == http1.BadChunkSize && !m.Complete:
		default:
			what = append(what, t.what)
		}
	}
	return what
}

// onlyIdentity reports whether m has no transfer coding but identity, which was
// taken out of HTTP/1.1 (RFC 7230 App. A.2) and never changed anything.
func onlyIdentity(m *http1.Message) bool {
	for _, f := range m.Fields.All() {
		if strings.EqualFold(f.Name, "Transfer-Encoding") && !strings.EqualFold(strings.Trim(f.Value, " \t"), "identity") {
			return false
		}
	}
	return true
}
