package vantage

import (
	"net/netip"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

const (
	toServer = 0 // the client has the lower address: it is the first of its tuple
	toClient = 1

	// oneWay is the time between client and server.
	oneWay = 20 * time.Millisecond
)

// sent is a segment and when its sender sent it.
type sent struct {
	by int
	packet.Segment
}

// dialogue is a connection from a client's port with as many exchanges.
func dialogue(port uint16, start time.Duration, exchanges int) []sent {
	client := packet.NewEndpoint(netip.MustParseAddrPort("10.0.0.1:1"))
	client = packet.NewEndpoint(netip.AddrPortFrom(client.Addr(), port))
	d := conversation{
		ends: [2]packet.Endpoint{client, packet.NewEndpoint(netip.MustParseAddrPort("10.0.0.2:80"))},
		seq:  [2]uint32{uint32(port) * 1000, uint32(port) * 2000},
		at:   capture.Time(start),
	}
	d.send(toServer, packet.SYN, 0)
	d.send(toClient, packet.SYN|packet.ACK, 0)
	d.send(toServer, packet.ACK, 0)
	for range exchanges {
		d.send(toServer, packet.ACK|packet.PSH, 100)
		d.send(toClient, packet.ACK, 1000)
		d.send(toServer, packet.ACK, 0)
	}
	d.send(toClient, packet.ACK|packet.FIN, 0)
	d.send(toServer, packet.ACK|packet.FIN, 0)
	d.send(toClient, packet.ACK, 0)
	return d.all
}

type conversation struct {
	ends [2]packet.Endpoint
	seq  [2]uint32
	at   capture.Time
	ipid uint16
	all  []sent
}

// send has one end answer what it received last.
func (d *conversation) send(by int, flags packet.Flags, length uint32) {
	d.ipid++
	s := packet.Segment{
		Mark: capture.Mark{Time: d.at}, Src: d.ends[by], Dst: d.ends[1-by],
		Seq: d.seq[by], Ack: d.seq[1-by], Flags: flags, Length: length, Window: 1000, IPID: d.ipid,
	}
	d.seq[by] = s.End()
	d.all = append(d.all, sent{by, s})
	d.at = d.at.Add(oneWay)
}

// site is an interface of an input.
type site struct {
	capture.Interface
	fromClient time.Duration // how far the client is
	clock      time.Duration // how far its clock is ahead
}

func at(file int, fromClient, clock time.Duration) site {
	return site{capture.Interface{File: file, LinkType: capture.LinkTypeEthernet}, fromClient, clock}
}

// sees returns how a segment looks at the site.
func (p *site) sees(s sent) packet.Segment {
	late := p.fromClient
	if s.by == toClient {
		late = oneWay - p.fromClient
	}
	s.Time = s.Time.Add(late + p.clock)
	s.Interface = &p.Interface
	return s.Segment
}

// sight is a site and what it captured.
type sight struct {
	site
	traffic []sent
	name    string // of the input, without digits
}

func see(p site, traffic []sent) *sight { return &sight{site: p, traffic: traffic} }

// surveyOf surveys sights, in that order.
func surveyOf(sights ...*sight) *survey {
	v := newSurvey()
	for _, g := range sights {
		v.stem = g.name
		for _, s := range g.traffic {
			n := g.sees(s)
			v.note(v.pointOf(g.File, n.Interface), &n)
		}
	}
	return v
}

// take counts which segments of a sight are copies, by sender.
func take(p *Plan, g *sight) (copied, told [2]int, c *Connection) {
	for _, s := range g.traffic {
		n := g.sees(s)
		of, copy := p.Take(&n)
		if of != nil {
			c = of
		}
		if copy {
			copied[s.by]++
		} else {
			told[s.by]++
		}
	}
	return copied, told, c
}
