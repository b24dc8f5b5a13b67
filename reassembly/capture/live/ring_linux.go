package live

import (
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"wirelag/reassembly/capture"
)

// ring is the memory that the kernel writes packets to, block by block
// (Documentation/networking/packet_mmap.rst). A block that was handed out is
// lent to a batch until that is read into again: fewer batches than there are blocks
// may be under way, and they are to be read into in turn.
type ring struct {
	memory     []byte
	blocks     int
	blockBytes int
	next       int // the block that is handed over next
	lent       map[*capture.Batch]int
	origins    *origins
	owed       uint64 // packets that were dropped, of which no packet tells yet
}

// newRing makes the kernel fill a ring of about so many bytes.
func newRing(socket, bytes int, origins *origins) (*ring, error) {
	size := blockBytes
	for size > leastBlockBytes && bytes < size*leastBlocks {
		size /= 2
	}
	blocks := max(bytes/size, leastBlocks)
	request := &unix.TpacketReq3{
		Block_size: uint32(size), Block_nr: uint32(blocks),
		Frame_size: frameBytes, Frame_nr: uint32(blocks * (size / frameBytes)),
		Retire_blk_tov: retireMillis,
	}
	if err := unix.SetsockoptTpacketReq3(socket, unix.SOL_PACKET, unix.PACKET_RX_RING, request); err != nil {
		return nil, fmt.Errorf("get a buffer of %d KiB: %w", blocks*size>>10, err)
	}
	memory, err := unix.Mmap(socket, 0, blocks*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the buffer: %w", err)
	}
	return &ring{memory: memory, blocks: blocks, blockBytes: size, lent: map[*capture.Batch]int{}, origins: origins}, nil
}

// block returns the memory of a block, and its header.
func (r *ring) block(number int) ([]byte, *unix.TpacketHdrV1) {
	b := r.memory[number*r.blockBytes:][:r.blockBytes]
	const header = unsafe.Offsetof(unix.TpacketBlockDesc{}.Hdr)
	return b, (*unix.TpacketHdrV1)(unsafe.Pointer(&b[header]))
}

// ready reports whether the kernel has handed the next block over.
func (r *ring) ready() bool { return r.status()&unix.TP_STATUS_USER != 0 }

// losing reports whether packets were dropped when the next block was closed, and
// not asked about until then.
func (r *ring) losing() bool { return r.status()&unix.TP_STATUS_LOSING != 0 }

func (r *ring) status() uint32 {
	_, header := r.block(r.next)
	return atomic.LoadUint32(&header.Block_status)
}

// hand lends the next block, which is ready, to b.
func (r *ring) hand(b *capture.Batch) {
	memory, header := r.block(r.next)
	offset := header.Offset_to_first_pkt
	for range header.Num_pkts {
		frame := memory[offset:]
		h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&frame[0]))
		if p, ok := r.packet(frame, h); ok {
			b.Packets = append(b.Packets, p)
		}
		offset += h.Next_offset
	}
	if len(b.Packets) > 0 {
		b.Packets[0].Dropped = r.share(header.Block_status&unix.TP_STATUS_LOSING != 0)
	}
	r.lent[b] = r.next
	r.next = (r.next + 1) % r.blocks
}

// share is how many of the dropped packets the next block tells of. When several
// blocks were closed before the kernel was asked, there may have been losses
// before each of them: each tells of some.
func (r *ring) share(losing bool) uint32 {
	n := r.owed
	if losing {
		n -= n / 2
	}
	n = min(n, math.MaxUint32)
	r.owed -= n
	return uint32(n)
}

// release gives the block that b had back to the kernel.
func (r *ring) release(b *capture.Batch) {
	if number, ok := r.lent[b]; ok {
		delete(r.lent, b)
		_, header := r.block(number)
		atomic.StoreUint32(&header.Block_status, unix.TP_STATUS_KERNEL)
	}
}

// addressOffset is where the address of a packet stands behind the beginning of
// its header.
const addressOffset = (unix.SizeofTpacket3Hdr + unix.TPACKET_ALIGNMENT - 1) &^ (unix.TPACKET_ALIGNMENT - 1)

// packet reads a packet of the ring; ok is false for those that are left out.
func (r *ring) packet(frame []byte, h *unix.Tpacket3Hdr) (capture.Packet, bool) {
	address := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&frame[addressOffset]))
	in := r.origins.of(address)
	if in == nil {
		return capture.Packet{}, false
	}
	begin, end := uint32(h.Mac), uint32(h.Mac)+h.Snaplen
	length := h.Len
	if in.LinkType == capture.LinkTypeRaw {
		skip := min(uint32(h.Net)-min(uint32(h.Mac), uint32(h.Net)), h.Snaplen)
		begin, length = begin+skip, length-skip
	} else if in.LinkType == capture.LinkTypeEthernet && h.Status&unix.TP_STATUS_VLAN_VALID != 0 && h.Snaplen >= vlanOffset {
		begin -= putTag(frame[:end], begin, h)
		length += vlanBytes
	}
	return capture.Packet{
		Mark:      capture.Mark{Time: capture.Time(int64(h.Sec)*1e9 + int64(h.Nsec))},
		Data:      frame[begin:end:end],
		Length:    length,
		Interface: in,
	}, true
}

// Where a VLAN tag stands in an Ethernet frame, and how long it is (IEEE 802.1Q).
const (
	vlanOffset = 12
	vlanBytes  = 4
)

// putTag puts the VLAN tag that the kernel took off back into the frame that
// begins at begin. It returns by how much the frame begins earlier now.
func putTag(frame []byte, begin uint32, h *unix.Tpacket3Hdr) uint32 {
	kind := uint16(unix.ETH_P_8021Q)
	if h.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		kind = h.Hv1.Vlan_tpid
	}
	copy(frame[begin-vlanBytes:], frame[begin:begin+vlanOffset])
	tag := frame[begin-vlanBytes+vlanOffset:]
	tag[0], tag[1] = byte(kind>>8), byte(kind)
	tag[2], tag[3] = byte(h.Hv1.Vlan_tci>>8), byte(h.Hv1.Vlan_tci)
	return vlanBytes
}

func (r *ring) close() error {
	if err := unix.Munmap(r.memory); err != nil {
		return fmt.Errorf("unmap the buffer: %w", err)
	}
	return nil
}
