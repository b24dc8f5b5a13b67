package packet

import "encoding/binary"

const tcpHeaderBytes = 20

// tcp reads a TCP header (RFC 9293 §3.1) into s; the addresses are there already.
func (d *Decoder) tcp(v view, s *Segment) Kind {
	b := v.data
	if len(b) < tcpHeaderBytes {
		return d.short(v, tcpHeader)
	}
	header := int(b[12]>>4) * 4
	if header < tcpHeaderBytes || header > v.length {
		return d.damaged(tcpHeader)
	}
	s.Src.port = binary.BigEndian.Uint16(b)
	s.Dst.port = binary.BigEndian.Uint16(b[2:])
	s.Seq = binary.BigEndian.Uint32(b[4:])
	s.Ack = binary.BigEndian.Uint32(b[8:])
	s.Flags = Flags(b[13])
	s.Window = binary.BigEndian.Uint16(b[14:])
	s.Options = Options{}
	s.Options.parse(b[tcpHeaderBytes:min(header, len(b))])
	s.Checksum = ChecksumUnverified
	if !v.cut() && v.length <= maxVerified {
		s.Checksum = verify(b, s)
	}
	d.counters.checksums[s.Checksum]++
	if len(b) < header {
		d.counters.cutOptions++
		s.Options.Cut = true
		header, v.length = len(b), v.length-(header-len(b))
	}
	s.Length = uint32(v.length - header)
	s.Payload = b[header:]
	s.Cut = len(b) < v.length
	return TCP
}

// Option kinds (https://www.iana.org/assignments/tcp-parameters).
const (
	optionEnd           = 0
	optionNoOperation   = 1
	optionMSS           = 2
	optionWindowScale   = 3
	optionSACKPermitted = 4
	optionSACK          = 5
	optionTimestamps    = 8
	optionFastOpen      = 34
	optionExperiment1   = 253
	optionExperiment2   = 254
)

// parse reads the options in b, up to the first that is malformed or cut.
func (o *Options) parse(b []byte) {
	const onlyTimestamps = optionNoOperation<<24 | optionNoOperation<<16 | optionTimestamps<<8 | 10
	if len(b) == 12 && binary.BigEndian.Uint32(b) == onlyTimestamps {
		o.setTimestamps(b[4:])
		return
	}
	for len(b) > 0 && b[0] != optionEnd {
		if b[0] == optionNoOperation {
			b = b[1:]
			continue
		}
		if len(b) < 2 {
			return
		}
		n := int(b[1])
		if n < 2 || n > len(b) {
			return
		}
		o.set(b[0], b[2:n])
		b = b[n:]
	}
}

// set takes the option of a kind with the given value, unless its length is wrong.
func (o *Options) set(kind byte, value []byte) {
	const (
		maxWindowScale     = 14     // RFC 7323 §2.3: to be used in place of more
		fastOpenExperiment = 0xf989 // RFC 7413 Appendix B
	)
	switch kind {
	case optionMSS:
		if len(value) == 2 {
			o.MSS = binary.BigEndian.Uint16(value)
		}
	case optionWindowScale:
		if len(value) == 1 {
			o.HasWindowScale, o.WindowScale = true, min(value[0], maxWindowScale)
		}
	case optionSACKPermitted:
		o.SACKPermitted = true
	case optionSACK:
		o.setSACK(value)
	case optionTimestamps:
		if len(value) == 8 {
			o.setTimestamps(value)
		}
	case optionFastOpen:
		o.FastOpen = true
	case optionExperiment1, optionExperiment2:
		if len(value) >= 2 && binary.BigEndian.Uint16(value) == fastOpenExperiment {
			o.FastOpen = true
		}
	}
}

func (o *Options) setTimestamps(b []byte) {
	o.HasTimestamps = true
	o.TSVal = binary.BigEndian.Uint32(b)
	o.TSEcr = binary.BigEndian.Uint32(b[4:])
}

// setSACK takes the blocks of a SACK option (RFC 2018 §3); there is no room for
// more than four.
func (o *Options) setSACK(b []byte) {
	if len(b)%8 != 0 {
		return
	}
	o.SACKCount = 0
	for ; len(b) > 0 && int(o.SACKCount) < len(o.SACK); b = b[8:] {
		o.SACK[o.SACKCount] = Block{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
		o.SACKCount++
	}
}
