package capture

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// standardInput is the name that stands for it.
	standardInput = "-"
	// maxInputs is what Frame has room for.
	maxInputs = 1 << (64 - frameNumberBits)
	// probeBytes is how much of an input is read at once to find its first packet.
	probeBytes = 64 << 10
)

// OpenAll opens several captures as one Source, whose packets come in the order
// of their times. A name is that of a file, of a directory (all captures in it,
// without its subdirectories), a pattern if no such file exists, or "-" for
// stdin. Inputs are numbered in the order of their names, and one that is named
// twice is read once.
//
// Packets of one input keep their order even if its clock goes backwards.
// Packets of the same time come in the order of their inputs' first packets,
// then of their inputs.
//
// Inputs are opened to find their first packet and again when its time has come,
// so that any number of rotated files can be read. What cannot be opened again
// (pipes) stays open.
//
// The errors tell what could not be opened, each beginning with a name; the
// Source, of the rest, is nil if there is none.
func OpenAll(names []string, stdin io.Reader) (Source, []error) {
	paths, errs := expand(names)
	if len(paths) == 1 && len(errs) == 0 && paths[0].directory == "" {
		r, err := paths[0].open(&File{Name: paths[0].name}, 0, stdin)
		if err != nil {
			return nil, []error{err}
		}
		return r, nil
	}
	p := prober{stdin: stdin, batch: Batch{buffer: make([]byte, probeBytes)}}
	p.addAll(paths)
	errs = append(errs, p.errs...)
	if len(p.files) == 0 {
		return nil, errs
	}
	return newMerged(p.files, p.inputs), errs
}

// inputPath is the name of an input.
type inputPath struct {
	name      string
	directory string // the directory in which it was found, "" if it was named itself
}

func (p inputPath) open(file *File, index int, stdin io.Reader) (*reader, error) {
	if p.name == standardInput {
		return openStream(file, index, stdin)
	}
	return openFile(file, index)
}

// expand replaces directories and patterns by the files they stand for and
// returns all names sorted, each file once.
func expand(names []string) ([]inputPath, []error) {
	var found []inputPath
	var errs []error
	for _, name := range names {
		paths, err := expandName(name)
		if err != nil {
			errs = append(errs, err)
		}
		found = append(found, paths...)
	}
	slices.SortFunc(found, func(a, b inputPath) int {
		// A file that was named itself comes before one that was met, because
		// what is wrong with it is told.
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.directory, b.directory))
	})
	seen := make(map[string]bool)
	return slices.DeleteFunc(found, func(p inputPath) bool {
		key := p.identity()
		again := seen[key]
		seen[key] = true
		return again
	}), errs
}

// identity is the same for all names of a file.
func (p inputPath) identity() string {
	if p.name == standardInput {
		return p.name
	}
	real, err := filepath.EvalSymlinks(p.name)
	if err != nil {
		return p.name
	}
	if absolute, err := filepath.Abs(real); err == nil {
		return absolute
	}
	return real
}

func expandName(name string) ([]inputPath, error) {
	if name == standardInput {
		return []inputPath{{name: name}}, nil
	}
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		return expandDirectory(name)
	}
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return []inputPath{{name: name}}, nil
	}
	matches, _ := filepath.Glob(name) // a malformed pattern is a name
	var paths []inputPath
	for _, match := range matches {
		paths = append(paths, inputPath{name: match})
	}
	if len(paths) == 0 {
		paths = []inputPath{{name: name}}
	}
	return paths, nil
}

func expandDirectory(name string) ([]inputPath, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, nameError(name, err)
	}
	var paths []inputPath
	for _, entry := range entries {
		file := filepath.Join(name, entry.Name())
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			paths = append(paths, inputPath{name: file, directory: name})
		}
	}
	if len(paths) == 0 {
		return nil, noCaptures(name)
	}
	return paths, nil
}

// prober opens inputs for a first look.
type prober struct {
	stdin  io.Reader
	batch  Batch
	files  []*File
	inputs []*mergeInput // those of files that have packets
	errs   []error
}

// addAll looks at all inputs. In a directory what is no capture is no error,
// unless there is nothing else.
func (p *prober) addAll(paths []inputPath) {
	captures := make(map[string]bool) // by directory
	for _, path := range paths {
		err := p.add(path)
		if path.directory != "" && (errors.Is(err, ErrNotCapture) || errors.Is(err, ErrEmpty)) {
			continue
		}
		if err != nil {
			p.errs = append(p.errs, err)
		}
		captures[path.directory] = true
	}
	for _, path := range paths {
		if path.directory != "" && !captures[path.directory] {
			captures[path.directory] = true
			p.errs = append(p.errs, noCaptures(path.directory))
		}
	}
}

func noCaptures(directory string) error {
	return fmt.Errorf("%s: the directory holds no captures", directory)
}

// add looks at an input.
func (p *prober) add(path inputPath) error {
	if len(p.files) == maxInputs {
		return fmt.Errorf("%s: is one of more than %d inputs", path.name, maxInputs)
	}
	in := &mergeInput{file: &File{Name: path.name}, index: len(p.files)}
	r, err := path.open(in.file, in.index, p.stdin)
	if err != nil {
		return err
	}
	r.batchBytes = probeBytes
	switch err := r.Read(&p.batch); {
	case err == io.EOF:
		p.files = append(p.files, in.file)
		return r.Close()
	case err != nil:
		r.Close()
		return err
	}
	in.first = p.batch.Packets[0].Time
	if r.patient && path.name != standardInput {
		r.Close()
		in.file = &File{Name: path.name} // its counters start again
		in.file.size.Store(r.file.size.Load())
	} else {
		in.reader, in.batch = r, p.batch
		p.batch = Batch{buffer: make([]byte, probeBytes)}
	}
	p.files = append(p.files, in.file)
	p.inputs = append(p.inputs, in)
	return nil
}
