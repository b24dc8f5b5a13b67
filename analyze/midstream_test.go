package analyze_test

import (
	"fmt"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture/script"
)

// A connection that was open before the capture began may have got to any sequence
// number: how its messages went does not depend on that.
func TestTransfersInMidStream(t *testing.T) {
	for _, isn := range []string{"1000/5000", "3000000000/1000", "1000/3000000000", "4294967000/2147483000"} {
		s, err := script.Parse(fmt.Sprintf(`
c 10.0.0.1:40000 > 10.0.0.2:80 isn=%s
0ms    c > "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
1ms    c < "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"
2ms    c > ACK
500ms  c > "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
501ms  c < "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"
502ms  c > ACK
700ms  c < "def"
701ms  c > ACK
`, isn))
		if err != nil {
			t.Fatal(err)
		}
		h := listen(t, s.Source())
		if len(h.exchanges) != 2 {
			t.Fatalf("isn %s: %d exchanges", isn, len(h.exchanges))
		}
		for i, x := range h.exchanges {
			if x.Sending == nil || x.Answering == nil || x.Sending.Before != x.RequestPlace.Start || x.Sending.Length != x.RequestPlace.End-x.RequestPlace.Start {
				t.Errorf("isn %s: exchange %d went %+v", isn, i+1, x.Sending)
			}
		}
		second := h.exchanges[1]
		if second.Sending.Idle < 490*time.Millisecond {
			t.Errorf("isn %s: idle for %v before the second request", isn, second.Sending.Idle)
		}
		if p := second.Answering.Pauses; len(p) != 1 || p[0].Cause != analyze.ByApplication || p[0].Offset != second.ResponsePlace.End-3 {
			t.Errorf("isn %s: pauses of the second response: %+v", isn, p)
		}
	}
}
