package reports

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestStringsAreEscaped(t *testing.T) {
	for _, c := range []struct{ in, json, printable string }{
		{"", `""`, ``},
		{"GET /a?b=c&d=<e>", `"GET /a?b=c&d=<e>"`, `GET /a?b=c&d=<e>`},
		{`say "hi"`, `"say \"hi\""`, `say "hi"`},
		{`C:\x41`, `"C:\\\\x41"`, `C:\x41`},
		{"a\x00b\n\r\t", `"a\u0000b\n\r\t"`, `a\x00b\x0a\x0d\x09`},
		{"\x1b[31mred\x07", `"\u001b[31mred\u0007"`, `\x1b[31mred\x07`},
		{"\x7f", `"\u007f"`, `\x7f`},
		{"\u009b1m", `"\u009b1m"`, `\u009b1m`},
		{"\u202egnp.exe", `"\u202egnp.exe"`, `\u202egnp.exe`},
		{"a\u2066b\u2069\u200d\ufeff\u2028", `"a\u2066b\u2069\u200d\ufeff\u2028"`, `a\u2066b\u2069\u200d\ufeff\u2028`},
		{"日本語 é 🚀", `"日本語 é 🚀"`, `日本語 é 🚀`},
		{"\U000e0041", `"\udb40\udc41"`, `\U000e0041`},
		{"\xff\xc3", `"\\xff\\xc3"`, `\xff\xc3`},
		{"\xe6\x97", `"\\xe6\\x97"`, `\xe6\x97`},
		{"\xed\xa0\x80", `"\\xed\\xa0\\x80"`, `\xed\xa0\x80`},
		{"\ufffd", "\"\ufffd\"", "\ufffd"},
	} {
		if got := string(appendString(nil, c.in)); got != c.json {
			t.Errorf("%q in JSON: got %s, want %s", c.in, got, c.json)
		}
		if got := string(appendString(nil, []byte(c.in))); got != c.json {
			t.Errorf("bytes %q in JSON: got %s, want %s", c.in, got, c.json)
		}
		if got := Printable(c.in); got != c.printable {
			t.Errorf("%q printable: got %s, want %s", c.in, got, c.printable)
		}
	}
}

// unescape undoes what appendString does to a string beyond JSON.
func unescape(t *testing.T, s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			b.WriteByte('\\')
			i++
		case i+3 < len(s) && s[i+1] == 'x':
			n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
			if err != nil {
				t.Fatalf("no escape: %q", s[i:])
			}
			b.WriteByte(byte(n))
			i += 3
		default:
			t.Fatalf("no escape: %q", s[i:])
		}
	}
	return b.String()
}

func FuzzJSONString(f *testing.F) {
	for _, s := range []string{"", "a\\b\"c", "\xff\xfe", "\u202e\x1b[0m", "日本語", "\\xff", "\xf0\x9f\x9a"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		encoded := appendString(nil, in)
		if string(encoded) != string(appendString(nil, string(in))) {
			t.Fatalf("%q: bytes and string differ", in)
		}
		for _, r := range string(encoded) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q: %q is not printable", in, r)
			}
		}
		var decoded string
		if err := json.Unmarshal(encoded, &decoded); err != nil {
			t.Fatalf("%q: %s: %v", in, encoded, err)
		}
		if got := unescape(t, decoded); got != string(in) {
			t.Fatalf("%q: comes back as %q", in, got)
		}
	})
}

func FuzzPrintable(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b]0;title\x07\u202e\xff")
	f.Fuzz(func(t *testing.T, in string) {
		out := Printable(in)
		changed := false
		for _, r := range in {
			changed = changed || !unicode.IsPrint(r)
		}
		if !utf8.ValidString(out) {
			t.Fatalf("%q: %q is no UTF-8", in, out)
		}
		for _, r := range out {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q: %q is not printable", in, r)
			}
		}
		if !changed && utf8.ValidString(in) && out != in {
			t.Fatalf("%q is printable but became %q", in, out)
		}
	})
}
