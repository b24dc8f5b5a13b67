package analyze_test

import (
	"fmt"
	"strings"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
)

// TestNameOfTLS: a TLS connection is called by the name that its client asks for,
// in however many segments that comes.
func TestNameOfTLS(t *testing.T) {
	const begins = `c 10.0.0.1:40000 > 10.0.0.2:443
0ms  c > SYN
20ms c < SYN ACK
20ms c > ACK
`
	const head = `"\x16\x03\x01\x00\x41\x01\x00\x00\x3d\x03\x03" repeat("\x00", 32) "\x00\x00\x02\x13\x01\x01\x00\x00\x12\x00\x00\x00\x0e\x00\x0c\x00\x00\x09a.ex`
	var bytes strings.Builder
	for i, b := range []byte("\x16\x03\x01\x00\x41\x01\x00\x00\x3d\x03\x03" + strings.Repeat("\x00", 32) + "\x00\x00\x02\x13\x01\x01\x00\x00\x12\x00\x00\x00\x0e\x00\x0c\x00\x00\x09a.example") {
		fmt.Fprintf(&bytes, "%dms c > \"\\x%02x\"\n", 21+i, b)
	}
	bytes.WriteString("99ms c < ACK\n")
	for name, hello := range map[string]string{
		"byte by byte": bytes.String(),
		"one segment":  "21ms c > " + head + "ample\"\n",
		"two segments": "21ms c > " + head + "\"\n22ms c > \"ample\"\n",
		"cut":          "21ms c > " + head + "\"\n",
	} {
		s, err := script.Parse(begins + hello + "160ms c < ACK\n170ms c > RST\n")
		if err != nil {
			t.Fatal(err)
		}
		h := listen(t, s.Source())
		want := "a.example"
		if name == "cut" {
			want = ""
		}
		if len(h.connections) != 1 || h.connections[0].ServerName != want || h.connections[0].Protocol != analyze.TLS {
			t.Errorf("%s: %d connections, called %q", name, len(h.connections), h.connections[0].ServerName)
		}
	}
}
