// Package script reads captures written as text, for tests: a script goes in,
// packets come out, with sequence numbers, acknowledgements, IP identifications
// and checksums filled in from the course of each connection.
//
//	c 10.0.0.1:40000 > 10.0.0.2:80
//	0ms    c > SYN
//	20ms   c < SYN ACK
//	20ms   c > ACK
//	21ms   c > "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
//	1241ms c < "HTTP/1.1 204 No Content\r\n\r\n"     # want server-think-time "1.22s"
//
// A line is a directive, the declaration of a connection, or a packet. A # begins
// a comment.
//
// # Directives
//
// They stand before the first packet.
//
//	link ethernet               or raw, null, loop, sll, sll2
//	snaplen 96                  the capture holds 96 bytes of each frame at most
//	start 2026-01-01T00:00:00Z  the time 0ms (this is the default)
//
// # Connections
//
//	NAME CLIENT > SERVER [OPTION…]
//
// CLIENT and SERVER are 10.0.0.1:40000 or [2001:db8::1]:40000. Several names may
// stand for the same two endpoints: connections that follow one another. The
// options (where it says A/B, a single value holds for both sides, A/B for the
// client and the server):
//
//	isn=A/B     initial sequence numbers (default 1000000 and 3001000000 for the
//	            first connection, 2000000 and 3002000000 for the second, …)
//	mss=A/B     maximum segment size in SYNs (1460, with IPv6 1440; 0 leaves it out)
//	wscale=A/B  window scale in SYNs (default: none)
//	win=A/B     window in every segment, as on the wire (65535)
//	ttl=A/B     TTL or hop limit (64)
//	timestamps  every segment carries timestamps, of a clock of 1 ms
//	nosack      SYNs do not permit SACK
//	vlan=5,6    802.1Q tags, the outer first
//	udp         packets are datagrams: payload, no flags
//
// # Packets
//
//	TIME [lost|unseen] [again|dup] NAME DIRECTION [ITEM…]
//
// One line is one packet. TIME counts from the start (20ms, 1.5s) or, with a
// sign, from the line before (+20ms, -1ms); the packets of the capture stand in
// the order of their lines, whatever their times. DIRECTION is > from the client
// to the server, < from the server to the client.
//
//	lost    the packet was lost on its way to the capture point: it is neither
//	        captured nor received, and its TIME may be left out
//	unseen  the capture missed it, but it was received; TIME may be left out
//	again   the side's last segment that carried payload, SYN or FIN (lost ones
//	        included), or the one that began at seq=…, is sent again
//	dup     the side's last captured frame is captured once more, byte for byte
//
// What the sender sends next follows on what it sent; what it acknowledges is
// what it received in order. A connection whose SYN is not in the script is
// already open, its bytes start at the initial sequence number + 1.
//
// An item is payload, a flag, a word or an override. Payload is a Go string
// literal or repeat("x", 3000); several are joined. Flags are SYN ACK FIN RST PSH
// URG ECE CWR. ACK is set on all but SYN and RST, PSH where there is payload. The
// words:
//
//	dropped     the packet is captured, but lost behind the capture point: not received
//	keepalive   a keep-alive probe: sequence number − 1
//	zerowindow  win=0
//	noack nopsh without the flag that would be set
//	badsum      a wrong TCP or UDP checksum
//	partsum     the pseudo header's sum only, as with checksum offload
//	tfo         a TCP Fast Open option that asks for a cookie
//	split       the payload is cut into segments that fit the MSS; PSH on the last
//
// The overrides, where a POSITION is a number counted from the initial sequence
// number as packet analysers show it (1 is the first byte), +N or -N counted from
// what would be filled in, or @N as on the wire:
//
//	seq=POSITION  ack=POSITION
//	sack=[1461-2921,4381-5841]  SACK blocks; dsack=[1-1461] puts a block first
//	win=N mss=N wscale=N ttl=N ipid=N vlan=N,M
//	tsval=N tsecr=N  also where the connection has no timestamps
//	tfo=0011aabb     a TCP Fast Open cookie
//	split=N          segments of N bytes
//	every=1ms        the time between them
//	snaplen=N        the capture holds N bytes of this frame at most
//	drops=N          the capturing system says that it lost N packets before this one
//
// # Expectations
//
// A comment that begins with want is an expectation about the line's packet (its
// last, with split), such as
//
//	# want RULE "text"
//	# want key=value
//
// Several stand behind one another, each behind a # of its own. On a line without
// a captured packet it is about the capture as a whole.
package script

import (
	"wirelag/reassembly/capture"
)

// Script is a script that was read.
type Script struct {
	Packets   []capture.Packet // in the order of their lines, numbered from 1 in input 0
	Wants     []Want           // in the order of their lines
	Interface *capture.Interface
}

// Want is an expectation.
type Want struct {
	Frame capture.Frame // the packet it is about; zero: the whole capture
	Line  int           // in the script, from 1
	Text  string        // what follows the word want
}

// linkTypes are the link types by their names in scripts.
var linkTypes = map[string]capture.LinkType{
	"ethernet": capture.LinkTypeEthernet,
	"raw":      capture.LinkTypeRaw,
	"null":     capture.LinkTypeNull,
	"loop":     capture.LinkTypeLoop,
	"sll":      capture.LinkTypeLinuxSLL,
	"sll2":     capture.LinkTypeLinuxSLL2,
}
