package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seconds is a capture whose packets, at the given seconds, say where they are from.
func seconds(name string, times ...uint32) []byte {
	image := pcapHeader(little, pcapMagicMicro, 4, 65535, 1)
	for _, s := range times {
		image = append(image, record(little, s, 0, name)...)
	}
	return image
}

// readAll opens names and returns what they deliver, as "data@second …".
func readAll(t *testing.T, stdin io.Reader, names ...string) (string, Source, []error) {
	t.Helper()
	source, errs := OpenAll(names, stdin)
	if source == nil {
		return "", nil, errs
	}
	defer source.Close()
	got := read(t, source)
	var short []string
	for _, line := range strings.Split(strings.TrimSuffix(got.packets, "\n"), "\n") {
		var file, number int
		var at int64
		var data string
		if _, err := fmt.Sscanf(line, "%d:%d %d %q", &file, &number, &at, &data); err == nil {
			short = append(short, fmt.Sprintf("%s@%d", data, at/nanosPerSecond))
		}
	}
	return strings.Join(short, " "), source, errs
}

func TestMergeOrder(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"rotated", map[string][]byte{"1": seconds("b", 4, 5), "2": seconds("a", 1, 2)}, "a@1 a@2 b@4 b@5"},
		{"overlapping", map[string][]byte{"1": seconds("a", 1, 3, 5), "2": seconds("b", 2, 4, 6)}, "a@1 b@2 a@3 b@4 a@5 b@6"},
		{"inside", map[string][]byte{"1": seconds("a", 1, 9), "2": seconds("b", 4, 5), "3": seconds("c", 6)}, "a@1 b@4 b@5 c@6 a@9"},
		{"same time: by first packet", map[string][]byte{"1": seconds("a", 2, 3), "2": seconds("b", 1, 3)}, "b@1 a@2 b@3 a@3"},
		{"same time and first: by name", map[string][]byte{"1": seconds("a", 1, 1, 2), "2": seconds("b", 1, 2)}, "a@1 a@1 b@1 a@2 b@2"},
		{"clock backwards", map[string][]byte{"1": seconds("a", 5, 2, 7), "2": seconds("b", 3, 6)}, "b@3 a@5 a@2 b@6 a@7"},
		{"without packets", map[string][]byte{"1": seconds("a"), "2": seconds("b", 3), "3": seconds("c")}, "b@3"},
	} {
		dir := t.TempDir()
		var names []string
		for name, image := range c.files {
			names = append(names, write(t, dir, name, image))
		}
		slices.Sort(names)
		for range 2 {
			got, source, errs := readAll(t, nil, names...)
			if got != c.want || len(errs) != 0 {
				t.Errorf("%s: %s, want %s; errors %v", c.name, got, c.want, errs)
			}
			for i, f := range source.Files() {
				if want := filepath.Join(dir, fmt.Sprint(i+1)); f.Name != want {
					t.Errorf("%s: file %d is %s, want %s", c.name, i, f.Name, want)
				}
			}
			slices.Reverse(names)
		}
	}
}

// TestMergeMany merges captures of many batches and compares with a stable sort.
func TestMergeMany(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	type packet struct {
		second     uint32
		file, from int
		data       string
	}
	var want []packet
	for file := range 5 {
		image := pcapHeader(little, pcapMagicMicro, 4, 65535, 1)
		second := uint32(file * 200)
		first := second
		for range 3000 {
			second += random.Uint32N(2)
			p := packet{second, file, int(first), strings.Repeat(string(rune('a'+file)), random.IntN(1400))}
			want = append(want, p)
			image = append(image, record(little, p.second, 0, p.data)...)
		}
		write(t, dir, fmt.Sprintf("%d.pcap", file), image)
	}
	slices.SortStableFunc(want, func(a, b packet) int { return int(a.second) - int(b.second) })

	source, errs := OpenAll([]string{dir}, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	defer source.Close()
	var b Batch
	n := 0
	for source.Read(&b) == nil {
		for _, p := range b.Packets {
			w := want[n]
			if p.Time != Time(w.second)*nanosPerSecond || p.Frame.File() != w.file || string(p.Data) != w.data {
				t.Fatalf("packet %d is of file %d at %d, want %d at %d s", n, p.Frame.File(), p.Time, w.file, w.second)
			}
			n++
		}
	}
	if n != len(want) {
		t.Errorf("%d packets, want %d", n, len(want))
	}
	for _, f := range source.Files() {
		if read, size := f.Progress(); f.Packets != 3000 || read != size || size == 0 {
			t.Errorf("%s: %d packets, %d of %d bytes", f.Name, f.Packets, read, size)
		}
	}
}

// TestMergeOpensLazily reads more rotated files than may be open at once.
func TestMergeOpensLazily(t *testing.T) {
	dir := t.TempDir()
	const files = 300
	for i := range files {
		write(t, dir, fmt.Sprintf("%03d.pcap", i), seconds(fmt.Sprint(i), uint32(2*i), uint32(2*i+1)))
	}
	source, errs := OpenAll([]string{dir}, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	defer source.Close()
	m := source.(*merged)
	var b Batch
	n := 0
	for source.Read(&b) == nil {
		n += len(b.Packets)
		if m.open > 2 {
			t.Fatalf("%d files are open", m.open)
		}
	}
	if n != 2*files || m.open != 0 {
		t.Errorf("%d packets, want %d; %d files are open", n, 2*files, m.open)
	}
}

func TestOpenAllNames(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	a := write(t, dir, "a.pcap", seconds("a", 1))
	b := write(t, dir, "b.pcap", seconds("b", 2))
	text := write(t, dir, "notes.txt", []byte("about these captures"))
	empty := write(t, dir, "empty.pcap")
	write(t, inner, "c.pcap", seconds("c", 3))
	write(t, inner, "d.txt", []byte("about this"))
	hollow := t.TempDir()
	words := t.TempDir()
	write(t, words, "x", []byte("text"))
	link := filepath.Join(t.TempDir(), "latest.pcap")
	if err := os.Symlink(a, link); err != nil {
		t.Skip(err)
	}
	missing := filepath.Join(dir, "missing")

	for _, c := range []struct {
		name  string
		names []string
		stdin []byte
		want  string
		errs  string
	}{
		{"files", []string{b, a}, nil, "a@1 b@2", ""},
		{"a directory, not what is in its directories", []string{dir}, nil, "a@1 b@2", ""},
		{"directories", []string{inner, dir}, nil, "a@1 b@2 c@3", ""},
		{"a directory of one", []string{inner}, nil, "c@3", ""},
		{"a pattern", []string{filepath.Join(dir, "*.pcap")}, nil, "a@1 b@2", empty + ": is empty"},
		{"twice", []string{a, dir, a, link}, nil, "a@1 b@2", ""},
		{"standard input", []string{b, "-"}, seconds("-", 1, 5), "-@1 b@2 -@5", ""},
		{"standard input alone", []string{"-", "-"}, seconds("-", 1, 5), "-@1 -@5", ""},
		{"one missing", []string{a, missing, b}, nil, "a@1 b@2", missing + ": no such file or directory"},
		{"only missing", []string{missing}, nil, "", missing + ": no such file or directory"},
		{"one no capture", []string{a, text}, nil, "a@1", text + ": is neither pcap nor pcapng"},
		{"named in its directory", []string{dir, text}, nil, "a@1 b@2", text + ": is neither pcap nor pcapng"},
		{"an empty directory", []string{hollow}, nil, "", hollow + ": the directory holds no captures"},
		{"a directory without captures", []string{words, a}, nil, "a@1", words + ": the directory holds no captures"},
		{"a pattern without matches", []string{filepath.Join(dir, "*.cap")}, nil, "", filepath.Join(dir, "*.cap") + ": no such file or directory"},
	} {
		got, source, errs := readAll(t, bytes.NewReader(c.stdin), c.names...)
		if got != c.want || (source == nil) != (c.want == "") {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		text := ""
		if err := errors.Join(errs...); err != nil {
			text = err.Error()
		}
		if text != c.errs {
			t.Errorf("%s: errors %q, want %q", c.name, text, c.errs)
		}
	}
}

func TestMergeGoesOnWithoutAFileThatFails(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a", seconds("a", 1))
	gone := write(t, dir, "b", seconds("b", 2))
	write(t, dir, "c", seconds("c", 3)[:40]) // no whole packet
	write(t, dir, "d", seconds("d", 4), []byte("tail"))
	source, errs := OpenAll([]string{dir}, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	defer source.Close()
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	got := read(t, source)
	if n := strings.Count(got.packets, "\n"); n != 2 || !strings.Contains(got.packets, `"a"`) || !strings.Contains(got.packets, `"d"`) {
		t.Errorf("packets:\n%s", got.packets)
	}
	if got.err != gone+": no such file or directory" {
		t.Errorf("error %q", got.err)
	}
	if err := source.Read(new(Batch)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
	var damage []string
	for _, f := range source.Files() {
		damage = append(damage, f.Damage)
	}
	want := []string{"", "it could not be opened a second time: " + gone + ": no such file or directory",
		"it ends inside a record, 16 bytes into it", "it ends inside a record, 4 bytes into it"}
	if !slices.Equal(damage, want) {
		t.Errorf("damage %q, want %q", damage, want)
	}
}

func TestMergeAllocatesNothing(t *testing.T) {
	dir := t.TempDir()
	start := pcapHeader(little, pcapMagicMicro, 4, 0, 1)
	write(t, dir, "a", repeated(start, record(little, 1, 0, strings.Repeat("x", 333)), 30<<20))
	write(t, dir, "b", start, record(little, 0, 0, "early"), record(little, 2, 0, "late"))
	source, errs := OpenAll([]string{dir}, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	defer source.Close()
	var b Batch
	next := func() {
		if err := source.Read(&b); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		next()
	}
	if n := testing.AllocsPerRun(15, next); n != 0 {
		t.Errorf("%v allocations per batch", n)
	}
}
