package filter

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// qualifiers say what a value is: in "tcp src port 80", all but the number.
type qualifiers struct {
	protocol  string // "": none
	direction direction
	kind      string // "": an address
}

// primitive reads a condition that begins with a word, or with a value that
// inherits its qualifiers.
func (p *parser) primitive() (node, error) {
	t := p.peek()
	if t.kind != tokenWord {
		return p.inheriting(t)
	}
	if n, ok, err := p.special(t); ok {
		p.inherited = nil
		return n, err
	}
	if why, ok := unsupported[t.text]; ok {
		return nil, fail(t, "%s is not supported: %s", t, why)
	}
	q, words := p.qualifiers()
	if next := p.peek(); words == 1 && q.protocol != "" && (next.is("broadcast") || next.is("multicast")) {
		p.inherited = nil
		return p.group(t, q.protocol)
	}
	switch {
	case words == 0:
		return p.inheriting(t)
	case words == 1 && q.protocol != "" && !p.startsValue():
		p.inherited = nil
		return p.protocol(t, q.protocol)
	}
	return p.values(q)
}

// inheriting reads a value without qualifiers of its own.
func (p *parser) inheriting(t token) (node, error) {
	switch {
	case t.kind == tokenEnd:
		return nil, fail(t, "the filter ends where a condition is expected")
	case t.kind == tokenOperator, t.is("and"), t.is("or"):
		return nil, fail(t, "expected a condition, found %s", t)
	case p.inherited == nil && t.kind == tokenWord:
		return nil, fail(t, "%s is not known%s", t, suggestion(t.text))
	case p.inherited == nil && t.kind == tokenNumber:
		return nil, fail(t, "say what %s is: port, host or net", t)
	case p.inherited == nil:
		return nil, fail(t, "say what %s is: host or net, with src or dst in front if need be", t)
	}
	return p.values(*p.inherited)
}

// suggestion helps with words in capitals.
func suggestion(word string) string {
	lower := strings.ToLower(word)
	if lower != word && slices.Contains(slices.Concat(protocols, kinds, []string{"src", "dst", "and", "or", "not", "vlan", "less", "greater", "len"}), lower) {
		return ": write it in lower case, " + lower
	}
	return ""
}

// qualifiers reads them, and returns how many words they had.
func (p *parser) qualifiers() (q qualifiers, words int) {
	if t, ok := p.takeIf(protocols...); ok {
		q.protocol = t.text
		if t.is("link") {
			q.protocol = "ether"
		}
		words++
	}
	if t, ok := p.takeIf("src", "dst"); ok {
		q.direction = p.direction(t)
		words++
	}
	if t, ok := p.takeIf(kinds...); ok {
		q.kind = t.text
		words++
	}
	return q, words
}

// direction reads what may follow src or dst: "or dst", "and dst".
func (p *parser) direction(first token) direction {
	other := "dst"
	single := source
	if first.text == "dst" {
		other, single = "src", destination
	}
	if len(p.tokens) < 2 || !p.tokens[1].is(other) || !p.peek().is("and") && !p.peek().is("or") {
		return single
	}
	operator := p.take()
	p.take()
	if operator.text == "and" {
		return both
	}
	return either
}

// startsValue reports whether a value can begin here, as one without kind does
// behind a protocol.
func (p *parser) startsValue() bool {
	switch t := p.peek(); t.kind {
	case tokenEnd:
		return false
	case tokenWord:
		return !t.is("and") && !t.is("or") && !t.is("not")
	case tokenOperator:
		return false
	}
	return true
}

// values reads a value, "not" and a value, or several in parentheses, all of which
// mean the same kind of thing.
func (p *parser) values(q qualifiers) (node, error) {
	p.inherited = &q
	t := p.peek()
	if _, ok := p.takeIf("not"); ok {
		n, err := deeper(p, func() (node, error) { return p.values(q) })
		return &negation{n}, err
	}
	if _, ok := p.takeIf("("); !ok {
		return p.value(q)
	}
	n, err := deeper(p, func() (node, error) { return p.listed(q) })
	if err != nil {
		return nil, err
	}
	p.inherited = &q
	if next := p.peek(); next.kind != tokenEnd && !next.is(")") {
		return nil, fail(next, "expected and, or, or ) for the ( in column %d, found %s", t.column, next)
	}
	return n, p.expect(")", "at the end")
}

// listed reads values with and, or between them.
func (p *parser) listed(q qualifiers) (node, error) {
	n, err := p.values(q)
	for err == nil {
		operator, ok := p.takeIf("and", "or")
		if !ok {
			break
		}
		var right node
		right, err = p.values(q)
		n = &junction{operator.text == "or", n, right}
	}
	return n, err
}

// value reads one value.
func (p *parser) value(q qualifiers) (node, error) {
	t := p.take()
	if t.kind == tokenEnd || t.kind == tokenOperator {
		return nil, fail(t, "expected %s, found %s", q.wants(), t)
	}
	switch q.kind {
	case "port", "portrange":
		return portsOf(q, t)
	case "proto":
		return protocolNumber(q, t)
	case "net":
		return p.net(q, t)
	}
	return p.host(q, t)
}

// wants names the value that the qualifiers are for.
func (q qualifiers) wants() string {
	switch q.kind {
	case "port":
		return "a port"
	case "portrange":
		return "a range of ports, as in 8000-8100"
	case "proto":
		return "the number of a protocol"
	case "net":
		return "a network, as in 10.0.0.0/8"
	}
	return "an address"
}

func portsOf(q qualifiers, t token) (node, error) {
	n := &ports{transports: []uint32{protocolSCTP, protocolTCP, protocolUDP}, direction: q.direction}
	switch q.protocol {
	case "":
	case "tcp", "udp", "sctp":
		n.transports = []uint32{transports[q.protocol].number}
	default:
		return nil, fail(t, "%s has no ports: use tcp or udp, as in tcp port 80", q.protocol)
	}
	low, high, ranged := strings.Cut(t.text, "-")
	if ranged && q.kind == "port" {
		return nil, fail(t, "%s is a range: use portrange", t)
	}
	if !ranged {
		high = low
	}
	var ok1, ok2 bool
	n.low, ok1 = portNumber(low)
	n.high, ok2 = portNumber(high)
	if !ok1 || !ok2 || t.kind != tokenNumber && t.kind != tokenWord && t.kind != tokenName {
		return nil, fail(t, "%s is not %s: give it as a number from 0 to 65535", t, q.wants())
	}
	if n.low > n.high {
		n.low, n.high = n.high, n.low
	}
	return n, nil
}

func portNumber(s string) (uint32, bool) {
	if n, ok := namedPorts[s]; ok {
		return n, true
	}
	n, err := strconv.ParseUint(s, 0, 16)
	return uint32(n), err == nil && numberPattern.MatchString(s)
}

// protocolNumber reads what follows "proto".
func protocolNumber(q qualifiers, t token) (node, error) {
	number := t.number
	if t.kind == tokenName || t.kind == tokenWord {
		known, ok := transports[t.text]
		if etherType, ethernet := etherTypes[t.text]; ethernet && q.protocol == "ether" {
			known, ok = overIP{number: uint32(etherType)}, true
		}
		if !ok {
			return nil, fail(t, "there is no protocol called %s here: give its number", t)
		}
		number = known.number
	} else if t.kind != tokenNumber {
		return nil, fail(t, "%s is not the number of a protocol", t)
	}
	switch {
	case q.direction != either:
		return nil, fail(t, "src and dst do not go with proto")
	case q.protocol == "ether" && number < minEtherType:
		return nil, fail(t, "an EtherType is at least %#x; below are LLC frames, which are not supported", minEtherType)
	case q.protocol == "ether" && number > math.MaxUint16, q.protocol != "ether" && number > math.MaxUint8:
		return nil, fail(t, "%s is too large for the number of a protocol", t)
	case q.protocol == "ether":
		return carried{uint16(number)}, nil
	case q.protocol == "" || q.protocol == "ip" || q.protocol == "ip6":
		return overIP{number, q.protocol != "ip6", q.protocol != "ip"}, nil
	}
	return nil, fail(t, "%s proto is not supported: use ip, ip6 or ether in front of proto, or nothing", q.protocol)
}
