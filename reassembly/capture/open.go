package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// batchBytes is how much of an input is read at once: enough to make the cost
// of a read small, and few enough packets to stay in a core's cache until they
// are analysed. Of 64 KiB to 1 MiB it is the fastest with an analysis behind it.
const batchBytes = 256 << 10

// What is wrong with an input that cannot be read at all. Errors of Open and its
// kin wrap these, or those of package os (fs.ErrNotExist, fs.ErrPermission).
var (
	ErrEmpty      = errors.New("is empty")
	ErrNotCapture = errors.New("is neither pcap nor pcapng")
)

// Open opens a capture file, compressed or not. Its errors begin with the name.
func Open(name string) (Source, error) {
	r, err := openFile(&File{Name: name}, 0)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// OpenReader reads a capture from r, e.g. standard input with "-" as its name.
// Each Read of the Source returns what has arrived. Close leaves r open.
func OpenReader(name string, r io.Reader) (Source, error) {
	source, err := openStream(&File{Name: name}, 0, r)
	if err != nil {
		return nil, err
	}
	return source, nil
}

// openFile opens the file that file names, which is input number index.
func openFile(file *File, index int) (*reader, error) {
	f, err := os.Open(file.Name)
	if err != nil {
		return nil, nameError(file.Name, err)
	}
	r, err := openStream(file, index, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.closer = f
	return r, nil
}

func openStream(file *File, index int, stream io.Reader) (*reader, error) {
	patient := false
	if f, ok := stream.(*os.File); ok {
		info, err := f.Stat()
		if err != nil {
			return nil, nameError(file.Name, err)
		}
		if info.IsDir() {
			return nil, fmt.Errorf("%s: is a directory", file.Name)
		}
		if patient = info.Mode().IsRegular(); patient {
			file.size.Store(info.Size())
		}
	}
	r, err := newReader(file, index, stream)
	if err != nil {
		return nil, nameError(file.Name, err)
	}
	r.patient = patient
	return r, nil
}

// nameError puts the input's name before what is wrong with it, once.
func nameError(name string, err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// newFramer recognises the format of a stream. Where the stream ends inside the
// header that tells it, there is a framer, which will find it cut.
func newFramer(stream *bufio.Reader, file *File, index int) (framer, error) {
	head, err := stream.Peek(pcapHeaderBytes)
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case len(head) == 0:
		return nil, ErrEmpty
	}
	if variant, ok := pcapVariantOf(head); ok {
		p := newPcap(variant, file, index)
		if len(head) < pcapHeaderBytes {
			return p, nil
		}
		defer stream.Discard(pcapHeaderBytes)
		return p, p.begin(head)
	}
	if len(head) >= minBlockBytes {
		if _, ok := sectionOrder(head); ok {
			return newPcapng(file, index), nil
		}
	}
	if what := lookalike(head); what != "" {
		return nil, fmt.Errorf("%w: it looks like %s", ErrNotCapture, what)
	}
	return nil, ErrNotCapture
}

// lookalike names what is often taken for a capture, by its first bytes, and
// what to do about it.
func lookalike(head []byte) string {
	const convert = " (convert it with editcap -F pcapng)"
	for _, known := range []struct{ magic, what string }{
		{"snoop\x00\x00\x00", "a Solaris snoop capture" + convert},
		{"RTSS", "a Microsoft Network Monitor capture" + convert},
		{"GMBU", "a Microsoft Network Monitor capture" + convert},
		{"TRSNIFF data", "a Sniffer capture" + convert},
		{"XCP\x00", "a NetXray capture" + convert},
		{"iptrace ", "an AIX iptrace capture" + convert},
		{"PK\x03\x04", "a zip archive (unpack it)"},
		{"BZh", "bzip2 (decompress it)"},
		{"\x02\x21\x4c\x18", "legacy lz4 (decompress it)"},
		{"7z\xbc\xaf", "a 7z archive (unpack it)"},
		{"\x7fELF", "a program"},
		{"%PDF", "a PDF"},
		{"version https://git-lfs", "a Git LFS pointer (run git lfs pull)"},
	} {
		if bytes.HasPrefix(head, []byte(known.magic)) {
			return known.what
		}
	}
	switch text := bytes.ToLower(bytes.TrimLeft(head, " \t\r\n\ufeff")); {
	case bytes.HasPrefix(text, []byte("<!doctype")), bytes.HasPrefix(text, []byte("<html")):
		return "HTML"
	case bytes.HasPrefix(text, []byte("<?xml")):
		return "XML"
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		return "JSON"
	}
	return ""
}
