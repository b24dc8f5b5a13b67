package filter

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"wirelag/reassembly/capture"
)

// batches is a Source of batches of packets.
type batches struct {
	files   []*capture.File
	batches [][]capture.Packet
	end     error
}

func (s *batches) Read(b *capture.Batch) error {
	b.Packets, b.Now = b.Packets[:0], 0
	if len(s.batches) == 0 {
		return s.end
	}
	b.Packets = append(b.Packets, s.batches[0]...)
	s.batches = s.batches[1:]
	return nil
}

func (s *batches) Files() []*capture.File { return s.files }
func (s *batches) Close() error           { return nil }

// ethernetFrame has an EtherType, and a tag in front of it if tagged.
func ethernetFrame(etherType uint16, tagged bool) []byte {
	data := make([]byte, 12)
	if tagged {
		data = append(data, 0x81, 0, 0, 5)
	}
	return append(binary.BigEndian.AppendUint16(data, etherType), make([]byte, 46)...)
}

func TestApply(t *testing.T) {
	ethernet := &capture.Interface{LinkType: capture.LinkTypeEthernet}
	radio := &capture.Interface{LinkType: capture.LinkTypeIEEE80211Radio}
	number := uint64(0)
	packet := func(in *capture.Interface, data []byte, dropped uint32) capture.Packet {
		number++
		return capture.Packet{
			Mark: capture.Mark{Time: capture.Time(1000 * number), Frame: capture.NewFrame(0, number)},
			Data: data, Length: uint32(len(data)), Interface: in, Dropped: dropped,
		}
	}
	failure := errors.New("the disk failed")
	src := &batches{files: []*capture.File{{}}, end: failure, batches: [][]capture.Packet{
		{
			packet(ethernet, ethernetFrame(etherARP, false), 2), packet(ethernet, ethernetFrame(etherIPv4, false), 1),
			packet(radio, ethernetFrame(etherIPv4, false), 3), packet(ethernet, ethernetFrame(etherIPv4, true), 0),
		},
		{packet(ethernet, ethernetFrame(etherARP, false), 0)},
		{packet(ethernet, ethernetFrame(etherIPv4, false), 0), packet(ethernet, ethernetFrame(etherIPv6, false), 1<<32-1)},
		{packet(ethernet, ethernetFrame(etherIPv6, false), 5), packet(ethernet, ethernetFrame(etherIPv4, false), 0)},
	}}
	e, err := Parse("ip")
	if err != nil {
		t.Fatal(err)
	}
	type kept struct {
		number  uint64
		dropped uint32
	}
	want := []struct {
		packets []kept
		now     capture.Time
	}{
		{nil, 1000},
		{[]kept{{2, 3}}, 4000},
		{nil, 5000},
		{[]kept{{6, 3}}, 7000},
		{[]kept{{9, 1<<32 - 1}}, 9000},
	}
	filtered := Apply(src, e)
	var b capture.Batch
	for i, want := range want {
		if err := filtered.Read(&b); err != nil {
			t.Fatal(err)
		}
		var got []kept
		for _, p := range b.Packets {
			got = append(got, kept{p.Frame.Number(), p.Dropped})
		}
		if !slices.Equal(got, want.packets) || b.Now != want.now {
			t.Errorf("batch %d: %v until %d, want %v until %d", i, got, b.Now, want.packets, want.now)
		}
	}
	if err := filtered.Read(&b); err != failure || len(b.Packets) != 0 {
		t.Errorf("at the end: %v, %d packets", err, len(b.Packets))
	}
	f := filtered.Files()[0]
	if f.Filtered != 5 || f.FilteredTags != 1 || f.Unfilterable != 1 ||
		f.UnfilterableWhy != "there are no filters for frames of link type ieee802-11-radiotap" {
		t.Errorf("counted %+v", f)
	}
}

// Tags that are asked for are not what is wrong with a frame.
func TestTagsAskedFor(t *testing.T) {
	p := capture.Packet{Data: ethernetFrame(etherIPv4, true), Interface: &capture.Interface{LinkType: capture.LinkTypeEthernet}}
	for text, want := range map[string]uint64{"ip": 1, "vlan 6": 0} {
		e, _ := Parse(text)
		src := Apply(&batches{files: []*capture.File{{}}, end: io.EOF, batches: [][]capture.Packet{{p}}}, e)
		for b := new(capture.Batch); src.Read(b) == nil; {
		}
		if f := src.Files()[0]; f.Filtered != 1 || f.FilteredTags != want {
			t.Errorf("%s: %d of %d packets", text, f.FilteredTags, f.Filtered)
		}
	}
}

func TestNothingToFilter(t *testing.T) {
	e, _ := Parse("tcp")
	if err := Apply(&batches{end: io.EOF}, e).Read(new(capture.Batch)); err != io.EOF {
		t.Error(err)
	}
}

// A file with as many interfaces as it may have, of all link types, is compiled
// for once a link type.
func TestManyInterfaces(t *testing.T) {
	const interfaces = 1 << 16
	e, _ := Parse("ip or tcp port 80")
	file := &capture.File{}
	s := Apply(&batches{files: []*capture.File{file}, end: io.EOF}, e).(*filtered)
	for i := range 2 * interfaces {
		in := &capture.Interface{LinkType: capture.LinkType(i)}
		s.keeps(&capture.Packet{Data: []byte{0x45}, Length: 1, Interface: in}, file)
	}
	programs := 0
	for _, p := range s.programs {
		if p != nil {
			programs++
		}
	}
	if programs != 10 || len(s.programs) > interfaces || file.Filtered+file.Unfilterable+8 != 2*interfaces {
		t.Errorf("%d programs; %d packets left out, %d of them unfilterable", programs, file.Filtered, file.Unfilterable)
	}
}

// What is kept costs no memory.
func TestKeepingAllocatesNothing(t *testing.T) {
	e, _ := Parse("tcp port 80 or net 10.0.0.0/8")
	file := &capture.File{}
	s := Apply(&batches{files: []*capture.File{file}}, e).(*filtered)
	frames := framesOf(capture.LinkTypeEthernet)
	in := &capture.Interface{LinkType: capture.LinkTypeEthernet}
	s.keeps(&capture.Packet{Interface: in}, file)
	if n := testing.AllocsPerRun(100, func() {
		for _, f := range frames {
			s.keeps(&capture.Packet{Data: f.data, Length: f.length, Interface: in}, file)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	frames := framesOf(capture.LinkTypeEthernet)
	for _, text := range []string{"tcp port 80", "host 10.0.0.1 and tcp port 80 and not net 192.168.0.0/16", "port 80" + strings.Repeat(" or 8080", 50)} {
		b.Run(text[:11], func(b *testing.B) {
			p := compiled(b, text, capture.LinkTypeEthernet)
			for i := 0; b.Loop(); i++ {
				f := &frames[i%len(frames)]
				p.Match(f.data, f.length)
			}
		})
	}
}
