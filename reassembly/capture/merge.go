package capture

import (
	"cmp"
	"container/heap"
	"errors"
	"io"
	"time"
)

// mergeBytes bounds the buffers of the inputs that are open at once, unless
// probeBytes for each are more.
const mergeBytes = 64 << 20

// merged is the Source of several inputs.
type merged struct {
	files []*File
	// queue is a heap by next packet. Inputs whose first packet is not due yet
	// are in it, unopened.
	queue mergeQueue
	open  int   // inputs that are
	spare Batch // of the input that ended last
	errs  []error
}

// mergeInput is an input with its next packets.
type mergeInput struct {
	file   *File
	index  int
	first  Time    // of its first packet
	reader *reader // nil until it is due
	batch  Batch
	next   int // in batch

	ahead   time.Duration         // taken off the times of its packets
	takes   func(*Interface) bool // nil: all but those without
	without []int                 // numbers of interfaces
}

func newMerged(files []*File, inputs []*mergeInput) *merged {
	m := &merged{files: files, queue: inputs}
	for _, in := range inputs {
		if in.reader != nil {
			m.open++
		}
	}
	heap.Init(&m.queue)
	return m
}

func (m *merged) Files() []*File { return m.files }

func (m *merged) Close() error {
	var errs []error
	for _, in := range m.queue {
		if in.reader != nil {
			errs = append(errs, in.reader.Close())
		}
	}
	m.queue = nil
	return errors.Join(errs...)
}

// Read takes whole batches over where inputs do not overlap, and copies packets
// where they do. It never waits for an input while it has packets to give.
func (m *merged) Read(b *Batch) error {
	b.Packets, b.Now = b.Packets[:0], 0
	used := 0
	for len(m.queue) > 0 {
		in := m.queue[0]
		if in.next == len(in.batch.Packets) {
			m.refill(in)
			continue
		}
		run := in.run(m.queue.second())
		if len(b.Packets) == 0 && in.next+run == len(in.batch.Packets) {
			in.handOver(b)
			return nil
		}
		var full bool
		if used, full = in.copyTo(b, used, run); full || in.next == len(in.batch.Packets) {
			return nil
		}
		heap.Fix(&m.queue, 0)
	}
	if len(b.Packets) > 0 {
		return nil
	}
	if err := errors.Join(m.errs...); err != nil {
		return err
	}
	return io.EOF
}

// refill reads the next packets of in, which is first in the queue, or takes it
// out of the queue if there are none.
func (m *merged) refill(in *mergeInput) {
	err := m.read(in)
	if err == nil {
		heap.Fix(&m.queue, 0)
		return
	}
	if err != io.EOF {
		m.errs = append(m.errs, err)
	}
	if in.reader != nil {
		in.reader.Close()
		m.open--
	}
	m.spare, in.batch = in.batch, Batch{}
	heap.Pop(&m.queue)
}

// read reads the next packets of in, opening it if it is not.
func (m *merged) read(in *mergeInput) error {
	if in.reader == nil {
		r, err := openFile(in.file, in.index)
		if err != nil {
			in.file.Damage = "it could not be opened a second time: " + err.Error()
			return err
		}
		m.open++
		in.reader = r
		in.batch, m.spare = m.spare, Batch{}
		r.batchBytes = min(max(mergeBytes/m.open, probeBytes), batchBytes)
	}
	in.next = 0
	return in.fetch()
}

// time is that of the next packet, or of the latest if the next is not read yet.
func (in *mergeInput) time() Time {
	if len(in.batch.Packets) == 0 {
		return in.first
	}
	return in.batch.Packets[min(in.next, len(in.batch.Packets)-1)].Time
}

// compare orders in, with its next packet at t, and other.
func (in *mergeInput) compare(t Time, other *mergeInput) int {
	return cmp.Or(cmp.Compare(t, other.time()), cmp.Compare(in.first, other.first), cmp.Compare(in.index, other.index))
}

// run returns how many packets of in come before the next of other.
func (in *mergeInput) run(other *mergeInput) int {
	packets := in.batch.Packets[in.next:]
	if other == nil {
		return len(packets)
	}
	for i := range packets {
		if in.compare(packets[i].Time, other) > 0 {
			return i
		}
	}
	return len(packets)
}

// handOver gives b the packets of in that are left, with their memory.
func (in *mergeInput) handOver(b *Batch) {
	*b, in.batch = in.batch, *b
	b.Packets = b.Packets[:copy(b.Packets, b.Packets[in.next:])]
	in.next = 0
	in.batch.Packets = in.batch.Packets[:0]
}

// copyTo copies the next n packets to b, of whose buffer that much is used, until
// it is full.
func (in *mergeInput) copyTo(b *Batch, used, n int) (int, bool) {
	if len(b.buffer) < batchBytes {
		b.buffer = make([]byte, batchBytes) // nothing is in b yet
	}
	for _, p := range in.batch.Packets[in.next : in.next+n] {
		if len(p.Data) > len(b.buffer)-used {
			return used, true
		}
		end := used + copy(b.buffer[used:], p.Data)
		p.Data = b.buffer[used:end:end]
		used = end
		b.Packets = append(b.Packets, p)
		in.next++
	}
	return used, false
}

// mergeQueue is a heap of inputs by their next packets.
type mergeQueue []*mergeInput

func (q mergeQueue) Len() int           { return len(q) }
func (q mergeQueue) Less(i, j int) bool { return q[i].compare(q[i].time(), q[j]) < 0 }
func (q mergeQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *mergeQueue) Push(x any)        { *q = append(*q, x.(*mergeInput)) }

func (q *mergeQueue) Pop() any {
	last := len(*q) - 1
	in := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return in
}

// second returns the input that comes after the first, or nil.
func (q mergeQueue) second() *mergeInput {
	switch {
	case len(q) < 2:
		return nil
	case len(q) == 2 || q.Less(1, 2):
		return q[1]
	}
	return q[2]
}
