package reports

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

func filesCalled(names ...string) (files []*capture.File) {
	for _, name := range names {
		files = append(files, &capture.File{Name: filepath.FromSlash(name)})
	}
	return files
}

func TestShortNames(t *testing.T) {
	for _, c := range []struct{ names, want []string }{
		{nil, nil},
		{[]string{"/var/tmp/a.pcap"}, []string{"a.pcap"}},
		{[]string{"x/a.pcap", "x/b.pcap"}, []string{"a.pcap", "b.pcap"}},
		{[]string{"client/a.pcap", "server/a.pcap", "server/b.pcap"}, []string{"client/a.pcap", "server/a.pcap", "b.pcap"}},
		{[]string{"1/client/a.pcap", "2/client/a.pcap", "2/server/a.pcap"}, []string{"1/client/a.pcap", "2/client/a.pcap", "server/a.pcap"}},
		{[]string{"a.pcap", "x/a.pcap", "/x/a.pcap"}, []string{"a.pcap", "x/a.pcap", "/x/a.pcap"}},
		{[]string{"x/a.pcap", "x/a.pcap", "-"}, []string{"a.pcap", "a.pcap", "-"}},
		{[]string{"x/\x1b", "y/\x1b", ""}, []string{`x/\x1b`, `y/\x1b`, ""}},
	} {
		r := newRedactor(Options{})
		got := r.shortNames(filesCalled(c.names...))
		for i := range got {
			got[i] = filepath.ToSlash(got[i])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.names, got, c.want)
		}
	}
	r := newRedactor(Options{RedactHosts: true, RedactKey: []byte("key")})
	hidden := r.shortNames(filesCalled("client/a.pcap", "server/a.pcap"))
	if hidden[0] == hidden[1] || strings.Contains(strings.Join(hidden, ""), "client") {
		t.Errorf("with pseudonyms: %q", hidden)
	}
}

// A frame is told with its file where there are several: its number alone is
// that of a frame in each.
func TestFramesAreToldWithTheirFile(t *testing.T) {
	f := typicalFinding()
	f.Evidence = []rules.Evidence{
		{Mark: capture.Mark{Frame: capture.NewFrame(0, 14), Time: 1}, What: "it went"},
		{Mark: capture.Mark{Frame: capture.NewFrame(1, 14), Time: 2}, What: "it came"},
	}
	f.EvidenceTotal = len(f.Evidence)
	c := &analyze.Capture{Files: filesCalled("x/client/a.pcap", "x/server/a.pcap")}
	for format, want := range map[string][]string{
		"text":  {"it went (client/a.pcap)", "it came (server/a.pcap)"},
		"junit": {"frame 14 of client/a.pcap, ", "frame 14 of server/a.pcap, "},
		"html":  {">client/a.pcap</span>", ">server/a.pcap</span>"},
	} {
		for _, several := range []bool{false, true} {
			o := options()
			o.SeveralFiles, o.Rules = several, []*rules.Rule{f.Rule}
			var out strings.Builder
			w := formatCalled(t, format).New(&out, o)
			check(t, errors.Join(w.Finding(f), w.Close(c)))
			for _, want := range want {
				if strings.Contains(out.String(), filepath.FromSlash(want)) != several {
					t.Errorf("%s, several files: %t: %q in %s", format, several, want, out.String())
				}
			}
		}
	}
}
