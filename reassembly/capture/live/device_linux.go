package live

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"wirelag/reassembly/capture"
)

const (
	// drain is how long what was captured before Stop may take to be there: until
	// the block that it is in is handed over.
	drain = 30 * time.Millisecond
	// settled is how old a moment must be for the ring to hold nothing from before it.
	settled = 100 * time.Millisecond
)

// read fills b with the packets of the next block, or returns with b.Now when
// none comes. lost is how many the kernel dropped.
func (d *device) read(b *capture.Batch, stopTime func() capture.Time) (lost uint64, err error) {
	d.ring.release(b)
	for entered := now(); ; {
		for d.ring.ready() {
			if d.ring.losing() {
				lost += d.losses()
			}
			if d.ring.hand(b); len(b.Packets) > 0 {
				return lost, nil
			}
			d.ring.release(b)
		}
		at, stop, until := now(), stopTime(), entered.Add(idle)
		if stop != 0 {
			until = stop.Add(drain)
		}
		switch {
		case at < until:
		case stop != 0:
			return lost + d.losses(), io.EOF
		default:
			b.Now = at.Add(-settled)
			return lost + d.losses(), nil
		}
		if err := d.wait(until.Sub(at), stop == 0); err != nil && !d.ring.ready() {
			return lost + d.losses(), err
		}
	}
}

// losses is how many packets the kernel dropped since it was last asked.
func (d *device) losses() uint64 {
	s, err := unix.GetsockoptTpacketStatsV3(d.socket, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	d.ring.owed += uint64(s.Drops)
	return uint64(s.Drops)
}

// wait returns when a block may be ready, when timeout is over or, if wakeable,
// when wake was called. An error says that no more will come.
func (d *device) wait(timeout time.Duration, wakeable bool) error {
	events := int16(unix.POLLIN)
	if len(d.ring.lent) > 0 {
		// The kernel reports the blocks that are lent as readable, again and again.
		events, timeout = 0, min(timeout, retireMillis*time.Millisecond)
	}
	fds := []unix.PollFd{{Fd: int32(d.socket), Events: events}, {Fd: int32(d.waker), Events: unix.POLLIN}}
	if !wakeable {
		fds = fds[:1]
	}
	milliseconds := int((timeout + time.Millisecond - 1) / time.Millisecond)
	n, err := unix.Poll(fds, milliseconds)
	switch {
	case errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("wait for packets: %w", err)
	case fds[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0:
		return d.failure()
	case n == 0 && d.down:
		return d.look()
	}
	return nil
}

// failure is what is wrong with the socket, nil where it may pass.
func (d *device) failure() error {
	code, err := unix.GetsockoptInt(d.socket, unix.SOL_SOCKET, unix.SO_ERROR)
	switch errno := unix.Errno(code); {
	case err != nil:
		return fmt.Errorf("ask for the socket's error: %w", err)
	case errno == unix.ENETDOWN:
		d.down = true
		return d.look()
	case errno != 0:
		return fmt.Errorf("receive packets: %w", errno)
	}
	return nil
}

// look finds out whether the interface is up again, or gone. That it goes down is
// told, that it goes away then is not.
func (d *device) look() error {
	if d.index == 0 {
		return nil
	}
	in, err := net.InterfaceByIndex(d.index)
	if err != nil {
		return errGone
	}
	d.down = in.Flags&net.FlagUp == 0
	return nil
}

// wake makes a read that waits look at what time to stop it is.
func (d *device) wake() {
	// An eventfd takes any eight bytes that are a number; it cannot be full.
	unix.Write(d.waker, []byte{1, 1, 1, 1, 1, 1, 1, 1}) //nolint:errcheck
}

func (d *device) close() error {
	var errs []error
	if d.ring != nil {
		errs = append(errs, d.ring.close())
	}
	for _, fd := range []int{d.socket, d.waker} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	d.ring, d.socket, d.waker = nil, -1, -1
	return errors.Join(errs...)
}
