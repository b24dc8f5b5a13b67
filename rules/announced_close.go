package rules

import (
	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
)

// announcedCloses are the connections on which a side said "Connection: close", for
// the rules about that. There are few at a time, as the close follows. It hears of
// an exchange before the rules do, and of a connection's end after them.
type announcedCloses struct {
	by        map[uint64]announcedClose // by connection
	forgotten *uint64                   // counts those that there was no room for
}

type announcedClose struct {
	first closeSaid    // zero: none that counts
	last  announcement // of the latest exchange; zero: it has none that counts
}

// closeSaid is a "Connection: close" after which the client should send nothing.
type closeSaid struct {
	exchange  uint64
	at        capture.Mark
	byRequest bool
}

// announcement is a "Connection: close" of a whole exchange, that ended with end.
type announcement struct {
	exchange uint64
	said     capture.Mark
	end      capture.Mark
	side     reassembly.Side
}

func (a *announcedCloses) exchange(x *analyze.Exchange) {
	if len(a.by) == 0 && !saysClose(x.Request) && !saysClose(x.Response) {
		return
	}
	before := a.of(x)
	now := announcedClose{first: before.first, last: announcementIn(x)}
	if now.first.exchange == 0 {
		now.first = closeSaidIn(x)
	}
	switch _, kept := a.by[x.Connection.ID]; {
	case now == before:
	case !kept && len(a.by) >= maxNoted:
		*a.forgotten++
	default:
		a.by[x.Connection.ID] = now
	}
}

// of is what was said on the connection before x or, once this heard of x, until
// then. It is zero at the first exchange, which none is before.
func (a *announcedCloses) of(x *analyze.Exchange) announcedClose {
	if len(a.by) == 0 || x.ID == x.Connection.FirstExchange {
		return announcedClose{}
	}
	return a.by[x.Connection.ID]
}

func (a *announcedCloses) closed(c *analyze.Connection) { delete(a.by, c.ID) }

func saysClose(m *http1.Message) bool { return m != nil && m.HasToken("Connection", "close") }

func closeSaidIn(x *analyze.Exchange) closeSaid {
	switch {
	case !headWhole(x.Request), x.Response != nil && x.Response.Framing == http1.Tunnel:
	case saysClose(x.Request):
		return closeSaid{x.ID, x.Request.HeadEnd.At, true}
	case saysClose(x.Response) && x.Response.Complete:
		return closeSaid{x.ID, x.Response.HeadEnd.At, false}
	}
	return closeSaid{}
}

func announcementIn(x *analyze.Exchange) announcement {
	if x.Request == nil || x.Response == nil || !x.Response.Complete || x.Response.Framing == http1.Tunnel {
		return announcement{}
	}
	client := x.Connection.ClientSide()
	a := announcement{exchange: x.ID, end: x.Response.End.At}
	switch {
	case saysClose(x.Response):
		a.said, a.side = x.Response.HeadEnd.At, client.Other()
	case saysClose(x.Request):
		a.said, a.side = x.Request.HeadEnd.At, client
	default:
		return announcement{}
	}
	if x.Request.End.At.Time > a.end.Time {
		a.end = x.Request.End.At
	}
	return a
}
