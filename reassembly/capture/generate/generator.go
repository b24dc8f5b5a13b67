// Package generate makes big captures for tests and benchmarks: kinds of
// traffic, a size and a seed go in; out come packets, as a pcap stream or as a
// [capture.Source], and the [Truth] about them. The same options give the same
// bytes, everywhere.
//
// Connections are simulated as they look at a capture point near the servers:
// each has a round trip to the client and one to the server, handshakes,
// timestamps, window scaling, a congestion window clocked by ACKs (which come
// for every second segment or after 40 ms), servers that think and clients that
// pause. All checksums are right. What is kept is one record for each connection
// that runs at the time, at most some dozens.
package generate

import (
	"fmt"
	"math"
	"time"
)

// Options say what to generate. Size or Connections must be positive.
type Options struct {
	Kind Kind
	Seed uint64
	// Size is about how many bytes of frames there are to be: once the exchanges
	// begun come to as much, no more are begun. 0: as Connections say.
	Size int64
	// Connections is how many connections (or datagram exchanges) are opened at
	// most. 0: as Size says.
	Connections int64
	// Exchanges is how many each connection has. 0: as the kind has it.
	Exchanges int64
}

// defaultExchanges is how many exchanges the connections of a kind have that
// does not limit them, where the size does not either.
const defaultExchanges = 1000

// start is the time of the first packet.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// generator is a run.
type generator struct {
	options  Options
	profile  profile
	random   random
	patterns patterns
	truth    Truth

	reserved int64 // bytes of frames that what was begun comes to, about
	opened   int64
	queue    []*connection // a heap: the one with the next packet first
}

func newGenerator(o Options) (*generator, error) {
	p, ok := profiles[o.Kind]
	if !ok {
		return nil, fmt.Errorf("generate a capture: %v is not a kind of traffic", o.Kind)
	}
	if o.Size < 0 || o.Connections < 0 || o.Exchanges < 0 || o.Size == 0 && o.Connections == 0 {
		return nil, fmt.Errorf("generate a capture: want a positive size or number of connections")
	}
	if o.Exchanges > 0 {
		p.exchanges = [2]int64{o.Exchanges, o.Exchanges}
	} else if o.Size == 0 {
		p.exchanges[0] = min(p.exchanges[0], defaultExchanges)
		p.exchanges[1] = min(p.exchanges[1], defaultExchanges)
	}
	g := &generator{
		options: o, profile: p, random: random(o.Seed), patterns: newPatterns(),
		truth: Truth{Kind: o.Kind.String(), Seed: o.Seed},
	}
	at := start
	for range p.slots {
		if !g.mayOpen() {
			break
		}
		c := &connection{message: message{head: make([]byte, 0, headMax)}, transfer: &transfer{}}
		g.open(c, at)
		g.queue = append(g.queue, c)
		g.up(len(g.queue) - 1)
		at += g.random.between(p.pause[0], p.pause[1]+ms)
	}
	return g, nil
}

// remaining is how many bytes of frames are still to be begun.
func (g *generator) remaining() int64 {
	if g.options.Size == 0 {
		return math.MaxInt64
	}
	return g.options.Size - g.reserved
}

// mayOpen reports whether another connection is to be opened.
func (g *generator) mayOpen() bool {
	return g.remaining() > 0 && (g.options.Connections == 0 || g.opened < g.options.Connections)
}

// reserve notes that a message of size bytes was begun.
func (g *generator) reserve(size int64) {
	segments := size/payloadMax + 1
	g.reserved += size + segments*headersSize + segments/2*headersSize
}

// next appends the next packet to frame, which has room for frameMax bytes, and
// returns its time. At the end it returns frame as it was and false.
func (g *generator) next(frame []byte) (longer []byte, at int64, ok bool) {
	if len(g.queue) == 0 {
		return frame, 0, false
	}
	c := g.queue[0]
	at = c.at
	longer = c.step(g, frame)
	g.truth.Packets++
	g.truth.Bytes += uint64(len(longer) - len(frame))
	if c.phase == done {
		if g.mayOpen() {
			g.open(c, at+g.random.between(g.profile.pause[0], g.profile.pause[1]))
		} else {
			last := len(g.queue) - 1
			g.queue[0], g.queue[last] = g.queue[last], nil
			g.queue = g.queue[:last]
		}
	}
	g.down()
	return longer, at, true
}

// up restores the heap after the connection at i was added.
func (g *generator) up(i int) {
	for q := g.queue; i > 0 && q[i].at < q[(i-1)/2].at; i = (i - 1) / 2 {
		q[i], q[(i-1)/2] = q[(i-1)/2], q[i]
	}
}

// down restores the heap after the first connection was changed.
func (g *generator) down() {
	q := g.queue
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(q); child++ {
			if q[child].at < q[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}
