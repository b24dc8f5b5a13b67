package tls

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"
)

// helloFor is what crypto/tls sends first to a server of that name.
func helloFor(t testing.TB, name string, protocols ...string) []byte {
	client, server := net.Pipe()
	defer client.Close()
	go func() {
		defer server.Close()
		tls.Client(server, &tls.Config{ServerName: name, InsecureSkipVerify: name == "", NextProtos: protocols}).Handshake()
	}()
	client.SetDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, MaxHello)
	n, err := client.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// inRecords cuts the message of a record into records of n bytes.
func inRecords(hello []byte, n int) (stream []byte) {
	for message := hello[recordHeader:]; len(message) > 0; {
		part := message[:min(n, len(message))]
		stream = append(stream, handshakeRecord, 3, 1, byte(len(part)>>8), byte(len(part)))
		stream = append(stream, part...)
		message = message[len(part):]
	}
	return stream
}

func TestServerName(t *testing.T) {
	named, nameless := helloFor(t, "www.example", "h2", "http/1.1"), helloFor(t, "")
	for _, c := range []struct {
		name   string
		stream []byte
		want   string
		done   bool
	}{
		{"a name", named, "www.example", true},
		{"in many records", inRecords(named, 7), "www.example", true},
		{"more behind it", append(append([]byte{}, named...), 23, 3, 3), "www.example", true},
		{"no name", nameless, "", true},
		{"nothing", nil, "", false},
		{"half a header", named[:3], "", false},
		{"the header", named[:recordHeader], "", false},
		{"half of it", named[:60], "", false},
		{"another record", []byte{23, 3, 3, 0, 1, 0}, "", true},
		{"another message", []byte{22, 3, 3, 0, 1, 2}, "", true},
		{"empty records", []byte{22, 3, 3, 0, 0, 22, 3, 3, 0, 0}, "", true},
	} {
		if name, missing := ServerName(c.stream); name != c.want || (missing == 0) != c.done {
			t.Errorf("%s: %q, %d bytes are missing", c.name, name, missing)
		}
	}
	if name, missing := ServerName(inRecords(helloFor(t, strings.Repeat("a", 60)+".example"), 1)[:300]); name != "" || missing == 0 {
		t.Errorf("a name that is cut: %q, %d bytes are missing", name, missing)
	}
}

// TestMissing: who looks again only when as many bytes have come as are missing finds the
// name with the last of them, after few looks.
func TestMissing(t *testing.T) {
	whole := helloFor(t, "www.example", "h2")
	for size, most := range map[int]int{1: 64, 2: 40, 9: 24, len(whole): 8} {
		stream := inRecords(whole, size)
		n, looks := 0, 0
		for missing := 1; missing > 0; looks++ {
			if n += missing; n > len(stream) {
				t.Fatalf("records of %d bytes: %d are asked for, of %d", size, n, len(stream))
			}
			_, missing = ServerName(stream[:n])
		}
		if name, _ := ServerName(stream[:n]); name != "www.example" || looks > most {
			t.Errorf("records of %d bytes: %q after %d looks, want no more than %d", size, name, looks, most)
		}
	}
}

// FuzzServerName: once a name is found, what follows does not change it; and the
// beginning of a stream is never taken for more than it is.
func FuzzServerName(f *testing.F) {
	hello := helloFor(f, "www.example")
	f.Add(hello, uint16(40))
	f.Add(inRecords(hello, 9), uint16(200))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		name, missing := ServerName(stream)
		if name != "" && missing > 0 || len(name) > longestName || missing < 0 {
			t.Fatalf("%q, %d", name, missing)
		}
		n := min(int(cut), len(stream))
		before, more := ServerName(stream[:n])
		if more == 0 && (before != name || missing > 0) {
			t.Fatalf("%d bytes: %q, %d: %q, %d", n, before, len(stream), name, missing)
		}
	})
}
