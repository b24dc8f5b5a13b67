package reports

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/rules"
)

// The shape of a JUnit report, as those who read it declare it.
type (
	junitReport struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Time      float64     `xml:"time,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Cases     []junitCase `xml:"testcase"`
		Output    string      `xml:"system-out"`
	}
	junitCase struct {
		Class    string         `xml:"classname,attr"`
		Name     string         `xml:"name,attr"`
		Time     float64        `xml:"time,attr"`
		Failures []junitFailure `xml:"failure"`
		Errors   []junitFailure `xml:"error"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// suite is the only one of a report, whose numbers must agree with its cases.
func suite(t *testing.T, report string) junitSuite {
	t.Helper()
	var decoded junitReport
	if err := xml.Unmarshal([]byte(report), &decoded); err != nil {
		t.Fatalf("%v in %s", err, report)
	}
	if len(decoded.Suites) != 1 {
		t.Fatalf("%d suites", len(decoded.Suites))
	}
	s := decoded.Suites[0]
	failures, errors := 0, 0
	for _, c := range s.Cases {
		failures += len(c.Failures)
		errors += len(c.Errors)
		if len(c.Failures)+len(c.Errors) > 1 {
			t.Errorf("%s fails several times", c.Name)
		}
	}
	if s.Tests != len(s.Cases) || s.Failures != failures || s.Errors != errors {
		t.Errorf("told %d tests, %d failures, %d errors of %d, %d, %d", s.Tests, s.Failures, s.Errors, len(s.Cases), failures, errors)
	}
	if _, err := time.Parse("2006-01-02T15:04:05", s.Timestamp); err != nil {
		t.Error(err)
	}
	return s
}

// failing are the names of the cases that fail, with the types of the failures.
func failing(s junitSuite) string {
	var names []string
	for _, c := range s.Cases {
		for _, f := range append(c.Failures, c.Errors...) {
			names = append(names, c.Name+" "+f.Type)
		}
	}
	return strings.Join(names, ", ")
}

func TestJUnit(t *testing.T) {
	o := options()
	o.Rules, o.FailOn = strangeRules, rules.Warning
	report := reportOn(t, "hostile", "junit", o)
	golden(t, "hostile.junit", report)
	s := suite(t, report)
	if got := failing(s); got != "every-exchange error" || s.Time == 0 {
		t.Errorf("failing: %s, time %v", got, s.Time)
	}
	if !strings.Contains(s.Output, "info every-connection ") || strings.Contains(s.Output, "every-exchange") {
		t.Errorf("what fails nothing, and only that, is in the output: %s", s.Output)
	}
	for least, want := range map[rules.Severity]string{
		rules.Error: "every-exchange error", rules.Info: "every-exchange error, every-connection info",
	} {
		o.FailOn = least
		if got := failing(suite(t, reportOn(t, "hostile", "junit", o))); got != want {
			t.Errorf("from %s on: failing: %s", least, got)
		}
	}
}

// reportOnFindings writes a report of nothing but findings.
func reportOnFindings(t *testing.T, o Options, c *analyze.Capture, findings ...*rules.Finding) string {
	t.Helper()
	var out bytes.Buffer
	w := newJUnit(&out, o)
	for _, f := range findings {
		if err := w.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(c); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJUnitOfKnownFindings(t *testing.T) {
	o := options()
	o.FailOn = rules.Warning
	f := typicalFinding()
	f.Severity = rules.Error
	o.Rules = []*rules.Rule{f.Rule}
	if got := failing(suite(t, reportOnFindings(t, o, &analyze.Capture{}, f))); got != f.Rule.ID+" error" {
		t.Errorf("failing: %s", got)
	}
	f.Known = true
	s := suite(t, reportOnFindings(t, o, &analyze.Capture{}, f))
	if failing(s) != "" || !strings.Contains(s.Output, "known error "+f.Rule.ID+" "+f.Fingerprint()) {
		t.Errorf("failing: %s; %s", failing(s), s.Output)
	}
}

// A gate must not take for good what was not analysed.
func TestJUnitOfAnInterruptedAnalysis(t *testing.T) {
	if got := failing(suite(t, reportOnFindings(t, options(), &analyze.Capture{Interrupted: true}))); got != "capture interrupted" {
		t.Errorf("failing: %s", got)
	}
}

func TestJUnitIsBounded(t *testing.T) {
	o := options()
	var findings []*rules.Finding
	for range 3 * maxFailures {
		f := typicalFinding()
		f.ID, f.Severity = uint64(len(findings)+1), rules.Error
		o.Rules = []*rules.Rule{f.Rule}
		findings = append(findings, f)
	}
	s := suite(t, reportOnFindings(t, o, &analyze.Capture{}, findings...))
	text := s.Cases[0].Failures[0].Text
	if got := strings.Count(text, findings[0].Fingerprint()); got != maxFailures || !strings.Contains(text, fmt.Sprintf("and %d more", 2*maxFailures)) {
		t.Errorf("%d findings: %s", got, text)
	}
	if !strings.HasPrefix(s.Cases[0].Failures[0].Message, fmt.Sprintf("%d errors: ", 3*maxFailures)) {
		t.Errorf("message: %s", s.Cases[0].Failures[0].Message)
	}
}

// Whatever was captured, the report is XML 1.0.
func FuzzXML(f *testing.F) {
	f.Add("\x00\x1b]]>&<\"'\ufffe\xff\u2028", "a\r\n\tb")
	f.Fuzz(func(t *testing.T, a, b string) {
		o, finding := options(), typicalFinding()
		o.Rules = []*rules.Rule{finding.Rule}
		finding.Detail, finding.Advice = a, b
		s := suite(t, reportOnFindings(t, o, &analyze.Capture{Health: []analyze.HealthItem{{Kind: "k", Count: 1, Meaning: a}}}, finding))
		if got := s.Cases[0].Failures[0].Text; !strings.Contains(got, Printable(a)) || !strings.Contains(got, Printable(b)) {
			t.Errorf("%q and %q in %q", a, b, got)
		}
	})
}
