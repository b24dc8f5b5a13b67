package capture

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// File describes one input and what was lost of it. It must not be copied.
type File struct {
	Name      string // as given on the command line; "-" for standard input
	Format    Format
	LinkTypes []LinkType // of its interfaces, in order of first appearance
	Snaplen   uint32     // the largest of its interfaces; 0 when unlimited
	Packets   uint64
	Bytes     uint64 // captured bytes of the packets' data
	First     Time   // earliest and latest time of its packets
	Last      Time
	// Interfaces is how many interfaces were described, those of all sections counted.
	Interfaces int
	// ClockOffset is by how much the clock of the input was found to be ahead: it
	// was taken off the times of its packets, but not off First and Last.
	ClockOffset time.Duration

	CutPackets uint64 // packets of which the snaplen cut bytes
	// Dropped is how many packets the capturing kernel or program dropped, as
	// the file says: per interface the last statistics or the sum of what
	// packets say was lost before them, whichever is more.
	Dropped       uint64
	ClockBackward uint64   // packets whose time lies before that of the packet before, as the input has them
	Timeless      uint64   // packets without a time: they have that of the packet before, in the same input
	Secrets       [][]byte // TLS key log text of pcapng decryption secrets blocks
	// Filtered is how many packets a filter left out, FilteredTags how many of them
	// have a VLAN tag that it does not ask for. Unfilterable is how many others it
	// left out because it does not go with their link type, and UnfilterableWhy says
	// why for one of those link types.
	Filtered        uint64
	FilteredTags    uint64
	Unfilterable    uint64
	UnfilterableWhy string
	// Limits has the bounds that bit, by name, and how often something was
	// skipped or cut because of them:
	//
	//	packet-bytes  a packet's data beyond 1 MiB was cut off
	//	block-bytes   the options of a pcapng interface or its statistics beyond 4 MiB were ignored
	//	interfaces    an interface beyond the 65,536th of a pcapng section was ignored
	//	secrets       a secrets block did not fit into the 4 MiB kept of an input
	Limits map[string]uint64
	// Damage says why reading stopped before the end of the input ("" if it did
	// not): it ends inside a record, a compressed stream is cut or corrupt, a
	// block contradicts itself, the disk failed.
	Damage string
	// DamageAt is the number of the packet after which Damage was met.
	DamageAt uint64

	linkTypes  map[LinkType]struct{} // LinkTypes as a set: a hostile file has 65,536 of them
	unlimited  bool                  // an interface without snaplen was seen
	latest     Time                  // of the packet counted last
	begun, end Time                  // of its recording, as statistics say; 0 where they do not
	excerpt    bool                  // statistics speak of other packets than there are
	read, size atomic.Int64

	reread, resize atomic.Int64 // the same of Reopen
}

// The names of the bounds, as in File.Limits.
const (
	limitPacketBytes = "packet-bytes"
	limitBlockBytes  = "block-bytes"
	limitInterfaces  = "interfaces"
	limitSecrets     = "secrets"
)

// Progress says how many bytes of the input were read, of how many: as stored,
// before decompression. Size is 0 when it is unknown (a pipe). Any goroutine
// may call it at any time.
func (f *File) Progress() (read, size int64) {
	return f.read.Load() + f.reread.Load(), f.size.Load() + f.resize.Load()
}

// Series is the same for inputs whose names differ in digits alone, as writers name the
// pieces of a capture, and in how they were compressed since.
func (f *File) Series() string {
	name := f.Name
	switch extension := filepath.Ext(name); extension {
	case ".gz", ".zst", ".xz", ".lz4":
		name = strings.TrimSuffix(name, extension)
	}
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, name)
}

// limited counts that the bound of that name bit.
func (f *File) limited(name string) {
	if f.Limits == nil {
		f.Limits = make(map[string]uint64)
	}
	f.Limits[name]++
}

// noteSpan notes when statistics say that they begin and end.
func (f *File) noteSpan(begin, end Time) {
	if f.begun == 0 || begin < f.begun {
		f.begun = begin
	}
	f.end = max(f.end, end)
}

// ended is when the recording of a file ended that was read whole, 0 if it does
// not say so, or if what it says is not about the packets that are in it: tools
// that cut files or move their times copy statistics as they are.
func (f *File) ended() Time {
	if f.Damage != "" || f.excerpt || f.begun == 0 || f.begun > f.First || f.end < f.Last {
		return 0
	}
	return f.end
}

// Count adds packets, of which there is one at least, to the counters, and returns
// how many of them lie before the one before.
func (f *File) Count(packets []Packet) (backward int) {
	if f.Packets == 0 {
		f.First, f.Last = packets[0].Time, packets[0].Time
		f.latest = minTime
	}
	f.Packets += uint64(len(packets))
	before := f.latest
	for i := range packets {
		p := &packets[i]
		f.Bytes += uint64(len(p.Data))
		if uint64(len(p.Data)) < uint64(p.Length) {
			f.CutPackets++
		}
		if p.Time < before {
			backward++
			f.First = min(f.First, p.Time)
		} else if p.Time > f.Last {
			f.Last = p.Time
		}
		before = p.Time
	}
	f.latest = before
	f.ClockBackward += uint64(backward)
	return backward
}

// AddInterface notes the link type and the snaplen of a new interface.
func (f *File) AddInterface(in *Interface) {
	f.Interfaces++
	if _, known := f.linkTypes[in.LinkType]; !known {
		if f.linkTypes == nil {
			f.linkTypes = make(map[LinkType]struct{})
		}
		f.linkTypes[in.LinkType] = struct{}{}
		f.LinkTypes = append(f.LinkTypes, in.LinkType)
	}
	f.unlimited = f.unlimited || in.Snaplen == 0
	if f.unlimited {
		f.Snaplen = 0
		return
	}
	f.Snaplen = max(f.Snaplen, in.Snaplen)
}

// Format is a capture file format, or what stands in for one.
type Format uint8

// What packets are read from.
const (
	Pcap Format = iota + 1
	PcapNanosecond
	Pcapng
	// Live is no file: an interface.
	Live
)

func (f Format) String() string {
	switch f {
	case Pcap:
		return "pcap"
	case PcapNanosecond:
		return "pcap-ns"
	case Pcapng:
		return "pcapng"
	case Live:
		return "live"
	}
	return "unknown"
}
