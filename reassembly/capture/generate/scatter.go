package generate

const (
	scatterWindow  = 1 << 15 // bytes that are sent before the first of them is
	scatterWindows = 4       // of a response
	scatterStep    = 12_345  // odd, so that its multiples reach every offset of a window
)

// scattered makes the message a response that fills whole windows, and returns
// the size of its body.
func (m *message) scattered(p *patterns) int64 {
	a := answer{body: scatterWindow * scatterWindows}
	m.response(p, a)
	a.body -= int64(len(m.head))
	m.response(p, a)
	return a.body
}

// beginScattered starts to send c.message from the server, a byte at a time and
// the first byte of each window last.
func (c *connection) beginScattered(at int64) {
	t := c.transfer
	t.from, t.base = server, c.sides[server].seq
	t.total, t.sent = c.message.size(), 0
	c.scatter = 0
	c.at, c.phase = at, sendScattered
}

func (c *connection) scatterStep(g *generator, frame []byte) []byte {
	t := c.transfer
	if c.phase == sendScatteredACK {
		frame = c.control(frame, client, ack)
		c.at += c.sides[server].path
		c.phase = sendScattered
		if t.sent == t.total {
			c.proceed(g, c.at+c.wait(g))
		}
		return frame
	}
	c.scatter++
	offset := c.scatter * scatterStep % scatterWindow
	frame = c.appendSegment(frame, t.sent+offset, 1)
	if end := t.base + uint32(t.sent+offset+1); int32(end-c.sides[server].seq) > 0 {
		c.sides[server].seq = end
	} else {
		g.truth.OutOfOrder++
	}
	c.at += µs
	if c.scatter == scatterWindow {
		c.scatter = 0
		t.sent += scatterWindow
		c.at += c.sides[client].path
		c.phase = sendScatteredACK
	}
	return frame
}
