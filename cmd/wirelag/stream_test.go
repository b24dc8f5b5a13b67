package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"wirelag/reassembly/capture/script"
)

// A capture that comes in bit by bit, as from a remote host, is told as it comes:
// each exchange and finding while the writer goes on.
func TestPipesAreToldAsTheyCome(t *testing.T) {
	for _, jobs := range []string{"1", "2", "4"} {
		t.Run(jobs+" jobs", func(t *testing.T) { testPipe(t, jobs) })
	}
}

func testPipe(t *testing.T, jobs string) {
	parsed, err := script.Parse(`
c 10.0.0.1:40000 > 10.0.0.2:80
d 10.0.0.1:40001 > 10.0.0.2:80
0ms    c > SYN
40ms   c < SYN ACK
40ms   c > ACK
41ms   c > "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
81ms   c < "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" repeat("x", 3000) split
82ms   c < FIN
83ms   c > FIN
123ms  c < ACK
200s   d > SYN
201s   d < RST ACK
`)
	if err != nil {
		t.Fatal(err)
	}
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	told, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	status := make(chan int)
	go func() {
		status <- run([]string{"analyze", "--format", "ndjson", "--jobs", jobs, "-"}, in, out, io.Discard)
		out.Close()
	}()
	last := len(parsed.Packets) - 2
	if err := script.WritePcap(feed, parsed.Packets[:last]); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(told)
	next := func() string {
		if !lines.Scan() {
			t.Fatal("the report ends: ", lines.Err())
		}
		var line struct{ Type, Rule string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line.Type + " " + line.Rule)
	}
	told.SetReadDeadline(time.Now().Add(30 * time.Second))
	if got := next(); got != "exchange" {
		t.Errorf("told first: %s", got)
	}
	rest := new(strings.Builder)
	if err := script.WritePcap(rest, parsed.Packets[last:]); err != nil {
		t.Fatal(err)
	}
	const header = 24
	if _, err := io.WriteString(feed, rest.String()[header:]); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"connection", "finding truncated-body"} { // 200 s later, and the feed is still open
		if got := next(); got != want {
			t.Errorf("told then: %s, want %s", got, want)
		}
	}
	feed.Close()
	if got := <-status; got != statusDone {
		t.Errorf("status %d", got)
	}
}
