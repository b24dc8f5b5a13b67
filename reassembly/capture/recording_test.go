package capture

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// given is a Source of batches that are there already.
type given struct {
	file    *File
	batches []Batch
}

func (g *given) Read(b *Batch) error {
	b.Packets, b.Now = b.Packets[:0], 0
	if len(g.batches) == 0 {
		return io.EOF
	}
	next := g.batches[0]
	g.batches = g.batches[1:]
	b.Packets, b.Now = append(b.Packets, next.Packets...), next.Now
	for _, p := range next.Packets {
		g.file.Dropped += uint64(p.Dropped)
	}
	return nil
}

func (g *given) Files() []*File { return []*File{g.file} }
func (g *given) Close() error   { return nil }

// recordAll records batches with o and returns what was found wrong.
func recordAll(t *testing.T, o RecordingOptions, batches ...Batch) error {
	t.Helper()
	stopped := 0
	r, err := Record(&given{file: &File{Name: "eth0"}, batches: batches}, o, func() { stopped++ })
	if err != nil {
		t.Fatal(err)
	}
	for b := (Batch{}); r.Read(&b) == nil; {
	}
	err = r.End()
	if again := r.End(); again != err {
		t.Errorf("ended again: %v, before: %v", again, err)
	}
	if want := err != nil; stopped > 0 != want {
		t.Errorf("stopped %d times, error %v", stopped, err)
	}
	return err
}

// at is a packet of in at so many seconds.
func at(in *Interface, seconds float64, data string, dropped uint32) Packet {
	return Packet{
		Mark: Mark{Time: Time(seconds*1e9) + 1_700_000_000_000_000_000}, Data: []byte(data),
		Length: uint32(len(data)), Interface: in, Dropped: dropped,
	}
}

// files are the names in folder, hidden ones too.
func files(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What is recorded is read as it was: packets, interfaces, drops.
func TestRecordingIsReadBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.pcapng")
	ethernet := &Interface{Name: "eth0", LinkType: LinkTypeEthernet, Snaplen: 1 << 18}
	raw := &Interface{Name: "tun0", LinkType: LinkTypeLinuxSLL2, Snaplen: 1 << 18}
	cut := at(raw, 2.000000001, "cut", 7)
	cut.Length = 1500
	err := recordAll(t, RecordingOptions{Name: name, Application: "test"},
		Batch{Packets: []Packet{at(ethernet, 0, "a", 0), at(ethernet, 1.123456789, "", 3)}},
		Batch{Now: 1_700_000_001_500_000_000},
		Batch{Packets: []Packet{cut}})
	if err != nil {
		t.Fatal(err)
	}
	source, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	got := read(t, source)
	wantLines(t, got.packets,
		`0:1 1700000000000000000 "a" ethernet 0eth0`,
		`0:2 1700000001123456789 "" ethernet 0eth0`,
		`0:3 1700000002000000001 "cut" of 1500 linux-sll2 1tun0`)
	if f := source.Files()[0]; f.Dropped != 10 || f.Damage != "" {
		t.Errorf("%d dropped, damage %q", f.Dropped, f.Damage)
	}
}

// A recording that says when it ended tells a reader, unless it was cut since.
func TestRecordingEnds(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.pcapng")
	in := &Interface{Name: "eth0", LinkType: LinkTypeEthernet}
	packets := []Packet{at(in, 0, "a", 0), at(in, 1, "bcd", 2)}
	until := packets[1].Time.Add(40 * time.Second)
	if err := recordAll(t, RecordingOptions{Name: name}, Batch{Packets: packets}, Batch{Now: until}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	second := bytes.Index(whole, []byte("bcd")) - 28 // where its block begins
	for _, c := range []struct {
		name  string
		image []byte
		want  Time
	}{
		{"whole", whole, until},
		{"without the second packet", slices.Concat(whole[:second], whole[second+52:]), 0},
		{"without statistics", whole[:second+52], 0},
	} {
		source := openImage(t, c.image)
		var b Batch
		for err = nil; err == nil; err = source.Read(&b) {
		}
		if f := source.Files()[0]; b.Now != c.want || f.Damage != "" || f.Packets == 0 {
			t.Errorf("%s: ends at %d, want %d; %d packets, damage %q", c.name, b.Now, c.want, f.Packets, f.Damage)
		}
	}
}

func TestRecordingWithoutPackets(t *testing.T) {
	folder := t.TempDir()
	if err := recordAll(t, RecordingOptions{Name: filepath.Join(folder, "a.pcapng")}); err != nil {
		t.Fatal(err)
	}
	source, err := Open(filepath.Join(folder, "a.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if got := read(t, source); got.packets != "" || got.damage != "" || len(files(t, folder)) != 1 {
		t.Errorf("%+v, files %q", got, files(t, folder))
	}
}

func TestRotation(t *testing.T) {
	in := &Interface{Name: "eth0", LinkType: LinkTypeEthernet}
	var packets []Packet
	for i := range 6 {
		packets = append(packets, at(in, float64(i)/2, strings.Repeat("x", 1000), 1))
	}
	for _, c := range []struct {
		name    string
		options RecordingOptions
		silence Time // behind the packets
		want    []string
	}{
		{"by size", RecordingOptions{Size: 2000}, 0, []string{
			"a_00001_20231114T221320Z.pcapng", "a_00002_20231114T221321Z.pcapng", "a_00003_20231114T221322Z.pcapng"}},
		{"the latest two", RecordingOptions{Size: 2000, Keep: 2}, 0, []string{
			"a_00002_20231114T221321Z.pcapng", "a_00003_20231114T221322Z.pcapng"}},
		{"by time", RecordingOptions{Time: 2 * time.Second}, 0, []string{
			"a_00001_20231114T221320Z.pcapng", "a_00002_20231114T221322Z.pcapng"}},
		{"in silence", RecordingOptions{Time: 2 * time.Second}, packets[5].Time.Add(time.Minute), []string{
			"a_00001_20231114T221320Z.pcapng", "a_00002_20231114T221322Z.pcapng"}},
	} {
		folder := t.TempDir()
		c.options.Name = filepath.Join(folder, "a.pcapng")
		if err := recordAll(t, c.options, Batch{Packets: packets[:3]}, Batch{Packets: packets[3:]}, Batch{Now: c.silence}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		got := files(t, folder)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		for _, name := range got {
			source, err := Open(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			read(t, source)
			if f := source.Files()[0]; f.Damage != "" || f.Dropped != f.Packets {
				t.Errorf("%s: %s: damage %q, %d packets, %d dropped", c.name, name, f.Damage, f.Packets, f.Dropped)
			}
			source.Close()
		}
	}
}

// A disk that is full ends the recording, not the analysis.
func TestRecordingFails(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	folder := t.TempDir()
	in := &Interface{Name: "eth0", LinkType: LinkTypeEthernet}
	stopped := false
	source := &given{file: &File{Name: "eth0"}, batches: []Batch{{Packets: []Packet{at(in, 0, "a", 0)}}, {Packets: []Packet{at(in, 5, "b", 0)}}}}
	r, err := Record(source, RecordingOptions{Name: filepath.Join(folder, "a.pcapng")}, func() { stopped = true })
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.current.buffer.Reset(full)
	var b Batch
	for n := range 2 {
		if err := r.Read(&b); err != nil || len(b.Packets) != 1 {
			t.Errorf("read %d: %d packets, %v", n, len(b.Packets), err)
		}
	}
	if err := r.End(); err == nil || !strings.Contains(err.Error(), "a.pcapng: cannot write the capture: no space left on device") {
		t.Errorf("ended with %v", err)
	}
	if got := fmt.Sprint(files(t, folder)); !stopped || got != "[a.pcapng]" {
		t.Errorf("stopped %v, files %s", stopped, got)
	}
}

func TestRecordingCannotBegin(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct{ name, want string }{
		{folder, "is a directory"},
		{filepath.Join(folder, "missing", "a.pcapng"), "cannot write the capture: no such file or directory"},
	} {
		if _, err := Record(&given{file: &File{}}, RecordingOptions{Name: c.name}, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if len(files(t, folder)) != 0 {
		t.Errorf("left behind: %q", files(t, folder))
	}
}
