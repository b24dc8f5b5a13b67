package capture

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Writer writes packets as pcapng, with nanoseconds, what was dropped before
// each packet and, at the end, statistics. (gopacket's writer knows neither
// options of packets nor link types beyond 255.)
type Writer struct {
	w          io.Writer
	size       int64
	block      []byte
	interfaces map[*Interface]*written
	order      []*written
	from, to   Time // of the packets
}

// written is an interface of the file, with what was written of it.
type written struct {
	id               uint32
	packets, dropped uint64
}

const (
	optionPadding = 3

	optionApplication = 4
)

// NewWriter begins a file on w. The application is who writes it.
func NewWriter(w io.Writer, application string) (*Writer, error) {
	n := &Writer{w: w, interfaces: map[*Interface]*written{}}
	n.begin(blockSection)
	n.put32(sectionMagic)
	n.block = append(n.block, 1, 0, 0, 0)                                     // version 1.0
	n.block = append(n.block, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) // length unknown
	n.option(optionApplication, []byte(application))
	return n, n.end()
}

// Size is how many bytes were written.
func (n *Writer) Size() int64 { return n.size }

// Write writes packets.
func (n *Writer) Write(packets []Packet) error {
	for i := range packets {
		if err := n.packet(&packets[i]); err != nil {
			return err
		}
	}
	return nil
}

func (n *Writer) packet(p *Packet) error {
	in := n.interfaces[p.Interface]
	if in == nil {
		var err error
		if in, err = n.describe(p.Interface); err != nil {
			return err
		}
	}
	if len(n.order) == 1 && in.packets == 0 {
		n.from, n.to = p.Time, p.Time
	}
	n.from, n.to = min(n.from, p.Time), max(n.to, p.Time)
	in.packets++
	in.dropped += uint64(p.Dropped)
	n.begin(blockEnhanced)
	n.put32(in.id)
	n.putTime(p.Time)
	n.put32(uint32(len(p.Data)))
	n.put32(p.Length)
	n.block = append(n.block, p.Data...)
	n.pad()
	if p.Dropped > 0 {
		n.counter(optionPacketDropCount, uint64(p.Dropped))
		n.put32(optionEnd)
	}
	return n.end()
}

// describe writes the description of an interface.
func (n *Writer) describe(of *Interface) (*written, error) {
	in := &written{id: uint32(len(n.order))}
	n.interfaces[of] = in
	n.order = append(n.order, in)
	n.begin(blockInterface)
	n.put32(uint32(of.LinkType))
	n.put32(of.Snaplen)
	n.option(optionInterfaceName, []byte(of.Name))
	n.option(optionInterfaceResolution, []byte{9})
	n.put32(optionEnd)
	return in, n.end()
}

// Finish ends the file with statistics. So many packets were dropped besides
// those that packets tell of, and the recording went on until then, if that is
// later than the last packet.
func (n *Writer) Finish(dropped uint64, until Time) error {
	until = max(until, n.to)
	for _, in := range n.order {
		in.dropped += dropped
		dropped = 0
		n.begin(blockStatistics)
		n.put32(in.id)
		n.putTime(until)
		n.timeOption(optionStatisticsStart, n.from)
		n.timeOption(optionStatisticsEnd, until)
		n.counter(optionStatisticsReceived, in.packets+in.dropped)
		n.counter(optionStatisticsInterfaceDrop, in.dropped)
		n.put32(optionEnd)
		if err := n.end(); err != nil {
			return err
		}
	}
	return nil
}

// begin begins a block, whose length end fills in.
func (n *Writer) begin(kind uint32) {
	n.block = n.block[:0]
	n.put32(kind)
	n.put32(0)
}

func (n *Writer) end() error {
	length := uint32(len(n.block) + 4)
	n.put32(length)
	binary.LittleEndian.PutUint32(n.block[4:], length)
	written, err := n.w.Write(n.block)
	n.size += int64(written)
	if err != nil {
		return fmt.Errorf("write pcapng: %w", err)
	}
	return nil
}

func (n *Writer) put32(v uint32) { n.block = binary.LittleEndian.AppendUint32(n.block, v) }

// putTime writes a time as a block does, the upper half first.
func (n *Writer) putTime(t Time) {
	n.put32(uint32(uint64(t) >> 32))
	n.put32(uint32(t))
}

func (n *Writer) pad() {
	for len(n.block)&optionPadding != 0 {
		n.block = append(n.block, 0)
	}
}

func (n *Writer) option(code uint16, value []byte) {
	n.block = binary.LittleEndian.AppendUint16(n.block, code)
	n.block = binary.LittleEndian.AppendUint16(n.block, uint16(len(value)))
	n.block = append(n.block, value...)
	n.pad()
}

func (n *Writer) counter(code uint16, v uint64) {
	n.option(code, binary.LittleEndian.AppendUint64(nil, v))
}

func (n *Writer) timeOption(code uint16, t Time) {
	value := binary.LittleEndian.AppendUint32(nil, uint32(uint64(t)>>32))
	n.option(code, binary.LittleEndian.AppendUint32(value, uint32(t)))
}
