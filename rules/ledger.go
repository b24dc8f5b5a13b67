package rules

import (
	"slices"
	"time"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// Ledger runs rules over one capture and keeps what they report until it is
// final. It is driven by the analysis, one call at a time.
type Ledger struct {
	tell   func(*Finding)
	note   func(*Finding, *Instance) // nil: nobody wants to know
	now    capture.Time
	step   time.Duration // of a coarse clock
	lastID uint64

	accounts map[uint64]account // by connection: only those of which something is kept
	held     []held             // instances that a winner may still replace, oldest first
	head     int
	open     openFindings
	over     []ended // connections whose findings are final after decisionTime, oldest first

	announced *announcedCloses // nil: no rule asks

	early     uint64 // findings and instances that became final because there were too many
	forgotten uint64 // what rules and claims forgot because there was too much
}

// Bounds of what is kept.
const (
	maxHeld     = 1 << 16 // instances
	maxFindings = 1 << 14 // findings that are not final
	maxOver     = 1 << 16 // connections that are over
	maxClaims   = 1 << 16 // connections, and exchanges, by which a winner remembers what it replaced
	maxNoted    = 1 << 16 // connections, or what is on them, of which a rule notes something until they are closed
)

// account is what is kept of a connection.
type account struct {
	held  int          // instances
	first *openFinding // the first of its findings, in the order of the rules
}

// ended is a connection that was over, or of which a rule spoke after that, at a
// moment.
type ended struct {
	connection uint64
	at         capture.Time
}

type held struct {
	rule     *ruleState
	instance Instance
	at       capture.Time
}

// NewLedger prepares rules with their options for one capture. Findings are
// handed to tell as soon as they are final: those of a connection when it is over
// and nothing can replace them any more, those of a pair at the end. If it is not
// nil, note hears of each instance once nothing can replace it, with the finding
// that it is part of, which may go on and is borrowed.
func NewLedger(enabled []*Rule, options Values, tell func(*Finding), note func(*Finding, *Instance)) analyze.Listener {
	return newLedger(tell, note).listener(enabled, options, newExchangeHooks(signsOf))
}

func (l *Ledger) listener(enabled []*Rule, options Values, hooks *exchangeHooks) analyze.Listener {
	listeners := []analyze.Listener{{Tick: l.tick, Clock: func(step time.Duration) { l.step = step }}, {Exchange: hooks.exchange}}
	for _, s := range statesOf(enabled) {
		rule := s.rule.Listen(&Pass{rule: s.rule, state: s, ledger: l, options: options})
		if rule.Exchange != nil {
			hooks.all = append(hooks.all, exchangeHook{s.rule.Signs, rule.Exchange})
			rule.Exchange = nil
		}
		listeners = append(listeners, rule)
	}
	if l.announced != nil {
		listeners[0].Exchange = l.announced.exchange
		listeners = append(listeners, analyze.Listener{Closed: l.announced.closed})
	}
	listeners = append(listeners, analyze.Listener{Closed: l.closed, Finish: l.finish, Health: l.health})
	return analyze.Join(listeners...)
}

func newLedger(tell func(*Finding), note func(*Finding, *Instance)) *Ledger {
	return &Ledger{tell: tell, note: note, accounts: map[uint64]account{}}
}

// report takes an instance of a rule, and its evidence.
func (l *Ledger) report(s *ruleState, i Instance) {
	if i.Cost < 0 {
		return // the capture's clock went backwards in it: none of its times can be relied on
	}
	if !i.Harmless && s.claim(&i) {
		l.forgotten++
	}
	if s.replaced(&i) {
		return
	}
	if len(s.winners) > 0 {
		l.hold(s, i)
		return
	}
	l.add(s, i, l.now)
}

func (l *Ledger) hold(s *ruleState, i Instance) {
	i.keep()
	a := l.accounts[i.Connection.ID]
	a.held++
	l.accounts[i.Connection.ID] = a
	l.held = append(l.held, held{rule: s, instance: i, at: l.now})
	if len(l.held)-l.head > maxHeld {
		l.early++
		l.release()
	}
}

// release takes the oldest instance that was held, unless it was replaced.
func (l *Ledger) release() {
	h := l.held[l.head]
	l.held[l.head] = held{}
	l.head++
	if l.head > 1024 && l.head > len(l.held)/2 {
		l.held = append(l.held[:0], l.held[l.head:]...)
		l.head = 0
	}
	id := h.instance.Connection.ID
	a := l.accounts[id]
	a.held--
	l.settle(id, a)
	if !h.rule.replaced(&h.instance) {
		l.add(h.rule, h.instance, h.at)
	}
	h.instance.release()
}

// settle notes what is left of an account.
func (l *Ledger) settle(connection uint64, a account) {
	if a == (account{}) {
		delete(l.accounts, connection)
		return
	}
	l.accounts[connection] = a
}

// add works an instance that was reported at a moment into its finding.
func (l *Ledger) add(s *ruleState, i Instance, at capture.Time) {
	f := l.finding(s, i.Connection)
	f.add(i)
	if l.note != nil {
		noted := i // it alone escapes to the heap
		l.note(&f.Finding, &noted)
	}
	if s.rule.Per == PerConnection && i.Connection.Over {
		l.end(i.Connection.ID, at)
	}
	for l.open.Len() > maxFindings {
		l.early++
		l.conclude(l.open.oldest())
	}
}

// finding is the open one of a rule about a connection, or about its pair.
func (l *Ledger) finding(s *ruleState, c *analyze.Connection) *openFinding {
	if s.rule.Per == PerPair {
		p := pairOf(c)
		f := s.pairs[p]
		if f == nil {
			f = l.open.begin(s)
			f.pair, s.pairs[p] = p, f
		}
		return f
	}
	a := l.accounts[c.ID]
	f := a.of(s)
	if f == nil {
		f = l.open.begin(s)
		f.connection = c.ID
		a.add(f)
		l.accounts[c.ID] = a
	}
	return f
}

// conclude tells a finding.
func (l *Ledger) conclude(f *openFinding) {
	l.open.remove(f)
	if f.state.rule.Per == PerPair {
		delete(f.state.pairs, f.pair)
	} else {
		a := l.accounts[f.connection]
		a.remove(f)
		l.settle(f.connection, a)
	}
	if f.Rule.Conclude != nil {
		f.Rule.Conclude(&f.Finding)
	}
	l.lastID++
	f.ID = l.lastID
	f.connections, f.exchanges = idSet{}, idSet{} // whoever keeps the finding needs them no more
	l.tell(&f.Finding)
}

func (l *Ledger) tick(now capture.Time) {
	l.now = max(l.now, now)
	for l.head < len(l.held) && l.held[l.head].at.Add(decisionTime) < l.now {
		l.release()
	}
	n := 0
	for n < len(l.over) && l.over[n].at.Add(decisionTime) < l.now {
		l.concludeAll(l.over[n].connection)
		n++
	}
	l.over = slices.Delete(l.over, 0, n)
}

// closed tells the findings of a connection that is over, where nothing can
// replace them any more; the others wait.
func (l *Ledger) closed(c *analyze.Connection) {
	a, kept := l.accounts[c.ID]
	if !kept {
		return
	}
	a.each(func(f *openFinding) {
		if len(f.state.winners) == 0 {
			l.conclude(f)
		}
	})
	if _, kept := l.accounts[c.ID]; kept {
		l.end(c.ID, l.now)
	}
}

// end makes the findings of a connection final decisionTime after a moment.
func (l *Ledger) end(connection uint64, at capture.Time) {
	l.over = append(l.over, ended{connection, at})
	if len(l.over) > maxOver {
		l.early++
		l.concludeAll(l.over[0].connection)
		l.over = l.over[1:]
	}
}

// concludeAll tells the findings of a connection.
func (l *Ledger) concludeAll(connection uint64) {
	l.accounts[connection].each(l.conclude)
}

// health tells which bounds were reached.
func (l *Ledger) health() []analyze.HealthItem {
	return []analyze.HealthItem{
		{Kind: "limit-findings", Count: l.early, Meaning: "findings became final early because there were too many: some may be told twice, or beside one that explains them"},
		{Kind: "limit-rules", Count: l.forgotten, Meaning: "observations of rules were forgotten because there were too many: findings that need them may be missing"},
	}
}

// finish tells what is left when the capture is over.
func (l *Ledger) finish() {
	for l.head < len(l.held) {
		l.release()
	}
	for f := l.open.oldest(); f != nil; f = l.open.oldest() {
		l.conclude(f)
	}
	l.over = nil
}
