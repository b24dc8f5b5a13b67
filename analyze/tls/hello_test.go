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
		if name, done := ServerName(c.stream); name != c.want || done != c.done {
			t.Errorf("%s: %q, %v", c.name, name, done)
		}
	}
	if name, done := ServerName(inRecords(helloFor(t, strings.Repeat("a", 60)+".example"), 1)[:300]); name != "" || done {
		t.Errorf("a name that is cut: %q, %v", name, done)
	}
}

// FuzzServerName: once a name is found, what follows does not change it; and the
// beginning of a stream is never taken for more than it is.
func FuzzServerName(f *testing.F) {
	hello := helloFor(f, "www.example")
	f.Add(hello, uint16(40))
	f.Add(inRecords(hello, 9), uint16(200))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		name, done := ServerName(stream)
		if name != "" && !done || len(name) > longestName {
			t.Fatalf("%q, %v", name, done)
		}
		before, known := ServerName(stream[:min(int(cut), len(stream))])
		if known && (before != name || !done) {
			t.Fatalf("%d bytes: %q, %d: %q, %v", cut, before, len(stream), name, done)
		}
	})
}
