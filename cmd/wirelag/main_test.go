package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"wirelag/reassembly/capture/script"
)

var update = flag.Bool("update", false, "rewrite the golden files and the examples of README.md")

const firstRun = "../../testdata/first-run.pcap"

// TestMain lets the test binary stand for the program, where a test needs a
// process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("WIRELAG_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// outcome is what a run of the program left.
type outcome struct {
	stdout, stderr string
	status         int
}

func wirelag(t *testing.T, stdin io.Reader, args ...string) outcome {
	t.Helper()
	t.Setenv("COLUMNS", "80")
	var stdout, stderr bytes.Buffer
	status := run(args, stdin, &stdout, &stderr)
	return outcome{stdout.String(), stderr.String(), status}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test ./cmd/wirelag -update rewrites it. Got:\n%s", path, got)
	}
}

// captureFile writes the capture of a script and returns its name.
func captureFile(t *testing.T, name, source string) string {
	t.Helper()
	parsed, err := script.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := script.WritePcap(f, parsed.Packets); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFormatsOfTheFirstRun(t *testing.T) {
	for _, format := range formatNames() {
		got := wirelag(t, nil, "analyze", "--format", format, firstRun)
		if got.status != statusDone || got.stderr != "" {
			t.Errorf("%s: status %d, %s", format, got.status, got.stderr)
		}
		if format != "html" { // it is looked at in a browser: see reports
			golden(t, "first-run."+format, got.stdout)
		}
	}
}

// What text says of findings.
func TestFindings(t *testing.T) {
	for _, name := range []string{"nagle", "not-reused"} {
		golden(t, name+".text", wirelag(t, nil, "../../testdata/"+name+".pcap").stdout)
	}
}

func TestHelpAndVersion(t *testing.T) {
	golden(t, "help.golden", wirelag(t, nil, "--help").stdout)
	golden(t, "help-analyze.golden", wirelag(t, nil, "help", "analyze").stdout)
	if got := wirelag(t, nil); got.stdout != wirelag(t, nil, "--help").stdout || got.status != statusDone {
		t.Errorf("without arguments: status %d, %s", got.status, got.stdout)
	}
	if got := wirelag(t, nil, "--version"); got.stdout != "wirelag devel\n" || got.status != statusDone {
		t.Errorf("--version: status %d, %q", got.status, got.stdout)
	}
}

// Every error is one line that says what is wrong and with what.
func TestErrorsAndStatuses(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, text, nasty := file("empty.pcap", ""), file("text.pcap", "hello, world"), file("na\x1b[31msty\n.pcap", "")
	hollow := filepath.Join(folder, "hollow")
	if err := os.Mkdir(hollow, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		status int
		stderr string // a regular expression
	}{
		{"misspelt command", []string{"anlyze", firstRun}, statusUsage,
			`"anlyze" is neither a command nor a file; did you mean "analyze"\? \(see wirelag --help\)`},
		{"no command, no file", []string{"qwertz"}, statusUsage, `"qwertz" is neither a command nor a file \(see wirelag --help\)`},
		{"no such file", []string{"missing.pcap"}, statusInput, `missing\.pcap: no such file or directory`},
		{"no file named", []string{"analyze"}, statusUsage, `which capture\? .*\(see wirelag analyze --help\)`},
		{"unknown flag", []string{"analyze", "--fromat", "json", firstRun}, statusUsage, `unknown flag: --fromat; did you mean --format\? \(see wirelag analyze --help\)`},
		{"unknown flag of the short form", []string{"--fromat", "json", firstRun}, statusUsage, `unknown flag: --fromat; did you mean --format\? \(see wirelag --help\)`},
		{"unknown format", []string{"--format", "xml", firstRun}, statusUsage, `invalid argument "xml" .*: want one of text, html, json, .* \(see .*`},
		{"misspelt format", []string{"--format", "jsno", firstRun}, statusUsage, `.*; did you mean json\? \(see wirelag --help\)`},
		{"one hyphen", []string{"-format", "json", firstRun}, statusUsage, `unknown shorthand flag: 'f' in -format; did you mean --format\? .*`},
		{"unlike any flag", []string{"--qwertz", firstRun}, statusUsage, `unknown flag: --qwertz \(see wirelag --help\)`},
		{"misspelt severity", []string{"--fail-on", "warn", firstRun}, statusUsage, `.*want one of none, info, warning, error; did you mean warning\? .*`},
		{"help on nothing", []string{"help", "anlyze"}, statusUsage, `there is no command "anlyze"; did you mean analyze\? \(see wirelag --help\)`},
		{"help on too much", []string{"help", "rules", "dns-delay"}, statusUsage, `there is no command "dns-delay" \(see wirelag rules --help\)`},
		{"arguments of config", []string{"config", "x.yaml"}, statusUsage, `config takes no arguments, and was given "x\.yaml" \(see wirelag config --help\)`},
		{"completion of no shell", []string{"completion"}, statusUsage, `for which shell\? give bash, zsh, fish or powershell .*`},
		{"completion of a strange shell", []string{"completion", "tcsh"}, statusUsage, `for which shell\? give bash, zsh, fish or powershell .*`},
		{"no rows", []string{"--top", "0", firstRun}, statusUsage, `invalid argument "0" for "--top" flag: want auto or a number from 1 on .*`},
		{"unknown rule", []string{"--rules", "nagle-delay-ack", firstRun}, statusUsage,
			`there is no rule "nagle-delay-ack"; did you mean nagle-delayed-ack\? \(see wirelag --help\)`},
		{"unknown rule to leave out", []string{"analyze", "--disable", "dns-delay,x", firstRun}, statusUsage,
			`there is no rule "x" \(see wirelag analyze --help\)`},
		{"unknown rule to show", []string{"rules", "handshake"}, statusUsage,
			`there is no rule "handshake"; did you mean handshake-overhead\? \(see wirelag rules --help\)`},
		{"two rules to show", []string{"rules", "dns-delay", "nagle-hold"}, statusUsage, `give the id of one rule \(see wirelag rules --help\)`},
		{"unknown severity", []string{"--fail-on", "fatal", firstRun}, statusUsage, `.*want one of none, info, warning, error .*`},
		{"no such configuration", []string{"--config", "missing.yaml", firstRun}, statusUsage, `missing\.yaml: no such file or directory`},
		{"configuration is a directory", []string{"--config", hollow, firstRun}, statusUsage, `.*hollow: is a directory`},
		{"no output", []string{"-o", "", firstRun}, statusUsage, `--output: give the name of a file.*`},
		{"empty file", []string{empty}, statusInput, `.*empty\.pcap: is empty`},
		{"no capture", []string{text}, statusInput, `.*text\.pcap: is neither pcap nor pcapng`},
		{"nasty name", []string{nasty}, statusInput, `.*na\\x1b\[31msty\\x0a\.pcap: is empty`},
		{"nothing in the directory", []string{hollow}, statusInput, `.*hollow: the directory holds no captures`},
		{"output into nowhere", []string{"-o", filepath.Join(folder, "no", "such"), firstRun}, statusOutput, `.*such: cannot write the report: .*`},
		{"output over a directory", []string{"-o", hollow, firstRun}, statusOutput, `.*hollow: is a directory .*`},
	} {
		got := wirelag(t, strings.NewReader(""), c.args...)
		want := regexp.MustCompile(`^wirelag: ` + c.stderr + "\n$")
		if got.status != c.status || !want.MatchString(got.stderr) {
			t.Errorf("%s: status %d, want %d; stderr %q, want %s", c.name, got.status, c.status, got.stderr, want)
		}
		if got.stdout != "" {
			t.Errorf("%s: a report: %s", c.name, got.stdout)
		}
	}
}

func TestOneUnreadableFileOfSeveral(t *testing.T) {
	got := wirelag(t, nil, "--format", "json", "missing.pcap", firstRun)
	if got.status != statusInput || got.stderr != "wirelag: missing.pcap: no such file or directory\n" {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
	if connections := decode(t, got.stdout)["connections"].([]any); len(connections) != 2 {
		t.Errorf("%d connections, want those of the other file", len(connections))
	}
}

func TestFilesAreToldApart(t *testing.T) {
	const source = "start 2026-01-0%dT00:00:00Z\na 10.0.0.1:4000%d > 10.0.0.2:80\n0ms a > SYN\n"
	first, second := captureFile(t, "a.pcap", fmt.Sprintf(source, 1, 1)), captureFile(t, "b.pcap", fmt.Sprintf(source, 2, 2))
	got := wirelag(t, nil, "--format", "json", first, second)
	for i, c := range decode(t, got.stdout)["connections"].([]any) {
		connection := c.(map[string]any)
		if connection["file"] != float64(i) || connection["first_frame"] != float64(1) {
			t.Errorf("connection %d: file %v, frame %v", i, connection["file"], connection["first_frame"])
		}
	}
}

func decode(t *testing.T, document string) map[string]any {
	t.Helper()
	var report map[string]any
	if err := json.Unmarshal([]byte(document), &report); err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	return report
}

func TestCutCapturesAreNoError(t *testing.T) {
	whole, err := os.ReadFile(firstRun)
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{24, 1000, len(whole) - 1} {
		got := wirelag(t, bytes.NewReader(whole[:length]), "--format", "json", "-")
		if got.status != statusDone || got.stderr != "" {
			t.Errorf("%d bytes: status %d, %s", length, got.status, got.stderr)
		}
		decode(t, got.stdout)
	}
}

func TestStandardInput(t *testing.T) {
	f, err := os.Open(firstRun)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := wirelag(t, nil, firstRun).stdout
	if got := wirelag(t, f, "-"); strings.ReplaceAll(got.stdout, "- (", firstRun+" (") != want {
		t.Errorf("got %s\nwant %s", got.stdout, want)
	}
}

func TestOutputFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "report.json")
	want := wirelag(t, nil, "--format", "json", firstRun).stdout
	for _, before := range []string{"", "an older report"} {
		if before != "" {
			if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := wirelag(t, nil, "--format", "json", "-o", path, firstRun); got != (outcome{}) {
			t.Errorf("%+v", got)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%v: %s", err, got)
		}
		if left, _ := os.ReadDir(folder); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	}
	capture := filepath.Join(folder, "copy.pcap")
	content, err := os.ReadFile(firstRun)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(capture, content, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{capture, folder} {
		if got := wirelag(t, nil, "-o", capture, named); got.status != statusUsage {
			t.Errorf("over a capture in %s: status %d, %s", named, got.status, got.stderr)
		}
	}
	if after, err := os.ReadFile(capture); err != nil || !bytes.Equal(after, content) {
		t.Errorf("the capture changed: %v", err)
	}
}

// failing fails all writes.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestReportThatCannotBeWritten(t *testing.T) {
	for _, format := range formatNames() {
		var stderr bytes.Buffer
		status := run([]string{"--format", format, firstRun}, nil, failing{errors.New("disk full")}, &stderr)
		if want := "wirelag: standard output: cannot write the report: disk full\n"; status != statusOutput || stderr.String() != want {
			t.Errorf("%s: status %d, %q", format, status, stderr.String())
		}
		stderr.Reset()
		// The reader of a pipe that went away wants to hear nothing more.
		if run([]string{"--format", format, firstRun}, nil, failing{syscall.EPIPE}, &stderr); stderr.Len() > 0 {
			t.Errorf("%s: %q", format, stderr.String())
		}
	}
}

// What commands print is no report, but not to be lost unseen either.
func TestWhatCannotBePrinted(t *testing.T) {
	for _, line := range []string{
		"", "--help", "help", "help rules", "analyze --help", "--version", "rules", "rules nagle-hold", "config", "interfaces",
		"completion bash", "completion zsh", "completion fish", "completion powershell",
	} {
		var stderr bytes.Buffer
		status := run(strings.Fields(line), nil, failing{errors.New("disk full")}, &stderr)
		if want := "wirelag: standard output: disk full\n"; status != statusOutput || stderr.String() != want {
			t.Errorf("%s: status %d, %q", line, status, stderr.String())
		}
	}
}

func TestSecretsAreShownOnDemand(t *testing.T) {
	file := captureFile(t, "a.pcap", `
a 10.0.0.1:40000 > 10.0.0.2:80
0ms a > SYN
1ms a < SYN ACK
1ms a > ACK
2ms a > "GET /?token=SECRET HTTP/1.1\r\nHost: h\r\nCookie: a=SECRET\r\n\r\n"
3ms a < "HTTP/1.1 204 No Content\r\n\r\n"
`)
	for _, format := range formatNames() {
		if format == "junit" {
			continue // shows no exchanges
		}
		if got := wirelag(t, nil, "--format", format, file); strings.Contains(got.stdout, "SECRET") || !strings.Contains(got.stdout, "token=***") {
			t.Errorf("%s: %s", format, got.stdout)
		}
		if got := wirelag(t, nil, "--format", format, "--no-redact", file); !strings.Contains(got.stdout, "SECRET") {
			t.Errorf("%s, --no-redact: %s", format, got.stdout)
		}
	}
}

func TestColours(t *testing.T) {
	for _, c := range []struct {
		args    []string
		noColor string
		want    bool
	}{
		{nil, "", false}, // not a terminal
		{[]string{"--color", "never"}, "", false},
		{[]string{"--color", "always"}, "", true},
		{[]string{"--color", "always"}, "1", true},
	} {
		t.Setenv("NO_COLOR", c.noColor)
		got := wirelag(t, nil, append(c.args, firstRun)...)
		if colours := strings.Contains(got.stdout, "\x1b["); colours != c.want {
			t.Errorf("%v, NO_COLOR=%s: %v, want %v", c.args, c.noColor, colours, c.want)
		}
	}
}

func TestMomentsAsAskedFor(t *testing.T) {
	t.Setenv("COLUMNS", "120")
	for clock, want := range map[string]string{"relative": "0.000 s", "utc": "00:57:16.042"} {
		var stdout bytes.Buffer
		if run([]string{"--time", clock, firstRun}, nil, &stdout, io.Discard); !strings.Contains(stdout.String(), " "+want+" ") {
			t.Errorf("%s: no %s in\n%s", clock, want, &stdout)
		}
	}
}

// A line is out soon after it is known, though no other follows.
func TestLinesAreNotHeldBack(t *testing.T) {
	whole, err := os.ReadFile(firstRun)
	if err != nil {
		t.Fatal(err)
	}
	stdin, feed := io.Pipe()
	output, stdout := io.Pipe()
	done := make(chan int)
	go func() {
		defer stdout.Close()
		done <- run([]string{"--format", "ndjson", "-"}, stdin, stdout, io.Discard)
	}()
	go feed.Write(whole)
	line := make([]byte, 1<<16)
	n, err := output.Read(line)
	if err != nil || !bytes.HasPrefix(line[:n], []byte(`{"type":"exchange",`)) {
		t.Errorf("%v: %s", err, line[:n])
	}
	feed.Close()
	go io.Copy(io.Discard, output)
	if status := <-done; status != statusDone {
		t.Errorf("status %d", status)
	}
}

// startProgram runs the program in a process of its own, reading from a pipe
// that holds the first run and stays open.
func startProgram(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	whole, err := os.ReadFile(firstRun)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd = exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "WIRELAG_TEST_MAIN=1")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	feed, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { feed.Close() })
	if _, err := feed.Write(whole); err != nil {
		t.Fatal(err)
	}
	return cmd, stdout, stderr
}

func TestInterrupt(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "report.json")
	cmd, _, stderr := startProgram(t, "--format", "json", "-o", path, "-")
	for { // until the report is begun, so that the signal is waited for
		if begun, _ := os.ReadDir(folder); len(begun) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != statusInterrupted || stderr.Len() > 0 {
		t.Errorf("status %d, %s", status, stderr)
	}
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	report := decode(t, string(document))
	if interrupted := report["capture"].(map[string]any)["interrupted"]; interrupted != true {
		t.Errorf("interrupted: %v", interrupted)
	}
	if connections := report["connections"].([]any); len(connections) != 2 {
		t.Errorf("%d connections, want all that was read", len(connections))
	}
}

// The examples of README.md show what the program really prints.
func TestReadme(t *testing.T) {
	const path = "../../README.md"
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin := "<!-- begin: go run ./cmd/wirelag analyze testdata/first-run.pcap -->\n```\n"
	end := "```\n<!-- end -->\n"
	before, rest, found := strings.Cut(string(document), begin)
	shown, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatal("README.md has no first run")
	}
	t.Chdir("../..")
	got := wirelag(t, nil, "analyze", "testdata/first-run.pcap").stdout
	if *update {
		if err := os.WriteFile("README.md", []byte(before+begin+got+end+after), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != shown {
		t.Errorf("README.md shows\n%s\nthe program prints\n%s", shown, got)
	}
}
