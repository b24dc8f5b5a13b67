package generate

// connection is a connection that runs, or a datagram exchange. Times are
// nanoseconds of the capture's clock.
type connection struct {
	at    int64 // of its next packet
	phase phase

	id        int64
	sides     [2]side
	pseudoSum uint64 // the part of checksums that is the same for all its packets
	gap       int64  // between two segments sent back to back
	isHTTP    bool
	exchanges int64 // begun
	left      int64 // still to be begun
	closing   bool  // the server closes after this exchange
	closer    int

	message  message
	transfer *transfer
	scatter  int64 // segments sent out of order
}

// side is one end of a connection.
type side struct {
	addr     uint32
	port     uint16
	ipid     uint16
	seq      uint32 // of what it sends next
	path     int64  // round trip between the capture point and it
	tsOffset uint32
	tsRecent uint32 // the timestamp it echoes

	window    int // congestion window in segments
	threshold int // up to which the window grows by slow start
	credit    int // segments acknowledged since the window last grew beyond the threshold
}

// The indexes of connection.sides.
const (
	client = 0
	server = 1
)

// phase is what comes next.
type phase uint8

const (
	sendSYN phase = iota
	sendSYNACK
	sendHandshakeACK
	sendSegment
	sendRepeat
	sendACK
	sendScattered
	sendScatteredACK
	sendFIN
	answerFIN
	sendLastACK
	sendQuery
	sendAnswer
	done
)

const (
	initialWindow = 10  // segments (RFC 6928)
	largestWindow = 128 // segments
	serverBase    = 192<<24 | 168<<16
	clientBase    = 10 << 24
	opaquePort    = 9400
	dnsPort       = 53
	dnsServer     = serverBase | 255<<8 | 53
	headMax       = 512
)

// open makes c the next connection, whose first packet comes at the given time.
func (g *generator) open(c *connection, at int64) {
	p, r := &g.profile, &g.random
	id := g.opened
	g.opened++
	*c = connection{at: at, id: id, message: c.message, transfer: c.transfer, isHTTP: true, closer: client}
	c.sides[client] = side{
		addr: clientBase + 1 + uint32(id%p.clients),
		port: uint16(65535 - p.ports + id/p.clients%p.ports),
		path: r.heavyTailed(p.path[0], p.path[1]),
	}
	c.sides[server] = side{
		addr: serverBase + 1 + uint32(r.below(p.servers)),
		port: 80,
		path: r.between(100*µs, ms),
	}
	c.gap = r.between(2*µs, 120*µs)
	c.left = r.between(p.exchanges[0], max(p.exchanges[1], p.exchanges[0]))
	for i := range c.sides {
		s := &c.sides[i]
		s.ipid, s.tsOffset = uint16(r.next()), uint32(r.next())
		// RFC 6528: a clock of 4 µs, and a secret that depends on the endpoints.
		secret := random(uint64(c.sides[client].addr)<<17 ^ uint64(c.sides[client].port)<<1 ^ uint64(i))
		s.seq = uint32(secret.next()) + uint32(at/(4*µs))
		s.window, s.threshold = initialWindow, largestWindow
	}
	switch kind := r.below(1000); {
	case kind < p.datagrams:
		c.phase, c.isHTTP = sendQuery, false
		c.sides[server].addr, c.sides[server].port = dnsServer, dnsPort
		g.reserve(200)
	case kind < p.datagrams+p.opaque:
		c.isHTTP = false
		c.sides[server].port = opaquePort
	}
	from, to := c.sides[client].addr, c.sides[server].addr
	c.pseudoSum = uint64(from>>16) + uint64(from&0xffff) + uint64(to>>16) + uint64(to&0xffff)
	if c.phase == sendSYN {
		g.openTCP(c)
	}
}

// openTCP counts a TCP connection and the frames that open and close it.
func (g *generator) openTCP(c *connection) {
	g.truth.Connections++
	if g.profile.flood {
		g.reserved += linkSize + ipSize + tcpSize + synSize
		return
	}
	if c.isHTTP {
		g.truth.HTTPConnections++
	}
	g.reserved += 7 * headersSize
	if g.profile.scattered {
		g.reserved += scatterWindow * scatterWindows * (headersSize + 1)
	}
}

// step appends the packet that is due, and settles which is the next.
func (c *connection) step(g *generator, frame []byte) []byte {
	if c.phase >= sendQuery {
		g.truth.UDPPackets++
	} else {
		g.truth.TCPPackets++
	}
	switch c.phase {
	case sendSYN, sendSYNACK, sendHandshakeACK:
		return c.handshake(g, frame)
	case sendSegment, sendRepeat, sendACK:
		return c.transmit(g, frame)
	case sendScattered, sendScatteredACK:
		return c.scatterStep(g, frame)
	case sendQuery, sendAnswer:
		return c.datagram(g, frame)
	}
	return c.close(g, frame)
}

// control appends a segment without payload.
func (c *connection) control(frame []byte, from int, flags uint8) []byte {
	s := &c.sides[from]
	h := tcpHeader{from: from, flags: flags, seq: s.seq, tsval: c.clock(from), tsecr: s.tsRecent}
	if flags&ack != 0 {
		h.ack = c.sides[1-from].seq
	}
	if flags&(syn|fin) != 0 {
		s.seq++
	}
	c.sides[1-from].tsRecent = h.tsval
	return c.appendTCP(frame, h, 0, 0)
}

// clock is the timestamp clock of a side, of 1 ms.
func (c *connection) clock(side int) uint32 { return c.sides[side].tsOffset + uint32(c.at/ms) }

func (c *connection) handshake(g *generator, frame []byte) []byte {
	switch c.phase {
	case sendSYN:
		frame = c.control(frame, client, syn)
		c.at += c.sides[server].path
		c.phase = sendSYNACK
		if g.profile.flood {
			c.phase = done
		}
	case sendSYNACK:
		frame = c.control(frame, server, syn|ack)
		c.at += c.sides[client].path
		c.phase = sendHandshakeACK
	case sendHandshakeACK:
		frame = c.control(frame, client, ack)
		c.request(g, c.at+g.random.between(5*µs, 50*µs))
	}
	return frame
}

// close appends a packet of the three that end the connection.
func (c *connection) close(g *generator, frame []byte) []byte {
	closer, other := c.closer, 1-c.closer
	switch c.phase {
	case sendFIN:
		frame = c.control(frame, closer, fin|ack)
		c.at += c.sides[other].path + 20*µs
		c.phase = answerFIN
	case answerFIN:
		frame = c.control(frame, other, fin|ack)
		c.at += c.sides[closer].path
		c.phase = sendLastACK
	default:
		frame = c.control(frame, closer, ack)
		c.phase = done
		g.truth.Closed++
	}
	return frame
}

// datagram appends the query or the answer of a DNS exchange.
func (c *connection) datagram(g *generator, frame []byte) []byte {
	if c.phase == sendQuery {
		c.message.dns(&g.patterns, uint16(c.id), dnsQuery)
		frame = c.appendUDP(frame, client, 0, len(c.message.head))
		c.at += c.sides[server].path + g.random.heavyTailed(100*µs, 50*ms)
		c.phase = sendAnswer
		return frame
	}
	c.message.dns(&g.patterns, uint16(c.id), dnsAnswer)
	c.phase = done
	return c.appendUDP(frame, server, 0, len(c.message.head))
}
