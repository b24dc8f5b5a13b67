package reports

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Memory that a spool takes: for records that wait to be sorted, and for each
// sorted run that is read back.
const (
	spoolMemory    = 16 << 20
	runBuffer      = 32 << 10
	spoolEntrySize = 40
)

// spool sorts records by key in bounded memory: what does not fit goes as sorted
// runs to a temporary file, which has no name where the system allows that.
type spool struct {
	limit   int // bytes of memory
	records []byte
	entries []spoolEntry
	file    *os.File // nil until a run is written
	named   bool     // the file still has its name
	written int64
	runs    []spoolRun
}

// spoolKey orders a connection's record (exchange 0) before its exchanges, and
// an exchange's (hop 0) before its links.
type spoolKey struct{ connection, exchange, hop uint64 }

func (k spoolKey) compare(l spoolKey) int {
	switch {
	case k.connection != l.connection:
		return cmp.Compare(k.connection, l.connection)
	case k.exchange != l.exchange:
		return cmp.Compare(k.exchange, l.exchange)
	}
	return cmp.Compare(k.hop, l.hop)
}

type spoolEntry struct {
	spoolKey
	start, end int // in records
}

type spoolRun struct{ offset, length int64 }

// room returns memory to append a record to; add takes the result.
func (s *spool) room() []byte { return s.records }

// add takes the record that was appended to room, under key.
func (s *spool) add(key spoolKey, records []byte) error {
	s.entries = append(s.entries, spoolEntry{key, len(s.records), len(records)})
	s.records = records
	if len(s.records)+spoolEntrySize*len(s.entries) < s.limit {
		return nil
	}
	if err := s.writeRun(); err != nil {
		return spoolError(err)
	}
	return nil
}

// spoolError says that the folder for temporary files is where err happened.
func spoolError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("a temporary file in %s: %w", os.TempDir(), err)
}

func (s *spool) sort() {
	slices.SortFunc(s.entries, func(a, b spoolEntry) int { return a.compare(b.spoolKey) })
}

// writeRun writes what is in memory as a run: for each record its key and its
// length as varints, then its bytes.
func (s *spool) writeRun() error {
	if s.file == nil {
		if err := s.create(); err != nil {
			return err
		}
	}
	s.sort()
	w := bufio.NewWriterSize(s.file, 1<<16)
	run := spoolRun{offset: s.written}
	var head []byte
	for _, e := range s.entries {
		head = binary.AppendUvarint(head[:0], e.connection)
		head = binary.AppendUvarint(head, e.exchange)
		head = binary.AppendUvarint(head, e.hop)
		head = binary.AppendUvarint(head, uint64(e.end-e.start))
		w.Write(head)
		w.Write(s.records[e.start:e.end])
		run.length += int64(len(head) + e.end - e.start)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.written += run.length
	s.runs = append(s.runs, run)
	s.records, s.entries = s.records[:0], s.entries[:0]
	return nil
}

func (s *spool) create() (err error) {
	if s.file, err = os.CreateTemp("", "wirelag-*"); err != nil {
		return err
	}
	// An open file that has no name any more cannot be left behind. Windows does
	// not allow that: there it goes when the spool is closed.
	s.named = os.Remove(s.file.Name()) != nil
	return nil
}

// each calls f with all records in the order of their keys. record is borrowed.
func (s *spool) each(f func(key spoolKey, record []byte) error) error {
	s.sort()
	if s.runs == nil {
		for _, e := range s.entries {
			if err := f(e.spoolKey, s.records[e.start:e.end]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.writeRun(); err != nil {
		return spoolError(err)
	}
	s.records, s.entries = nil, nil
	return s.merge(f)
}

func (s *spool) merge(f func(key spoolKey, record []byte) error) error {
	var readers runHeap
	for _, run := range s.runs {
		section := io.NewSectionReader(s.file, run.offset, run.length)
		r := &runReader{in: bufio.NewReaderSize(section, runBuffer)}
		if err := readers.pushNext(r); err != nil {
			return err
		}
	}
	for len(readers) > 0 {
		r := readers[0]
		if err := f(r.key, r.record); err != nil {
			return err
		}
		more, err := r.next()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&readers, 0)
		} else {
			heap.Pop(&readers)
		}
	}
	return nil
}

// close frees the memory and the temporary file.
func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
		if s.named {
			os.Remove(s.file.Name())
		}
	}
	*s = spool{}
}

// runReader reads a run back; key and record are those of the record it stands at.
type runReader struct {
	in     *bufio.Reader
	key    spoolKey
	record []byte
}

// next goes to the next record, if there is one.
func (r *runReader) next() (more bool, err error) {
	var head [4]uint64
	for i := range head {
		head[i], err = binary.ReadUvarint(r.in)
		if i == 0 && err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read the spooled report back: %w", err)
		}
	}
	r.key = spoolKey{head[0], head[1], head[2]}
	r.record = slices.Grow(r.record[:0], int(head[3]))[:head[3]]
	if _, err = io.ReadFull(r.in, r.record); err != nil {
		return false, fmt.Errorf("read the spooled report back: %w", err)
	}
	return true, nil
}

// runHeap has the reader with the least key first.
type runHeap []*runReader

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return h[i].key.compare(h[j].key) < 0 }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)        { *h = append(*h, x.(*runReader)) }

func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (h *runHeap) pushNext(r *runReader) error {
	more, err := r.next()
	if more {
		heap.Push(h, r)
	}
	return err
}
