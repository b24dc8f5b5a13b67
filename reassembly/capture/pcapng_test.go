package capture

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

func TestPcapng(t *testing.T) {
	ethernet := describe(little, 1, 65535)
	for _, c := range []struct {
		name  string
		image []byte
		want  []string
	}{
		{"enhanced packets", join(section(little), ethernet,
			enhanced(little, 0, 1000002, "abc"), cutEnhanced(little, 0, 2000000, 1500, "defg")),
			[]string{`0:1 1000002000 "abc" ethernet 0`, `0:2 2000000000 "defg" of 1500 ethernet 0`}},
		{"big endian", join(section(big), describe(big, 276, 65535), enhanced(big, 0, 1<<40, "abc")),
			[]string{`0:1 1099511627776000 "abc" linux-sll2 0`}},
		{"several interfaces and link types", join(section(little),
			describe(little, 1, 0, option(little, optionInterfaceName, []byte("eth0"))),
			describe(little, 113, 0, option(little, optionInterfaceName, []byte("any")), option(little, optionInterfaceResolution, []byte{9})),
			enhanced(little, 1, 5, "a"), enhanced(little, 0, 5, "b")),
			[]string{`0:1 5 "a" linux-sll 1any`, `0:2 5000 "b" ethernet 0eth0`}},
		{"sections have their own order and interfaces", join(
			section(little), ethernet, enhanced(little, 0, 1, "a"),
			section(big), describe(big, 101, 0, option(big, optionInterfaceResolution, []byte{3})), enhanced(big, 0, 1, "b")),
			[]string{`0:1 1000 "a" ethernet 0`, `0:2 1000000 "b" raw 0`}},
		{"resolution and offset", join(section(little),
			describe(little, 1, 0,
				option(little, optionInterfaceResolution, []byte{0x80 | 32}),
				option(little, optionInterfaceOffset, u64(little, 100))),
			enhanced(little, 0, 1<<32|1<<31, "a")),
			[]string{`0:1 101500000000 "a" ethernet 0`}},
		{"resolution 2^-64 and 10^-70", join(section(little),
			describe(little, 1, 0, option(little, optionInterfaceResolution, []byte{0x80 | 64})),
			describe(little, 1, 0, option(little, optionInterfaceResolution, []byte{70})),
			enhanced(little, 0, 1<<62, "a"), enhanced(little, 1, 1<<62, "b")),
			[]string{`0:1 250000000 "a" ethernet 0`, `0:2 0 "b" ethernet 1`}},
		{"resolution of one second", join(section(little),
			describe(little, 1, 0, option(little, optionInterfaceResolution, []byte{0})),
			enhanced(little, 0, 7, "a")),
			[]string{`0:1 7000000000 "a" ethernet 0`}},
		{"options behind the end mark do not count", join(section(little),
			describe(little, 1, 0, u32(little, optionEnd), option(little, optionInterfaceResolution, []byte{9})),
			enhanced(little, 0, 7, "a")),
			[]string{`0:1 7000 "a" ethernet 0`}},
		{"an option that does not fit ends the options", join(section(little),
			describe(little, 1, 0, u16(little, optionInterfaceResolution, 400), []byte{9}),
			enhanced(little, 0, 7, "a")),
			[]string{`0:1 7000 "a" ethernet 0`}},
		{"simple packets have the time of the packet before", join(section(little), ethernet,
			simple(little, 3, "abc"), enhanced(little, 0, 7, "x"), simple(little, 5, "defgh")),
			[]string{`0:1 0 "abc" ethernet 0`, `0:2 7000 "x" ethernet 0`, `0:3 7000 "defgh" ethernet 0`}},
		{"simple packets are cut by the snaplen", join(section(little), describe(little, 1, 4),
			simple(little, 99, "abcd"), simple(little, 2, "xy")),
			[]string{`0:1 0 "abcd" of 99 ethernet 0`, `0:2 0 "xy" ethernet 0`}},
		{"simple packets are cut by their block", join(section(little), ethernet, simple(little, 99, "abcd")),
			[]string{`0:1 0 "abcd" of 99 ethernet 0`}},
		{"obsolete packets", join(section(little), ethernet,
			block(little, blockPacket, u16(little, 0, 3), u32(little, 0, 7, 3, 60), []byte("abc"))),
			[]string{`0:1 7000 "abc" of 60 ethernet 0`}},
		{"captured more than was on the wire", join(section(little), ethernet, cutEnhanced(little, 0, 7, 2, "abcd")),
			[]string{`0:1 7000 "abcd" ethernet 0`}},
		{"what is not known is passed over", join(section(little),
			block(little, 4, u32(little, 1, 2)), ethernet, block(little, 0x12345678, []byte("?")), enhanced(little, 0, 7, "a"),
			block(little, 0x80000001), enhanced(little, 0, 8, "b")),
			[]string{`0:1 7000 "a" ethernet 0`, `0:2 8000 "b" ethernet 0`}},
		{"custom and journal blocks have frame numbers, as in Wireshark", join(section(little), ethernet,
			block(little, blockCustom, u32(little, 32473)), enhanced(little, 0, 7, "a"),
			block(little, blockJournal, []byte("MESSAGE=")), enhanced(little, 0, 8, "b")),
			[]string{`0:2 7000 "a" ethernet 0`, `0:4 8000 "b" ethernet 0`}},
		{"the section's length does not count", join(
			block(little, blockSection, u32(little, sectionMagic), u16(little, 1, 2), u64(little, 4)), ethernet, enhanced(little, 0, 7, "a")),
			[]string{`0:1 7000 "a" ethernet 0`}},
		{"a length without the padding", join(section(little), ethernet,
			u32(little, blockEnhanced, 33, 0, 0, 7, 1, 1), []byte("a\x00\x00\x00"), u32(little, 33), enhanced(little, 0, 8, "b")),
			[]string{`0:1 7000 "a" ethernet 0`, `0:2 8000 "b" ethernet 0`}},
		{"section only", section(little), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readImage(t, c.image)
			wantLines(t, got.packets, c.want...)
			if got.damage != "" {
				t.Errorf("damage: %s", got.damage)
			}
		})
	}
}

func TestPcapngContradictions(t *testing.T) {
	good := enhanced(little, 0, 7, "a")
	trailer := enhanced(little, 0, 7, "b")
	trailer[len(trailer)-4]++
	for _, c := range []struct {
		name, want string
		bad        []byte
	}{
		{"lengths differ", "a block's lengths differ: 36 at its start, 37 at its end", trailer},
		{"too short for a block", "a block of type 0x6 claims to be 8 bytes long", u32(little, 6, 8, 8)},
		{"too short for its kind", "a block is too short for what it must hold", block(little, blockEnhanced, u32(little, 0, 0))},
		{"more data than block", "a packet of 5 bytes stands in a block of 36",
			block(little, blockEnhanced, u32(little, 0, 0, 7, 5, 5), []byte("abcd"))},
		{"an interface that is not described", "a packet is of interface 1, of 1 described", enhanced(little, 1, 7, "b")},
		{"a section without byte order", "a section header does not tell its byte order",
			block(little, blockSection, u32(little, 1), make([]byte, 12))},
		{"a section of another version", "pcapng version 2.0 is not known",
			block(little, blockSection, u32(little, sectionMagic), u16(little, 2, 0), make([]byte, 8))},
		{"interfaces do not outlive their section", "a packet is of interface 0, of 0 described", join(section(little), good)},
		{"secrets longer than their block", "a block is too short for what it must hold",
			block(little, blockSecrets, u32(little, secretsTLSKeyLog, 9), []byte("12345678"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readImage(t, join(section(little), describe(little, 1, 0), good, c.bad, good))
			wantLines(t, got.packets, `0:1 7000 "a" ethernet 0`)
			if got.damage != c.want || got.at != 1 {
				t.Errorf("damage %q after packet %d, want %q", got.damage, got.at, c.want)
			}
		})
	}
}

func TestPcapngDrops(t *testing.T) {
	count := func(code uint16, n uint64) []byte { return option(little, code, u64(little, n)) }
	const filterAccept = 6
	for _, c := range []struct {
		name   string
		blocks []byte
		want   uint64
	}{
		{"none", nil, 0},
		{"the last statistics of an interface count", join(
			statistics(little, 0, count(optionStatisticsInterfaceDrop, 5)), statistics(little, 0, count(optionStatisticsInterfaceDrop, 7))), 7},
		{"interfaces add up", join(
			statistics(little, 0, count(optionStatisticsInterfaceDrop, 5)), statistics(little, 1, count(optionStatisticsInterfaceDrop, 7))), 12},
		{"sections add up", join(
			statistics(little, 0, count(optionStatisticsInterfaceDrop, 5)), section(little), describe(little, 1, 0),
			statistics(little, 0, count(optionStatisticsInterfaceDrop, 7))), 12},
		{"interface and system", statistics(little, 0,
			count(optionStatisticsInterfaceDrop, 5), count(optionStatisticsSystemDrop, 1)), 6},
		{"the filter is no drop", statistics(little, 0, count(filterAccept, 5)), 0},
		{"unknown", statistics(little, 0, count(optionStatisticsInterfaceDrop, 1<<64-1)), 0},
		{"of an interface that is not described", statistics(little, 2, count(optionStatisticsInterfaceDrop, 5)), 0},
		{"packets' counts add up", join(
			enhanced(little, 0, 7, "a", count(optionPacketDropCount, 2)), enhanced(little, 0, 8, "abc", count(optionPacketDropCount, 3))), 5},
		{"obsolete packets' too", join(
			block(little, blockPacket, u16(little, 0, 3), u32(little, 0, 7, 0, 0)),
			block(little, blockPacket, u16(little, 0, 1<<16-1), u32(little, 0, 7, 0, 0))), 3},
		{"statistics count the same packets", join(
			enhanced(little, 0, 7, "a", count(optionPacketDropCount, 2)), statistics(little, 0, count(optionStatisticsInterfaceDrop, 7))), 7},
	} {
		source := openImage(t, join(section(little), describe(little, 1, 0), describe(little, 1, 0), c.blocks))
		read(t, source)
		if got := source.Files()[0]; got.Dropped != c.want || got.Damage != "" {
			t.Errorf("%s: %d dropped, want %d; damage %q", c.name, got.Dropped, c.want, got.Damage)
		}
	}
}

// A packet says how many were lost before it.
func TestPcapngDropsHavePlaces(t *testing.T) {
	drops := func(n uint64) []byte { return option(little, optionPacketDropCount, u64(little, n)) }
	source := openImage(t, join(section(little), describe(little, 1, 0),
		enhanced(little, 0, 7, "a"), enhanced(little, 0, 8, "b", drops(3)), enhanced(little, 0, 9, "c", drops(0)),
		enhanced(little, 0, 9, "d", drops(1<<40)), block(little, blockPacket, u16(little, 0, 5), u32(little, 0, 10, 0, 0))))
	var got []uint32
	for b := (Batch{}); source.Read(&b) == nil; {
		for _, p := range b.Packets {
			got = append(got, p.Dropped)
		}
	}
	if want := []uint32{0, 3, 0, 1<<32 - 1, 5}; !slices.Equal(got, want) {
		t.Errorf("dropped before each packet: %d, want %d", got, want)
	}
}

func TestPcapngSecrets(t *testing.T) {
	const ssh = 0x5353484b
	source := openImage(t, join(section(little),
		secretsBlock(little, secretsTLSKeyLog, "CLIENT_RANDOM 1 2\n"), secretsBlock(little, ssh, "no"),
		secretsBlock(little, secretsTLSKeyLog, ""), secretsBlock(little, secretsTLSKeyLog, "CLIENT_RANDOM 3 4")))
	read(t, source)
	got := source.Files()[0]
	if want := "CLIENT_RANDOM 1 2\n|CLIENT_RANDOM 3 4"; string(bytes.Join(got.Secrets, []byte("|"))) != want || got.Damage != "" || got.Limits != nil {
		t.Errorf("secrets %q, damage %q, limits %v", got.Secrets, got.Damage, got.Limits)
	}
}

func TestPcapngSecretsAreBounded(t *testing.T) {
	mebibyte := strings.Repeat("k", 1<<20)
	for _, c := range []struct {
		name    string
		texts   []string
		kept    int
		limited uint64
	}{
		{"in all", []string{mebibyte, mebibyte, mebibyte, mebibyte, "small", mebibyte}, 4, 2},
		{"in a block", []string{strings.Repeat("k", maxSecretsBytes+1), "small"}, 1, 1},
		{"in number", slicesRepeat("k", maxSecretsBytes/secretsOverhead), maxSecretsBytes / (secretsOverhead + 1), maxSecretsBytes/secretsOverhead - maxSecretsBytes/(secretsOverhead+1)},
	} {
		image := section(little)
		for _, text := range c.texts {
			image = append(image, secretsBlock(little, secretsTLSKeyLog, text)...)
		}
		source := openImage(t, image)
		read(t, source)
		got := source.Files()[0]
		if len(got.Secrets) != c.kept || got.Limits[limitSecrets] != c.limited || got.Damage != "" {
			t.Errorf("%s: %d kept, %d not, want %d, %d; damage %q", c.name, len(got.Secrets), got.Limits[limitSecrets], c.kept, c.limited, got.Damage)
		}
	}
}

func slicesRepeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

func TestPcapngLargeBlocks(t *testing.T) {
	start := join(section(little), describe(little, 1, 0))
	after := enhanced(little, 0, 7, "after")
	large := strings.Repeat("x", maxBlockBytes+1)
	for _, c := range []struct {
		name  string
		block []byte
		want  []string
		limit string
	}{
		{"of unknown type", block(little, 0x12345678, []byte(large)), nil, ""},
		{"statistics", statistics(little, 0, bytes.Repeat(option(little, 99, make([]byte, 60000)), 100)), nil, limitBlockBytes},
		{"packet that fits into the bound", enhanced(little, 0, 5, large[:maxPacketBytes]),
			[]string{`0:1 5000 "` + large[:maxPacketBytes] + `" ethernet 0`}, ""},
		{"packet with more data than is kept", enhanced(little, 0, 5, large[:maxPacketBytes+1]),
			[]string{`0:1 5000 "` + large[:maxPacketBytes] + `" of 1048577 ethernet 0`}, limitPacketBytes},
		{"packet larger than the buffer", enhanced(little, 0, 5, large),
			[]string{`0:1 5000 "` + large[:maxPacketBytes] + `" of 4198401 ethernet 0`}, limitPacketBytes},
		{"simple packet larger than the buffer", simple(little, uint32(len(large)), large),
			[]string{`0:1 0 "` + large[:maxPacketBytes] + `" of 4198401 ethernet 0`}, limitPacketBytes},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := openImage(t, join(start, c.block, after))
			got := strings.Split(strings.TrimSpace(read(t, source).packets), "\n")
			want := append(c.want, strings.Replace(`0:N 7000 "after" ethernet 0`, "N", string(rune('1'+len(c.want))), 1))
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%d lines %.60q…, want %d", len(got), got, len(want))
			}
			f := source.Files()[0]
			if f.Damage != "" || (c.limit == "") != (f.Limits == nil) || c.limit != "" && f.Limits[c.limit] != 1 {
				t.Errorf("damage %q, limits %v", f.Damage, f.Limits)
			}
		})
	}
	t.Run("with another length at their end", func(t *testing.T) {
		bad := block(little, 0x12345678, []byte(large))
		bad[len(bad)-1]++
		if got := readImage(t, join(start, after, bad, after)); got.damage != "a block's lengths differ: 4198416 at its start, 20975632 at its end" || got.at != 1 {
			t.Errorf("damage %q after packet %d", got.damage, got.at)
		}
	})
	t.Run("that are only claimed", func(t *testing.T) {
		r := openImage(t, join(start, u32(little, blockEnhanced, 1<<32-4, 0, 0, 0, 1<<31, 0)))
		var b Batch
		for r.Read(&b) == nil {
		}
		if len(b.buffer) > batchBytes {
			t.Errorf("the buffer grew to %d bytes", len(b.buffer))
		}
		if got := r.Files()[0].Damage; got != "it ends inside a record, 28 bytes into it" {
			t.Errorf("damage %q", got)
		}
	})
}

func TestPcapngInterfacesAreBounded(t *testing.T) {
	image := section(little)
	for link := range maxInterfaces + 2 {
		image = append(image, describe(little, uint16(link), 0)...)
	}
	source := openImage(t, join(image, enhanced(little, maxInterfaces-1, 1, "a"), enhanced(little, maxInterfaces, 1, "b")))
	wantLines(t, read(t, source).packets, `0:1 1000 "a" linktype-65535 65535`)
	f := source.Files()[0]
	if f.Limits[limitInterfaces] != 2 || len(f.LinkTypes) != maxInterfaces || !strings.HasPrefix(f.Damage, "a packet is of interface 65536") {
		t.Errorf("limits %v, %d link types, damage %q", f.Limits, len(f.LinkTypes), f.Damage)
	}
}

func TestPcapngNamesAreBounded(t *testing.T) {
	long := option(little, optionInterfaceName, bytes.Repeat([]byte("n"), maxNameBytes+1))
	got := readImage(t, join(section(little), describe(little, 1, 0, long), enhanced(little, 0, 1, "a")))
	wantLines(t, got.packets, `0:1 1000 "a" ethernet 0`+strings.Repeat("n", maxNameBytes))
}

func TestPcapngFile(t *testing.T) {
	for _, c := range []struct {
		name     string
		snaplens []uint32
		want     uint32
	}{
		{"the largest", []uint32{96, 65535, 128}, 65535},
		{"one without a limit", []uint32{96, 0, 128}, 0},
	} {
		image := section(little)
		for _, n := range c.snaplens {
			image = append(image, describe(little, 1, n)...)
		}
		source := openImage(t, image)
		read(t, source)
		f := source.Files()[0]
		if f.Snaplen != c.want || len(f.LinkTypes) != 1 || f.Format != Pcapng {
			t.Errorf("%s: snaplen %d, want %d; link types %v, format %v", c.name, f.Snaplen, c.want, f.LinkTypes, f.Format)
		}
	}
}

// TestPcapngWritten reads what another implementation writes.
func TestPcapngWritten(t *testing.T) {
	var image bytes.Buffer
	w, err := pcapgo.NewNgWriterInterface(&image, pcapgo.NgInterface{
		Name: "eth0", LinkType: layers.LinkTypeEthernet, TimestampResolution: 9, SnapLength: 96,
	}, pcapgo.DefaultNgWriterOptions)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.AddInterface(pcapgo.NgInterface{Name: "lo", LinkType: layers.LinkTypeNull})
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range []string{"first", "second"} {
		info := gopacket.CaptureInfo{Timestamp: time.Unix(1700000000, 123456789), CaptureLength: len(data), Length: 99, InterfaceIndex: i * second}
		if err := w.WritePacket(info, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteInterfaceStats(0, pcapgo.NgInterfaceStatistics{PacketsDropped: 12}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	source := openImage(t, image.Bytes())
	wantLines(t, read(t, source).packets,
		`0:1 1700000000123456789 "first" of 99 ethernet 0eth0`,
		`0:2 1700000000123456789 "second" of 99 null 1lo`)
	if f := source.Files()[0]; f.Dropped != 12 {
		t.Errorf("%d dropped, want 12", f.Dropped)
	}
}

// TestTimeless counts the packets that have no time.
func TestTimeless(t *testing.T) {
	source := openImage(t, join(section(little), describe(little, 1, 0),
		simple(little, 3, "abc"), enhanced(little, 0, 7, "x"), simple(little, 5, "defgh")))
	read(t, source)
	if f := source.Files()[0]; f.Timeless != 2 || f.Packets != 3 {
		t.Errorf("%d of %d packets have no time", f.Timeless, f.Packets)
	}
}
