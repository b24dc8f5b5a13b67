package packet

import (
	"container/list"
	"encoding/binary"
	"time"

	"wirelag/reassembly/capture"
)

// Limits on the fragments that wait for the rest of their datagram. Where one
// bites, the oldest datagrams give way, or the datagram that has too many
// fragments, and Stats counts them. The memory is twice what Linux allows a
// network namespace by default.
const (
	// fragmentTimeout is how long a datagram may take to become whole, by the
	// packets' times (RFC 791 §3.2 and Linux; RFC 8200 §4.5 allows 60 s).
	fragmentTimeout = 30 * time.Second
	// maxDatagrams bounds the incomplete datagrams.
	maxDatagrams = 4096
	// maxFragmentBytes bounds the memory of their fragments.
	maxFragmentBytes = 8 << 20
	// maxPieces bounds the fragments of one datagram: 64 KiB in packets of 576
	// bytes, a small MTU, are 120.
	maxPieces = 1024
	// maxFragmentEnd is where a fragment may end at most.
	maxFragmentEnd = 65535
)

// fragments holds the datagrams of which not all fragments came yet.
//
// Where fragments overlap, the first copy of a byte wins in IPv4, and fragments
// that contradict it are counted; in IPv6 the datagram is dropped, with
// the fragments still to come, unless they are copies of each other (RFC 5722,
// RFC 8200 §4.5).
type fragments struct {
	waiting map[datagramKey]*list.Element
	queue   list.List // of *datagram, the longest waiting first
	bytes   int

	reassembled, timedOut, evicted, conflicting uint64
	conflictingFragments                        uint64
}

// datagramKey identifies a datagram (RFC 791 §3.2, RFC 8200 §4.5).
type datagramKey struct {
	src, dst address
	id       uint32
	protocol uint8 // IPv4 alone: IPv6 takes that of the first fragment
	ipv6     bool
}

// fragment is a fragment as it came.
type fragment struct {
	view
	offset   int
	more     bool // it is not the last
	protocol uint8
}

func (d *Decoder) ipv4Fragment(header []byte, v view, s *Segment) Kind {
	bits := binary.BigEndian.Uint16(header[6:])
	key := datagramKey{
		src: s.Src.addr, dst: s.Dst.addr, protocol: header[9],
		id: uint32(binary.BigEndian.Uint16(header[4:])),
	}
	return d.fragment(key, fragment{
		view: v, protocol: header[9],
		offset: int(bits&ipv4FragmentOffset) * 8,
		more:   bits&ipv4MoreFragments != 0,
	}, s)
}

func (d *Decoder) ipv6Fragment(v view, s *Segment) Kind {
	if !d.deeper() {
		return d.blocked(tooManyLayers)
	}
	const headerBytes = 8
	b := v.data
	if len(b) < headerBytes {
		return d.short(v, extensionHeader)
	}
	v = v.from(headerBytes)
	bits := binary.BigEndian.Uint16(b[2:])
	offset, more := int(bits&^7), bits&1 != 0
	if offset == 0 && !more { // RFC 6946: nothing to wait for
		return d.extensions(b[0], v, s)
	}
	key := datagramKey{src: s.Src.addr, dst: s.Dst.addr, id: binary.BigEndian.Uint32(b[4:]), ipv6: true}
	return d.fragment(key, fragment{v, offset, more, b[0]}, s)
}

// fragment adds a fragment and goes on with its datagram if that is whole now.
func (d *Decoder) fragment(key datagramKey, fr fragment, s *Segment) Kind {
	end := fr.offset + fr.length
	if fr.length == 0 || fr.more && fr.length%8 != 0 || end > maxFragmentEnd {
		return d.blocked(badFragment)
	}
	v, protocol, ok := d.fragments.add(key, fr, s.Time)
	switch {
	case !ok:
		return Fragment
	case key.ipv6:
		return d.extensions(protocol, v, s)
	}
	return d.transport(protocol, v, s)
}

// add adds a fragment that came at now. If it completes its datagram, it returns
// that and the protocol of its payload.
func (f *fragments) add(key datagramKey, fr fragment, now capture.Time) (view, uint8, bool) {
	f.expire(now)
	element := f.waiting[key]
	if element == nil {
		element = f.open(key, now)
	}
	g := element.Value.(*datagram)
	if g.dropped {
		return view{}, 0, false
	}
	before := g.memory()
	switch g.insert(fr) {
	case contradicts:
		f.conflictingFragments++
	case hopeless:
		g.drop()
		f.conflicting++
	case crowded:
		g.drop()
		f.evicted++
	}
	f.bytes += g.memory() - before
	if g.whole() {
		f.remove(element)
		f.reassembled++
		return view{g.assemble(), g.length}, g.protocol, true
	}
	for f.bytes > maxFragmentBytes {
		f.giveUp(&f.evicted)
	}
	return view{}, 0, false
}

// open begins a datagram.
func (f *fragments) open(key datagramKey, now capture.Time) *list.Element {
	if f.waiting == nil {
		f.waiting = map[datagramKey]*list.Element{}
	}
	for f.queue.Len() >= maxDatagrams {
		f.giveUp(&f.evicted)
	}
	element := f.queue.PushBack(&datagram{key: key, first: now})
	f.waiting[key] = element
	return element
}

// expire gives up the datagrams that waited too long.
func (f *fragments) expire(now capture.Time) {
	for e := f.queue.Front(); e != nil && now.Sub(e.Value.(*datagram).first) > fragmentTimeout; e = f.queue.Front() {
		f.giveUp(&f.timedOut)
	}
}

// giveUp removes the datagram that waits longest, for a reason that is counted.
func (f *fragments) giveUp(reason *uint64) {
	element := f.queue.Front()
	if !element.Value.(*datagram).dropped {
		*reason++
	}
	f.remove(element)
}

func (f *fragments) remove(element *list.Element) {
	g := f.queue.Remove(element).(*datagram)
	f.bytes -= g.memory()
	delete(f.waiting, g.key)
}

// describe fills in what s says of fragments.
func (f *fragments) describe(s *Stats) {
	s.ReassembledDatagrams = f.reassembled
	s.TimedOutDatagrams = f.timedOut
	s.EvictedDatagrams = f.evicted
	s.ConflictingDatagrams = f.conflicting
	s.ConflictingFragments = f.conflictingFragments
	s.IncompleteDatagrams = f.timedOut + f.evicted + f.conflicting
	for e := f.queue.Front(); e != nil; e = e.Next() {
		if !e.Value.(*datagram).dropped {
			s.IncompleteDatagrams++
		}
	}
}
