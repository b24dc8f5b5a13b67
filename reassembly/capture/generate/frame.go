package generate

import (
	"encoding/binary"
	"math/bits"
)

// TCP control bits (RFC 9293 §3.1).
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

const (
	mss          = 1460
	payloadMax   = mss - timestampSize // RFC 6691: the MSS counts options as payload
	windowScale  = 7
	windowField  = 2048 // scaled 256 KiB: above what the congestion window ever lets out
	firstWindow  = 64240
	linkSize     = 14
	ipSize       = 20
	tcpSize      = 20
	udpSize      = 8
	headersSize  = linkSize + ipSize + tcpSize + timestampSize
	frameMax     = linkSize + ipSize + mss + tcpSize
	protocolTCP  = 6
	protocolUDP  = 17
	timeToLive   = 64
	dontFragment = 0x4000

	timestampSize = 12
	synSize       = 20 // MSS, SACK permitted, timestamps, window scale
	sackSize      = 12
)

// tcpHeader is what differs between the segments of a connection.
type tcpHeader struct {
	from         int
	flags        uint8
	seq, ack     uint32
	tsval, tsecr uint32
	sack         [2]uint32 // one block; none when empty
}

// appendTCP appends a frame with payload, which is written by fill.
func (c *connection) appendTCP(frame []byte, h tcpHeader, offset int64, size int) []byte {
	options := timestampSize
	if h.flags&syn != 0 {
		options = synSize
	} else if h.sack[0] != h.sack[1] {
		options += sackSize
	}
	start := len(frame)
	frame = c.appendIP(frame, h.from, protocolTCP, tcpSize+options+size)
	tcp := frame[start+linkSize+ipSize:]
	from, to := &c.sides[h.from], &c.sides[1-h.from]
	binary.BigEndian.PutUint16(tcp, from.port)
	binary.BigEndian.PutUint16(tcp[2:], to.port)
	binary.BigEndian.PutUint32(tcp[4:], h.seq)
	binary.BigEndian.PutUint32(tcp[8:], h.ack)
	window := uint16(windowField)
	if h.flags&syn != 0 {
		window = firstWindow
	}
	flags := uint32((tcpSize+options)/4)<<28 | uint32(h.flags)<<16 | uint32(window)
	binary.BigEndian.PutUint32(tcp[12:], flags)
	binary.BigEndian.PutUint32(tcp[16:], 0)
	h.putOptions(tcp[tcpSize:])
	c.message.fill(tcp[tcpSize+options:], offset)
	binary.BigEndian.PutUint16(tcp[16:], ^fold(sum(c.pseudoSum+protocolTCP+uint64(len(tcp)), tcp)))
	return frame
}

// putOptions writes the TCP options in the order that Linux has.
func (h *tcpHeader) putOptions(b []byte) {
	if h.flags&syn != 0 {
		binary.BigEndian.PutUint32(b, 2<<24|4<<16|mss)
		binary.BigEndian.PutUint32(b[4:], 4<<24|2<<16|8<<8|10) // SACK permitted, timestamps
		binary.BigEndian.PutUint32(b[8:], h.tsval)
		binary.BigEndian.PutUint32(b[12:], h.tsecr)
		binary.BigEndian.PutUint32(b[16:], 1<<24|3<<16|3<<8|windowScale)
		return
	}
	binary.BigEndian.PutUint32(b, 1<<24|1<<16|8<<8|10)
	binary.BigEndian.PutUint32(b[4:], h.tsval)
	binary.BigEndian.PutUint32(b[8:], h.tsecr)
	if h.sack[0] != h.sack[1] {
		binary.BigEndian.PutUint32(b[12:], 1<<24|1<<16|5<<8|10)
		binary.BigEndian.PutUint32(b[16:], h.sack[0])
		binary.BigEndian.PutUint32(b[20:], h.sack[1])
	}
}

// appendUDP appends a frame with a datagram of size bytes of the message.
func (c *connection) appendUDP(frame []byte, side int, offset int64, size int) []byte {
	start := len(frame)
	frame = c.appendIP(frame, side, protocolUDP, udpSize+size)
	udp := frame[start+linkSize+ipSize:]
	binary.BigEndian.PutUint16(udp, c.sides[side].port)
	binary.BigEndian.PutUint16(udp[2:], c.sides[1-side].port)
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	binary.BigEndian.PutUint16(udp[6:], 0)
	c.message.fill(udp[udpSize:], offset)
	check := ^fold(sum(c.pseudoSum+protocolUDP+uint64(len(udp)), udp))
	if check == 0 {
		check = 0xffff // RFC 768: zero says that there is none
	}
	binary.BigEndian.PutUint16(udp[6:], check)
	return frame
}

// appendIP appends the Ethernet and IPv4 headers and makes room for size bytes.
func (c *connection) appendIP(frame []byte, side int, protocol uint8, size int) []byte {
	start := len(frame)
	frame = frame[:start+linkSize+ipSize+size] // the callers leave room for frameMax
	from, to := &c.sides[side], &c.sides[1-side]
	b := frame[start : start+linkSize+ipSize]
	binary.BigEndian.PutUint16(b, 0x0200)
	binary.BigEndian.PutUint32(b[2:], to.addr)
	binary.BigEndian.PutUint16(b[6:], 0x0200)
	binary.BigEndian.PutUint32(b[8:], from.addr)
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	ip := b[linkSize:]
	from.ipid++
	binary.BigEndian.PutUint32(ip, 0x45<<24|uint32(ipSize+size))
	binary.BigEndian.PutUint32(ip[4:], uint32(from.ipid)<<16|dontFragment)
	binary.BigEndian.PutUint32(ip[8:], timeToLive<<24|uint32(protocol)<<16)
	binary.BigEndian.PutUint32(ip[12:], from.addr)
	binary.BigEndian.PutUint32(ip[16:], to.addr)
	total := c.pseudoSum + 0x4500 + uint64(ipSize+size) + uint64(from.ipid) + dontFragment +
		timeToLive<<8 + uint64(protocol)
	binary.BigEndian.PutUint16(ip[10:], ^fold(total))
	return frame
}

// sum adds b to an Internet checksum (RFC 1071) in the making. The sum does not
// depend on byte order but for a swap, so it is taken eight bytes at a time as
// they come.
func sum(total uint64, b []byte) uint64 {
	var words, carry uint64
	for ; len(b) >= 32; b = b[32:] {
		words, carry = bits.Add64(words, binary.LittleEndian.Uint64(b), carry)
		words, carry = bits.Add64(words, binary.LittleEndian.Uint64(b[8:]), carry)
		words, carry = bits.Add64(words, binary.LittleEndian.Uint64(b[16:]), carry)
		words, carry = bits.Add64(words, binary.LittleEndian.Uint64(b[24:]), carry)
	}
	for ; len(b) >= 8; b = b[8:] {
		words, carry = bits.Add64(words, binary.LittleEndian.Uint64(b), carry)
	}
	var rest [8]byte
	copy(rest[:], b)
	words, carry = bits.Add64(words, binary.LittleEndian.Uint64(rest[:]), carry)
	words, carry = bits.Add64(words, 0, carry)
	words += carry
	return total + uint64(bits.ReverseBytes16(fold(words)))
}

func fold(total uint64) uint16 {
	total = total>>32 + total&0xffffffff
	total = total>>16 + total&0xffff
	total = total>>16 + total&0xffff
	return uint16(total>>16 + total)
}
