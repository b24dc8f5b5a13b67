package reassembly

import (
	"encoding/binary"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	gopacketreassembly "github.com/google/gopacket/reassembly"
)

// orderer brings stretches back into order with gopacket's assembler. Each
// stretch is a stream of its own there, begun by a synthetic SYN, and is given
// nothing but payload that does not overlap: no FIN, RST or bare ACK. Its
// sequence numbers are the stretch's own, so that they never wrap. The
// assembler tells how many bytes are in order; the bytes themselves, and the
// packets that carried them, are in the stretch's pieces.
type orderer struct {
	assembler *gopacketreassembly.Assembler
	segment   layers.TCP
	key       [8]byte
	clock     context
	stretches uint64
	ended     int // stretches that are over, but still known to the assembler
	ready     uint32
}

const (
	firstSequence = 1 << 24
	maxStretch    = 2 * farAhead
	forgetAfter   = 1 << 10 // ended stretches
)

// filler stands for bytes that are not known. It is never written to, so that it
// takes no memory.
var filler [1 << 24]byte

func newOrderer() *orderer {
	o := &orderer{}
	o.assembler = gopacketreassembly.NewAssembler(gopacketreassembly.NewStreamPool(o))
	return o
}

// begin starts a stretch at sequence number base.
func (o *orderer) begin(base uint32) *stretch {
	o.stretches++
	o.forget()
	st := &stretch{key: o.stretches, base: base}
	o.segment = layers.TCP{SYN: true, Seq: firstSequence - 1}
	o.assemble(st)
	return st
}

// push gives p to the assembler and returns how many bytes are in order with it,
// p included; 0 when p has to wait.
func (o *orderer) push(st *stretch, p piece) uint32 {
	payload := p.data
	if len(payload) < int(p.length) {
		payload = filler[:p.length]
	}
	return o.give(st, p.start, payload)
}

// fill closes the hole from one sequence number to another and returns how many
// bytes are in order with it, the hole included.
func (o *orderer) fill(st *stretch, from, to uint32) uint32 {
	ready := uint32(0)
	for from != to {
		n := min(to-from, uint32(len(filler)))
		ready += o.give(st, from, filler[:n])
		from += n
	}
	return ready
}

func (o *orderer) give(st *stretch, seq uint32, payload []byte) uint32 {
	o.segment = layers.TCP{Seq: firstSequence + (seq - st.base), BaseLayer: layers.BaseLayer{Payload: payload}}
	return o.assemble(st)
}

func (o *orderer) assemble(st *stretch) uint32 {
	binary.BigEndian.PutUint64(o.key[:], st.key)
	o.clock++
	o.ready = 0
	o.assembler.AssembleWithContext(gopacket.NewFlow(layers.EndpointIPv4, o.key[:], nil), &o.segment, o.clock)
	return o.ready
}

// done notes that a stretch is over.
func (o *orderer) done() { o.ended++ }

// forget frees the assembler's records of stretches that are over: those that
// hold nothing and got nothing since. It is put off until there are many, and
// more than go on, so that its cost stays in proportion.
func (o *orderer) forget() {
	if o.ended < forgetAfter {
		return
	}
	o.ended = 0
	o.assembler.FlushWithOptions(gopacketreassembly.FlushOptions{TC: o.clock.time()})
}

// context is the assembler's clock: it counts calls, since the capture's own
// clock may go backwards.
type context int64

func (c context) time() time.Time { return time.Unix(int64(c), 0) }

// GetCaptureInfo implements gopacket's AssemblerContext.
func (c context) GetCaptureInfo() gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: c.time()}
}

// New implements gopacket's StreamFactory.
func (o *orderer) New(_, _ gopacket.Flow, _ *layers.TCP, _ gopacketreassembly.AssemblerContext) gopacketreassembly.Stream {
	return o
}

// Accept implements gopacket's Stream.
func (o *orderer) Accept(*layers.TCP, gopacket.CaptureInfo, gopacketreassembly.TCPFlowDirection, gopacketreassembly.Sequence, *bool, gopacketreassembly.AssemblerContext) bool {
	return true
}

// ReassembledSG implements gopacket's Stream: what it is given is in order.
func (o *orderer) ReassembledSG(sg gopacketreassembly.ScatterGather, _ gopacketreassembly.AssemblerContext) {
	n, _ := sg.Lengths()
	o.ready += uint32(n)
}

// ReassemblyComplete implements gopacket's Stream.
func (o *orderer) ReassemblyComplete(gopacketreassembly.AssemblerContext) bool { return true }
