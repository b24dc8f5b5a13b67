//go:build amd64 || 386

package live // gopacket/pcap knows no other architectures of Windows

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/google/gopacket/pcap"

	"wirelag/reassembly/capture"
)

const (
	// readTimeout is how long a read waits, and so how long Stop takes.
	readTimeout = 50 * time.Millisecond
	// batchBytes is about how much a batch holds.
	batchBytes = 1 << 20
	snaplen    = 1 << 18
)

// device is a capture of Npcap.
type device struct {
	handle  *pcap.Handle
	in      *capture.Interface
	buffers map[*capture.Batch][]byte
	dropped int // as Npcap counts
}

func openDevice(in Interface, o *Options, file *capture.File) (*device, error) {
	handle, err := activate(in.Name, o)
	if err != nil {
		return nil, err
	}
	d := &device{handle: handle, buffers: map[*capture.Batch][]byte{}}
	if len(o.Filter) > 0 {
		program := make([]pcap.BPFInstruction, len(o.Filter))
		for i, f := range o.Filter {
			program[i] = pcap.BPFInstruction{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
		}
		if err := handle.SetBPFInstructionFilter(program); err != nil {
			handle.Close()
			return nil, fmt.Errorf("attach the filter: %w", err)
		}
	}
	d.in = &capture.Interface{Name: in.Name, LinkType: capture.LinkType(handle.LinkType()), Snaplen: snaplen}
	file.AddInterface(d.in)
	return d, nil
}

func activate(name string, o *Options) (*pcap.Handle, error) {
	inactive, err := pcap.NewInactiveHandle(name)
	if err != nil {
		return nil, fmt.Errorf("ask Npcap for the interface: %w", err)
	}
	defer inactive.CleanUp()
	err = errors.Join(
		inactive.SetSnapLen(snaplen), inactive.SetPromisc(o.Promiscuous),
		inactive.SetTimeout(readTimeout), inactive.SetBufferSize(o.Buffer))
	if err != nil {
		return nil, fmt.Errorf("prepare the capture: %w", err)
	}
	handle, err := inactive.Activate()
	if err != nil {
		return nil, fmt.Errorf("begin the capture: %w", err)
	}
	return handle, nil
}

// read fills b with what was captured, or returns with b.Now when nothing was.
func (d *device) read(b *capture.Batch, stopTime func() capture.Time) (lost uint64, err error) {
	buffer := d.buffers[b][:0]
	if buffer == nil {
		buffer = make([]byte, 0, batchBytes+snaplen)
	}
	for began := now(); len(buffer) < batchBytes; {
		stop := stopTime()
		before := now()
		data, info, err := d.handle.ZeroCopyReadPacketData()
		switch {
		case err == nil:
			start := len(buffer)
			buffer = append(buffer, data[:min(len(data), snaplen)]...)
			b.Packets = append(b.Packets, capture.Packet{
				Mark:      capture.Mark{Time: capture.Time(info.Timestamp.UnixNano())},
				Data:      buffer[start:len(buffer):len(buffer)],
				Length:    uint32(max(info.Length, len(buffer)-start)),
				Interface: d.in,
			})
			continue
		case !errors.Is(err, pcap.NextErrorTimeoutExpired):
			return d.losses(), fmt.Errorf("receive packets: %w", err)
		case len(b.Packets) > 0:
		case stop != 0:
			return d.losses(), io.EOF
		case now().Sub(began) < idle:
			continue
		default:
			b.Now = before.Add(-2 * readTimeout)
		}
		break
	}
	d.buffers[b] = buffer
	lost = d.losses()
	if len(b.Packets) > 0 {
		b.Packets[0].Dropped = uint32(lost)
	}
	return lost, nil
}

// losses is how many packets were dropped since it was last asked.
func (d *device) losses() uint64 {
	s, err := d.handle.Stats()
	if err != nil {
		return 0
	}
	n := max(s.PacketsDropped-d.dropped, 0)
	d.dropped += n
	return uint64(n)
}

// wake is not needed: a read does not wait for long.
func (d *device) wake() {}

func (d *device) close() error {
	d.handle.Close()
	return nil
}

// systemInterfaces lists the interfaces that Npcap knows.
func systemInterfaces() ([]Interface, error) {
	if err := pcap.LoadWinPCAP(); err != nil {
		return nil, fmt.Errorf("%w (install Npcap from https://npcap.com)", err)
	}
	devices, err := pcap.FindAllDevs()
	if err != nil {
		return nil, err
	}
	const loopback, up = 1, 2 // PCAP_IF_LOOPBACK, PCAP_IF_UP
	var found []Interface
	for i, d := range devices {
		in := Interface{
			Name: d.Name, Description: d.Description, Index: i + 1,
			Up: d.Flags&up != 0, Loopback: d.Flags&loopback != 0, LinkType: capture.LinkTypeEthernet,
		}
		for _, a := range d.Addresses {
			if address, ok := netip.AddrFromSlice(a.IP); ok {
				ones, _ := net.IPMask(a.Netmask).Size()
				in.Addresses = append(in.Addresses, netip.PrefixFrom(address.Unmap(), ones))
			}
		}
		found = append(found, in)
	}
	return found, nil
}

// permitted knows nothing: Npcap can be installed for all or for administrators.
func permitted() error { return errors.New("Npcap does not say") }

// Kinds is for Linux.
func Kinds() []Hardware { return nil }
