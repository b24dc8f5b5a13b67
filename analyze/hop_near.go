package analyze

import (
	"net/netip"
	"time"

	"wirelag/reassembly/capture"
)

// maxNear bounds the hosts that are remembered for being near.
const maxNear = 1 << 12

// nearHosts are the addresses that answered at once where a capture was taken. One
// connection may show it of a host of which another has nothing but a delayed
// acknowledgement.
type nearHosts struct {
	least map[nearHost]time.Duration
	// closer is when one was last found to be much closer than known before.
	closer capture.Time
}

type nearHost struct {
	address netip.Addr
	file    int // the input that it was near to
}

// learn notes how far the ends of x's connection are.
func (n *nearHosts) learn(x *Exchange, now capture.Time) {
	c := x.Connection
	if rtt, ok := c.RTTClient(); ok {
		n.note(hostOf(x, c.Client()), rtt, now)
	}
	if rtt, ok := c.RTTServer(); ok {
		n.note(hostOf(x, c.Server()), rtt, now)
	}
}

func hostOf(x *Exchange, end netip.AddrPort) nearHost {
	return nearHost{end.Addr(), x.Request.Start.At.Frame.File()}
}

func (n *nearHosts) note(host nearHost, rtt time.Duration, now capture.Time) {
	if rtt > betweenMax {
		return
	}
	before, known := n.least[host]
	if known && rtt >= before {
		return
	}
	if !known && len(n.least) >= maxNear {
		clear(n.least)
	}
	if !known || rtt < before/2 {
		n.closer = now
	}
	n.least[host] = rtt
}

// toClient is the shortest round trip to the client of x, on whatever connection.
func (n *nearHosts) toClient(x *Exchange) (time.Duration, bool) {
	rtt, ok := x.Connection.RTTClient()
	return n.shortest(hostOf(x, x.Connection.Client()), rtt, ok)
}

// toServer is the same to the server.
func (n *nearHosts) toServer(x *Exchange) (time.Duration, bool) {
	rtt, ok := x.Connection.RTTServer()
	return n.shortest(hostOf(x, x.Connection.Server()), rtt, ok)
}

func (n *nearHosts) shortest(host nearHost, rtt time.Duration, ok bool) (time.Duration, bool) {
	if least, known := n.least[host]; known && (!ok || least < rtt) {
		return least, true
	}
	return rtt, ok
}
