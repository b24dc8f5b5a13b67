package capture

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func FuzzPcap(f *testing.F) {
	for name, parts := range samples() {
		if name != "pcapng" {
			f.Add(join(parts...))
		}
	}
	f.Add(join(pcapHeader(little, pcapMagicMicro, 3, 0, 1), u32(little, 1, 0, 60, 3), []byte("abc")))
	f.Add(join(pcapHeader(little, pcapMagicMicro, 4, 0, 1), u32(little, 1, 0, 2<<20, 2<<20), []byte("abc")))
	f.Fuzz(func(t *testing.T, image []byte) {
		if !isPcap(image) {
			return
		}
		checkStream(t, image, true)
	})
}

func FuzzPcapng(f *testing.F) {
	f.Add(join(samples()["pcapng"]...))
	f.Add(join(section(big), describe(big, 1, 0, option(big, optionInterfaceResolution, []byte{0x80 | 64}),
		option(big, optionInterfaceOffset, u64(big, 1<<63))), enhanced(big, 0, 1<<63, "a")))
	f.Add(join(section(little), describe(little, 1, 0), u32(little, 0x12345678, 5<<20, 0)))
	f.Add(join(section(little), describe(little, 1, 0), u32(little, blockEnhanced, 5<<20, 0, 0, 0, 4<<20, 0)))
	f.Fuzz(func(t *testing.T, image []byte) {
		if len(image) < minBlockBytes {
			return
		}
		if _, ok := sectionOrder(image); !ok {
			return
		}
		checkStream(t, image, false)
	})
}

// checkStream checks what holds for any bytes that begin as a capture does.
func checkStream(t *testing.T, image []byte, consecutive bool) {
	open := func(r io.Reader, batchBytes int) *reader {
		source, err := newReader(&File{Name: "-"}, 0, r)
		if err != nil {
			t.Skip(err) // an unknown version
		}
		source.batchBytes = batchBytes
		return source
	}
	checkPackets(t, open(bytes.NewReader(image), 4096), image, consecutive)
	whole := read(t, open(bytes.NewReader(image), 4096)).asWritten()
	if whole.err != "" {
		t.Errorf("damage became the error %s", whole.err)
	}
	if pieces := read(t, open(iotest.OneByteReader(bytes.NewReader(image)), 32)).asWritten(); pieces != whole {
		t.Errorf("byte by byte: %+v\nat once: %+v", pieces, whole)
	}
}

// asWritten is r with its packets by their numbers: which of them are read at once, and
// so put in order, depends on how much there is to read.
func (r result) asWritten() result {
	number := func(line string) int {
		var file, n int
		fmt.Sscanf(line, "%d:%d", &file, &n)
		return n
	}
	lines := strings.SplitAfter(r.packets, "\n")
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	r.packets = strings.Join(lines, "")
	return r
}

// checkOrder checks that packets which do not stand by their numbers stand by their times.
func checkOrder(t *testing.T, packets []Packet) (numbers []uint64) {
	for i, p := range packets {
		numbers = append(numbers, p.Frame.Number())
		if i > 0 && numbers[i] < numbers[i-1] && p.Time <= packets[i-1].Time {
			t.Errorf("packet %d, at %d, follows %d, at %d", numbers[i], p.Time, numbers[i-1], packets[i-1].Time)
		}
	}
	slices.Sort(numbers)
	return numbers
}

func checkPackets(t *testing.T, source Source, image []byte, consecutive bool) {
	var b Batch
	var before uint64
	bytesSeen := 0
	for source.Read(&b) == nil {
		for _, n := range checkOrder(t, b.Packets) {
			if n <= before || consecutive && n != before+1 {
				t.Errorf("packet %d follows %d", n, before)
			}
			before = n
		}
		for _, p := range b.Packets {
			bytesSeen += len(p.Data)
			if len(p.Data) > int(p.Length) || cap(p.Data) != len(p.Data) || p.Interface == nil {
				t.Errorf("packet %v: %d bytes (capacity %d) of %d, interface %v", p.Frame, len(p.Data), cap(p.Data), p.Length, p.Interface)
			}
			if !bytes.Contains(image, p.Data) {
				t.Errorf("packet %v is not in the file", p.Frame)
			}
		}
	}
	f := source.Files()[0]
	if bytesSeen > len(image) || f.Bytes != uint64(bytesSeen) {
		t.Errorf("%d bytes in packets, %d counted, of %d", bytesSeen, f.Bytes, len(image))
	}
	if len(b.buffer) > 4096+2*len(image) {
		t.Errorf("the buffer has %d bytes for an input of %d", len(b.buffer), len(image))
	}
	if f.Damage != "" && f.DamageAt > before {
		t.Errorf("damage after packet %d, but the last is %d", f.DamageAt, before)
	}
}

func FuzzDecompress(f *testing.F) {
	image := noisyCapture(3)
	for how := range compressors {
		stream := compress(f, how, image)
		f.Add(stream)
		f.Add(join(stream[:len(stream)-5], stream))
		f.Add(compress(f, "gzip", stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, end := decompressed(bytes.NewReader(stream))
		pieces, endOfPieces := decompressed(iotest.OneByteReader(bytes.NewReader(stream)))
		same := bytes.Equal(whole, pieces) && end == endOfPieces
		if strings.HasPrefix(end, "the xz ") && strings.HasPrefix(endOfPieces, "the xz ") {
			same = bytes.HasPrefix(pieces, whole) || bytes.HasPrefix(whole, pieces) // what lies close before a fault may be kept back
		}
		if !same {
			t.Errorf("byte by byte: %d bytes, %s\nat once: %d bytes, %s", len(pieces), endOfPieces, len(whole), end)
		}
	})
}

// decompressed returns the start of the content of r and how it ends.
func decompressed(r io.Reader) ([]byte, string) {
	const enough = 1 << 20
	stream, err := decompress(r)
	if err != nil {
		return nil, err.Error()
	}
	content, err := io.ReadAll(io.LimitReader(stream, enough))
	if err != nil {
		return content, err.Error()
	}
	return content, ""
}
