package reports

import (
	"bytes"
	"strings"
	"testing"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
)

func TestHops(t *testing.T) {
	document := reportOn(t, "proxy", "json", options())
	golden(t, "proxy.json", document)
	followsSchema(t, "proxy.json", []byte(document))
	lines := reportOn(t, "proxy", "ndjson", options())
	golden(t, "proxy.ndjson", lines)
	for line := range bytes.Lines([]byte(lines)) {
		followsSchema(t, "proxy.ndjson", line)
	}
	o := options()
	o.Width = 120
	golden(t, "proxy-text.golden", reportOn(t, "proxy", "text", o))
}

// TestHopOfUntoldExchange links an exchange to one that was left out of the report.
func TestHopOfUntoldExchange(t *testing.T) {
	var out bytes.Buffer
	w := newJSON(&out, options())
	c := &analyze.Connection{Connection: &reassembly.Connection{ID: 1}}
	told := &analyze.Exchange{ID: 1, Connection: c, Request: &http1.Message{Method: "GET", Target: "/"}}
	untold := &analyze.Exchange{ID: 2, Connection: c, Request: &http1.Message{Method: "GET", Target: "/"}}
	for _, err := range []error{
		w.Exchange(told), w.Hop(&analyze.Hop{Front: untold, Back: told, Added: analyze.Unknown}), w.Connection(c), w.Close(&analyze.Capture{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), `"hop":`); got != 1 {
		t.Errorf("%d links in %s", got, out.String())
	}
	followsSchema(t, "the report", out.Bytes())
}

// TestAddedIsBounded has many links of exchanges that are not among those shown.
func TestAddedIsBounded(t *testing.T) {
	w := newText(new(bytes.Buffer), options()).(*textWriter)
	c := &analyze.Connection{Connection: &reassembly.Connection{ID: 1}}
	shown := &analyze.Exchange{ID: 1, Connection: c}
	w.exchanges.items = append(w.exchanges.items, shown)
	for n := range uint64(3 * maxAdded) {
		front, back := &analyze.Exchange{ID: 2*n + 1, Connection: c}, &analyze.Exchange{ID: 2*n + 2, Connection: c}
		w.Hop(&analyze.Hop{Front: front, Back: back, Added: 5})
	}
	if len(w.added) > maxAdded || w.addedTo(shown) != 5 || w.addedTo(&analyze.Exchange{ID: 2}) != analyze.Unknown {
		t.Errorf("%d are remembered; %v and %v", len(w.added), w.addedTo(shown), w.addedTo(&analyze.Exchange{ID: 2}))
	}
}
