package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// want is an expectation about one finding; TestScripts says how it is written.
type want struct {
	text  string
	line  int           // of the case
	frame capture.Frame // among the evidence; zero: no matter
	moved bool          // the capture point is not the one the case was written for

	rule   string
	detail string
	word   []string // severity and confidence
	number map[string]string
}

var wantSyntax = regexp.MustCompile(`^([a-z0-9-]+)((?:\s+(?:"(?:[^"\\]|\\.)*"|info|warning|error|certain|likely|(?:cost|count|lost)=[0-9.a-zµ]+))*)$`)
var wantItem = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\S+`)

func parseWant(w script.Want) (want, error) {
	parts := wantSyntax.FindStringSubmatch(w.Text)
	if parts == nil {
		return want{}, fmt.Errorf("cannot read the expectation %q", w.Text)
	}
	parsed := want{text: w.Text, line: w.Line, frame: w.Frame, rule: parts[1], number: map[string]string{}}
	if Find(parsed.rule) == nil {
		return want{}, fmt.Errorf("no rule is called %s", parsed.rule)
	}
	for _, item := range wantItem.FindAllString(parts[2], -1) {
		key, value, isNumber := strings.Cut(item, "=")
		switch {
		case item[0] == '"':
			detail, err := strconv.Unquote(item)
			if err != nil {
				return want{}, fmt.Errorf("cannot read %s", item)
			}
			parsed.detail = detail
		case isNumber:
			parsed.number[key] = value
		default:
			parsed.word = append(parsed.word, item)
		}
	}
	return parsed, nil
}

func (w *want) matches(f *Finding) bool {
	words := []string{f.Severity.String(), f.Confidence.String()}
	for _, word := range w.word {
		if !slices.Contains(words, word) {
			return false
		}
	}
	return f.Rule.ID == w.rule &&
		(strings.Contains(f.Detail, w.detail) || strings.Contains(f.Advice, w.detail)) &&
		(w.frame == 0 || slices.ContainsFunc(f.Evidence, func(e Evidence) bool { return e.Mark.Frame == w.frame })) &&
		w.numbersMatch(f)
}

func (w *want) numbersMatch(f *Finding) bool {
	for key, value := range w.number {
		switch key {
		case "cost":
			cost, err := time.ParseDuration(value)
			if err != nil || (f.Cost-cost).Abs() > w.tolerance(cost) {
				return false
			}
		case "count":
			if value != strconv.Itoa(f.Count) {
				return false
			}
		case "lost":
			if value != strconv.FormatInt(f.BytesLost, 10) {
				return false
			}
		}
	}
	return true
}

// tolerance is how far a cost may be off: what rounding explains, and at another
// capture point as much as corrections by round trips are allowed to.
func (w *want) tolerance(cost time.Duration) time.Duration {
	if !w.moved {
		return 100 * time.Microsecond
	}
	return max(2*time.Millisecond, cost/20)
}
