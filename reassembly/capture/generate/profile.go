package generate

import (
	"fmt"
	"strings"
	"time"
)

// Kind is what traffic is generated.
type Kind uint8

// The kinds of traffic.
const (
	// Mixed is traffic as of a site: keep-alive and close, GET and POST,
	// Content-Length and chunked, heavy-tailed sizes, several clients and
	// servers, some losses and some reordering; between it other TCP and UDP.
	Mixed Kind = iota + 1
	// KeepAlive is many exchanges on few connections.
	KeepAlive
	// Short is connections of one exchange, on ports that are soon used again.
	Short
	// Bulk is bodies of 1 to 100 MB.
	Bulk
	// Open is connections of one exchange that are never closed.
	Open
	// SYNFlood is SYNs of ever new clients that nobody answers.
	SYNFlood
	// OutOfOrder is responses in segments of one byte, out of order by up to 32 KiB.
	OutOfOrder
)

var kindNames = [...]string{
	Mixed: "mixed", KeepAlive: "keepalive", Short: "short", Bulk: "bulk", Open: "open",
	SYNFlood: "synflood", OutOfOrder: "outoforder",
}

func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// ParseKind returns the kind of that name.
func ParseKind(name string) (Kind, error) {
	for k := Mixed; int(k) < len(kindNames); k++ {
		if kindNames[k] == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("unknown kind %q: want one of %s", name, strings.Join(kindNames[Mixed:], ", "))
}

// profile says what the traffic of a kind is like. Shares are per mille.
type profile struct {
	slots     int // connections that run at the same time
	clients   int64
	servers   int64
	ports     int64 // of a client, before they are used again
	exchanges [2]int64
	body      [2]int64 // heavy-tailed bytes of a response's body
	think     [2]int64 // heavy-tailed nanoseconds of the server
	idle      [2]int64 // nanoseconds of the client between exchanges
	path      [2]int64 // heavy-tailed nanoseconds of the round trip to the client
	pause     [2]int64 // nanoseconds between the connections of a slot

	post, chunked, notModified int64
	closing                    int64 // exchanges after which the server closes
	lost, late                 int64 // per 100,000 segments
	opaque, datagrams          int64 // connections that are something else
	open, flood, scattered     bool
}

const (
	µs = int64(time.Microsecond)
	ms = int64(time.Millisecond)
)

var profiles = map[Kind]profile{
	Mixed: {
		slots: 64, clients: 40, servers: 6, ports: 28000,
		exchanges: [2]int64{1, 30}, body: [2]int64{256, 16 << 20},
		think: [2]int64{200 * µs, 500 * ms}, idle: [2]int64{0, 60 * ms}, path: [2]int64{ms, 150 * ms}, pause: [2]int64{0, 200 * ms},
		post: 100, chunked: 200, notModified: 100, closing: 60, lost: 100, late: 100, opaque: 60, datagrams: 150,
	},
	KeepAlive: {
		slots: 8, clients: 4, servers: 2, ports: 28000,
		exchanges: [2]int64{1 << 40, 1 << 40}, body: [2]int64{512, 64 << 10},
		think: [2]int64{100 * µs, 5 * ms}, idle: [2]int64{0, 3 * ms}, path: [2]int64{ms, 20 * ms}, pause: [2]int64{0, ms},
		post: 50, chunked: 100,
	},
	Short: {
		slots: 32, clients: 2, servers: 1, ports: 2048,
		exchanges: [2]int64{1, 1}, body: [2]int64{128, 16 << 10},
		think: [2]int64{100 * µs, 5 * ms}, path: [2]int64{200 * µs, 5 * ms}, pause: [2]int64{0, ms},
		closing: 500,
	},
	Bulk: {
		slots: 4, clients: 4, servers: 1, ports: 28000,
		exchanges: [2]int64{1, 3}, body: [2]int64{1 << 20, 100 << 20},
		think: [2]int64{ms, 20 * ms}, idle: [2]int64{0, 10 * ms}, path: [2]int64{ms, 20 * ms}, pause: [2]int64{0, ms},
		post: 200, chunked: 200,
	},
	Open: {
		slots: 64, clients: 1 << 16, servers: 4, ports: 28000,
		exchanges: [2]int64{1, 1}, body: [2]int64{64, 4 << 10},
		think: [2]int64{100 * µs, 5 * ms}, path: [2]int64{200 * µs, 20 * ms}, pause: [2]int64{0, ms},
		open: true,
	},
	SYNFlood:   {slots: 1, clients: 1 << 22, servers: 1, ports: 60000, pause: [2]int64{µs, 20 * µs}, path: [2]int64{ms, ms}, flood: true},
	OutOfOrder: {slots: 4, clients: 4, servers: 1, ports: 28000, exchanges: [2]int64{1, 1}, think: [2]int64{ms, ms}, path: [2]int64{ms, 20 * ms}, pause: [2]int64{0, ms}, scattered: true},
}
