package filter

import "math"

// Protocol numbers of IP.
const (
	protocolTCP  = 6
	protocolUDP  = 17
	protocolSCTP = 132
)

// kinds are the words that say what a value is.
var kinds = []string{"host", "net", "port", "portrange", "proto"}

// protocols are the words that may stand in front of it.
var protocols = []string{
	"ether", "link", "ip", "ip6", "arp", "rarp",
	"tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "pim", "vrrp", "ah", "esp",
}

// etherTypes are the protocols that Ethernet carries.
var etherTypes = map[string]uint16{"ip": etherIPv4, "ip6": etherIPv6, "arp": etherARP, "rarp": etherRARP}

// transports are the protocols that IP carries.
var transports = map[string]overIP{
	"tcp":   {protocolTCP, true, true},
	"udp":   {protocolUDP, true, true},
	"sctp":  {protocolSCTP, true, true},
	"icmp":  {1, true, false},
	"icmp6": {58, false, true},
	"igmp":  {2, true, false},
	"pim":   {103, true, true},
	"vrrp":  {112, true, false},
	"ah":    {51, true, true},
	"esp":   {50, true, true},
}

// headers are what fields are read from.
var headers = map[string]header{
	"ether": {}, "link": {},
	"ip": {etherType: etherIPv4}, "ip6": {etherType: etherIPv6}, "arp": {etherType: etherARP}, "rarp": {etherType: etherRARP},
	"tcp": {etherIPv4, protocolTCP}, "udp": {etherIPv4, protocolUDP}, "sctp": {etherIPv4, protocolSCTP},
	"icmp": {etherIPv4, 1}, "igmp": {etherIPv4, 2}, "icmp6": {etherIPv6, 58},
}

// namedNumbers are the offsets of fields and the values of them that have names.
var namedNumbers = map[string]uint32{
	"tcpflags": 13,
	"tcp-fin":  0x01, "tcp-syn": 0x02, "tcp-rst": 0x04, "tcp-push": 0x08,
	"tcp-ack": 0x10, "tcp-urg": 0x20, "tcp-ece": 0x40, "tcp-cwr": 0x80,

	"icmptype": 0, "icmpcode": 1,
	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8,
	"icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12,
	"icmp-tstamp": 13, "icmp-tstampreply": 14, "icmp-ireq": 15, "icmp-ireqreply": 16,
	"icmp-maskreq": 17, "icmp-maskreply": 18,

	"icmp6type": 0, "icmp6code": 1,
	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3, "icmp6-parameterproblem": 4,
	"icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130,
	"icmp6-multicastlistenerreportv1": 131, "icmp6-multicastlistenerdone": 132,
	"icmp6-routersolicit": 133, "icmp6-routeradvert": 134, "icmp6-neighborsolicit": 135,
	"icmp6-neighboradvert": 136, "icmp6-redirect": 137,
}

// namedPorts are those that people write by name. They stand for the number with
// any transport.
var namedPorts = map[string]uint32{
	"domain": 53, "ftp": 21, "http": 80, "http-alt": 8080, "https": 443, "imap": 143, "ldap": 389, "ldaps": 636,
	"mysql": 3306, "ntp": 123, "pop3": 110, "postgresql": 5432, "smtp": 25, "ssh": 22, "submission": 587, "telnet": 23,
}

// unsupported are words of the language that are not known here, with what to do
// instead.
var unsupported = map[string]string{
	"gateway":    "names are not looked up; use ether host with the gateway's hardware address, and not host with its IP address",
	"protochain": "use proto, which looks at the first header and behind a fragment header",
	"inbound":    "the direction is not known; use dst host with the address of this host",
	"outbound":   "the direction is not known; use src host with the address of this host",
	"mpls":       otherLayers,
	"pppoed":     otherLayers,
	"pppoes":     otherLayers,
	"geneve":     otherLayers,
	"vxlan":      otherLayers,
	"llc":        otherLayers,
	"iso":        otherLayers,
	"stp":        otherLayers,
	"ipx":        otherLayers,
	"netbeui":    otherLayers,
	"decnet":     otherLayers,
	"atalk":      otherLayers,
	"aarp":       otherLayers,
	"lat":        otherLayers,
	"moprc":      otherLayers,
	"mopdl":      otherLayers,
	"wlan":       otherLayers,
	"type":       otherLayers,
	"subtype":    otherLayers,
	"fddi":       otherLayers,
	"tr":         otherLayers,
	"ppp":        otherLayers,
	"slip":       otherLayers,
	"carp":       "use ip proto 112",
	"igrp":       "use ip proto 9",
	"ifname":     firewallLogs,
	"on":         firewallLogs,
	"ruleset":    firewallLogs,
	"rset":       firewallLogs,
	"rulenum":    firewallLogs,
	"rnr":        firewallLogs,
	"srnr":       firewallLogs,
	"subrulenum": firewallLogs,
	"reason":     firewallLogs,
	"action":     firewallLogs,
	"ifindex":    "capture on that interface",
	"byte":       "use ether[offset]",
}

const (
	otherLayers  = "look at the bytes with ether[offset:size], or filter with tcpdump first"
	firewallLogs = "it is about logs of a firewall"
)

// special reads a condition with a grammar of its own.
func (p *parser) special(t token) (node, bool, error) {
	switch t.text {
	case "less", "greater":
		p.take()
		n, err := p.plainNumber(t.text, math.MaxUint32)
		test := comparisons["<="]
		if t.text == "greater" {
			test = comparisons[">="]
		}
		return &relation{test, frameLength{}, literal(n)}, true, err
	case "vlan":
		p.take()
		p.tags = true
		n := &tag{t.column, -1}
		if p.peek().kind != tokenNumber {
			return n, true, nil
		}
		id, err := p.plainNumber("vlan", 4095)
		n.id = int(id)
		return n, true, err
	case "broadcast", "multicast":
		n, err := p.group(t, "ether")
		return n, true, err
	}
	return nil, false, nil
}

func (p *parser) plainNumber(behind string, limit uint32) (uint32, error) {
	t := p.take()
	if t.kind != tokenNumber || t.number > limit {
		return 0, fail(t, "expected a number from 0 to %d behind %s, found %s", limit, behind, t)
	}
	return t.number, nil
}

// group reads broadcast or multicast, behind a protocol.
func (p *parser) group(start token, protocol string) (node, error) {
	t := p.take()
	switch {
	case protocol == "ether" && t.text == "broadcast":
		return &hardwareAddress{start.column, destination, [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, nil
	case protocol == "ether":
		return &multicast{column: start.column}, nil
	case t.text == "multicast" && (protocol == "ip" || protocol == "ip6"):
		return &multicast{start.column, etherTypes[protocol]}, nil
	case t.text == "broadcast" && protocol == "ip":
		return nil, fail(t, "ip broadcast needs the mask of the network, which is not known: use dst host with the address")
	}
	return nil, fail(t, "%s does not go with %s", t, protocol)
}

// protocol is a word for a protocol that no value belongs to.
func (p *parser) protocol(t token, name string) (node, error) {
	if etherType, ok := etherTypes[name]; ok {
		return carried{etherType}, nil
	}
	if transport, ok := transports[name]; ok {
		return transport, nil
	}
	return nil, fail(t, "%s alone is no condition: follow it by host, proto, broadcast or multicast", t)
}
