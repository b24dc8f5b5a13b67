package filter

import (
	"encoding/binary"
	"math/rand/v2"

	"wirelag/reassembly/capture"
)

// frame is a captured frame.
type frame struct {
	data   []byte
	length uint32 // on the wire
}

// framesOf returns frames of a link type: TCP, UDP, SCTP, ICMP, fragments, IPv4
// options, IPv6 with extension headers, ARP, RARP, LLC, what is unknown, and on
// Ethernet with up to two VLAN tags. Every third is there once more, cut
// somewhere.
func framesOf(t capture.LinkType) []frame {
	r := rand.New(rand.NewPCG(1, uint64(t)))
	var frames []frame
	for range 240 {
		etherType, packet := networkPacket(r)
		data := link(r, t, etherType, packet)
		frames = append(frames, frame{data, uint32(len(data))})
		if len(frames)%3 == 0 {
			frames = append(frames, frame{data[:r.IntN(len(data)+1)], uint32(len(data))})
		}
	}
	return frames
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// link puts a link-layer header in front of a packet.
func link(r *rand.Rand, t capture.LinkType, etherType uint16, packet []byte) []byte {
	big := binary.BigEndian
	var h []byte
	switch t {
	case capture.LinkTypeEthernet:
		macs := []string{"\x00\x11\x22\x33\x44\x55", "\x02\x00\x00\x00\x00\x01", "\xff\xff\xff\xff\xff\xff", "\x01\x00\x5e\x00\x00\x01", "\x00\x11\x99\x33\x44\x55"}
		h = append(h, pick(r, macs...)+pick(r, macs...)...)
		for range max(r.IntN(5)-2, 0) {
			h = big.AppendUint16(h, pick[uint16](r, 0x8100, 0x8100, 0x88a8, 0x9100))
			h = big.AppendUint16(h, pick[uint16](r, 5, 10, 0x6005, 0x1000, 0xffff))
		}
		h = big.AppendUint16(h, etherType)
	case capture.LinkTypeLinuxSLL:
		h = append(h, 0, byte(r.IntN(5)), 0, 1, 0, 6, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0, 0)
		h = big.AppendUint16(h, etherType)
	case capture.LinkTypeLinuxSLL2:
		h = big.AppendUint16(h, etherType)
		h = append(h, 0, 0, 0, 0, 0, byte(r.IntN(4)), 0, 1, byte(r.IntN(5)), 6, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0, 0)
	case capture.LinkTypeNull:
		h = binary.LittleEndian.AppendUint32(h, family(r, etherType))
	case capture.LinkTypeLoop:
		h = big.AppendUint32(h, family(r, etherType))
	}
	return append(h, packet...)
}

func family(r *rand.Rand, etherType uint16) uint32 {
	switch etherType {
	case etherIPv4:
		return 2
	case etherIPv6:
		return pick[uint32](r, 24, 28, 30)
	}
	return 7
}

// networkPacket returns a packet and its EtherType.
func networkPacket(r *rand.Rand) (uint16, []byte) {
	switch n := r.IntN(20); {
	case n < 11:
		return etherIPv4, packetIPv4(r)
	case n < 16:
		return etherIPv6, packetIPv6(r)
	case n < 18:
		return pick[uint16](r, etherARP, etherRARP), packetARP(r)
	case n < 19:
		return 38, append([]byte{0x42, 0x42, 3}, make([]byte, 43)...) // spanning tree
	}
	return pick[uint16](r, 0x1234, 0x8847), packetIPv4(r)
}

func address4(r *rand.Rand) []byte {
	return []byte(pick(r, "\x0a\x00\x00\x01", "\x0a\x00\x00\x02", "\x0a\x01\x02\x03", "\xc0\xa8\x01\x07", "\xe0\x00\x00\x01", "\xff\xff\xff\xff", "\x00\x00\x00\x00"))
}

func address6(r *rand.Rand) []byte {
	return []byte(pick(r,
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02",
		"\x20\x01\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
		"\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
		"\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
	))
}

func packetIPv4(r *rand.Rand) []byte {
	protocol := pick[byte](r, 6, 6, 6, 6, 17, 17, 132, 1, 2, 47, 50)
	body := transport(r, protocol)
	words := pick(r, 5, 5, 5, 6, 15)
	p := []byte{0x40 | byte(words), pick[byte](r, 0, 0, 0x10)}
	p = binary.BigEndian.AppendUint16(p, uint16(4*words+len(body)))
	p = binary.BigEndian.AppendUint16(p, uint16(r.Uint32()))
	p = binary.BigEndian.AppendUint16(p, pick[uint16](r, 0, 0x4000, 0x4000, 0x4000, 0x2000, 0x2003, 0x0007))
	p = append(p, pick[byte](r, 1, 63, 64), protocol, 0, 0)
	p = append(append(p, address4(r)...), address4(r)...)
	p = append(p, make([]byte, 4*(words-5))...)
	return append(p, body...)
}

func packetIPv6(r *rand.Rand) []byte {
	protocol := pick[byte](r, 6, 6, 6, 17, 132, 58)
	body := transport(r, protocol)
	next := protocol
	switch r.IntN(6) {
	case 0: // a fragment header, of the first fragment or another
		body = append([]byte{protocol, 0, 0, pick[byte](r, 1, 0x19), 0, 0, 0, 9}, body...)
		next = 44
	case 1: // hop-by-hop options
		body = append([]byte{protocol, 0, 1, 4, 0, 0, 0, 0}, body...)
		next = 0
	}
	p := []byte{0x60, 0, 0, 0}
	p = binary.BigEndian.AppendUint16(p, uint16(len(body)))
	p = append(p, next, pick[byte](r, 1, 64))
	p = append(append(p, address6(r)...), address6(r)...)
	return append(p, body...)
}

func transport(r *rand.Rand, protocol byte) []byte {
	var p []byte
	switch protocol {
	case 6, 17, 132:
		for range 2 {
			p = binary.BigEndian.AppendUint16(p, pick[uint16](r, 80, 80, 443, 22, 53, 8000, 8050, 8100, 40000, 0, 65535))
		}
	case 1:
		p = append(p, pick[byte](r, 0, 3, 8, 11), byte(r.IntN(5)), 0, 0)
	case 58:
		p = append(p, pick[byte](r, 1, 2, 128, 129, 135, 136), byte(r.IntN(5)), 0, 0)
	}
	if protocol == 6 {
		p = append(p, 0, 0, 0, byte(r.IntN(4)), 0, 0, 0, 1)
		p = append(p, pick[byte](r, 0x50, 0x60, 0x80), pick[byte](r, 0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0xc2), 0x10, 0, 0, 0, 0, 0)
		p = append(p, make([]byte, int(p[12]>>4)*4-20)...)
		p = append(p, pick(r, "", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "\x16\x03\x01")...)
	}
	return append(p, make([]byte, pick(r, 0, 0, 1, 20, 200))...)
}

func packetARP(r *rand.Rand) []byte {
	p := []byte{0, 1, 8, 0, 6, 4, 0, pick[byte](r, 1, 2)}
	p = append(append(p, "\x00\x11\x22\x33\x44\x55"...), address4(r)...)
	return append(append(p, "\x00\x00\x00\x00\x00\x00"...), address4(r)...)
}
