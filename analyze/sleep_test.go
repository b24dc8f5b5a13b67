package analyze_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// TestUnacknowledgedResponse: where connections are packed, an exchange whose response
// nobody acknowledged is told after a while; and what comes then goes on where it was.
func TestUnacknowledgedResponse(t *testing.T) {
	const others = 3 << 13 // segments
	var text strings.Builder
	text.WriteString("c 10.0.0.1:40000 > 10.0.0.2:80\nd 10.0.0.1:40001 > 10.0.0.2:80\n")
	for _, name := range []string{"c", "d"} {
		fmt.Fprintf(&text, "0ms %s > SYN\n1ms %[1]s < SYN ACK\n2ms %[1]s > ACK\n", name)
	}
	for range 64 { // how many connections are open counts some chunks later
		text.WriteString("2ms d > ACK\n")
	}
	text.WriteString("3ms c > \"GET /1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"\n4ms c < \"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n")
	for i := range others {
		fmt.Fprintf(&text, "5ms d %c ACK\n", "><"[i%2])
	}
	text.WriteString("5s c > ACK\n5001ms c > \"GET /2 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"\n5002ms c < \"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n" +
		"5003ms c > ACK\n5010ms c > FIN\n5011ms c < FIN\n5012ms c > ACK\n")
	s, err := script.Parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, limits := range []reassembly.Limits{{}, asleep} {
		var told []string
		_, err := analyze.Run(context.Background(), s.Source(), analyze.Listener{
			Exchange: func(x *analyze.Exchange) {
				told = append(told, fmt.Sprintf("%d.%d %s %d", x.Connection.ID, x.ID, x.Request.Target, x.Response.Status))
			},
			Tick: func(now capture.Time) {
				if now.Sub(s.Packets[0].Time) == 3*time.Second {
					told = append(told, "3 s")
				}
			},
			Closed: func(c *analyze.Connection) {
				told = append(told, fmt.Sprintf("%d: %d exchanges, %d sent again, intact %v", c.ID, c.Exchanges, c.Retransmissions(), c.Intact()))
			},
		}, analyze.Options{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"3 s", "1.1 /1 200", "1.2 /2 200", "1: 2 exchanges, 0 sent again, intact true", "2: 0 exchanges, 0 sent again, intact true"}
		if limits == asleep {
			want[0], want[1] = want[1], want[0]
		}
		if !slices.Equal(told, want) {
			t.Errorf("asleep %v:\n%s", limits == asleep, difference(told, want))
		}
	}
}
