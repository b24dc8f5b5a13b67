// Package capture turns capture files, standard input and (later) interfaces
// into a stream of [Packet]s in capture order, a [Batch] at a time. It knows
// file formats, compression, link types and clocks, and nothing of protocols.
// It keeps one batch of packets per open input and the description of each
// input; everything that an input lost, cut or could not say is counted in
// its [File].
package capture

import (
	"fmt"
	"time"
)

// Time is a moment of the capture's clock: nanoseconds since the Unix epoch, UTC.
// Moments outside the range of an int64 (years 1678 to 2262) are clamped to it.
type Time int64

// Sub returns the duration t−u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Add returns the moment d after t.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// UTC returns t as a [time.Time].
func (t Time) UTC() time.Time { return time.Unix(0, int64(t)).UTC() }

// Frame names a captured packet as a packet analyser shows it: the input it
// came from (counted from 0) and its number there (counted from 1). The zero
// Frame names no packet.
type Frame uint64

const frameNumberBits = 48

// NewFrame names packet number of the input file.
func NewFrame(file int, number uint64) Frame {
	return Frame(uint64(file)<<frameNumberBits | number&(1<<frameNumberBits-1))
}

// File is the index of the input that the packet came from.
func (f Frame) File() int { return int(f >> frameNumberBits) }

// Number is the packet's number in its input, from 1.
func (f Frame) Number() uint64 { return uint64(f) & (1<<frameNumberBits - 1) }

func (f Frame) String() string { return fmt.Sprintf("%d", f.Number()) }

// Mark is a moment that can be looked up: a packet and its time. The zero Mark
// is no moment.
type Mark struct {
	Time  Time
	Frame Frame
}

// IsZero reports whether m is no moment.
func (m Mark) IsZero() bool { return m.Frame == 0 }

// Sub returns the duration m−n; both must be moments.
func (m Mark) Sub(n Mark) time.Duration { return m.Time.Sub(n.Time) }

// Span says when a run of bytes was on the wire and when it could be read.
type Span struct {
	// At is the packet that carried the bytes.
	At Mark
	// Readable is when the receiver could read them in order, by the capture's
	// clock: the time of At, or later where they waited behind a hole.
	Readable Time
}

// Interface describes where packets were captured. Packets of one interface
// share a pointer to it; it is not changed after the first of them.
type Interface struct {
	File     int // index of the input
	Index    int // number in the input's section, from 0
	Name     string
	LinkType LinkType
	Snaplen  uint32 // 0 when the file does not limit it
}

// Packet is one captured frame.
type Packet struct {
	Mark
	// Data is what was captured of the frame, from its link-layer header on.
	// It is borrowed: valid until its Batch is read into again.
	Data []byte
	// Length is the frame's length on the wire; Data is shorter when the
	// snaplen cut it.
	Length uint32
	// Dropped is how many packets the capturing system lost between this packet
	// and the one before, as far as it says where it lost them. Who leaves a
	// packet out adds its Dropped to that of the next.
	Dropped   uint32
	Interface *Interface
}
