package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"wirelag/reassembly/capture/live"
)

// needs skips a test without root or one of the programs.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to capture and for network namespaces")
	}
	if err := live.Permitted(); err != nil {
		t.Skipf("needs the right to capture: %v", err)
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("needs %s", p)
		}
	}
}

// command runs a program, and fails the test where it fails.
func command(t *testing.T, words ...string) string {
	t.Helper()
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(words, " "), err, out)
	}
	return string(out)
}

// twoHosts are network namespaces that are connected, 20 ms apart, where the
// kernel can do that. They go away with the test.
func twoHosts(t *testing.T) (client, server string) {
	t.Helper()
	client, server = fmt.Sprintf("wl-c-%d", os.Getpid()), fmt.Sprintf("wl-s-%d", os.Getpid())
	for i, name := range []string{client, server} {
		if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
			t.Skipf("needs network namespaces: %s", out)
		}
		t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
		if i == 1 {
			command(t, "ip", "-n", client, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", server)
		}
	}
	for i, name := range []string{client, server} {
		command(t, "ip", "-n", name, "addr", "add", fmt.Sprintf("10.77.9.%d/24", i+1), "dev", "wire")
		command(t, "ip", "-n", name, "link", "set", "wire", "up")
		command(t, "ip", "-n", name, "link", "set", "lo", "up")
		if out, err := exec.Command("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "wire", "root", "netem", "delay", "10ms").CombinedOutput(); err != nil {
			t.Logf("without delay: %s", out)
		}
	}
	return client, server
}

// in is a command that runs in a namespace, with a process group of its own.
func in(namespace string, words ...string) *exec.Cmd {
	words = append([]string{"netns", "exec", namespace}, words...)
	cmd := exec.Command("ip", words...)
	cmd.Env = append(os.Environ(), "WIRELAG_TEST_MAIN=1")
	return cmd
}

// background starts cmd, and kills it at the end of the test.
func background(t *testing.T, cmd *exec.Cmd) (stderr *bytes.Buffer) {
	t.Helper()
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return stderr
}

const nginxConfig = `
daemon off; worker_processes 1; pid %[1]s/nginx.pid; error_log %[1]s/error.log;
events { worker_connections 64; }
http {
  access_log off; keepalive_timeout 1s;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  server {
    listen 10.77.9.2:8080;
    location / { return 200 "hello\n"; }
    location /gone { return 404; }
    location /files/ { alias %[1]s/files/; }
    location /close { keepalive_timeout 0; return 200 "bye\n"; }
  }
}`

// serve runs nginx in a namespace.
func serve(t *testing.T, namespace string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "files"), 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "nginx.conf")
	for name, content := range map[string]string{
		config: "user root;" + fmt.Sprintf(nginxConfig, folder), filepath.Join(folder, "files", "big"): strings.Repeat("0123456789", 50_000),
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nginx := in(namespace, "nginx", "-c", config)
	background(t, nginx)
	t.Cleanup(func() { nginx.Process.Signal(syscall.SIGTERM); time.Sleep(100 * time.Millisecond) })
	for range 100 {
		if in(namespace, "curl", "-s", "-m", "5", "-o", os.DevNull, "http://10.77.9.2:8080/").Run() == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("nginx does not answer")
}

// What is told live is what is told of the recording, and it ends in time.
func TestLiveIsWhatItsRecordingIs(t *testing.T) {
	needs(t, "ip", "nginx", "curl")
	client, server := twoHosts(t)
	serve(t, server)
	folder := t.TempDir()
	report, recording := filepath.Join(folder, "live.json"), filepath.Join(folder, "live.pcapng")
	listening := in(client, os.Args[0], "live", "-i", "wire", "-w", recording, "--format", "json", "-o", report)
	stderr := background(t, listening)
	waitFor(t, "the capture", func() bool {
		in(client, "curl", "-s", "-m", "5", "-o", os.DevNull, "http://10.77.9.2:8080/ready").Run()
		hidden, _ := filepath.Glob(filepath.Join(folder, ".live.pcapng.*"))
		return len(hidden) == 1 && sizeOf(hidden[0]) > 500
	})
	const at = "http://10.77.9.2:8080"
	for _, urls := range [][]string{
		{at + "/", at + "/gone", at + "/files/big"}, {at + "/close", at + "/close", at + "/close"},
		{"--http1.0", at + "/", at + "/"}, {"-r", "0-99,200-299", at + "/files/big"}, {"-X", "POST", "-d", "a=b", at + "/"},
		{"-H", "Connection: close", at + "/", at + "/", at + "/", at + "/"}, {"http://10.77.9.2:81/"},
	} {
		in(client, append([]string{"curl", "-s", "-m", "5", "-o", os.DevNull, "-o", os.DevNull, "-o", os.DevNull, "-o", os.DevNull}, urls...)...).Run()
	}
	time.Sleep(3 * time.Second) // in which what is over is told
	interrupted := time.Now()
	listening.Process.Signal(os.Interrupt)
	if err := listening.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	t.Logf("the report was there %v after Ctrl-C", time.Since(interrupted).Round(time.Millisecond))
	if left := files(t, folder); len(left) != 2 {
		t.Errorf("left behind: %q", left)
	}
	again := wirelag(t, nil, "--format", "json", recording)
	if again.status != statusDone {
		t.Fatalf("the recording: status %d, %s", again.status, again.stderr)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	told, recorded := comparable(t, text), comparable(t, []byte(again.stdout))
	for _, part := range []string{"summary", "connections", "findings", "capture"} {
		if !reflect.DeepEqual(told[part], recorded[part]) {
			t.Errorf("%s: live\n%v\nof the recording\n%v", part, told[part], recorded[part])
		}
	}
	if n := len(told["findings"].([]any)); n < 2 || len(told["connections"].([]any)) < 10 {
		t.Errorf("%d findings", n)
	}
}

// comparable is a report without what differs between an interface and a file.
func comparable(t *testing.T, text []byte) (report map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	file := report["capture"].(map[string]any)["files"].([]any)[0].(map[string]any)
	delete(file, "name")
	delete(file, "format")
	return report
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

func sizeOf(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

func files(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// An interface that goes away ends the capture with a report.
func TestLiveInterfaceGoesAway(t *testing.T) {
	needs(t, "ip")
	client, _ := twoHosts(t)
	report := filepath.Join(t.TempDir(), "report")
	listening := in(client, os.Args[0], "live", "-i", "wire", "--promiscuous", "-o", report)
	stderr := background(t, listening)
	waitFor(t, "the capture", func() bool { return hasPacketSocket(listening.Process.Pid) })
	command(t, "ip", "-n", client, "link", "del", "wire")
	if err := listening.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	text, err := os.ReadFile(report)
	if err != nil || !strings.Contains(string(text), "the interface went away") {
		t.Errorf("%v: %s", err, text)
	}
}

// hasPacketSocket reports whether a process is in another network than the test,
// and a packet socket there is bound.
func hasPacketSocket(pid int) bool {
	ours, err1 := os.Readlink("/proc/self/ns/net")
	its, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err1 == nil && err2 == nil && ours == its {
		return false // it is on its way there
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/packet", pid))
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 5 && fields[5] == "1" { // it receives
			return true
		}
	}
	return err != nil
}

func TestLiveUsage(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"live", statusUsage, "which interface? give -i NAME"},
		{"live -i wl-none", statusUsage, `there is no interface "wl-none" (there are lo,`},
		{"live -i lo --rotate-size 1M", statusUsage, "are for the file of -w"},
		{"live -i lo -w - ", statusUsage, "-w: want the name of a file"},
		{"live -i lo -w a -o a", statusUsage, "name the same file"},
		{"live -i lo -w a --rotate-keep 2", statusUsage, "when another file begins"},
		{"live -i any --promiscuous", statusUsage, "for one interface"},
		{"live -i lo --duration -1s", statusUsage, "want a time"},
		{"live -i lo --buffer x", statusUsage, "want a size"},
		{"live -i lo --filter ((", statusUsage, "--filter"},
		{"live -i lo --bogus", statusUsage, "unknown flag"},
	} {
		got := wirelag(t, nil, strings.Fields(c.args)...)
		if got.status != c.status || !strings.Contains(got.stderr, c.want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: status %d, %s; want %q", c.args, got.status, got.stderr, c.want)
		}
	}
}

// Who may not capture is told how to, and who has CAP_NET_RAW alone may.
func TestLivePermission(t *testing.T) {
	needs(t, "setpriv")
	run := func(capability string, args ...string) (string, error) {
		cmd := exec.Command("setpriv", append([]string{"--reuid", "65534", "--clear-groups", "--inh-caps", capability, "--ambient-caps", capability,
			"--bounding-set", capability, "/proc/self/fd/3"}, args...)...)
		binary, err := os.Open(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		defer binary.Close()
		cmd.ExtraFiles = []*os.File{binary}
		cmd.Env = append(os.Environ(), "WIRELAG_TEST_MAIN=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	refused, err := run("-all", "live", "-i", "lo")
	if err == nil || !strings.Contains(refused, "wirelag: lo: capturing is not permitted (run: sudo ") || !strings.Contains(refused, "sudo setcap cap_net_raw=ep ") {
		t.Errorf("without rights: %v, %s", err, refused)
	}
	list, err := run("-all", "interfaces")
	if err != nil || !strings.Contains(list, "You may listen on none of them") || !strings.Contains(list, "127.0.0.1/8") {
		t.Errorf("without rights: %v, %s", err, list)
	}
	if allowed, err := run("-all,+net_raw", "live", "-i", "lo", "--duration", "10ms", "--filter", "tcp port 1"); err != nil || !strings.Contains(allowed, "0 packets") {
		t.Errorf("with CAP_NET_RAW: %v, %s", err, allowed)
	}
	if list, err := run("-all,+net_raw", "interfaces"); err != nil || !strings.Contains(list, "You may listen on all of them") {
		t.Errorf("with CAP_NET_RAW: %v, %s", err, list)
	}
}

// TestLoad says how many packets a second of wrk's are analysed, and how many are
// dropped, for as long as WIRELAG_LOAD says (10s). It is for a machine that does
// nothing else.
func TestLoad(t *testing.T) {
	lasting, err := time.ParseDuration(os.Getenv("WIRELAG_LOAD"))
	if err != nil {
		t.Skip("set WIRELAG_LOAD to a duration")
	}
	needs(t, "ip", "nginx", "wrk", "curl")
	_, server := twoHosts(t)
	serve(t, server)
	report := filepath.Join(t.TempDir(), "load.json")
	listening := in(server, os.Args[0], "live", "-i", "lo", "--quiet", "--format", "ndjson", "-o", report)
	stderr := background(t, listening)
	waitFor(t, "the capture", func() bool { return hasPacketSocket(listening.Process.Pid) })
	out, err := in(server, "wrk", "-t1", "-c40", "-d", lasting.String(), "http://10.77.9.2:8080/").CombinedOutput()
	if err != nil {
		t.Fatalf("wrk: %v: %s", err, out)
	}
	listening.Process.Signal(os.Interrupt)
	if err := listening.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var capture struct {
		Packets uint64
		Health  []struct {
			Kind  string
			Count uint64
		}
	}
	at := bytes.LastIndex(text, []byte(`{"type":"capture"`))
	if err := json.NewDecoder(bytes.NewReader(text[max(at, 0):])).Decode(&capture); err != nil || at < 0 {
		t.Fatal(err)
	}
	t.Logf("%.0f packets/s analysed; health %v\n%s", float64(capture.Packets)/lasting.Seconds(), capture.Health, out)
}

// TestSoak listens to connections that come and go, for as long as WIRELAG_SOAK
// says (90s in CI, 20m by hand before a release), and wants memory to stay level.
func TestSoak(t *testing.T) {
	lasting, err := time.ParseDuration(os.Getenv("WIRELAG_SOAK"))
	if err != nil {
		t.Skip("set WIRELAG_SOAK to a duration, 90s at least")
	}
	needs(t)
	server, port := echo(t)
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), lasting)
	defer cancel()
	for i := range 2 {
		go churn(ctx, i, port)
	}
	measured := make(chan []uint64)
	go func() { measured <- heaps(ctx, lasting/12) }()
	status := run([]string{"live", "-i", "lo", "--filter", "tcp port " + port, "--duration", lasting.String(), "--quiet", "--format", "ndjson", "-o", os.DevNull},
		nil, io.Discard, os.Stderr)
	samples := <-measured
	// What is remembered of connections that are over (TIME_WAIT, findings that wait
	// for what may replace them) is all there after two thirds of the time.
	before, after := samples[len(samples)*2/3:len(samples)*5/6], samples[len(samples)*5/6:]
	least := min(before[0], before[len(before)-1])
	last := min(after[0], after[len(after)-1])
	t.Logf("heap in MB: %d", inMB(samples))
	if status != statusDone || last > least+least/8+4<<20 {
		t.Errorf("status %d; the heap grows: %d MB", status, inMB(samples))
	}
}

func inMB(samples []uint64) (mb []uint64) {
	for _, s := range samples {
		mb = append(mb, s>>20)
	}
	return mb
}

// heaps is the live heap, again and again.
func heaps(ctx context.Context, every time.Duration) (samples []uint64) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(every):
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			samples = append(samples, m.HeapAlloc)
		}
	}
	return samples
}

// echo is a server on all addresses of the loopback.
func echo(t *testing.T) (*http.Server, string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello\n")
	})}
	go server.Serve(listener)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return server, port
}

// churn opens connections, each for one or a few requests, about 400 a second.
func churn(ctx context.Context, n int, port string) {
	for i := n; ctx.Err() == nil; i++ {
		transport := &http.Transport{DisableKeepAlives: i%3 > 0}
		client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
		for range 1 + i%2 {
			request, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("http://127.0.0.1:%s/%d", port, i), nil)
			if err != nil {
				return
			}
			response, err := client.Do(request)
			if err == nil {
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		}
		transport.CloseIdleConnections()
		time.Sleep(2 * time.Millisecond)
	}
}
