package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// maxFiles is how many files the text report names.
const maxFiles = 10

// capture says what was read.
func (p *page) capture(c *analyze.Capture, k clock) {
	for i, f := range c.Files {
		if i == maxFiles && len(c.Files) > maxFiles+1 {
			p.line(fmt.Sprintf("and %d more files", len(c.Files)-maxFiles), bold)
			break
		}
		kind := describe(f)
		name := cutStart(Printable(p.redact.fileName(f)), p.width-len(kind)-1)
		p.line(name+" "+kind, bold)
	}
	p.line(fmt.Sprintf("%s (%s TCP), %s", counted(c.Packets, "packet"), count(c.TCPPackets), size(int64(c.Bytes))), normal)
	if c.Packets > 0 {
		p.line(fmt.Sprintf("%s from %s", duration(c.End.Sub(c.Start)), k.began()), normal)
	}
	p.line(counted(c.Connections, "connection")+", "+exchanges(c), normal)
	if c.Interrupted {
		p.line("Interrupted: this is what was read until then.", yellow)
	}
}

// exchanges says how many there are, and how many of them lack a part.
func exchanges(c *analyze.Capture) string {
	s := counted(c.Exchanges, "exchange")
	if missing := c.Exchanges - c.Responses; missing > 0 {
		s += ", " + count(missing) + " without response"
	}
	if missing := c.Exchanges - c.Requests; missing > 0 {
		s += ", " + count(missing) + " without request"
	}
	return s
}

// describe says what kind of file f is.
func describe(f *capture.File) string {
	words := []string{f.Format.String()}
	for _, t := range f.LinkTypes {
		words = append(words, t.String())
	}
	if f.Snaplen > 0 {
		words = append(words, fmt.Sprintf("snaplen %d", f.Snaplen))
	}
	return "(" + strings.Join(words, ", ") + ")"
}

// health says what the capture lost, cut or could not show.
func (p *page) health(c *analyze.Capture) {
	if len(c.Health) == 0 {
		return
	}
	p.title("Capture health")
	for i := range c.Health {
		h := &c.Health[i]
		p.paragraph(fmt.Sprintf("%s ×%s: %s", h.Kind, count(h.Count), Printable(p.redact.meaning(c, h))), yellow)
	}
}

// pairs shows who talked to whom, and how that went.
func (p *page) pairs(all *pairs, rows int) {
	if len(all.order) == 0 {
		return
	}
	p.title("Clients and servers")
	g := grid{columns: []column{
		{head: "Client", least: 15, address: true}, {head: "Server", least: 20, address: true}, {head: "Host", least: 8, most: 24, rank: 2},
		{head: "Connections", right: true}, {head: "Exchanges", right: true},
		{head: "each", right: true, rank: 5}, {head: "RTT", right: true, rank: 3}, {head: "min", right: true, rank: 6},
		{head: "Sent", right: true, rank: 4}, {head: "Received", right: true, rank: 4},
		{head: "4xx/5xx", right: true, rank: 1}, {head: "No answer", right: true, rank: 2},
	}}
	sorted := all.busiest()
	others := all.other
	for i, each := range sorted {
		if i < rows {
			g.pair(p.redact.address(each.client).String(), p.redact.addressPort(each.server).String(), p.nameOf(each), each)
		} else {
			others.add(each)
		}
	}
	if others.connections+others.exchanges > 0 {
		g.pair("all others", "", "", &others)
	}
	p.table(&g)
}

// nameOf is what the server of a pair is called.
func (p *page) nameOf(of *pair) string {
	if of.named == nil {
		return ""
	}
	name := Printable(string(p.redact.serverName(of.named)))
	if of.otherNames {
		name += ", …"
	}
	return name
}

func (g *grid) pair(client, server, name string, p *pair) {
	each := absent
	if p.connections > 0 && p.exchanges > 0 {
		each = strconv.FormatFloat(float64(p.exchanges)/float64(p.connections), 'f', 1, 64)
	}
	g.row(cell{text: client}, cell{text: server}, cell{text: name},
		cell{text: count(p.connections)}, cell{text: count(p.exchanges)}, cell{text: each},
		cell{text: duration(p.rtt.median())}, cell{text: duration(p.rtt.min())},
		cell{text: size(p.toServer)}, cell{text: size(p.toClient)},
		failures(p.failures), failures(p.unanswered))
}

func failures(n uint64) cell {
	if n == 0 {
		return cell{text: absent}
	}
	return cell{count(n), red}
}

func bytesOf(c *analyze.Connection) int64 {
	return c.Bytes(reassembly.ToServer) + c.Bytes(reassembly.ToClient)
}

// connections shows those that carried most.
func (p *page) connections(most *top[*analyze.Connection], k clock) {
	most.settle()
	shown := slices.Clone(most.items)
	if len(shown) == 0 {
		return
	}
	slices.SortFunc(shown, func(a, b *analyze.Connection) int { return cmp.Compare(a.ID, b.ID) })
	title := "Connections"
	if uint64(len(shown)) < most.shown {
		title += " with most bytes"
	}
	p.title(title + shownOf(len(shown), most.shown))
	g := grid{columns: []column{
		{head: "#", right: true}, {head: "At", right: true, rank: 5},
		{head: "Client", least: 18, address: true}, {head: "Server", least: 18, address: true}, {head: "Host", least: 12, most: 24, rank: 9},
		{head: "Protocol", rank: 7}, {head: "Exch", right: true},
		{head: "RTT", right: true, rank: 1}, {head: "Setup", right: true, rank: 8}, {head: "Lasted", right: true, rank: 3},
		{head: "Sent", right: true, rank: 6}, {head: "Received", right: true, rank: 6},
		{head: "Resent", right: true, rank: 4}, {head: "State", rank: 2}, {head: "Closed by"},
	}}
	for _, c := range shown {
		g.row(cell{text: strconv.FormatUint(c.ID, 10)}, cell{text: k.moment(c.First().Time)},
			cell{text: p.redact.client(c).String()}, cell{text: p.redact.server(c).String()}, cell{text: Printable(string(p.redact.serverName(c)))},
			cell{text: c.Protocol.String()}, cell{text: strconv.Itoa(c.Exchanges)},
			cell{text: duration(known(c.RTT()))}, cell{text: duration(known(c.Setup()))},
			cell{text: duration(c.Last().Sub(c.First()))},
			cell{text: size(c.Bytes(reassembly.ToServer))}, cell{text: size(c.Bytes(reassembly.ToClient))},
			resent(c.Retransmissions()), cell{text: c.State().String()}, ending(c.Connection))
	}
	p.table(&g)
}

// shownOf says how many of how many are shown, if not all.
func shownOf(n int, all uint64) string {
	if uint64(n) == all {
		return ""
	}
	return fmt.Sprintf(" (%d of %s)", n, count(all))
}

func resent(n uint64) cell {
	if n == 0 {
		return cell{text: absent}
	}
	return cell{count(n), yellow}
}

// ending says who closed a connection, and how.
func ending(c *reassembly.Connection) cell {
	side, ok := c.ClosedBy()
	switch {
	case !ok:
		return cell{c.Close().String(), faint}
	case side == c.ClientSide():
		return cell{text: c.Close().String() + " client"}
	}
	return cell{text: c.Close().String() + " server"}
}

// exchanges shows the slowest.
func (p *page) exchanges(w *textWriter, k clock) {
	slow := &w.exchanges
	slow.settle()
	if len(slow.items) == 0 {
		return
	}
	p.title("Exchanges, slowest first" + shownOf(len(slow.items), slow.shown))
	g := grid{columns: []column{
		{head: "#", right: true}, {head: "At", right: true, rank: 7}, {head: "Conn", right: true, rank: 8},
		{head: "Host", least: 12, most: 24, rank: p.hostRank(slow.items)}, {head: "Request", least: 24}, {head: "Status", right: true},
		{head: "Total", right: true}, {head: "Blocked", right: true, rank: 5}, {head: "DNS", right: true, rank: 6},
		{head: "Connect", right: true, rank: 2}, {head: "TLS", right: true, rank: 9}, {head: "Send", right: true, rank: 3},
		{head: "Wait", right: true, rank: 1}, {head: "Receive", right: true, rank: 4},
	}}
	if len(w.added) > 0 {
		g.columns = append(g.columns, column{head: "Proxy", right: true, rank: 3})
	}
	for _, x := range slow.items {
		t := &x.Timing
		cells := []cell{
			{text: strconv.FormatUint(x.ID, 10)}, {text: k.moment(begin(x).Time)},
			{text: strconv.FormatUint(x.Connection.ID, 10)}, p.host(x), p.request(x.Request), status(x.Response),
			{duration(tookOf(t)), bold}, phase(t.Blocked), phase(t.DNS), phase(t.Connect), phase(t.SSL), phase(t.Send),
			waited(t), phase(t.Receive),
		}
		if len(w.added) > 0 {
			cells = append(cells, phase(w.addedTo(x)))
		}
		g.row(cells...)
	}
	p.table(&g)
}

// hostRank is the rank of the column of hosts: it says much where they differ.
func (p *page) hostRank(shown []*analyze.Exchange) int {
	for _, x := range shown {
		if p.host(x) != p.host(shown[0]) {
			return 2
		}
	}
	return 10
}

// begin is the first byte of an exchange.
func begin(x *analyze.Exchange) capture.Mark {
	return x.Earliest().First
}

func (p *page) host(x *analyze.Exchange) cell {
	return cell{text: Printable(string(p.redact.hostOfExchange(x)))}
}

func (p *page) request(m *http1.Message) cell {
	if m == nil {
		return cell{"not captured", faint}
	}
	return cell{text: Printable(p.redact.method(m)) + " " + Printable(string(p.redact.target(m)))}
}

func status(m *http1.Message) cell {
	switch {
	case m == nil:
		return cell{"none", red}
	case m.Status >= 500:
		return cell{strconv.Itoa(m.Status), red}
	case m.Status >= 400:
		return cell{strconv.Itoa(m.Status), yellow}
	}
	return cell{text: strconv.Itoa(m.Status)}
}

// tookOf is how long an exchange took, or its client waited in vain; analyze.Unknown
// when neither is known.
func tookOf(t *analyze.Timing) time.Duration {
	if t.NoAnswer >= 0 {
		return t.Total() + t.NoAnswer
	}
	return totalOf(t)
}

// waited is the wait for a response, in vain where there is none.
func waited(t *analyze.Timing) cell {
	if t.NoAnswer >= 0 {
		return cell{duration(t.NoAnswer), red}
	}
	return phase(t.Wait)
}

func phase(d time.Duration) cell {
	if d < 0 {
		return cell{absent, faint}
	}
	return cell{text: duration(d)}
}
