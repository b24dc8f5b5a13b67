// Package live captures packets from network interfaces. In goes the name of an
// interface, out come its packets in capture order as a [capture.Source] whose
// clock goes on when the link is silent. On Linux they come out of a ring
// that the kernel fills (AF_PACKET, TPACKET_V3) and that the packets are
// borrowed from; on the BSDs and macOS from /dev/bpf, on Windows from Npcap.
// It keeps the ring, and counts what did not fit into it.
package live

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/bpf"

	"wirelag/reassembly/capture"
)

// Any is the name that stands for all interfaces together, where the system
// knows that.
const Any = "any"

// DefaultBuffer is how much is kept of what was captured and not yet read,
// unless the options say otherwise: half a second of a saturated 500 Mbit/s link.
const DefaultBuffer = 32 << 20

// Options say what is captured.
type Options struct {
	// Buffer is the memory in bytes for packets that were captured and not yet
	// read; what does not fit is dropped. 0 is DefaultBuffer.
	Buffer int
	// Promiscuous asks the adapter for packets that are not addressed to it, too.
	Promiscuous bool
	// Filter accepts packets, and says how many bytes are kept of each; nil
	// accepts all of all. It is run on the frame as the interface has it: on Linux
	// by the kernel, without the VLAN tag that the kernel took off, which it reads
	// by extensions ([bpf.ExtVLANTagPresent]).
	Filter []bpf.RawInstruction
	// Packets ends the capture after so many; 0 does not.
	Packets uint64
}

// Counters are what a Source met so far.
type Counters struct {
	Packets uint64
	Bytes   uint64 // on the wire
	Dropped uint64 // packets that did not fit into the buffer
}

// Source captures from one interface, or from all. One goroutine reads; Stop
// and Counters are for all.
type Source struct {
	device *device
	file   *capture.File
	limit  uint64
	number uint64       // of the latest packet
	latest capture.Time // when that came

	stopped                 atomic.Int64 // when Stop was called, by the clock of the packets
	packets, bytes, dropped atomic.Uint64
	closing                 sync.Mutex // a Stop may come during Close
	closed                  bool
	ended                   bool
	until                   capture.Time // Stop ended it then
}

// errGone says that the interface does not exist any more.
var errGone = errors.New("the interface went away")

// race is by how much less the times of packets may go backward that came in on
// several processors at once: each stamps a packet before it is put into the ring.
// The order there is what counts, and no time goes backward for that.
const race = time.Millisecond

// idle is how long Read waits for packets before it tells the time.
const idle = 250 * time.Millisecond

// Open begins to capture on the interface called name. Errors for lack of the
// right to are fs.ErrPermission.
func Open(name string, o Options) (*Source, error) {
	if o.Buffer == 0 {
		o.Buffer = DefaultBuffer
	}
	in, err := Find(name)
	if err != nil {
		return nil, err
	}
	s := &Source{file: &capture.File{Name: name, Format: capture.Live}, limit: o.Packets}
	s.device, err = openDevice(in, &o, s.file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// Permitted tells whether the user may capture: nil, fs.ErrPermission, or why it
// is not known.
func Permitted() error { return permitted() }

// Find returns the interface called name. The error tells which there are.
func Find(name string) (Interface, error) {
	all, err := Interfaces()
	if err != nil {
		return Interface{}, err
	}
	var names []string
	for _, in := range all {
		if in.Name == name || in.Description == name && name != "" {
			return in, nil
		}
		names = append(names, in.Name)
	}
	return Interface{}, &UnknownError{Name: name, Known: names}
}

// UnknownError says that there is no interface of that name.
type UnknownError struct {
	Name  string
	Known []string // the names there are
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no interface %q (there are %s)", e.Name, strings.Join(e.Known, ", "))
}

// Read fills b with what has been captured; see [capture.Source]. When nothing
// comes for a quarter of a second b is empty but for its Now.
func (s *Source) Read(b *capture.Batch) error {
	b.Packets, b.Now = b.Packets[:0], 0
	if s.ended {
		b.Now = s.until
		return io.EOF
	}
	lost, err := s.device.read(b, s.stopTime)
	s.file.Dropped += lost
	s.dropped.Add(lost)
	s.take(b)
	if s.number == 0 || b.Now < s.file.Last {
		b.Now = 0 // the capture begins with its first packet
	}
	switch {
	case errors.Is(err, errGone):
		s.file.Damage, s.file.DamageAt = err.Error(), s.number
		s.ended = true
	case errors.Is(err, io.EOF):
		s.ended, s.until = true, s.stopTime()
	case err != nil:
		s.ended = true
		s.file.Damage, s.file.DamageAt = err.Error(), s.number
		return fmt.Errorf("capture on %s: %w", s.file.Name, err)
	}
	if s.ended && len(b.Packets) == 0 {
		b.Now = s.until
		return io.EOF
	}
	return nil
}

// take numbers and counts the packets of b, and leaves out those beyond the end.
func (s *Source) take(b *capture.Batch) {
	if stop := s.stopTime(); stop != 0 {
		for i := range b.Packets {
			if b.Packets[i].Time > stop {
				b.Packets, s.ended, s.until = b.Packets[:i], true, stop
				break
			}
		}
	}
	if s.limit > 0 && s.number+uint64(len(b.Packets)) >= s.limit {
		b.Packets, s.ended, s.until = b.Packets[:s.limit-s.number], true, 0
	}
	if len(b.Packets) == 0 {
		return
	}
	bytes := uint64(0)
	for i := range b.Packets {
		p := &b.Packets[i]
		s.number++
		p.Frame = capture.NewFrame(0, s.number)
		if s.number > 1 && p.Time < s.latest && p.Time > s.latest.Add(-race) {
			p.Time = s.latest
		}
		s.latest = p.Time
		bytes += uint64(p.Length)
	}
	s.file.Count(b.Packets)
	s.packets.Add(uint64(len(b.Packets)))
	s.bytes.Add(bytes)
}

// Stop ends the capture: Read returns what was captured until now, and then
// io.EOF, within 100 ms.
func (s *Source) Stop() {
	if !s.stopped.CompareAndSwap(0, int64(now())) {
		return
	}
	s.closing.Lock()
	defer s.closing.Unlock()
	if !s.closed {
		s.device.wake()
	}
}

// stopTime is when Stop was called, 0 if it was not.
func (s *Source) stopTime() capture.Time { return capture.Time(s.stopped.Load()) }

// Counters returns what was met so far.
func (s *Source) Counters() Counters {
	return Counters{s.packets.Load(), s.bytes.Load(), s.dropped.Load()}
}

// Files describes the interface as the one input.
func (s *Source) Files() []*capture.File { return []*capture.File{s.file} }

// Close ends the capture. What was read is not valid any more. It must not be
// called during a Read.
func (s *Source) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.device.close()
}

// now is the time by the clock that packets are stamped with.
func now() capture.Time { return capture.Time(time.Now().UnixNano()) }
