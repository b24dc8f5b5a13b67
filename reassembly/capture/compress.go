package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	// maxCompressions is how deep compressions may be nested.
	maxCompressions = 2
	// maxWindowBytes bounds the memory that a compressed stream may ask for:
	// what zstd and xz use at their highest levels (zstd --ultra -22, xz -9 half of it).
	maxWindowBytes = 128 << 20
	// streamBytes is how much is read of a compressed input at once.
	streamBytes = 64 << 10
)

// compression is a way in which a whole input can be compressed.
type compression struct {
	name  string
	magic []byte // the first bytes
	mask  []byte // the bits of magic that count; nil: all
	open  func(*bufio.Reader) (io.Reader, error)
}

// compressions lists what is recognised. All of them read several streams that
// stand one after the other as one.
func compressions() []compression {
	return []compression{
		{name: "gzip", magic: []byte{0x1f, 0x8b, 8}, open: openGzip},
		{name: "zstd", magic: []byte{0x28, 0xb5, 0x2f, 0xfd}, open: openZstd},
		// A skippable frame, with which pzstd begins (RFC 8878 §3.1.2).
		{name: "zstd", magic: []byte{0x50, 0x2a, 0x4d, 0x18}, mask: []byte{0xf0, 0xff, 0xff, 0xff}, open: openZstd},
		{name: "xz", magic: []byte(xzMagic), open: openXZ},
		{name: "lz4", magic: []byte{0x04, 0x22, 0x4d, 0x18}, open: openLZ4},
	}
}

func openGzip(r *bufio.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func openZstd(r *bufio.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindowBytes))
}

func openLZ4(r *bufio.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }

// matches reports whether head begins with the magic number.
func (c *compression) matches(head []byte) bool {
	if c.mask == nil {
		return bytes.HasPrefix(head, c.magic)
	}
	if len(head) < len(c.magic) {
		return false
	}
	for i, m := range c.magic {
		if head[i]&c.mask[i] != m {
			return false
		}
	}
	return true
}

// decompress returns the content of r, through as many compressions as its
// bytes, not its name, tell. The stream's errors are those of r, or say in a
// sentence what is wrong with the compressed stream.
func decompress(r io.Reader) (*bufio.Reader, error) {
	stream := bufio.NewReaderSize(r, streamBytes)
	for depth := 0; ; depth++ {
		c, ok := compressionOf(stream)
		if !ok {
			return stream, nil
		}
		if depth == maxCompressions {
			return nil, fmt.Errorf("%w: it is compressed more than %d times", ErrNotCapture, maxCompressions)
		}
		inner, err := c.open(stream)
		if err != nil {
			return nil, streamError(c.name, err)
		}
		stream = bufio.NewReaderSize(&decompressor{name: c.name, r: inner}, streamBytes)
	}
}

func compressionOf(stream *bufio.Reader) (compression, bool) {
	// A read error shows up again when the format is to be recognised.
	head, _ := stream.Peek(len(xzMagic))
	for _, c := range compressions() {
		if c.matches(head) {
			return c, true
		}
	}
	return compression{}, false
}

// decompressor reads a compressed stream and says what is wrong with it.
type decompressor struct {
	name string
	r    io.Reader
	err  error
}

func (d *decompressor) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.r.Read(p)
	if err != nil && err != io.EOF {
		err = streamError(d.name, err)
	}
	d.err = err
	return n, err
}

// damagedStream is a compressed stream that ends early or is corrupt.
type damagedStream struct{ sentence string }

func (d *damagedStream) Error() string { return d.sentence }

func streamError(name string, err error) error {
	if inner := new(damagedStream); errors.As(err, &inner) {
		return inner // of a stream around this one
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &damagedStream{fmt.Sprintf("the %s stream ends early", name)}
	}
	return &damagedStream{fmt.Sprintf("the %s stream is corrupt: %v", name, err)}
}
