package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"time"
)

// wire writes a pcap stream of IPv4 packets without a link layer.
type wire struct {
	out  *bufio.Writer
	now  time.Duration
	step time.Duration // between packets
	id   uint16
}

// pcapHeader begins a pcap stream of raw IP packets with nanoseconds.
var pcapHeader = []byte{0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0}

func newWire(w io.Writer) *wire {
	out := bufio.NewWriterSize(w, 64<<10)
	out.Write(pcapHeader)
	return &wire{out: out, step: 10 * time.Microsecond}
}

// packet writes an IPv4 packet.
func (w *wire) packet(b []byte) {
	w.now += w.step
	var head [16]byte
	binary.LittleEndian.PutUint32(head[:], uint32(1_700_000_000+w.now/time.Second))
	binary.LittleEndian.PutUint32(head[4:], uint32(w.now%time.Second))
	binary.LittleEndian.PutUint32(head[8:], uint32(len(b)))
	binary.LittleEndian.PutUint32(head[12:], uint32(len(b)))
	w.out.Write(head[:])
	w.out.Write(b)
}

// end is one end of a connection; seq is that of the next byte it sends.
type end struct {
	addr uint32
	port uint16
	seq  uint32
}

// client is the one numbered i of very many.
func client(i int) *end {
	return &end{addr: 10<<24 + uint32(i/60_000), port: uint16(1024 + i%60_000), seq: uint32(i) * 2654435761}
}

func server() *end { return &end{addr: 192<<24 | 168<<16 | 1, port: 80, seq: 5000} }

// TCP control bits (RFC 9293 §3.1).
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

const maxSegment = 1460

// send writes the next segment of from.
func (w *wire) send(from, to *end, flags byte, payload string) {
	w.sendAt(from, to, from.seq, flags, payload)
	from.seq += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		from.seq++
	}
}

// sendAt writes a segment anywhere.
func (w *wire) sendAt(from, to *end, seq uint32, flags byte, payload string) {
	var b [20 + 20 + maxSegment]byte
	size := 40 + copy(b[40:], payload)
	w.ip(b[:size], 6, from.addr, to.addr)
	binary.BigEndian.PutUint16(b[20:], from.port)
	binary.BigEndian.PutUint16(b[22:], to.port)
	binary.BigEndian.PutUint32(b[24:], seq)
	if flags&ack != 0 {
		binary.BigEndian.PutUint32(b[28:], to.seq)
	}
	b[32], b[33] = 0x50, flags
	binary.BigEndian.PutUint16(b[34:], 65535)
	w.packet(b[:size])
}

// ip fills in the header of an IPv4 packet.
func (w *wire) ip(b []byte, protocol byte, from, to uint32) {
	w.id++
	b[0], b[8], b[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[4:], w.id)
	binary.BigEndian.PutUint32(b[12:], from)
	binary.BigEndian.PutUint32(b[16:], to)
}

// datagram writes a UDP datagram.
func (w *wire) datagram(from, to *end, payload string) {
	b := make([]byte, 28+len(payload))
	copy(b[28:], payload)
	w.ip(b, 17, from.addr, to.addr)
	binary.BigEndian.PutUint16(b[20:], from.port)
	binary.BigEndian.PutUint16(b[22:], to.port)
	binary.BigEndian.PutUint16(b[24:], uint16(8+len(payload)))
	w.packet(b)
}

// open opens a connection.
func (w *wire) open(c, s *end) {
	w.send(c, s, syn, "")
	w.send(s, c, syn|ack, "")
	w.send(c, s, ack, "")
}

// write sends text in as few segments as it takes.
func (w *wire) write(from, to *end, text string) {
	for len(text) > 0 {
		n := min(len(text), maxSegment)
		w.send(from, to, ack|psh, text[:n])
		text = text[n:]
	}
}

// close closes a connection.
func (w *wire) close(c, s *end) {
	w.send(c, s, fin|ack, "")
	w.send(s, c, fin|ack, "")
	w.send(c, s, ack, "")
}
