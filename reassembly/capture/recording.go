package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RecordingOptions say where a Recording goes, and when it begins another file.
type RecordingOptions struct {
	Name        string
	Application string // who writes it
	// Size and Time are how large a file may get, and how much time it may span;
	// 0 does not limit them. With either, files are called NAME_00001_TIME.EXT by
	// the time of their first packets.
	Size int64
	Time time.Duration
	Keep int // how many files are kept, the latest; 0: all
}

// Recording is a Source that writes what it reads from another one to pcapng
// files on the way. A file has its name only when it is over. Where it cannot be
// written the recording ends with what could, and all that was read is handed on
// all the same.
type Recording struct {
	Source
	options RecordingOptions
	stop    func() // called when writing fails

	mu      sync.Mutex // what follows
	untold  uint64     // packets that the source dropped and no packet tells of
	told    uint64
	now     Time // as the source said last
	current *recordingFile
	count   int
	kept    []string
	closed  bool
	err     error
}

// recordingFile is the file being written.
type recordingFile struct {
	file   *os.File
	buffer *bufio.Writer
	writer *Writer
	first  Time // of its packets; 0 without any
	flush  Time // when what is buffered is to be written
}

// recordingBuffer is how much is written at once.
const recordingBuffer = 256 << 10

// Record begins a recording of src. stop is called when writing fails.
func Record(src Source, o RecordingOptions, stop func()) (*Recording, error) {
	r := &Recording{Source: src, options: o, stop: stop}
	if info, err := os.Stat(o.Name); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: is a directory (name a file in it)", o.Name)
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

// Read reads from the source and writes what it got; see [Source].
func (r *Recording) Read(b *Batch) error {
	err := r.Source.Read(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.err != nil {
		return err
	}
	for i := range b.Packets {
		r.told += uint64(b.Packets[i].Dropped)
	}
	r.now = max(r.now, b.Now)
	r.untold = r.Files()[0].Dropped - r.told
	if failed := r.write(b); failed != nil {
		r.err = failed
		r.stop()
	}
	return err
}

func (r *Recording) write(b *Batch) error {
	for rest := b.Packets; len(rest) > 0; {
		if err := r.rotate(rest[0].Time); err != nil {
			return err
		}
		n := r.fitting(rest)
		if r.current.first == 0 {
			r.current.first = rest[0].Time
		}
		if err := r.current.writer.Write(rest[:n]); err != nil {
			return r.name(err)
		}
		rest = rest[n:]
	}
	now := b.Now
	if len(b.Packets) > 0 {
		now = b.Packets[len(b.Packets)-1].Time
	} else if now != 0 {
		if err := r.rotate(now); err != nil {
			return err
		}
	}
	if r.current != nil && now >= r.current.flush {
		r.current.flush = now.Add(time.Second)
		return r.name(r.current.buffer.Flush())
	}
	return nil
}

// fitting is how many of packets the file takes before it is looked at again.
func (r *Recording) fitting(packets []Packet) int {
	if r.options.Size == 0 && r.options.Time == 0 {
		return len(packets)
	}
	return 1
}

// rotate ends the file if it is full, or spans enough when the next packet has
// time at; a file is there then if packets are to come.
func (r *Recording) rotate(at Time) error {
	o, f := &r.options, r.current
	full := f != nil && f.first != 0 &&
		(o.Size > 0 && f.writer.Size() >= o.Size || o.Time > 0 && at.Sub(f.first) >= o.Time)
	if full {
		if err := r.finish(0, 0); err != nil {
			return err
		}
	}
	if r.current == nil {
		return r.open()
	}
	return nil
}

func (r *Recording) open() error {
	f, err := createBeside(r.options.Name)
	if err != nil {
		return r.name(err)
	}
	buffer := bufio.NewWriterSize(f, recordingBuffer)
	writer, err := NewWriter(buffer, r.options.Application)
	if err != nil {
		return r.name(err)
	}
	r.current = &recordingFile{file: f, buffer: buffer, writer: writer}
	return nil
}

// createBeside creates a file in the folder of name whose name is not taken.
func createBeside(name string) (*os.File, error) {
	for i := os.Getpid(); ; i++ {
		beside := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+strconv.Itoa(i)+".tmp")
		f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// finish ends the current file and gives it its name. The packets dropped that no
// packet tells of count in it.
func (r *Recording) finish(untold uint64, until Time) error {
	f := r.current
	if err := errors.Join(f.writer.Finish(untold, until), f.buffer.Flush()); err != nil {
		return r.name(err)
	}
	name, err := r.place()
	if err != nil {
		return err
	}
	if r.kept = append(r.kept, name); r.options.Keep > 0 && len(r.kept) > r.options.Keep {
		oldest := r.kept[0]
		r.kept = r.kept[1:]
		if err := os.Remove(oldest); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return r.name(err)
		}
	}
	return nil
}

// place gives the current file, as it is, its name.
func (r *Recording) place() (string, error) {
	f, name := r.current, r.fileName(r.current.first)
	r.current = nil
	err := f.file.Close()
	return name, r.name(errors.Join(err, os.Rename(f.file.Name(), name)))
}

// fileName is the final name of the file whose first packet has time first.
func (r *Recording) fileName(first Time) string {
	o := &r.options
	if o.Size == 0 && o.Time == 0 {
		return o.Name
	}
	r.count++
	extension := filepath.Ext(o.Name)
	stamp := first.UTC().Format("20060102T150405Z")
	return fmt.Sprintf("%s_%05d_%s%s", strings.TrimSuffix(o.Name, extension), r.count, stamp, extension)
}

// name puts the recording's name before what is wrong.
func (r *Recording) name(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: cannot write the capture: %w", r.options.Name, pathless(err))
}

// pathless is err without the name of the file and of the system call.
func pathless(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// End ends the recording: the last file is whole then. It returns the first error
// that writing met. Any goroutine may call it, also during a Read and repeatedly.
func (r *Recording) End() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return r.err
	}
	r.closed = true
	switch {
	case r.current == nil:
	case r.err != nil:
		r.place() // what could be written of it; the first error is told
	case r.current.first == 0 && r.count > 0:
		r.current.file.Close()
		r.err = r.name(os.Remove(r.current.file.Name()))
	default:
		r.err = r.finish(r.untold, r.now)
	}
	return r.err
}
