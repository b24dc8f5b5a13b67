package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
)

// order is a byte order that captures are built in.
type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

var (
	little order = binary.LittleEndian
	big    order = binary.BigEndian
)

func u16(o order, values ...uint16) []byte {
	var b []byte
	for _, v := range values {
		b = o.AppendUint16(b, v)
	}
	return b
}

func u32(o order, values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = o.AppendUint32(b, v)
	}
	return b
}

func u64(o order, v uint64) []byte { return o.AppendUint64(nil, v) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// pcapHeader is a file header, record a record of version 2.4.
func pcapHeader(o order, magic uint32, minor uint16, snaplen, link uint32) []byte {
	return join(u32(o, magic), u16(o, 2, minor), u32(o, 0, 0, snaplen, link))
}

func record(o order, seconds, fraction uint32, data string) []byte {
	return cutRecord(o, seconds, fraction, uint32(len(data)), data)
}

func cutRecord(o order, seconds, fraction, length uint32, data string) []byte {
	return join(u32(o, seconds, fraction, uint32(len(data)), length), []byte(data))
}

// block is a pcapng block, padded.
func block(o order, kind uint32, parts ...[]byte) []byte {
	body := join(parts...)
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	n := uint32(len(body)) + 12
	return join(u32(o, kind, n), body, u32(o, n))
}

func section(o order) []byte {
	return block(o, blockSection, u32(o, sectionMagic), u16(o, 1, 0), u64(o, 1<<64-1))
}

func option(o order, code uint16, value []byte) []byte {
	b := join(u16(o, code, uint16(len(value))), value)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func describe(o order, link uint16, snaplen uint32, options ...[]byte) []byte {
	return block(o, blockInterface, u16(o, link, 0), u32(o, snaplen), join(options...))
}

func enhanced(o order, id uint32, ticks uint64, data string, options ...[]byte) []byte {
	return cutEnhanced(o, id, ticks, uint32(len(data)), data, options...)
}

func cutEnhanced(o order, id uint32, ticks uint64, length uint32, data string, options ...[]byte) []byte {
	padded := append([]byte(data), make([]byte, -len(data)&3)...)
	return block(o, blockEnhanced, u32(o, id, uint32(ticks>>32), uint32(ticks), uint32(len(data)), length), padded, join(options...))
}

func simple(o order, length uint32, data string) []byte {
	return block(o, blockSimplePacket, u32(o, length), []byte(data))
}

func statistics(o order, id uint32, options ...[]byte) []byte {
	return block(o, blockStatistics, u32(o, id, 0, 0), join(options...))
}

func secretsBlock(o order, kind uint32, text string) []byte {
	return block(o, blockSecrets, u32(o, kind, uint32(len(text))), []byte(text))
}

// result is what a Source delivered. It is comparable with ==, so that reading
// in another way can be checked against it.
type result struct {
	packets string // a line each: frame time "data" of length, link type, interface
	damage  string
	at      uint64
	err     string
	counts  string
}

// read reads a source to its end, with two batches in turn as the program does.
func read(t testing.TB, source Source) result {
	t.Helper()
	var lines strings.Builder
	var batches [2]Batch
	var kept []Packet
	for i := 0; ; i++ {
		b := &batches[i%2]
		err := source.Read(b)
		if err == nil && len(b.Packets) == 0 {
			t.Fatal("Read returned neither packets nor an error")
		}
		for _, p := range kept { // of the batch before: still valid
			fmt.Fprintf(&lines, "%d:%v %d %q", p.Frame.File(), p.Frame, p.Time, p.Data)
			if int(p.Length) != len(p.Data) {
				fmt.Fprintf(&lines, " of %d", p.Length)
			}
			fmt.Fprintf(&lines, " %v %d%s\n", p.Interface.LinkType, p.Interface.Index, p.Interface.Name)
		}
		if err != nil {
			if len(b.Packets) != 0 {
				t.Fatalf("%d packets came with the error %v", len(b.Packets), err)
			}
			return summarise(t, source, lines.String(), err)
		}
		kept = b.Packets
	}
}

func summarise(t testing.TB, source Source, packets string, err error) result {
	t.Helper()
	if again := source.Read(new(Batch)); again == nil || again.Error() != err.Error() {
		t.Errorf("after %v, Read returned %v", err, again)
	}
	r := result{packets: packets}
	if err != io.EOF {
		r.err = err.Error()
	}
	for _, f := range source.Files() {
		r.damage += f.Damage
		r.at += f.DamageAt
		r.counts += fmt.Sprintf("%v %v snaplen=%d packets=%d bytes=%d first=%d last=%d cut=%d dropped=%d backward=%d timeless=%d secrets=%q %v\n",
			f.Format, f.LinkTypes, f.Snaplen, f.Packets, f.Bytes, f.First, f.Last, f.CutPackets, f.Dropped, f.ClockBackward, f.Timeless, f.Secrets, maps.Clone(f.Limits))
	}
	return r
}

// readImage reads a capture from memory.
func readImage(t testing.TB, image []byte) result {
	t.Helper()
	return readStream(t, bytes.NewReader(image))
}

func readStream(t testing.TB, r io.Reader) result {
	t.Helper()
	source, err := OpenReader("-", r)
	if err != nil {
		t.Fatalf("OpenReader: %v", err)
	}
	return read(t, source)
}

// wantLines compares packets with the expected lines.
func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	if expected := strings.Join(want, "\n"); strings.TrimSuffix(got, "\n") != expected {
		t.Errorf("packets:\n%swant:\n%s", got, expected)
	}
}
