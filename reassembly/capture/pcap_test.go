package capture

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

func TestPcap(t *testing.T) {
	for _, c := range []struct {
		name   string
		image  []byte
		want   []string
		format Format
	}{
		{"microseconds, little endian", join(
			pcapHeader(little, pcapMagicMicro, 4, 65535, 1),
			record(little, 1, 2, "abc"), record(little, 3, 999999, "")),
			[]string{`0:1 1000002000 "abc" ethernet 0`, `0:2 3999999000 "" ethernet 0`}, Pcap},
		{"microseconds, big endian", join(
			pcapHeader(big, pcapMagicMicro, 4, 65535, 113),
			record(big, 1, 2, "abc")),
			[]string{`0:1 1000002000 "abc" linux-sll 0`}, Pcap},
		{"nanoseconds, little endian", join(
			pcapHeader(little, pcapMagicNano, 4, 65535, 101),
			record(little, 1, 2, "abc")),
			[]string{`0:1 1000000002 "abc" raw 0`}, PcapNanosecond},
		{"nanoseconds, big endian", join(
			pcapHeader(big, pcapMagicNano, 4, 65535, 1),
			record(big, 1, 999999999, "abc")),
			[]string{`0:1 1999999999 "abc" ethernet 0`}, PcapNanosecond},
		{"modified records have 8 bytes more", join(
			pcapHeader(little, pcapMagicModified, 4, 65535, 1),
			u32(little, 1, 2, 3, 3, 7, 0), []byte("abc"),
			u32(little, 2, 2, 1, 1, 7, 0), []byte("d")),
			[]string{`0:1 1000002000 "abc" ethernet 0`, `0:2 2000002000 "d" ethernet 0`}, Pcap},
		{"version 2.2 has the lengths the other way round", join(
			pcapHeader(little, pcapMagicMicro, 2, 65535, 1),
			u32(little, 1, 0, 60, 3), []byte("abc")),
			[]string{`0:1 1000000000 "abc" of 60 ethernet 0`}, Pcap},
		{"version 2.3 may have them so", join(
			pcapHeader(little, pcapMagicMicro, 3, 65535, 1),
			u32(little, 1, 0, 60, 3), []byte("abc"), u32(little, 2, 0, 3, 60), []byte("def")),
			[]string{`0:1 1000000000 "abc" of 60 ethernet 0`, `0:2 2000000000 "def" of 60 ethernet 0`}, Pcap},
		{"cut by snaplen", join(
			pcapHeader(little, pcapMagicMicro, 4, 3, 1),
			cutRecord(little, 1, 0, 1500, "abc")),
			[]string{`0:1 1000000000 "abc" of 1500 ethernet 0`}, Pcap},
		{"captured more than was on the wire", join(
			pcapHeader(little, pcapMagicMicro, 4, 65535, 1),
			cutRecord(little, 1, 0, 2, "abcd")),
			[]string{`0:1 1000000000 "abcd" ethernet 0`}, Pcap},
		{"a fraction of more than a second carries over", join(
			pcapHeader(little, pcapMagicMicro, 4, 65535, 1),
			record(little, 1, 1500000, "a"), record(little, 1<<32-1, 1<<32-1, "b")),
			[]string{`0:1 2500000000 "a" ethernet 0`, `0:2 4294971589967295000 "b" ethernet 0`}, Pcap},
		{"frame check sequence bits are not the link type's", join(
			pcapHeader(little, pcapMagicMicro, 4, 65535, 0x24000001),
			record(little, 1, 0, "a")),
			[]string{`0:1 1000000000 "a" ethernet 0`}, Pcap},
		{"link type above 255", join(
			pcapHeader(little, pcapMagicMicro, 4, 65535, 276),
			record(little, 1, 0, "a")),
			[]string{`0:1 1000000000 "a" linux-sll2 0`}, Pcap},
		{"concatenated files", join(
			pcapHeader(little, pcapMagicMicro, 4, 65535, 1), record(little, 1, 0, "a"),
			pcapHeader(big, pcapMagicNano, 4, 65535, 101), record(big, 2, 1, "b")),
			[]string{`0:1 1000000000 "a" ethernet 0`, `0:2 2000000001 "b" raw 0`}, Pcap},
		{"header only", pcapHeader(little, pcapMagicMicro, 4, 65535, 1), nil, Pcap},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, err := OpenReader("-", bytes.NewReader(c.image))
			if err != nil {
				t.Fatal(err)
			}
			got := read(t, source)
			wantLines(t, got.packets, c.want...)
			if got.damage != "" {
				t.Errorf("damage: %s", got.damage)
			}
			if f := source.Files()[0]; f.Format != c.format {
				t.Errorf("format %v, want %v", f.Format, c.format)
			}
		})
	}
}

func TestPcapSnaplen(t *testing.T) {
	for field, want := range map[uint32]uint32{
		0: 0, 96: 96, 262144: 262144, 1<<31 - 1: 1<<31 - 1, 1 << 31: 0, 1<<32 - 1: 0,
	} {
		source, err := OpenReader("-", bytes.NewReader(join(
			pcapHeader(little, pcapMagicMicro, 4, field, 1), record(little, 1, 0, strings.Repeat("x", 100)))))
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, source); !strings.HasSuffix(strings.TrimSpace(got.packets), `x" ethernet 0`) {
			t.Errorf("snaplen %d: %s", field, got.packets)
		}
		if got := source.Files()[0].Snaplen; got != want {
			t.Errorf("snaplen %d is told as %d, want %d", field, got, want)
		}
	}
}

func TestPcapLargeRecords(t *testing.T) {
	header := pcapHeader(little, pcapMagicMicro, 4, 0, 1)
	after := record(little, 2, 0, "after")

	t.Run("data is bounded", func(t *testing.T) {
		large := strings.Repeat("x", 3*maxPacketBytes+5)
		got := readImage(t, join(header, record(little, 1, 0, large), after))
		lines := strings.Split(got.packets, "\n")
		if want := `0:1 1000000000 "` + large[:maxPacketBytes] + `" of 3145733 ethernet 0`; lines[0] != want {
			t.Errorf("the large packet is %.40q… (%d characters), want %.40q… (%d)", lines[0], len(lines[0]), want, len(want))
		}
		if want := `0:2 2000000000 "after" ethernet 0`; lines[1] != want {
			t.Errorf("behind it: %q, want %q", lines[1], want)
		}
		if !strings.Contains(got.counts, "map[packet-bytes:1]") {
			t.Errorf("not counted: %s", got.counts)
		}
	})
	t.Run("the largest that is whole", func(t *testing.T) {
		got := readImage(t, join(header, record(little, 1, 0, strings.Repeat("x", maxPacketBytes)), after))
		if strings.Contains(got.packets, " of ") || strings.Contains(got.counts, limitPacketBytes) || !strings.Contains(got.packets, "after") {
			t.Errorf("cut: %s", got.counts)
		}
	})
	t.Run("an absurd claim ends the input", func(t *testing.T) {
		got := readImage(t, join(header, after, u32(little, 3, 0, maxRecordBytes+1, 60), after))
		wantLines(t, got.packets, `0:1 2000000000 "after" ethernet 0`)
		if got.damage != "a record claims to hold 134217729 bytes" || got.at != 1 {
			t.Errorf("damage %q after packet %d", got.damage, got.at)
		}
	})
	t.Run("the largest claim costs no memory", func(t *testing.T) {
		r := openImage(t, join(header, u32(little, 3, 0, maxRecordBytes, 60), []byte("short")))
		var b Batch
		for r.Read(&b) == nil {
		}
		if len(b.buffer) > batchBytes {
			t.Errorf("the buffer grew to %d bytes", len(b.buffer))
		}
	})
}

func openImage(t testing.TB, image []byte) Source {
	t.Helper()
	source, err := OpenReader("-", bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestPcapUnknownVersion(t *testing.T) {
	image := pcapHeader(little, pcapMagicMicro, 4, 65535, 1)
	image[4] = 3
	if _, err := OpenReader("a.pcap", bytes.NewReader(image)); err == nil || err.Error() != "a.pcap: pcap version 3.4 is not known" {
		t.Errorf("error %v", err)
	}
}

// TestPcapWritten reads what another implementation writes.
func TestPcapWritten(t *testing.T) {
	var image bytes.Buffer
	w := pcapgo.NewWriterNanos(&image)
	if err := w.WriteFileHeader(1000, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	moment := time.Unix(1700000000, 123456789)
	for _, data := range []string{"first", "second"} {
		info := gopacket.CaptureInfo{Timestamp: moment, CaptureLength: len(data), Length: 99}
		if err := w.WritePacket(info, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	wantLines(t, readImage(t, image.Bytes()).packets,
		`0:1 1700000000123456789 "first" of 99 ethernet 0`,
		`0:2 1700000000123456789 "second" of 99 ethernet 0`)
}
