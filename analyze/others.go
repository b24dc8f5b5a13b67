package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// others counts the TCP connections that carried something else than HTTP, by
// the server's port.
type others struct {
	connections uint64
	byPort      map[uint16]uint64
}

// maxOtherPorts is how many ports are told apart.
const maxOtherPorts = 1024

func (o *others) add(port uint16) {
	o.connections++
	if o.byPort == nil {
		o.byPort = map[uint16]uint64{}
	}
	if _, known := o.byPort[port]; known || len(o.byPort) < maxOtherPorts {
		o.byPort[port]++
	}
}

// wellKnown are the protocols that a port alone suggests (IANA service names).
var wellKnown = map[uint16]string{
	21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "domain", 88: "kerberos", 110: "pop3", 111: "sunrpc",
	119: "nntp", 135: "epmap", 139: "netbios-ssn", 143: "imap", 179: "bgp", 389: "ldap", 443: "https", 445: "microsoft-ds",
	465: "submissions", 515: "printer", 587: "submission", 636: "ldaps", 853: "domain-s", 873: "rsync", 993: "imaps",
	995: "pop3s", 1433: "ms-sql-s", 1521: "oracle", 1883: "mqtt", 2049: "nfs", 2379: "etcd-client", 3306: "mysql",
	3389: "ms-wbt-server", 5060: "sip", 5222: "xmpp-client", 5432: "postgresql", 5672: "amqp", 6379: "redis",
	6443: "kubernetes", 8883: "secure-mqtt", 9042: "cassandra", 9092: "kafka", 11211: "memcached", 27017: "mongodb",
}

// describe names the ports with the most connections and what they suggest.
func (o *others) describe() string {
	type port struct {
		number uint16
		count  uint64
	}
	var ports []port
	for number, count := range o.byPort {
		ports = append(ports, port{number, count})
	}
	slices.SortFunc(ports, func(a, b port) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.number, b.number))
	})
	const shown = 5
	var names []string
	for _, p := range ports[:min(shown, len(ports))] {
		name := wellKnown[p.number]
		if name == "" {
			name = "unknown"
		}
		names = append(names, fmt.Sprintf("port %d (%s?) %d", p.number, name, p.count))
	}
	if len(ports) > shown {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
