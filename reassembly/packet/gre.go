package packet

import "encoding/binary"

// Flags of a GRE header (RFC 2784, RFC 2890, RFC 2637).
const (
	greChecksum       = 0x8000
	greRoutingPresent = 0x4000
	greKey            = 0x2000
	greSequence       = 0x1000
	greAcknowledgment = 0x0080 // version 1 alone
	greVersion        = 0x0007
)

// gre walks a GRE header, of version 1 if PPTP wrote it.
func (d *Decoder) gre(v view, s *Segment) Kind {
	if len(v.data) < 4 {
		return d.short(v, tunnelHeader)
	}
	flags := binary.BigEndian.Uint16(v.data)
	switch {
	case flags&greVersion == 1:
		return d.pptp(flags, v, s)
	case flags&greVersion != 0:
		return d.damaged(tunnelHeader)
	case flags&greRoutingPresent != 0:
		return d.blocked(greRouting)
	}
	n := 4
	for _, field := range [...]uint16{greChecksum, greKey, greSequence} {
		if flags&field != 0 {
			n += 4
		}
	}
	if len(v.data) < n {
		return d.short(v, tunnelHeader)
	}
	return d.grePayload(binary.BigEndian.Uint16(v.data[2:]), flags, v.from(n), s)
}

func (d *Decoder) grePayload(t, flags uint16, v view, s *Segment) Kind {
	const (
		erspan      = 0x88be // types I and II
		erspanThree = 0x22eb
	)
	switch t {
	case erspan:
		if flags&greSequence == 0 {
			return d.ethernet(v, s) // type I has no header
		}
		return d.behindTunnel(v, 8, s)
	case erspanThree:
		return d.erspanThree(v, s)
	}
	if kind := d.etherType(t, v, s); kind != NotIP {
		return kind
	}
	return OtherIP
}

// behindTunnel goes on with Ethernet behind a tunnel header of n bytes.
func (d *Decoder) behindTunnel(v view, n int, s *Segment) Kind {
	if len(v.data) < n {
		return d.short(v, tunnelHeader)
	}
	return d.ethernet(v.from(n), s)
}

// erspanThree walks an ERSPAN type III header (draft-foschiano-erspan §4.3).
func (d *Decoder) erspanThree(v view, s *Segment) Kind {
	const (
		headerBytes = 12
		subheader   = 8
		frameIP     = 2
	)
	if len(v.data) < headerBytes {
		return d.short(v, tunnelHeader)
	}
	n := headerBytes
	if v.data[11]&1 != 0 {
		n += subheader
	}
	if v.data[10]>>2&0x1f != frameIP {
		return d.behindTunnel(v, n, s)
	}
	if len(v.data) < n {
		return d.short(v, tunnelHeader)
	}
	return d.ip(v.from(n), s)
}

// pptp walks an enhanced GRE header (RFC 2637 §4.1). Without a sequence number
// it carries nothing but an acknowledgment.
func (d *Decoder) pptp(flags uint16, v view, s *Segment) Kind {
	n := 8
	if flags&greSequence != 0 {
		n += 4
	}
	if flags&greAcknowledgment != 0 {
		n += 4
	}
	if len(v.data) < n {
		return d.short(v, tunnelHeader)
	}
	if flags&greSequence == 0 {
		return OtherIP
	}
	return d.ppp(v.from(n).limit(int(binary.BigEndian.Uint16(v.data[4:]))), s)
}
