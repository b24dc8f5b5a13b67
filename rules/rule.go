// Package rules judges what connections did to the HTTP traffic on them. Each
// rule is one value of [Rule]: what it means, what it measures, and the code
// that listens to the wire for it. Exchanges and closed connections come in
// through an [analyze.Listener]; [Finding]s go out, each with its evidence. A
// [Ledger] keeps what is not final: findings of open connections, sums of
// client → server pairs, and what another rule may still replace.
package rules

import (
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// Severity is how bad a finding is.
type Severity uint8

// The severities.
const (
	Info    Severity = iota // worth knowing
	Warning                 // time lost, or a risk that this traffic runs
	Error                   // data lost, corrupted or executed twice, or a MUST of an RFC broken with consequences
)

var severityNames = [...]string{"info", "warning", "error"}

func (s Severity) String() string { return severityNames[s] }

// Confidence is how sure a finding is.
type Confidence uint8

// How sure a finding is.
const (
	Certain Confidence = iota // the frames prove it
	Likely                    // inferred; the text says from what
)

var confidenceNames = [...]string{"certain", "likely"}

func (c Confidence) String() string { return confidenceNames[c] }

// Group is a chapter of the catalogue.
type Group string

// The groups.
const (
	Opening Group = "Opening a connection"
	Waiting Group = "Waiting in TCP"
	Ports   Group = "Running out of ports"
	Proxies Group = "The Connection header and proxies"
	Reuse   Group = "Reusing connections"

	Pipelining Group = "Pipelining"
	Ending     Group = "Ending messages and connections"
)

// Per says what repeated instances are one finding of.
type Per uint8

// What a finding is about.
const (
	PerConnection Per = iota
	PerPair           // client address → server address and port
)

// Rule is one entry of the catalogue.
type Rule struct {
	ID    string // a stable name
	Title string // what is wrong, in a few words, without numbers
	Group Group
	// Severities are those that it reports, the least first.
	Severities []Severity
	Per        Per
	Doc        Doc
	Options    []Option
	// Signs are those of which an exchange must show one for the rule to hear of it;
	// none: it hears of every exchange.
	Signs signs
	// Listen returns what the rule wants to hear; it is called once a capture.
	Listen func(p *Pass) analyze.Listener
	// Conclude, if not nil, is called with each finding of the rule before it is
	// told, to set what depends on all of its instances.
	Conclude func(f *Finding)
}

// Doc is a rule's page.
type Doc struct {
	What         string // what happened and why it matters
	Measured     string // the condition, as an inequality, and the cost
	CapturePoint string // how the place of the capture is corrected for
	Likely       string // what makes it likely instead of certain, or ""
	Limits       string // when it is silent
	Cure         string // what to do about it
	References   []string
}

// Pass is one use of a rule on one capture.
type Pass struct {
	rule    *Rule
	state   *ruleState
	ledger  *Ledger
	options Values
}

// Now is the latest time of the captures so far.
func (p *Pass) Now() capture.Time { return p.ledger.now }

// Duration is the value of an option that is one.
func (p *Pass) Duration(name string) time.Duration {
	return time.Duration(p.options.of(p.rule, name) * float64(time.Millisecond))
}

// Number is the value of an option that is a share or a number.
func (p *Pass) Number(name string) float64 { return p.options.of(p.rule, name) }

// announcedCloses are those of the capture's connections.
func (p *Pass) announcedCloses() *announcedCloses {
	l := p.ledger
	if l.announced == nil {
		l.announced = &announcedCloses{by: map[uint64]announcedClose{}, forgotten: &l.forgotten}
	}
	return l.announced
}

// Report hands in an instance of what the rule looks for. Its evidence is not the
// rule's any more.
func (p *Pass) Report(i Instance) {
	for _, x := range [...]*analyze.Exchange{i.Exchange, i.Also} {
		if x != nil {
			x.Keep()
		}
	}
	p.ledger.report(p.state, i)
}

// Forget notes that the rule forgot something because it had to keep too much.
func (p *Pass) Forget() { p.ledger.forgotten++ }

// Find returns the rule called id, nil if there is none.
func Find(id string) *Rule {
	for _, r := range All {
		if r.ID == id {
			return r
		}
	}
	return nil
}
