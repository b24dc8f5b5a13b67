package packet

import "wirelag/reassembly/capture"

// Stats counts what a Decoder met.
type Stats struct {
	// Frames are the frames by Kind.
	Frames [Undecodable + 1]uint64
	// Undecodable says what frames could not be decoded, or not whole, by the
	// name of the header or encapsulation. There are never more than some forty names.
	Undecodable map[string]uint64
	// CutHeaders are the frames that the snaplen cut inside a header; those cut
	// inside the TCP options were decoded all the same.
	CutHeaders uint64

	// ReassembledDatagrams are the IP datagrams put together from fragments.
	ReassembledDatagrams uint64
	// IncompleteDatagrams are those of which fragments were seen and that did not
	// (or not yet) become whole. Of them, TimedOutDatagrams waited too long,
	// EvictedDatagrams gave way to a limit on what is held, and
	// ConflictingDatagrams were dropped because their fragments overlap (IPv6) or
	// are more than a datagram may have.
	IncompleteDatagrams  uint64
	TimedOutDatagrams    uint64
	EvictedDatagrams     uint64
	ConflictingDatagrams uint64
	// ConflictingFragments are IPv4 fragments that contradict an earlier one in
	// the bytes or in the length of the datagram; the first copy won.
	ConflictingFragments uint64

	// VerifiedChecksums are the TCP checksums that were looked at. Of them,
	// BadChecksums were wrong and PartialChecksums left to the adapter.
	VerifiedChecksums uint64
	BadChecksums      uint64
	PartialChecksums  uint64
}

// Stats returns what d counted so far.
func (d *Decoder) Stats() Stats {
	c := &d.counters
	s := Stats{Frames: c.frames, Undecodable: map[string]uint64{}, CutHeaders: c.cutOptions}
	for h, n := range c.cut {
		s.CutHeaders += n
		s.add(headerNames[h]+" cut", n)
	}
	for h, n := range c.damaged {
		s.add(headerNames[h], n)
	}
	for o, n := range c.obstacles {
		s.add(obstacleNames[o], n)
	}
	for t, n := range c.linkTypes {
		s.add("link type "+t.String(), n)
	}
	s.add("other link types", c.otherLinkTypes)

	s.VerifiedChecksums = c.checksums[ChecksumGood] + c.checksums[ChecksumBad] + c.checksums[ChecksumPartial]
	s.BadChecksums = c.checksums[ChecksumBad]
	s.PartialChecksums = c.checksums[ChecksumPartial]
	d.fragments.describe(&s)
	return s
}

func (s *Stats) add(name string, n uint64) {
	if n > 0 {
		s.Undecodable[name] = n
	}
}

// maxLinkTypes bounds the link types that are counted by name.
const maxLinkTypes = 16

type counters struct {
	frames         [Undecodable + 1]uint64
	cut            [headers]uint64
	damaged        [headers]uint64
	obstacles      [obstacles]uint64
	checksums      [ChecksumPartial + 1]uint64
	cutOptions     uint64
	linkTypes      map[capture.LinkType]uint64
	otherLinkTypes uint64
}

// header is a kind of header that can be cut or damaged.
type header uint8

const (
	linkHeader header = iota
	tunnelHeader
	ipv4Header
	ipv6Header
	extensionHeader
	udpHeader
	tcpHeader
	headers
)

var headerNames = [headers]string{
	linkHeader:      "link-layer header",
	tunnelHeader:    "tunnel header",
	ipv4Header:      "ipv4 header",
	ipv6Header:      "ipv6 header",
	extensionHeader: "ip extension header",
	udpHeader:       "udp header",
	tcpHeader:       "tcp header",
}

// obstacle is what keeps the walk from a segment that may well be there.
type obstacle uint8

const (
	tooManyLayers obstacle = iota
	badFragment
	encryptedWireless
	wirelessFragment
	wirelessAggregate
	badFrameCheck
	macsec
	pppCompressed
	greRouting
	unknownLabelled
	obstacles
)

var obstacleNames = [obstacles]string{
	tooManyLayers:     "too many nested headers",
	badFragment:       "ip fragment",
	encryptedWireless: "802.11 encrypted",
	wirelessFragment:  "802.11 fragment",
	wirelessAggregate: "802.11 aggregate, all but the first",
	badFrameCheck:     "802.11 bad frame check sequence",
	macsec:            "macsec",
	pppCompressed:     "ppp compressed or encrypted",
	greRouting:        "gre source routing",
	unknownLabelled:   "mpls payload",
}

// short accounts for a frame that ends inside header h: v is what is left of it.
func (d *Decoder) short(v view, h header) Kind {
	if !v.cut() {
		return d.damaged(h)
	}
	d.counters.cut[h]++
	return Undecodable
}

// damaged accounts for a frame whose header h contradicts itself.
func (d *Decoder) damaged(h header) Kind {
	d.counters.damaged[h]++
	return Undecodable
}

func (d *Decoder) blocked(o obstacle) Kind {
	d.counters.obstacles[o]++
	return Undecodable
}

func (d *Decoder) unknownLink(t capture.LinkType) Kind {
	c := &d.counters
	if _, ok := c.linkTypes[t]; !ok && len(c.linkTypes) >= maxLinkTypes {
		c.otherLinkTypes++
		return Undecodable
	}
	if c.linkTypes == nil {
		c.linkTypes = map[capture.LinkType]uint64{}
	}
	c.linkTypes[t]++
	return Undecodable
}
