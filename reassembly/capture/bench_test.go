package capture

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// benchmarkRead reads images, as files, with two batches in turn.
func benchmarkRead(b *testing.B, packets int, images ...[]byte) {
	dir := b.TempDir()
	size := int64(0)
	for i, image := range images {
		size += int64(len(image))
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))), image, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(size)
	b.ReportAllocs()
	var batches [2]Batch
	for b.Loop() {
		source, errs := OpenAll([]string{dir}, nil)
		if errs != nil {
			b.Fatal(errs)
		}
		seen := 0
		for i := 0; ; i++ {
			if err := source.Read(&batches[i%2]); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			seen += len(batches[i%2].Packets)
		}
		if seen != packets {
			b.Fatalf("%d packets, want %d", seen, packets)
		}
		source.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(packets), "ns/packet")
}

const benchmarkPackets = 100_000

func benchmarkPcap(data int) []byte {
	packet := record(little, 1, 0, string(make([]byte, data)))
	return append(pcapHeader(little, pcapMagicMicro, 4, 0, 1), bytes.Repeat(packet, benchmarkPackets)...)
}

func BenchmarkRead(b *testing.B) {
	drops := option(little, optionPacketDropCount, u64(little, 1))
	start := join(section(little), describe(little, 1, 0))
	small, large := string(make([]byte, 66)), string(make([]byte, 1514))
	for _, c := range []struct {
		name  string
		image []byte
	}{
		{"pcap/66", benchmarkPcap(66)},
		{"pcap/1514", benchmarkPcap(1514)},
		{"pcapng/66", append(start, bytes.Repeat(enhanced(little, 0, 1, small), benchmarkPackets)...)},
		{"pcapng/66/options", append(start, bytes.Repeat(enhanced(little, 0, 1, small, drops), benchmarkPackets)...)},
		{"pcapng/1514", append(start, bytes.Repeat(enhanced(little, 0, 1, large), benchmarkPackets)...)},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkRead(b, benchmarkPackets, c.image) })
	}
}

// BenchmarkFrame is the framing alone, without reading.
func BenchmarkFrame(b *testing.B) {
	file := &File{}
	pcapImage := benchmarkPcap(66)[:batchBytes]
	variant, _ := pcapVariantOf(pcapImage)
	p := newPcap(variant, file, 0)
	if err := p.begin(pcapImage); err != nil {
		b.Fatal(err)
	}
	ng := newPcapng(file, 0)
	packet := enhanced(little, 0, 1, string(make([]byte, 66)))
	if _, _, err := ng.frame(join(section(little), describe(little, 1, 0)), nil); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		framer framer
		data   []byte
	}{
		{"pcap", p, pcapImage[pcapHeaderBytes:]},
		{"pcapng", ng, bytes.Repeat(packet, batchBytes/len(packet))},
	} {
		b.Run(c.name, func(b *testing.B) {
			var packets []Packet
			for b.Loop() {
				packets, _, _ = c.framer.frame(c.data, packets[:0])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(packets)), "ns/packet")
		})
	}
}

func BenchmarkDecompress(b *testing.B) {
	image := noisyCapture(benchmarkPackets)
	for _, how := range []string{"gzip", "zstd", "lz4"} {
		stream := compress(b, how, image)
		b.Run(how, func(b *testing.B) {
			b.SetBytes(int64(len(image)))
			for b.Loop() {
				source := openImage(b, stream)
				var batch Batch
				for source.Read(&batch) == nil {
				}
			}
		})
	}
}

func BenchmarkMerge(b *testing.B) {
	capture := func(start, step uint32) []byte {
		image := pcapHeader(little, pcapMagicMicro, 4, 0, 1)
		for i := range uint32(benchmarkPackets) {
			image = append(image, record(little, start+i*step, 0, string(make([]byte, 66)))...)
		}
		return image
	}
	b.Run("interleaved", func(b *testing.B) {
		benchmarkRead(b, 2*benchmarkPackets, capture(0, 2), capture(1, 2))
	})
	b.Run("rotated", func(b *testing.B) {
		benchmarkRead(b, 2*benchmarkPackets, capture(0, 1), capture(benchmarkPackets, 1))
	})
}
