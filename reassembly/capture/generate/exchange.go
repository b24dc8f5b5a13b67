package generate

// request begins an exchange at the given time.
func (c *connection) request(g *generator, at int64) {
	p, r := &g.profile, &g.random
	c.exchanges++
	c.left--
	if !c.isHTTP {
		c.message.opaque(&g.patterns, r.heavyTailed(20, 4000))
		c.begin(g, client, at)
		return
	}
	var body int64
	if r.perMille(p.post) {
		body = g.bodySize()
	}
	c.closing = r.perMille(p.closing)
	c.message.request(&g.patterns, c.id, c.exchanges, body, c.closing && r.perMille(300))
	g.truth.Requests++
	g.truth.RequestBodyBytes += uint64(body)
	c.begin(g, client, at)
}

// bodySize is the size of a body, held to the size that is left.
func (g *generator) bodySize() int64 {
	p := &g.profile
	return min(g.random.heavyTailed(p.body[0], p.body[1]), max(g.remaining(), p.body[0]))
}

// respond begins the answer.
func (c *connection) respond(g *generator, at int64) {
	p, r := &g.profile, &g.random
	switch {
	case !c.isHTTP:
		c.message.opaque(&g.patterns, r.heavyTailed(50, 64<<10))
	case p.scattered:
		g.truth.Responses++
		g.truth.ResponseBodyBytes += uint64(c.message.scattered(&g.patterns))
		c.beginScattered(at)
		return
	default:
		a := answer{notModified: r.perMille(p.notModified), chunked: r.perMille(p.chunked), closing: c.closing}
		if !a.notModified {
			a.body = g.bodySize()
			if a.chunked {
				a.body = (a.body + chunkData - 1) / chunkData * chunkData
			}
		}
		c.message.response(&g.patterns, a)
		g.truth.Responses++
		g.truth.ResponseBodyBytes += uint64(a.body)
	}
	c.begin(g, server, at)
}

// wait is how long it takes from the end of one message, at its receiver, to the
// next.
func (c *connection) wait(g *generator) int64 {
	p, r := &g.profile, &g.random
	if c.transfer.from == client {
		return r.heavyTailed(p.think[0], p.think[1])
	}
	if p.open {
		return 2 * delayedACK // so that the last segment is acknowledged
	}
	return r.between(p.idle[0], p.idle[1]) + 20*µs
}

// proceed settles what comes after a message: the answer, the next exchange, or
// the end of the connection.
func (c *connection) proceed(g *generator, at int64) {
	if c.transfer.from == client {
		c.respond(g, at)
		return
	}
	if !c.closing && c.left > 0 && g.remaining() > 0 {
		c.request(g, at)
		return
	}
	c.at, c.phase = at, sendFIN
	if c.closing {
		c.closer = server
	}
	if g.profile.open {
		c.phase = done
	}
}
