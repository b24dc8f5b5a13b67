//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package live

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"wirelag/reassembly/capture"
)

// readTimeout is how long a read of the device waits, and so how long Stop takes.
const readTimeout = 50 * time.Millisecond

// device is an open /dev/bpf. gopacket's bsdbpf is not used: it panics where
// it may not open one, and knows neither filters nor link types nor drops.
type device struct {
	file    int
	size    int // of a read
	in      *capture.Interface
	index   int
	buffers map[*capture.Batch][]byte
	dropped uint64 // as the kernel counts
}

// openDevice opens a bpf device. The filter stands before it is bound.
func openDevice(in Interface, o *Options, file *capture.File) (*device, error) {
	fd, err := openBPF()
	if err != nil {
		return nil, err
	}
	d := &device{file: fd, index: in.Index, buffers: map[*capture.Batch][]byte{}}
	if err := d.prepare(in, o); err != nil {
		return nil, errors.Join(err, d.close())
	}
	link, err := syscall.BpfDatalink(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask for the link type: %w", err), d.close())
	}
	d.in = &capture.Interface{Name: in.Name, LinkType: linkTypeOf(link), Snaplen: 1 << 18}
	file.AddInterface(d.in)
	return d, nil
}

// openBPF opens a device that nobody uses.
func openBPF() (int, error) {
	names := []string{"/dev/bpf"} // where each open is a device of its own
	for i := range 256 {
		names = append(names, "/dev/bpf"+strconv.Itoa(i))
	}
	failed := error(fs.ErrNotExist)
	for _, name := range names {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err == nil {
			return fd, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			failed = err
		}
		if !errors.Is(err, syscall.EBUSY) && !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return -1, fmt.Errorf("open /dev/bpf: %w", failed)
}

func (d *device) prepare(in Interface, o *Options) (err error) {
	// The kernel has two buffers of this size.
	if d.size, err = syscall.SetBpfBuflen(d.file, o.Buffer/2); err != nil {
		return fmt.Errorf("get a buffer of %d bytes: %w", o.Buffer, err)
	}
	if len(o.Filter) > 0 {
		program := make([]syscall.BpfInsn, len(o.Filter))
		for i, f := range o.Filter {
			program[i] = syscall.BpfInsn{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
		}
		if err := syscall.SetBpf(d.file, program); err != nil {
			return fmt.Errorf("attach the filter: %w", err)
		}
	}
	if err := syscall.SetBpfInterface(d.file, in.Name); err != nil {
		return fmt.Errorf("bind the bpf device: %w", err)
	}
	if o.Promiscuous {
		if err := syscall.SetBpfPromisc(d.file, 1); err != nil {
			return fmt.Errorf("enter promiscuous mode: %w", err)
		}
	}
	timeout := syscall.NsecToTimeval(int64(readTimeout))
	if err := syscall.SetBpfTimeout(d.file, &timeout); err != nil {
		return fmt.Errorf("set the read timeout: %w", err)
	}
	if d.size, err = syscall.BpfBuflen(d.file); err != nil {
		return fmt.Errorf("ask for the size of the buffer: %w", err)
	}
	return nil
}

// read fills b with what was captured, or returns with b.Now when nothing was.
func (d *device) read(b *capture.Batch, stopTime func() capture.Time) (lost uint64, err error) {
	buffer := d.buffers[b]
	if buffer == nil {
		buffer = make([]byte, d.size)
		d.buffers[b] = buffer
	}
	for began := now(); ; {
		stop := stopTime()
		before := now()
		n, err := syscall.Read(d.file, buffer)
		switch {
		case errors.Is(err, syscall.EINTR) || errors.Is(err, syscall.EAGAIN):
		case errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.ENETDOWN) && d.gone():
			return d.losses(), errGone
		case err != nil && !errors.Is(err, syscall.ENETDOWN):
			return d.losses(), fmt.Errorf("receive packets: %w", err)
		case n > 0:
			lost = d.losses()
			d.packets(b, buffer[:n])
			if len(b.Packets) > 0 {
				b.Packets[0].Dropped = uint32(lost)
				return lost, nil
			}
		}
		switch {
		case stop != 0:
			return d.losses(), io.EOF
		case now().Sub(began) >= idle:
			b.Now = before.Add(-2 * readTimeout)
			return d.losses(), nil
		}
	}
}

func (d *device) gone() bool {
	_, err := net.InterfaceByIndex(d.index)
	return err != nil
}

// packets adds the packets in what was read.
func (d *device) packets(b *capture.Batch, data []byte) {
	for len(data) >= syscall.SizeofBpfHdr {
		h := (*syscall.BpfHdr)(unsafe.Pointer(&data[0]))
		begin, end := int(h.Hdrlen), int(h.Hdrlen)+int(h.Caplen)
		if end > len(data) || begin == 0 {
			return
		}
		b.Packets = append(b.Packets, capture.Packet{
			Mark:      capture.Mark{Time: capture.Time(int64(h.Tstamp.Sec)*1e9 + int64(h.Tstamp.Usec)*1e3)},
			Data:      data[begin:end:end],
			Length:    h.Datalen,
			Interface: d.in,
		})
		data = data[min((end+alignment-1)&^(alignment-1), len(data)):]
	}
}

// alignment is that of the headers in what is read (BPF_ALIGNMENT).
var alignment = func() int {
	if runtime.GOOS == "darwin" || runtime.GOOS == "openbsd" {
		return 4
	}
	return int(unsafe.Sizeof(uintptr(0)))
}()

// losses is how many packets the kernel dropped since it was last asked.
func (d *device) losses() uint64 {
	s, err := syscall.BpfStats(d.file)
	if err != nil {
		return 0
	}
	// The counter has 32 bits on most systems.
	n := uint64(uint32(s.Drop) - uint32(d.dropped))
	d.dropped = uint64(s.Drop)
	return n
}

// wake is not needed: a read does not wait for long.
func (d *device) wake() {}

func (d *device) close() error { return syscall.Close(d.file) }

// linkTypeOf turns the kernel's DLT_ number into that of a capture file, from
// which a few differ.
func linkTypeOf(dlt int) capture.LinkType {
	const dltRaw, dltRawOpenBSD = 12, 14
	if dlt == dltRaw || dlt == dltRawOpenBSD {
		return capture.LinkTypeRaw
	}
	return capture.LinkType(dlt)
}

// systemInterfaces lists the interfaces.
func systemInterfaces() ([]Interface, error) {
	found, err := plainInterfaces()
	for i := range found {
		if found[i].Loopback {
			found[i].LinkType = capture.LinkTypeNull
			if runtime.GOOS == "openbsd" {
				found[i].LinkType = capture.LinkTypeLoop
			}
		}
	}
	return found, err
}

func permitted() error {
	fd, err := openBPF()
	if err != nil {
		return err
	}
	return syscall.Close(fd)
}

// Kinds is for Linux.
func Kinds() []Hardware { return nil }
