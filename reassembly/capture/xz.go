package capture

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"slices"

	"github.com/ulikunitz/xz/lzma"
)

// xzMagic and xzFooterMagic frame a stream (.xz file format 1.2 §2.1).
const (
	xzMagic       = "\xfd7zXZ\x00"
	xzFooterMagic = "YZ"
)

const (
	xzHeaderBytes = 12 // also of the footer

	xzFilterLZMA2 = 0x21

	// Dictionaries are allocated block by block, as large as the block says. To
	// keep tiny blocks with large claims from eating time, all of them together
	// may have xzDictionaryBytes and xzDictionaryRatio times the output.
	xzDictionaryBytes = 1 << 30
	xzDictionaryRatio = 16 << 10
)

var errXZ = errors.New("malformed header")

// xzReader decodes .xz streams that stand one after the other. The container
// is ours, because the library's ends without an error where a file is cut
// between blocks, and allocates a dictionary of any size that a block claims.
type xzReader struct {
	r            *bufio.Reader
	flags        [2]byte   // of the stream
	hash         hash.Hash // of the block's content; nil if there is no check
	checkBytes   int
	block        io.Reader // nil between blocks
	packed       int64     // bytes of the block's compressed data
	started      bool      // a stream's header was read
	produced     int64
	dictionaries int64
}

func (x *xzReader) Read(p []byte) (int, error) {
	for {
		if x.block == nil {
			if err := x.next(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := x.block.Read(p)
		x.produced += int64(n)
		if x.hash != nil {
			x.hash.Write(p[:n])
		}
		if err == io.EOF {
			err = x.endBlock()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next goes to the next block. It returns io.EOF at the end of the last stream.
func (x *xzReader) next() error {
	if !x.started {
		return x.beginStream()
	}
	size, err := x.r.ReadByte()
	if err != nil {
		return cutStream(err)
	}
	if size == 0 {
		return x.endStream()
	}
	header := make([]byte, (int(size)+1)*4)
	header[0] = size
	if _, err := io.ReadFull(x.r, header[1:]); err != nil {
		return cutStream(err)
	}
	return x.beginBlock(header)
}

// beginStream reads a stream header (§2.1.1).
func (x *xzReader) beginStream() error {
	var header [xzHeaderBytes]byte
	if _, err := io.ReadFull(x.r, header[:]); err != nil {
		return cutStream(err)
	}
	if string(header[:6]) != xzMagic || crc32.ChecksumIEEE(header[6:8]) != binary.LittleEndian.Uint32(header[8:]) {
		return errXZ
	}
	x.flags = [2]byte(header[6:8])
	x.started = true
	return x.setCheck(x.flags[1])
}

// setCheck prepares the integrity check of the stream's blocks (§2.1.1.2).
func (x *xzReader) setCheck(kind byte) error {
	switch kind {
	case 0:
		x.hash, x.checkBytes = nil, 0
		return nil
	case 1:
		x.hash = crc32.NewIEEE()
	case 4:
		x.hash = crc64.New(crc64.MakeTable(crc64.ECMA))
	case 10:
		x.hash = sha256.New()
	default:
		return fmt.Errorf("integrity check %d is not known", kind)
	}
	x.checkBytes = x.hash.Size()
	return nil
}

// beginBlock reads a block header (§3.1).
func (x *xzReader) beginBlock(header []byte) error {
	end := len(header) - 4
	if crc32.ChecksumIEEE(header[:end]) != binary.LittleEndian.Uint32(header[end:]) {
		return errXZ
	}
	const (
		moreFilters  = 0x03
		packedSize   = 0x40
		unpackedSize = 0x80
	)
	flags, fields := header[1], bytes.NewReader(header[2:end])
	unpacked := uint64(maxWindowBytes)
	if flags&packedSize != 0 {
		if _, err := binary.ReadUvarint(fields); err != nil {
			return errXZ
		}
	}
	if flags&unpackedSize != 0 {
		var err error
		if unpacked, err = binary.ReadUvarint(fields); err != nil {
			return errXZ
		}
	}
	var filter [3]byte // identifier, size of properties, dictionary size
	if _, err := io.ReadFull(fields, filter[:]); err != nil {
		return errXZ
	}
	if flags&moreFilters != 0 || filter[0] != xzFilterLZMA2 || filter[1] != 1 {
		return errors.New("it uses a filter other than LZMA2")
	}
	return x.openBlock(filter[2], unpacked)
}

// openBlock starts to decode a block that needs a dictionary of the coded size,
// but no more than its content.
func (x *xzReader) openBlock(coded byte, unpacked uint64) error {
	// §5.3.1: 2 or 3 shifted left.
	size := int64(2|coded&1) << (coded/2 + 11)
	if coded > 40 || size > maxWindowBytes {
		return fmt.Errorf("it needs a dictionary of more than %d MiB", maxWindowBytes>>20)
	}
	size = max(int64(min(unpacked, uint64(size))), lzma.MinDictCap)
	x.dictionaries += size
	if x.dictionaries > xzDictionaryBytes+xzDictionaryRatio*x.produced {
		return errors.New("its blocks are tiny and claim large dictionaries")
	}
	x.packed = 0
	block, err := lzma.Reader2Config{DictCap: int(size)}.NewReader2(&countingReader{x.r, &x.packed})
	if err != nil {
		return err
	}
	if x.hash != nil {
		x.hash.Reset()
	}
	x.block = block
	return nil
}

// endBlock reads the padding and the check behind a block's data (§3.3, §3.4).
func (x *xzReader) endBlock() error {
	var tail [3 + sha256.Size]byte
	padding := int(-x.packed & 3)
	read := tail[:padding+x.checkBytes]
	if _, err := io.ReadFull(x.r, read); err != nil {
		return cutStream(err)
	}
	x.block = nil
	if x.hash == nil {
		return nil
	}
	sum := x.hash.Sum(nil)
	if x.flags[1] != 10 {
		slices.Reverse(sum) // the CRCs are stored little endian
	}
	if !bytes.Equal(sum, read[padding:]) {
		return errors.New("checksum mismatch")
	}
	return nil
}

// endStream reads the index behind its indicator, the footer (§2.1.2, §4) and
// the padding up to the next stream. The index is only passed over.
func (x *xzReader) endStream() error {
	index := int64(1)
	r := &countingReader{x.r, &index}
	records, err := binary.ReadUvarint(r)
	if err != nil {
		return cutStream(err)
	}
	for ; records > 0; records-- {
		for range 2 {
			if _, err := binary.ReadUvarint(r); err != nil {
				return cutStream(err)
			}
		}
	}
	const crcBytes = 4
	var rest [3 + crcBytes + xzHeaderBytes]byte
	tail := rest[:(-index&3)+crcBytes+xzHeaderBytes]
	if _, err := io.ReadFull(x.r, tail); err != nil {
		return cutStream(err)
	}
	footer := tail[len(tail)-xzHeaderBytes:]
	if string(footer[10:]) != xzFooterMagic || [2]byte(footer[8:10]) != x.flags {
		return errors.New("malformed footer")
	}
	x.started = false
	return x.skipPadding()
}

func (x *xzReader) skipPadding() error {
	for {
		next, err := x.r.Peek(1)
		if err != nil {
			return err
		}
		if next[0] != 0 {
			return nil
		}
		x.r.Discard(1)
	}
}

// cutStream tells the end of the input from the end of a stream.
func cutStream(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// countingReader counts the bytes read through it.
type countingReader struct {
	r *bufio.Reader
	n *int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}

func (c *countingReader) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		*c.n++
	}
	return b, err
}
