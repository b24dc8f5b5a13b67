package live

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"wirelag/reassembly/capture"
)

const (
	// blockBytes is the size of a block of the ring; those of a small ring are
	// smaller, down to leastBlockBytes, which the largest frame (64 KiB of GSO and
	// its headers) fits in.
	blockBytes      = 1 << 20
	leastBlockBytes = 1 << 17
	// leastBlocks is more than the batches that are under way while one is read into.
	leastBlocks = 16
	// retireMillis is how long a block that is not full waits for more.
	retireMillis = 10
	// frameBytes only has to be a number that the kernel accepts.
	frameBytes = 2048
	// reserved is room before each frame, for the VLAN tag that was taken off.
	reserved = 16
)

// device is a packet socket with its ring.
type device struct {
	ring   *ring
	socket int
	waker  int // an eventfd
	index  int // of the interface; 0: all
	down   bool
}

// openDevice opens a packet socket. It is bound last, so that no packet comes in
// before the filter stands.
func openDevice(in Interface, o *Options, file *capture.File) (*device, error) {
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	d := &device{socket: socket, waker: -1, index: in.Index}
	if err := d.prepare(in, o, file); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *device) prepare(in Interface, o *Options, file *capture.File) (err error) {
	if d.waker, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("open an eventfd: %w", err)
	}
	for _, option := range []struct {
		number, value int
		wanted        bool
		what          string
	}{
		{unix.PACKET_VERSION, unix.TPACKET_V3, true, "ask for TPACKET_V3"},
		{unix.PACKET_RESERVE, reserved, true, "reserve room before frames"},
		// The loopback shows every packet twice: as it goes out and as it comes in.
		{unix.PACKET_IGNORE_OUTGOING, 1, in.Loopback, "leave outgoing packets out"},
	} {
		if !option.wanted {
			continue
		}
		if err := unix.SetsockoptInt(d.socket, unix.SOL_PACKET, option.number, option.value); err != nil {
			return fmt.Errorf("%s: %w", option.what, err)
		}
	}
	if err := d.attach(o.Filter); err != nil {
		return err
	}
	if d.ring, err = newRing(d.socket, o.Buffer, newOrigins(in, file)); err != nil {
		return err
	}
	address := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: in.Index}
	if err := unix.Bind(d.socket, address); err != nil {
		return fmt.Errorf("bind the packet socket: %w", err)
	}
	if o.Promiscuous && in.Index != 0 {
		request := &unix.PacketMreq{Ifindex: int32(in.Index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(d.socket, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, request); err != nil {
			return fmt.Errorf("enter promiscuous mode: %w", err)
		}
	}
	return nil
}

// attach makes the kernel run filter.
func (d *device) attach(filter []bpf.RawInstruction) error {
	if len(filter) == 0 {
		return nil
	}
	program := make([]unix.SockFilter, len(filter))
	for i, f := range filter {
		program[i] = unix.SockFilter{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	err := unix.SetsockoptSockFprog(d.socket, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("attach the filter: %w", err)
	}
	return nil
}

// networkOrder is n as the kernel wants to have it in an address.
func networkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(n >> 8), byte(n)})
}

// permitted tries to open a packet socket, which sees nothing yet.
func permitted() error {
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Close(socket)
}
