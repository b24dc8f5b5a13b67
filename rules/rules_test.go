package rules

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
	"wirelag/reassembly/packet"
)

// TestScripts runs the cases of every script in testdata through the rules and
// compares what they find with the "want" lines. A file holds several cases:
//
//	=== NAME [| WORD…]
//
// begins one, and the words are:
//
//	only=ID,ID        enables these rules alone; without it all are
//	without=ID,ID     enables all but these
//	clean             nothing is wrong in it, whatever rule is asked: the property
//	                  tests disturb it
//	ID.OPTION=VALUE   sets an option of a rule, as users write it
//	path=20ms         the script is the capture at the client, and it takes 20ms from
//	                  there to the server: the case is also run as captured in
//	                  the middle, and at the server, and must give the same
//
// Each is run once more with connections that sleep whenever they can, and a clock that
// was never set.
//
// An expectation is
//
//	# want ID ["TEXT"] [info|warning|error] [certain|likely] [cost=20ms] [count=2] [lost=1000]
//
// where TEXT is a part of the finding's detail or advice. On the line of a packet
// that packet is among the evidence. Each finding needs one expectation, and
// each expectation one finding.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		for _, c := range readCases(t, file) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+c.name, func(t *testing.T) {
				for _, point := range c.points() {
					c.check(t, point, reassembly.Limits{})
				}
				c.check(t, 0, asleep)
			})
		}
	}
}

// TestLiterals checks what holds of every rule's literal, and that its script
// has cases that fire and cases that do not.
func TestLiterals(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range All {
		d := r.Doc
		switch {
		case seen[r.ID]:
			t.Errorf("%s stands twice in All", r.ID)
		case r.Title == "" || strings.ContainsAny(r.Title, "0123456789"):
			t.Errorf("%s: title %q", r.ID, r.Title)
		case r.Group == "" || len(r.Severities) == 0 || !slices.IsSorted(r.Severities):
			t.Errorf("%s: group %q, severities %v", r.ID, r.Group, r.Severities)
		case d.What == "" || d.Measured == "" || d.CapturePoint == "" || d.Limits == "" || d.Cure == "" || len(d.References) == 0:
			t.Errorf("%s: a field of its doc is empty", r.ID)
		}
		seen[r.ID] = true
		cases := readCases(t, filepath.Join("testdata", r.ID+".txt"))
		fires := func(c *testCase) bool {
			return slices.ContainsFunc(c.wants, func(w want) bool { return w.rule == r.ID })
		}
		if !slices.ContainsFunc(cases, fires) || !slices.ContainsFunc(cases, func(c *testCase) bool { return !fires(c) }) {
			t.Errorf("%s: its script needs cases that fire and near misses", r.ID)
		}
		if !slices.ContainsFunc(cases, func(c *testCase) bool { return fires(c) && c.path > 0 }) {
			t.Errorf("%s: its script needs a case that fires wherever it is captured", r.ID)
		}
	}
}

// testCase is one case of a script file.
type testCase struct {
	name    string
	file    string
	line    int // of the file, where its text begins
	text    string
	enabled []*Rule
	options Values
	clean   bool
	path    time.Duration // from the capture point, the client, to the server
	script  *script.Script
	wants   []want
}

func readCases(t testing.TB, file string) []*testCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return nil
	}
	var cases []*testCase
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if header, ok := strings.CutPrefix(line, "==="); ok {
			c := &testCase{file: file, line: number + 1, enabled: All, options: Values{}}
			if err := c.header(header); err != nil {
				t.Fatalf("%s:%d: %v", file, number, err)
			}
			cases = append(cases, c)
			continue
		}
		if len(cases) > 0 {
			cases[len(cases)-1].text += line
		}
	}
	for _, c := range cases {
		if c.script, err = script.Parse(c.text); err != nil {
			t.Fatalf("%s, case that begins at line %d: %v", file, c.line, err)
		}
		for _, w := range c.script.Wants {
			parsed, err := parseWant(w)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, c.line+w.Line-1, err)
			}
			c.wants = append(c.wants, parsed)
		}
	}
	return cases
}

func (c *testCase) header(text string) error {
	name, words, _ := strings.Cut(text, "|")
	c.name = strings.ReplaceAll(strings.TrimSpace(name), " ", "-")
	for _, word := range strings.Fields(words) {
		key, value, _ := strings.Cut(word, "=")
		id, option, isOption := strings.Cut(key, ".")
		var err error
		switch {
		case key == "only":
			c.enabled, err = findAll(value)
		case key == "without":
			var without []*Rule
			without, err = findAll(value)
			c.enabled = slices.DeleteFunc(slices.Clone(All), func(r *Rule) bool { return slices.Contains(without, r) })
		case key == "clean":
			c.clean = true
		case key == "path":
			c.path, err = time.ParseDuration(value)
		case isOption:
			err = c.set(id, option, value)
		default:
			err = fmt.Errorf("unknown word %q", word)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func findAll(ids string) (found []*Rule, err error) {
	for id := range strings.SplitSeq(ids, ",") {
		r := Find(id)
		if r == nil {
			return nil, fmt.Errorf("no rule is called %s", id)
		}
		found = append(found, r)
	}
	return found, nil
}

func (c *testCase) set(id, option, value string) error {
	if r := Find(id); r != nil {
		for _, o := range r.Options {
			if o.Name == option {
				v, err := o.Parse(value)
				c.options.Set(r, option, v)
				return err
			}
		}
	}
	return fmt.Errorf("no rule %s has an option %s", id, option)
}

// points are the distances from the client at which a case is captured.
func (c *testCase) points() []time.Duration {
	if c.path == 0 {
		return []time.Duration{0}
	}
	return []time.Duration{0, c.path * 2 / 5, c.path}
}

// asleep are limits with which every connection is packed whenever nothing is under way
// on it, and that changes nothing.
var asleep = reassembly.Limits{Ready: -1}

// check runs the case as captured at the given distance from the client.
func (c *testCase) check(t *testing.T, point time.Duration, limits reassembly.Limits) {
	t.Helper()
	s, frames := moved(c.script, point)
	if limits == asleep {
		s = unset(s)
	}
	findings := judgeWithin(t, limits, s.Source(), c.enabled, c.options)
	wants := slices.Clone(c.wants)
	for i := range wants {
		wants[i].frame = frames[wants[i].frame]
		wants[i].moved = point > 0
	}
	for _, f := range findings {
		i := slices.IndexFunc(wants, func(w want) bool { return w.matches(f) })
		if i < 0 {
			t.Errorf("%s:%d, captured %v from the client, asleep %v: surplus %s", c.file, c.line, point, limits == asleep, show(f))
			continue
		}
		wants = slices.Delete(wants, i, i+1)
	}
	for _, w := range wants {
		t.Errorf("%s:%d, captured %v from the client, asleep %v: missing %s", c.file, c.line+w.line-1, point, limits == asleep, w.text)
	}
}

// unset is a script whose clock begins with it: a board without one that runs on, or a
// simulator, counts from 1970.
func unset(s *script.Script) *script.Script {
	fresh := *s
	fresh.Packets = slices.Clone(s.Packets)
	for i := range fresh.Packets {
		fresh.Packets[i].Time -= s.Packets[0].Time - 1
	}
	return &fresh
}

// judge runs rules over src and returns what they find.
func judge(t testing.TB, src capture.Source, enabled []*Rule, options Values) (findings []*Finding) {
	t.Helper()
	return judgeWithin(t, reassembly.Limits{}, src, enabled, options)
}

// judgeWithin is judge where connections are kept within limits.
func judgeWithin(t testing.TB, limits reassembly.Limits, src capture.Source, enabled []*Rule, options Values) (findings []*Finding) {
	t.Helper()
	listener := NewLedger(enabled, options, func(f *Finding) { findings = append(findings, f) }, nil)
	if _, err := analyze.Run(context.Background(), script.Singles(src), listener, analyze.Options{Limits: limits}); err != nil {
		t.Fatal(err)
	}
	return findings
}

func show(f *Finding) string {
	var evidence []string
	for _, e := range f.Evidence {
		evidence = append(evidence, fmt.Sprintf("%s %s", e.Mark.Frame, e.What))
	}
	return fmt.Sprintf("%s %s %s count=%d cost=%v lost=%d on %v: %s\n\t\tframes: %s",
		f.Rule.ID, f.Severity, f.Confidence, f.Count, f.Cost, f.BytesLost, f.Connections, f.Detail, strings.Join(evidence, ", "))
}

// moved is s as captured at a distance of d from the client: what the client
// sends passes there d later, what it receives d earlier. The client is the
// side with the higher port. It also returns the new number of every frame.
func moved(s *script.Script, d time.Duration) (*script.Script, map[capture.Frame]capture.Frame) {
	frames := map[capture.Frame]capture.Frame{}
	copied := &script.Script{Packets: slices.Clone(s.Packets), Interface: s.Interface}
	var decoder packet.Decoder
	var segment packet.Segment
	for i := range copied.Packets {
		p := &copied.Packets[i]
		shift := d
		if decoder.Decode(p, &segment); segment.Src.Port() < segment.Dst.Port() {
			shift = -d
		}
		p.Time = p.Time.Add(shift)
	}
	if d != 0 {
		slices.SortStableFunc(copied.Packets, func(a, b capture.Packet) int { return cmp.Compare(a.Time, b.Time) })
	}
	for i := range copied.Packets {
		p := &copied.Packets[i]
		number := capture.NewFrame(0, uint64(i+1))
		frames[p.Frame], p.Frame = number, number
	}
	return copied, frames
}
