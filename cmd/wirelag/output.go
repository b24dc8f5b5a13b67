package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// destination is where the report goes. A file is written beside its final
// name and gets that only when the report is whole.
type destination struct {
	*flusher
	file      *os.File // nil: standard output
	temporary string   // the name of file until then; "" when it is written in place
	final     string
}

// openDestination opens the file called name for what is written; "-" is stdout, and so is
// what it goes to: what others write to "/dev/stdout" before and after is kept.
func openDestination(name, what string, stdout io.Writer) (*destination, error) {
	if name == "-" || isNameOf(stdout, name) {
		return &destination{flusher: newFlusher(stdout)}, nil
	}
	d := &destination{final: name}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		d.final = target
	}
	mode := fs.FileMode(0o666)
	present, err := os.Stat(d.final)
	switch {
	case err == nil && present.IsDir():
		return nil, fmt.Errorf("%s: is a directory (name a file in it)", name)
	case err == nil && !present.Mode().IsRegular():
		// A pipe or a device cannot be replaced.
		d.file, err = os.OpenFile(d.final, os.O_WRONLY, 0)
	case err == nil:
		mode = present.Mode().Perm()
		fallthrough
	default:
		d.file, err = createBeside(d.final, mode)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: cannot write the %s: %w", name, what, reason(err))
	}
	if d.file.Name() != d.final {
		d.temporary = d.file.Name()
	}
	d.flusher = newFlusher(d.file)
	return d, nil
}

// isNameOf reports whether name is that of the file or device that stream is.
func isNameOf(stream any, name string) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	is, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(name)
	return err == nil && os.SameFile(is, named)
}

// createBeside creates a file in the folder of name whose name is not taken.
func createBeside(name string, mode fs.FileMode) (*os.File, error) {
	for i := os.Getpid(); ; i++ {
		beside := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+strconv.Itoa(i)+".tmp")
		f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// isSameFile reports whether what is written to a and b would be one file, however it is
// named, and whether it is there yet. Of a pipe or a device nothing gets lost.
func isSameFile(a, b string) bool {
	if a == "" || b == "" || a == "-" || b == "-" {
		return false
	}
	present, err := os.Stat(a)
	if err != nil {
		return resolved(a) == resolved(b)
	}
	other, err := os.Stat(b)
	return err == nil && present.Mode().IsRegular() && os.SameFile(present, other)
}

// resolved is the name of a file that need not be there, without links.
func resolved(name string) string {
	if target, err := os.Readlink(name); err == nil { // of a link that leads nowhere
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = target
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		folder = filepath.Dir(name)
	}
	if absolute, err := filepath.Abs(folder); err == nil {
		folder = absolute
	}
	return filepath.Join(folder, filepath.Base(name))
}

// commit finishes the report.
func (d *destination) commit() error {
	err := d.flush()
	if d.file == nil {
		return err
	}
	err = errors.Join(err, d.file.Close())
	if d.temporary == "" {
		return err
	}
	if err == nil {
		err = os.Rename(d.temporary, d.final)
	}
	if err != nil {
		d.abandon()
	}
	return err
}

// abandon leaves nothing of a report that is not whole.
func (d *destination) abandon() {
	if d.file != nil {
		d.file.Close()
	}
	if d.temporary != "" {
		os.Remove(d.temporary)
	}
}

// reason is err without the name of the file and of the system call.
func reason(err error) error {
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

// flushDelay is how long what is written may wait for more.
const flushDelay = 100 * time.Millisecond

// flusher is a buffered writer that is never behind by more than flushDelay,
// so that who reads a pipe sees each line soon even when no other follows.
type flusher struct {
	mu    sync.Mutex
	w     *bufio.Writer
	timer *time.Timer
	armed bool
}

func newFlusher(w io.Writer) *flusher {
	f := &flusher{w: bufio.NewWriterSize(w, 1<<16)}
	f.timer = time.AfterFunc(flushDelay, func() { f.flush() })
	f.timer.Stop()
	return f
}

func (f *flusher) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.armed {
		f.armed = true
		f.timer.Reset(flushDelay)
	}
	return f.w.Write(b)
}

// flush writes what waits. An error stays: every later Write and flush returns it.
func (f *flusher) flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	f.timer.Stop()
	return f.w.Flush()
}
