package packet

import (
	"testing"
	"unsafe"

	"wirelag/reassembly/capture"
)

// FuzzDecode decodes a frame three times, so that fragments meet others.
func FuzzDecode(f *testing.F) {
	for _, e := range encapsulations {
		f.Add(e.data, uint16(e.link), uint32(len(e.data)))
	}
	segment := longSegment(60)
	f.Add(fragmentIPv4(1, segment, 0, 40), uint16(capture.LinkTypeRaw), uint32(60))
	f.Add(fragmentIPv6(1, segment, 40, 85), uint16(capture.LinkTypeRaw), uint32(1<<32-1))
	f.Fuzz(func(t *testing.T, data []byte, link uint16, length uint32) {
		var d Decoder
		p := frame(capture.LinkType(link), data)
		p.Length = length
		for round := range uint64(3) {
			var s Segment
			before := d.Stats().ReassembledDatagrams
			kind := d.Decode(p, &s)
			check(t, p, kind, &s)
			if (kind == TCP || kind == UDP) && !within(s.Payload, data) && d.Stats().ReassembledDatagrams == before {
				t.Error("payload is neither in the packet nor in a reassembled datagram")
			}
			if frames := d.Stats().Frames; frames[kind] == 0 || sumOf(frames[:]) != round+1 {
				t.Errorf("frames %v", frames)
			}
		}
		if d.fragments.bytes > maxFragmentBytes || len(d.fragments.waiting) != d.fragments.queue.Len() {
			t.Errorf("%d bytes, %d and %d datagrams", d.fragments.bytes, len(d.fragments.waiting), d.fragments.queue.Len())
		}
		// Frames cut in front of all they carry must not be read as more.
		half := *p
		half.Data, half.Length = data[:len(data)/2], max(length, uint32(len(data)))
		var s Segment
		check(t, &half, d.Decode(&half, &s), &s)
	})
}

// within reports whether b lies in the memory of whole.
func within(b, whole []byte) bool {
	if len(b) == 0 {
		return true
	}
	if len(whole) == 0 {
		return false
	}
	from := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	return from >= begin && from+uintptr(len(b)) <= begin+uintptr(len(whole))
}

func sumOf(counts []uint64) (total uint64) {
	for _, n := range counts {
		total += n
	}
	return total
}

// The plain path and the walk must agree wherever both know the answer.
func FuzzPlain(f *testing.F) {
	for _, e := range encapsulations {
		f.Add(e.data, uint16(e.link), uint32(len(e.data)))
	}
	f.Fuzz(func(t *testing.T, data []byte, link uint16, length uint32) {
		p := frame(capture.LinkType(link), data)
		p.Length = length
		var d, walk Decoder
		plain := Segment{Mark: p.Mark, Interface: p.Interface}
		kind := d.plain(p, &plain)
		if kind == notPlain {
			return
		}
		walked := Segment{Mark: p.Mark, Interface: p.Interface}
		if other := walk.link(p.Interface.LinkType, frameView(p), &walked); other != kind {
			t.Fatalf("kind %d, the walk says %d", kind, other)
		}
		if kind == TCP && (describe(&plain) != describe(&walked) || plain.Options != walked.Options ||
			plain.Checksum != walked.Checksum || plain.Cut != walked.Cut || plain.IPID != walked.IPID) {
			t.Errorf("%+v, the walk says %+v", plain, walked)
		}
	})
}
