package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/filter"
	"wirelag/reassembly/capture/live"
	"wirelag/reassembly/capture/script"
	"wirelag/rules"
)

// measured analyses a capture, as live does, and returns what is scraped then.
func measured(t *testing.T, source string) string {
	t.Helper()
	parsed, err := script.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics(func() live.Counters { return live.Counters{Packets: 17, Bytes: 1700, Dropped: 5} })
	listener := analyze.Join(m.listener(), rules.NewLedger(rules.All, nil, m.finding, nil))
	if _, err := analyze.Run(context.Background(), parsed.Source(), listener, analyze.Options{Gauges: &m.gauges}); err != nil {
		t.Fatal(err)
	}
	return scrape(t, m)
}

// scrape serves m and asks for all of it.
func scrape(t *testing.T, m *metrics) string {
	t.Helper()
	s, err := m.serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	status, body := fetch(t, s, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	return body
}

func fetch(t *testing.T, s *metricsServer, path string) (status int, body string) {
	t.Helper()
	response, err := http.Get("http://" + s.listener.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func nothing() live.Counters { return live.Counters{} }

func TestMetrics(t *testing.T) {
	got := measured(t, `
a 10.0.0.1:40000 > 10.0.0.2:80
b 10.0.0.1:40001 > 10.0.0.3:8080
0ms    a > SYN
20ms   a < SYN ACK
20ms   a > ACK
21ms   a > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
61ms   a < "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n"
81ms   a < "abc"
90ms   a > "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"
300ms  again a >
400ms  a < "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
500ms  b > SYN
501ms  b < SYN ACK
501ms  b > ACK
502ms  b > "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
700ms  b < RST ACK
800ms  a > FIN ACK
801ms  a < FIN ACK
802ms  a > ACK
`)
	for _, line := range []string{
		`wirelag_packets_total 17`,
		`wirelag_captured_bytes_total 1700`,
		`wirelag_dropped_packets_total 5`,
		`wirelag_retransmissions_total 1`,
		`wirelag_open_connections 0`,
		`wirelag_pending_bytes 0`,
		`wirelag_connections_total{server="10.0.0.2:80"} 1`,
		`wirelag_exchanges_total{server="10.0.0.2:80",status="2xx"} 1`,
		`wirelag_exchanges_total{server="10.0.0.2:80",status="4xx"} 1`,
		`wirelag_exchanges_total{server="10.0.0.3:8080",status="none"} 1`,
		`wirelag_exchange_duration_seconds_count{server="10.0.0.2:80"} 2`,
		`wirelag_exchange_duration_seconds_count{server="10.0.0.3:8080"} 0`,
		`wirelag_exchange_first_byte_seconds_bucket{server="10.0.0.2:80",le="0.025"} 0`,
		`wirelag_exchange_first_byte_seconds_bucket{server="10.0.0.2:80",le="0.05"} 1`,
		`wirelag_exchange_first_byte_seconds_bucket{server="10.0.0.2:80",le="0.5"} 2`,
		`wirelag_findings_total{rule="retransmission-stall",severity="warning"} 1`,
	} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
	for _, pattern := range []string{
		`(?m)^wirelag_findings_cost_seconds_total\{rule="retransmission-stall",severity="warning"\} 0\.[12]`,
		`(?m)^go_goroutines `,
	} {
		if !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("nothing is like %s", pattern)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// Names and units are as Prometheus wants them.
func TestMetricNames(t *testing.T) {
	m := newMetrics(nothing)
	m.server(netip.MustParseAddrPort("[::1]:80"))
	m.findings.WithLabelValues("rule", "info").Inc()
	m.findingsCost.WithLabelValues("rule", "info").Inc()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// However many servers there are, the number of series is bounded.
func TestServersAreCapped(t *testing.T) {
	m := newMetrics(nothing)
	for i := range 3 * maxServers {
		m.server(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)).connections.Inc()
	}
	got := scrape(t, m)
	if n := strings.Count(got, "wirelag_connections_total{"); n != maxServers+1 {
		t.Errorf("%d servers have a label", n)
	}
	if want := fmt.Sprintf(`wirelag_connections_total{server="other"} %d`, 2*maxServers); !strings.Contains(got, want) {
		t.Errorf("there is no %s", want)
	}
}

func TestMetricsServer(t *testing.T) {
	m := newMetrics(nothing)
	s, err := m.serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := s.listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if c, err := net.DialTimeout("tcp", "127.0.0.2:"+port, time.Second); err == nil {
		c.Close()
		t.Error("it listens at other addresses too")
	}
	if status, _ := fetch(t, s, "/"); status != http.StatusNotFound {
		t.Errorf("/: status %d", status)
	}
	if _, err := m.serve(address); err == nil || !strings.HasPrefix(err.Error(), "--metrics: cannot listen at "+address+": ") {
		t.Errorf("a second time: %v", err)
	}
	idle, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	s.close()
	if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

func TestMetricsAddress(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:9464":  "",
		"[::1]:0":         "",
		"localhost:9464":  "",
		":9464":           "--metrics: say which address to listen at, as in 127.0.0.1:9464 (0.0.0.0:9464 for all)",
		"127.0.0.1":       `--metrics: "127.0.0.1" is not an address to listen at, as 127.0.0.1:9464 is`,
		"127.0.0.1:http":  `--metrics: "127.0.0.1:http" is not an address to listen at, as 127.0.0.1:9464 is`,
		"127.0.0.1:99999": `--metrics: "127.0.0.1:99999" is not an address to listen at, as 127.0.0.1:9464 is`,
		"":                `--metrics: "" is not an address to listen at, as 127.0.0.1:9464 is`,
	} {
		got := ""
		if err := checkMetricsAddress(address); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", address, got, want)
		}
	}
}

// What is wrong with --metrics and --bpf-file is told before anything is captured.
func TestLiveFlagsThatMakeNoSense(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("1\n40 0 0 12\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ arguments, want string }{
		{"--metrics :9464", "--metrics: say which address to listen at, as in 127.0.0.1:9464 (0.0.0.0:9464 for all) (see wirelag live --help)"},
		{"--bpf-file " + program, "--bpf-file: " + program + ": the program does not end with a return (see wirelag live --help)"},
		{"--bpf-file no-such-file", "--bpf-file: no-such-file: no such file or directory (see wirelag live --help)"},
		{"--filter tcp --bpf-file " + program, "--bpf-file and --filter are two filters: give one (see wirelag live --help)"},
		{"-i any --bpf-file " + program, "--bpf-file is for one interface: on any, what tcpdump makes expects other headers (see wirelag live --help)"},
	} {
		got := wirelag(t, nil, append([]string{"live", "-i", "lo"}, strings.Fields(test.arguments)...)...)
		if got.status != statusUsage || got.stderr != "wirelag: "+test.want+"\n" {
			t.Errorf("%s: status %d, %s", test.arguments, got.status, got.stderr)
		}
	}
}

// An exchange over the loopback interface is counted while live listens there,
// through a program of tcpdump.
func TestLiveMetrics(t *testing.T) {
	if err := live.Permitted(); err != nil {
		t.Skip(err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	program := programFile(t, fmt.Sprintf("tcp port %d", server.Listener.Addr().(*net.TCPAddr).Port))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := taken.Addr().String()
	arguments := []string{"live", "-i", "lo", "--duration", "1500ms", "--metrics", address, "--bpf-file", program, "--quiet", "--format", "json"}
	if got := wirelag(t, nil, arguments...); got.status != statusOutput || !strings.HasPrefix(got.stderr, "wirelag: --metrics: cannot listen at "+address+": ") {
		t.Errorf("address in use: status %d, %s", got.status, got.stderr)
	}
	taken.Close()
	ended := make(chan outcome)
	go func() {
		var stdout, stderr bytes.Buffer
		status := run(arguments, nil, &stdout, &stderr)
		ended <- outcome{stdout.String(), stderr.String(), status}
	}()
	want := fmt.Sprintf(`wirelag_exchanges_total{server="%s",status="4xx"}`, server.Listener.Addr())
	found := false
	for !found {
		select {
		case got := <-ended:
			t.Fatalf("it ended, with status %d, %s", got.status, got.stderr)
		case <-time.After(50 * time.Millisecond):
		}
		ask(server.URL)
		found = strings.Contains(ask("http://"+address+"/metrics"), want)
	}
	if got := <-ended; got.status != statusDone || got.stderr != "" {
		t.Errorf("status %d, %s", got.status, got.stderr)
	}
	if ask("http://"+address+"/metrics") != "" {
		t.Error("metrics are served when all is over")
	}
}

// programFile writes a program for Ethernet as tcpdump -ddd prints it.
func programFile(t *testing.T, expression string) string {
	t.Helper()
	e, err := filter.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	code, err := e.Live(capture.LinkTypeEthernet, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintln(len(code))
	for _, in := range code {
		text += fmt.Sprintln(in.Op, in.Jt, in.Jf, in.K)
	}
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// ask returns what is answered, "" for nothing.
func ask(url string) string {
	response, err := http.Get(url)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	content, _ := io.ReadAll(response.Body)
	return string(content)
}
