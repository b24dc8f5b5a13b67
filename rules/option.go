package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Option is a number of a rule that users may set.
type Option struct {
	Name    string
	Unit    Unit
	Default float64 // in the unit
	Doc     string
}

// Unit is what an option counts.
type Unit uint8

// The units.
const (
	Milliseconds Unit = iota // written as a duration: "60s", "1ms"
	Share                    // a part of one, written as "40%"
	Count
)

// String returns the default as a user would write it.
func (o Option) String() string { return o.Unit.format(o.Default) }

func (u Unit) format(v float64) string {
	switch u {
	case Milliseconds:
		return time.Duration(v * float64(time.Millisecond)).String()
	case Share:
		return strconv.FormatFloat(v*100, 'f', -1, 64) + "%"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Parse reads a value as a user writes it. The error says what is expected.
func (o Option) Parse(text string) (float64, error) {
	switch o.Unit {
	case Milliseconds:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("%s takes a duration such as %s, not %q", o.Name, o, text)
		}
		return float64(d) / float64(time.Millisecond), nil
	case Share:
		number, ok := strings.CutSuffix(text, "%")
		v, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil || v < 0 || v > 100 {
			return 0, fmt.Errorf("%s takes a percentage such as %s, not %q", o.Name, o, text)
		}
		return v / 100, nil
	}
	v, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s takes a whole number such as %s, not %q", o.Name, o, text)
	}
	return float64(v), nil
}

// Values are the options in force: by rule and option, where they are not the defaults.
type Values map[string]map[string]float64

// Set sets an option of a rule.
func (v Values) Set(rule *Rule, option string, value float64) {
	if v[rule.ID] == nil {
		v[rule.ID] = map[string]float64{}
	}
	v[rule.ID][option] = value
}

func (v Values) of(rule *Rule, name string) float64 {
	if set, ok := v[rule.ID][name]; ok {
		return set
	}
	for _, o := range rule.Options {
		if o.Name == name {
			return o.Default
		}
	}
	panic("rule " + rule.ID + " uses option " + name + " without declaring it")
}

// Text is the value of an option as a user would write it.
func (v Values) Text(rule *Rule, o Option) string { return o.Unit.format(v.of(rule, o.Name)) }
