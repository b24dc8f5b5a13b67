package capture

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// compressors write what is to be read, in small blocks.
var compressors = map[string]func(io.Writer) (io.WriteCloser, error){
	"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithWindowSize(1<<10)) },
	"lz4": func(w io.Writer) (io.WriteCloser, error) {
		l := lz4.NewWriter(w)
		return l, l.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
	},
	"xz": func(w io.Writer) (io.WriteCloser, error) {
		return xz.WriterConfig{DictCap: 1 << 16, BlockSize: 5000}.NewWriter(w)
	},
	"xz without check": func(w io.Writer) (io.WriteCloser, error) {
		return xz.WriterConfig{DictCap: 1 << 16, NoCheckSum: true}.NewWriter(w)
	},
	"xz with SHA-256": func(w io.Writer) (io.WriteCloser, error) {
		return xz.WriterConfig{DictCap: 1 << 16, BlockSize: 7777, CheckSum: xz.SHA256}.NewWriter(w)
	},
}

func compress(t testing.TB, how string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := compressors[how](&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// noisyCapture is a capture that compresses badly.
func noisyCapture(packets int) []byte {
	random := rand.New(rand.NewPCG(3, 4))
	image := pcapHeader(little, pcapMagicMicro, 4, 0, 1)
	for i := range packets {
		data := make([]byte, random.IntN(200))
		for j := range data {
			data[j] = byte(random.UintN(64))
		}
		image = append(image, record(little, uint32(i), 0, string(data))...)
	}
	return image
}

func TestCompressed(t *testing.T) {
	image := noisyCapture(200)
	want := readImage(t, image)
	for how := range compressors {
		for name, stream := range map[string][]byte{
			"one stream":   compress(t, how, image),
			"two streams":  join(compress(t, how, image[:5000]), compress(t, how, image[5000:])),
			"nested":       compress(t, "gzip", compress(t, how, image)),
			"nested other": compress(t, how, compress(t, "zstd", image)),
		} {
			if got := readImage(t, stream); got != want {
				t.Errorf("%s, %s: %d packets, damage %q", how, name, strings.Count(got.packets, "\n"), got.damage)
			}
			if got := readStream(t, iotest.OneByteReader(bytes.NewReader(stream))); got != want {
				t.Errorf("%s, %s, byte by byte: %d packets, damage %q", how, name, strings.Count(got.packets, "\n"), got.damage)
			}
		}
	}
	if got := readImage(t, join(compress(t, "xz", image), make([]byte, 8))); got != want {
		t.Errorf("xz with padding: damage %q", got.damage)
	}
	skippable := join([]byte{0x5a, 0x2a, 0x4d, 0x18}, u32(little, 3), []byte("abc"))
	if got := readImage(t, join(skippable, compress(t, "zstd", image))); got != want {
		t.Errorf("zstd behind a skippable frame: damage %q", got.damage)
	}
}

func TestCompressedTooDeep(t *testing.T) {
	deep := compress(t, "gzip", compress(t, "zstd", compress(t, "lz4", noisyCapture(2))))
	_, err := OpenReader("a", bytes.NewReader(deep))
	if !errors.Is(err, ErrNotCapture) || err.Error() != "a: is neither pcap nor pcapng: it is compressed more than 2 times" {
		t.Errorf("error %v", err)
	}
}

// TestCompressedCutAtEveryByte expects what could be decoded before the cut, and
// that the damage is told wherever the cut is.
func TestCompressedCutAtEveryByte(t *testing.T) {
	image := noisyCapture(200)
	all := readImage(t, image).packets
	for how := range compressors {
		// Two streams: a cut between them is one between records, and no damage.
		const half = 24
		first, second := compress(t, how, image[:half]), compress(t, how, image[half:])
		whole := join(first, second)
		opened, most := 0, 0
		for n := 1; n < len(whole); n += 1 + n/50 {
			source, err := OpenReader("-", bytes.NewReader(whole[:n]))
			if err != nil {
				if n > len(first) {
					t.Errorf("%s cut at %d: %v", how, n, err)
				}
				continue
			}
			opened++
			got := read(t, source)
			most = max(most, len(got.packets))
			if !strings.HasPrefix(all, got.packets) || got.err != "" {
				t.Errorf("%s cut at %d: error %q, packets %s", how, n, got.err, got.packets)
			}
			if (got.damage == "") != (n == len(first)) {
				t.Errorf("%s cut at %d of %d+%d: damage %q", how, n, len(first), len(second), got.damage)
			}
		}
		if opened == 0 {
			t.Errorf("%s: no cut stream could be opened", how)
		}
		if (how == "gzip" || strings.HasPrefix(how, "xz")) && most < len(all)*9/10 {
			t.Errorf("%s: at most %d of %d bytes of packets were saved", how, most, len(all))
		}
	}
}

func TestCompressedCorrupt(t *testing.T) {
	image := noisyCapture(2000)
	all := readImage(t, image).packets
	for _, how := range []string{"gzip", "zstd", "xz", "lz4"} {
		stream := compress(t, how, image)
		stream[len(stream)*3/4] ^= 0x55
		got := readImage(t, stream)
		if !strings.HasPrefix(got.damage, "the "+how+" stream is corrupt: ") && !strings.HasPrefix(got.damage, "the "+how+" stream ends early") {
			t.Errorf("%s: damage %q", how, got.damage)
		}
		if got.err != "" || how == "zstd" && !strings.HasPrefix(all, got.packets) {
			t.Errorf("%s: error %q", how, got.err)
		}
		got = readImage(t, join(compress(t, how, image), []byte("garbage behind the stream")))
		if got.packets != all || !strings.HasPrefix(got.damage, "the "+how+" stream is corrupt: ") {
			t.Errorf("%s with garbage: damage %q", how, got.damage)
		}
	}
}

func TestCompressedNothing(t *testing.T) {
	for how := range compressors {
		if _, err := OpenReader("a", bytes.NewReader(compress(t, how, nil))); !errors.Is(err, ErrEmpty) {
			t.Errorf("%s: %v", how, err)
		}
		if _, err := OpenReader("a", bytes.NewReader(compress(t, how, []byte("no capture")))); !errors.Is(err, ErrNotCapture) {
			t.Errorf("%s: %v", how, err)
		}
	}
}

// xzBlock is one with a capture's header in it, that claims a dictionary of the coded
// size (.xz file format 1.2 §3, §5.3.1).
func xzBlock(filter, coded byte) []byte {
	header := []byte{2, 0, filter, 1, coded, 0, 0, 0}
	chunk := join([]byte{1, 0, 23}, pcapHeader(little, pcapMagicMicro, 4, 0, 1), []byte{0})
	return join(header, u32(little, crc32.ChecksumIEEE(header)), chunk)
}

func xzStreamHeader(check byte) []byte {
	flags := []byte{0, check}
	return join([]byte(xzMagic), flags, u32(little, crc32.ChecksumIEEE(flags)))
}

func TestXZDictionariesAreBounded(t *testing.T) {
	const lzma2 = 0x21
	if got := readImage(t, join(xzStreamHeader(0), xzBlock(lzma2, 28))); got.damage != "the xz stream ends early" {
		t.Errorf("a dictionary of 64 MiB: damage %q", got.damage)
	}
	_, err := OpenReader("a", bytes.NewReader(join(xzStreamHeader(0), xzBlock(lzma2, 31))))
	if err == nil || err.Error() != "a: the xz stream is corrupt: it needs a dictionary of more than 128 MiB" {
		t.Errorf("a dictionary of 192 MiB: %v", err)
	}
	stream := join(xzStreamHeader(0), bytes.Repeat(xzBlock(lzma2, 28), 1000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	readImage(t, stream)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 80<<20 {
		t.Errorf("1000 dictionaries of 64 MiB, one after the other, took %d MiB", took>>20)
	}
}

func TestXZRefusals(t *testing.T) {
	badCRC := xzBlock(0x21, 0)
	badCRC[11]++
	for want, stream := range map[string][]byte{
		"it uses a filter that is not known": join(xzStreamHeader(0), xzBlock(0x60, 0)),
		"its data and checksums disagree":    join(xzStreamHeader(0), badCRC),
		"its integrity check is not known":   xzStreamHeader(7),
	} {
		_, err := OpenReader("a", bytes.NewReader(stream))
		if want := fmt.Sprintf("a: the xz stream is corrupt: %s", want); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
