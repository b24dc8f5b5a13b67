package packet

import "encoding/binary"

// wireless walks an IEEE 802.11 frame (IEEE 802.11-2020 §9.3.2): data that is
// not encrypted. The header is padded to a multiple of align bytes.
func (d *Decoder) wireless(v view, align int, s *Segment) Kind {
	const (
		versionAndType   = 0x0f
		data             = 0x08
		noData           = 0x40 // in the subtype of a data frame
		qualityOfService = 0x80
		bothWays         = 0x03 // to and from the distribution system: four addresses
		moreFragments    = 0x04
		protected        = 0x40
		htControl        = 0x80
		aggregate        = 0x80 // in the QoS control
	)
	b := v.data
	if len(b) < 2 {
		return d.short(v, linkHeader)
	}
	if b[0]&versionAndType != data || b[0]&noData != 0 {
		return NotIP
	}
	n, qos := 24, b[0]&qualityOfService != 0
	if b[1]&bothWays == bothWays {
		n += 6
	}
	control := n
	if qos {
		n += 2
		if b[1]&htControl != 0 {
			n += 4
		}
	}
	if align > 0 {
		n = (n + align - 1) / align * align
	}
	if len(b) < n {
		return d.short(v, linkHeader)
	}
	fragmentNumber := b[22] & 0x0f
	switch {
	case b[1]&protected != 0:
		return d.blocked(encryptedWireless)
	case b[1]&moreFragments != 0, fragmentNumber != 0:
		return d.blocked(wirelessFragment)
	case qos && b[control]&aggregate != 0:
		return d.aggregate(v.from(n), s)
	}
	return d.llc(v.from(n), s)
}

// aggregate walks the first of the frames in an A-MSDU (IEEE 802.11-2020
// §9.3.2.2.2); others behind it are counted as not decoded.
func (d *Decoder) aggregate(v view, s *Segment) Kind {
	const trailer = 4 // a frame check sequence may follow
	if len(v.data) < ethernetHeaderBytes {
		return d.short(v, linkHeader)
	}
	n := int(binary.BigEndian.Uint16(v.data[12:]))
	v = v.from(ethernetHeaderBytes)
	if (n+3)&^3+trailer < v.length {
		d.blocked(wirelessAggregate)
	}
	return d.llc(v.limit(n), s)
}

// radiotap walks a radiotap header (https://www.radiotap.org): its length, and
// the flags that say what the 802.11 frame behind it looks like.
func (d *Decoder) radiotap(v view, s *Segment) Kind {
	const (
		padded   = 0x20 // the 802.11 header is padded to 32 bits
		badCheck = 0x40
	)
	if len(v.data) < 8 {
		return d.short(v, linkHeader)
	}
	n := int(binary.LittleEndian.Uint16(v.data[2:]))
	if n < 8 {
		return d.damaged(linkHeader)
	}
	if len(v.data) < n {
		return d.short(v, linkHeader)
	}
	flags := radiotapFlags(v.data[:n])
	if flags&badCheck != 0 {
		return d.blocked(badFrameCheck)
	}
	align := 0
	if flags&padded != 0 {
		align = 4
	}
	return d.wireless(v.from(n), align, s)
}

// radiotapFlags returns the flags field of the radiotap header b, 0 if it has none.
func radiotapFlags(b []byte) byte {
	const (
		timer = 1 << 0 // 8 bytes, aligned
		flags = 1 << 1
		more  = 1 << 31 // another word of presence bits follows
	)
	present := binary.LittleEndian.Uint32(b[4:])
	if present&flags == 0 {
		return 0
	}
	at := 8
	for word := present; word&more != 0; at += 4 {
		if at+4 > len(b) {
			return 0
		}
		word = binary.LittleEndian.Uint32(b[at:])
	}
	if present&timer != 0 {
		at = (at+7)&^7 + 8
	}
	if at >= len(b) {
		return 0
	}
	return b[at]
}

// monitor walks the headers of older wireless drivers: Prism's, of the byte
// order of the host that captured, and AVS's, in network byte order, which
// some of them write under Prism's link type.
func (d *Decoder) monitor(v view, s *Segment) Kind {
	const (
		avsMagic = 0x80211000 // and a version
		minBytes = 8
		maxBytes = 1 << 12 // neither has more than a few hundred
	)
	if len(v.data) < minBytes {
		return d.short(v, linkHeader)
	}
	n := binary.BigEndian.Uint32(v.data[4:])
	if binary.BigEndian.Uint32(v.data)&^0xfff != avsMagic && n > maxBytes {
		n = binary.LittleEndian.Uint32(v.data[4:])
	}
	if n < minBytes || n > maxBytes {
		return d.damaged(linkHeader)
	}
	if len(v.data) < int(n) {
		return d.short(v, linkHeader)
	}
	return d.wireless(v.from(int(n)), 0, s)
}
