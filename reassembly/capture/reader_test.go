package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
)

// samples are whole captures, with the offsets at which a record ends.
func samples() map[string][][]byte {
	return map[string][][]byte{
		"pcap": {
			pcapHeader(little, pcapMagicMicro, 4, 65535, 1),
			record(little, 1, 0, "first"), record(little, 2, 0, ""), record(little, 3, 0, strings.Repeat("x", 100)),
		},
		"concatenated pcap": {
			pcapHeader(little, pcapMagicMicro, 4, 65535, 1), record(little, 1, 0, "first"),
			pcapHeader(little, pcapMagicNano, 4, 65535, 1), record(little, 2, 0, "second"),
		},
		"modified pcap": {
			pcapHeader(big, pcapMagicModified, 4, 65535, 1), u32(big, 1, 2, 3, 3, 7, 0), []byte("abc"), u32(big, 1, 2, 0, 0, 7, 0),
		},
		"pcapng": {
			section(little), describe(little, 1, 65535), enhanced(little, 0, 1, "first"), simple(little, 3, "abc"),
			statistics(little, 0, option(little, optionStatisticsInterfaceDrop, u64(little, 3))),
			section(big), describe(big, 1, 0), secretsBlock(big, secretsTLSKeyLog, "CLIENT_RANDOM"),
			enhanced(big, 0, 2, "second", option(big, optionPacketDropCount, u64(big, 3))), block(big, blockCustom, u32(big, 1)), enhanced(big, 0, 3, "third"),
		},
	}
}

func TestCutAtEveryByte(t *testing.T) {
	for name, parts := range samples() {
		whole := join(parts...)
		all := readImage(t, whole)
		boundary := map[int]bool{}
		end := 0
		for _, part := range parts {
			end += len(part)
			boundary[end] = true
		}
		if name == "modified pcap" { // its data stands apart
			delete(boundary, pcapHeaderBytes+pcapModifiedRecordBytes)
		}
		for n := 1; n <= len(whole); n++ {
			source, err := OpenReader("-", bytes.NewReader(whole[:n]))
			if err != nil {
				if n >= minBlockBytes || !errors.Is(err, ErrNotCapture) {
					t.Errorf("%s cut at %d: %v", name, n, err)
				}
				continue
			}
			got := read(t, source)
			if !strings.HasPrefix(all.packets, got.packets) {
				t.Errorf("%s cut at %d: %s", name, n, got.packets)
			}
			if (got.damage == "") != boundary[n] {
				t.Errorf("%s cut at %d: damage %q", name, n, got.damage)
			}
			if got.err != "" {
				t.Errorf("%s cut at %d: error %v", name, n, got.err)
			}
		}
	}
}

func TestPiecesGiveTheSame(t *testing.T) {
	for name, parts := range samples() {
		whole := join(parts...)
		for n := minBlockBytes; n <= len(whole); n++ {
			want := readImage(t, whole[:n])
			for how, r := range map[string]io.Reader{
				"byte by byte": iotest.OneByteReader(bytes.NewReader(whole[:n])),
				"by halves":    iotest.HalfReader(bytes.NewReader(whole[:n])),
				"error early":  iotest.DataErrReader(bytes.NewReader(whole[:n])),
			} {
				if got := readStream(t, r); got != want {
					t.Errorf("%s cut at %d, %s: %+v, want %+v", name, n, how, got, want)
				}
			}
		}
	}
}

// TestManyBatches reads records that lie across the ends of batches.
func TestManyBatches(t *testing.T) {
	image := pcapHeader(little, pcapMagicMicro, 4, 0, 1)
	const packets = 10000
	for i := range packets {
		image = append(image, record(little, uint32(i), 0, strings.Repeat(fmt.Sprint(i%10), i%1500))...)
	}
	name := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(name, image, 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	got := read(t, source)
	if got.packets != readStream(t, iotest.HalfReader(bytes.NewReader(image))).packets {
		t.Error("the file and the pipe differ")
	}
	if n := strings.Count(got.packets, "\n"); n != packets {
		t.Errorf("%d packets, want %d", n, packets)
	}
	if read, size := source.Files()[0].Progress(); read != int64(len(image)) || size != int64(len(image)) {
		t.Errorf("%d of %d bytes read, want %d", read, size, len(image))
	}
}

// TestPipeIsLive expects each packet as soon as it was written: waiting for more
// would be a deadlock.
func TestPipeIsLive(t *testing.T) {
	for _, c := range []struct {
		name          string
		start, packet []byte
		wrap          func(io.Writer) flusher
	}{
		{"pcap", pcapHeader(little, pcapMagicMicro, 4, 65535, 1), record(little, 1, 0, "abc"), plain},
		{"pcapng", join(section(little), describe(little, 1, 0)), enhanced(little, 0, 1, "abc"), plain},
		{"gzip", pcapHeader(little, pcapMagicMicro, 4, 65535, 1), record(little, 1, 0, "abc"),
			func(w io.Writer) flusher { return gzip.NewWriter(w) }},
	} {
		r, w := io.Pipe()
		written := make(chan struct{}, 1)
		go func() {
			out := c.wrap(w)
			out.Write(c.start)
			for range written {
				out.Write(c.packet)
				out.Flush()
			}
			w.Close()
		}()
		written <- struct{}{}
		source, err := OpenReader("-", r)
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		for n := 1; n < 4; n++ {
			if err := source.Read(&b); err != nil || len(b.Packets) != 1 || b.Packets[0].Frame.Number() != uint64(n) {
				t.Errorf("%s: %d packets, error %v", c.name, len(b.Packets), err)
			}
			written <- struct{}{}
		}
		close(written)
		go io.Copy(io.Discard, r)
	}
}

type flusher interface {
	io.Writer
	Flush() error
}

type unbuffered struct{ io.Writer }

func (unbuffered) Flush() error { return nil }

func plain(w io.Writer) flusher { return unbuffered{w} }

func TestReadError(t *testing.T) {
	broken := errors.New("the disk is on fire")
	start := join(pcapHeader(little, pcapMagicMicro, 4, 0, 1), record(little, 1, 0, "a"), record(little, 2, 0, "b"))
	got := readStream(t, io.MultiReader(bytes.NewReader(start), iotest.ErrReader(broken)))
	wantLines(t, got.packets, `0:1 1000000000 "a" ethernet 0`, `0:2 2000000000 "b" ethernet 0`)
	if got.err != "read -: the disk is on fire" || got.damage != "reading failed: the disk is on fire" || got.at != 2 {
		t.Errorf("error %q, damage %q after packet %d", got.err, got.damage, got.at)
	}
}

// idleReader delivers nothing and says nothing, for ever.
type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

func TestReaderThatDeliversNothing(t *testing.T) {
	start := join(pcapHeader(little, pcapMagicMicro, 4, 0, 1), record(little, 1, 0, "a"))
	got := readStream(t, io.MultiReader(bytes.NewReader(start), idleReader{}))
	if !strings.Contains(got.packets, `"a"`) || got.damage != io.ErrNoProgress.Error() {
		t.Errorf("%s, damage %q", got.packets, got.damage)
	}
}

func TestFileCounts(t *testing.T) {
	source := openImage(t, join(pcapHeader(little, pcapMagicMicro, 4, 96, 1),
		record(little, 5, 0, "a"), cutRecord(little, 3, 0, 10, "abc"), record(little, 4, 0, "a"), record(little, 4, 0, "a"),
		cutRecord(little, 9, 0, 10, "abc"), record(little, 8, 0, "")))
	read(t, source)
	f := source.Files()[0]
	type counts struct {
		packets, bytes, cut, backward uint64
		first, last                   Time
	}
	got := counts{f.Packets, f.Bytes, f.CutPackets, f.ClockBackward, f.First, f.Last}
	if want := (counts{6, 9, 2, 2, 3e9, 9e9}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Packets of several queues are a little out of order in the file: they come in the
// order of their times, with their numbers. A clock that is set back stays.
func TestPacketsOfSeveralQueues(t *testing.T) {
	image := pcapHeader(little, pcapMagicMicro, 4, 96, 1)
	for _, us := range []uint32{10, 30, 20, 40, 5, 2000, 2000, 900, 999, 3000} {
		image = append(image, record(little, 1, us, "a")...)
	}
	source := openImage(t, image)
	var b Batch
	if err := source.Read(&b); err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, p := range b.Packets {
		got = append(got, p.Frame.Number(), uint64(p.Time-1e9)/1000)
	}
	want := []uint64{5, 5, 1, 10, 3, 20, 2, 30, 4, 40, 6, 2000, 7, 2000, 8, 900, 9, 999, 10, 3000}
	if f := source.Files()[0]; !slices.Equal(got, want) || f.ClockBackward != 3 {
		t.Errorf("%d, want %d; %d backward", got, want, f.ClockBackward)
	}
}

// TestReadAllocatesNothing reads captures of several batches, the memory of
// which is there, and expects no allocation for batches or packets.
func TestReadAllocatesNothing(t *testing.T) {
	drops := option(little, optionPacketDropCount, u64(little, 1))
	for name, image := range map[string][]byte{
		"pcap":   repeated(pcapHeader(little, pcapMagicMicro, 4, 0, 1), record(little, 1, 0, strings.Repeat("x", 333)), 40<<20),
		"pcapng": repeated(join(section(little), describe(little, 1, 0)), enhanced(little, 0, 1, strings.Repeat("x", 333), drops), 40<<20),
	} {
		source := openImage(t, image)
		var b Batch
		for range 2 { // the second has a carried start
			if err := source.Read(&b); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(30, func() {
			if err := source.Read(&b); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations per batch", name, n)
		}
	}
}

// repeated is an image of about size bytes.
func repeated(start, record []byte, size int) []byte {
	return append(start, bytes.Repeat(record, size/len(record))...)
}
