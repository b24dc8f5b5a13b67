package capture

import (
	"bufio"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// maxEmptyReads is how often in a row an input may deliver nothing without
// saying why.
const maxEmptyReads = 100

// framer finds the packets in the byte stream of a format.
type framer interface {
	// frame appends to packets those that lie whole at the start of data. It
	// returns them and how many bytes it has dealt with: more than len(data)
	// when bytes that follow are to be skipped unseen. What it left is handed in
	// again with more behind it; its verdict may not depend on how much that is.
	// An error says that the stream contradicts itself: what lies behind the
	// packets returned cannot be read.
	frame(data []byte, packets []Packet) ([]Packet, int64, error)
}

// reader is the Source of a single input.
type reader struct {
	file   *File
	raw    *input
	stream *bufio.Reader // raw, decompressed
	framer framer
	closer io.Closer // nil if raw is not ours to close

	// batchBytes is the least size of a batch's buffer.
	batchBytes int
	// patient inputs never wait for a writer, so that batches can be filled.
	patient bool

	carry   []byte // start of a record whose rest the next batch brings
	skip    int64  // bytes to pass over before the next record
	failure error  // why nothing more can be read, once that is known
	end     error  // what Read returns from now on
	last    Mark   // of the latest packet
}

// newReader recognises compression and format of an input. The counters go to
// file, whose index among the inputs is given.
func newReader(file *File, index int, r io.Reader) (*reader, error) {
	raw := &input{r: r, read: &file.read}
	stream, err := decompress(raw)
	if err != nil {
		return nil, err
	}
	framer, err := newFramer(stream, file, index)
	if err != nil {
		return nil, err
	}
	return &reader{file: file, raw: raw, stream: stream, framer: framer, batchBytes: batchBytes}, nil
}

func (r *reader) Files() []*File { return []*File{r.file} }

func (r *reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

func (r *reader) Read(b *Batch) error {
	b.Packets, b.Now = b.Packets[:0], 0
	if r.end != nil {
		return r.end
	}
	if size := max(r.batchBytes, len(r.carry)); len(b.buffer) < size {
		b.buffer = make([]byte, size)
	}
	n := copy(b.buffer, r.carry)
	for r.failure == nil {
		n = r.fill(b, n)
		rest := r.frame(b, b.buffer[:n])
		if len(b.Packets) > 0 {
			r.carry = append(r.carry[:0], rest...)
			r.last = b.Packets[len(b.Packets)-1].Mark
			if r.file.Count(b.Packets) > 0 {
				putInOrder(b.Packets)
			}
			return nil
		}
		n = copy(b.buffer, rest)
	}
	r.finish(n)
	b.Now = r.file.ended()
	return r.end
}

// fill reads into b's buffer behind its first n bytes, and returns how many
// there are then: as many as fit, or what has arrived if the rest would have to
// be waited for. The buffer grows only when it is full of bytes of one record,
// so not by what a record claims.
func (r *reader) fill(b *Batch, n int) int {
	if n == len(b.buffer) {
		b.buffer = append(b.buffer, make([]byte, len(b.buffer))...)
	}
	for empty := 0; n < len(b.buffer) && empty < maxEmptyReads; empty++ {
		m, err := r.stream.Read(b.buffer[n:])
		n += m
		if err != nil {
			r.failure = err
			return n
		}
		if m == 0 {
			continue
		}
		if !r.patient {
			return n
		}
		empty = 0
	}
	if n < len(b.buffer) {
		r.failure = io.ErrNoProgress
	}
	return n
}

// frame adds to b the packets in data and returns the bytes left over.
func (r *reader) frame(b *Batch, data []byte) []byte {
	if r.skip > 0 {
		skipped := min(r.skip, int64(len(data)))
		r.skip -= skipped
		data = data[skipped:]
	}
	packets, n, err := r.framer.frame(data, b.Packets)
	b.Packets = packets
	if err != nil {
		r.failure = err
		return nil
	}
	if n > int64(len(data)) {
		r.skip = n - int64(len(data))
		return nil
	}
	return data[n:]
}

// Who captures on several queues or processors writes packets as they come to hand,
// which is a little out of order: so much, and over so many others, at most.
const (
	queueSkew  = time.Millisecond
	queueDepth = 64
)

// putInOrder puts packets that several queues brought out of order where their times
// say. What the clock was set back by is more, and stays.
func putInOrder(packets []Packet) {
	for i := range packets {
		p := packets[i]
		at := i
		for at > 0 && packets[at-1].Time > p.Time && i-at < queueDepth && packets[at-1].Time.Sub(p.Time) <= queueSkew {
			at--
		}
		if at == i || at > 0 && packets[at-1].Time > p.Time {
			continue
		}
		copy(packets[at+1:i+1], packets[at:i])
		packets[at] = p
	}
}

// finish notes how the input ended, with that many bytes left over.
func (r *reader) finish(left int) {
	r.end = io.EOF
	switch {
	case r.raw.err != nil:
		r.end = fmt.Errorf("read %s: %w", r.file.Name, r.raw.err)
		r.file.Damage = fmt.Sprintf("reading failed: %v", r.raw.err)
	case r.failure != io.EOF:
		r.file.Damage = r.failure.Error()
	case left > 0:
		r.file.Damage = fmt.Sprintf("it ends inside a record, %d bytes into it", left)
	case r.skip > 0:
		r.file.Damage = fmt.Sprintf("it ends inside a record, %d bytes before its end", r.skip)
	default:
		return
	}
	r.file.DamageAt = r.last.Frame.Number()
}

// input counts what is read of an input and remembers why it failed.
type input struct {
	r    io.Reader
	read *atomic.Int64
	err  error // not io.EOF
}

func (in *input) Read(p []byte) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	n, err := in.r.Read(p)
	in.read.Add(int64(n))
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}
