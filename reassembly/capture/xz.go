package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/mikelolasagasti/xz"
)

// xzMagic begins a stream (.xz file format 1.2 §2.1.1.1).
const xzMagic = "\xfd7zXZ\x00"

// xzReader decodes .xz streams that stand one after the other. Where the input is
// cut, it delivers all that can be decoded of it before it says so.
type xzReader struct {
	input   *bufio.Reader
	ended   bool // the input
	decoder *xz.Reader
}

func openXZ(r *bufio.Reader) (io.Reader, error) {
	x := &xzReader{input: r}
	var err error
	x.decoder, err = xz.NewReader(xzInput{x}, maxWindowBytes)
	return x, x.explain(err)
}

func (x *xzReader) Read(p []byte) (int, error) {
	n, err := x.decoder.Read(p)
	return n, x.explain(err)
}

// explain says in words what is wrong with the stream.
func (x *xzReader) explain(err error) error {
	switch {
	case err == xz.ErrBuf && x.ended: // the decoder calls what is cut the same as what is corrupt
		return io.ErrUnexpectedEOF
	case err == xz.ErrMemlimit:
		return fmt.Errorf("it needs a dictionary of more than %d MiB", maxWindowBytes>>20)
	case err == xz.ErrOptions:
		return errors.New("it uses a filter that is not known")
	case err == xz.ErrUnsupportedCheck:
		return errors.New("its integrity check is not known")
	case err == xz.ErrFormat:
		return errors.New("malformed header")
	case err == xz.ErrData, err == xz.ErrBuf:
		return errors.New("its data and checksums disagree")
	}
	return err
}

// xzInput is the input of an xzReader, which notes its end.
type xzInput struct{ x *xzReader }

func (i xzInput) Read(p []byte) (int, error) {
	n, err := i.x.input.Read(p)
	i.x.ended = i.x.ended || err == io.EOF
	return n, err
}
