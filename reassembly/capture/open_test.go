package capture

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a file in dir and returns its name.
func write(t testing.TB, dir, name string, parts ...[]byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, join(parts...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, content, want string
		is                  error
	}{
		{"empty.pcap", "", "is empty", ErrEmpty},
		{"short", "ab", "is neither pcap nor pcapng", ErrNotCapture},
		{"text", "something else altogether, in words", "is neither pcap nor pcapng", ErrNotCapture},
		{"newlines", "\n\r\r\n\n\r\r\n\n\r\r\n\n\r\r\n", "is neither pcap nor pcapng", ErrNotCapture},
		{"page.pcap", "\n <!DOCTYPE html><title>Log in", "is neither pcap nor pcapng: it looks like HTML", ErrNotCapture},
		{"a.har", `{"log": {"version": "1.2"}}`, "is neither pcap nor pcapng: it looks like JSON", ErrNotCapture},
		{"a.snoop", "snoop\x00\x00\x00\x00\x00\x00\x02", "is neither pcap nor pcapng: it looks like a Solaris snoop capture (convert it with editcap -F pcapng)", ErrNotCapture},
		{"a.zip", "PK\x03\x04....", "is neither pcap nor pcapng: it looks like a zip archive (unpack it)", ErrNotCapture},
	} {
		_, err := Open(write(t, dir, c.name, []byte(c.content)))
		if want := filepath.Join(dir, c.name) + ": " + c.want; err == nil || err.Error() != want || !errors.Is(err, c.is) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, err := Open(filepath.Join(dir, "missing"))
	if want := filepath.Join(dir, "missing") + ": no such file or directory"; !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := Open(dir); err == nil || err.Error() != dir+": is a directory" {
		t.Errorf("a directory: %v", err)
	}
}

func TestOpenHeaderOnly(t *testing.T) {
	name := write(t, t.TempDir(), "a.pcap", pcapHeader(little, pcapMagicMicro, 4, 65535, 1))
	source, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	f := source.Files()[0]
	if got := read(t, source); got.packets != "" || got.damage != "" || f.Name != name || f.LinkTypes[0] != LinkTypeEthernet {
		t.Errorf("%+v of %+v", got, f.Name)
	}
}

func TestOpenReaderOfAFileKnowsItsSize(t *testing.T) {
	name := write(t, t.TempDir(), "a.pcap", compress(t, "gzip", noisyCapture(100)))
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	source, err := OpenReader("-", f)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := f.Stat()
	if n := strings.Count(read(t, source).packets, "\n"); n != 100 {
		t.Errorf("%d packets, want 100", n)
	}
	if read, size := source.Files()[0].Progress(); read != info.Size() || size != info.Size() {
		t.Errorf("progress %d of %d, want %d: compressed bytes", read, size, info.Size())
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Stat(); err != nil {
		t.Errorf("Close closed the caller's file: %v", err)
	}
}

func TestOpenReaderOfAPipeKnowsNoSize(t *testing.T) {
	source := openImage(t, noisyCapture(1))
	if _, size := source.Files()[0].Progress(); size != 0 {
		t.Errorf("size %d, want 0", size)
	}
}

func TestNewReaderOfNothing(t *testing.T) {
	if _, err := OpenReader("-", bytes.NewReader(nil)); !errors.Is(err, ErrEmpty) || err.Error() != "-: is empty" {
		t.Errorf("error %v", err)
	}
}
