package rules

import (
	"net/netip"
	"slices"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// Ledger runs rules over one capture and keeps what they report until it is
// final. It is driven by the goroutine that drives the analysis.
type Ledger struct {
	tell   func(*Finding)
	note   func(*Finding, *Instance) // nil: nobody wants to know
	now    capture.Time
	lastID uint64
	states map[*Rule]*ruleState
	// perConnection are the enabled rules whose findings are of one connection, in
	// the order of the catalogue.
	perConnection []*Rule
	// pending counts what is kept of a connection: instances and open findings.
	pending map[uint64]int

	held  []held // instances that a winner may still replace, oldest first
	head  int
	open  map[groupKey]*Finding
	order []groupKey // of open, oldest first
	over  []ended    // connections whose findings are final after decisionTime, oldest first

	early     uint64 // findings and instances that became final because there were too many
	forgotten uint64 // what rules and claims forgot because there was too much
}

// Bounds of what is kept.
const (
	maxHeld     = 1 << 16 // instances
	maxFindings = 1 << 14 // findings that are not final
	maxOver     = 1 << 16 // connections that are over
	maxClaims   = 1 << 16 // connections and exchanges by which a winner remembers what it replaced
)

// ruleState is what precedence needs to know of an enabled rule.
type ruleState struct {
	winners []superior
	wins    bool           // it has losers
	claims  map[claim]bool // what the rule reported, when it has losers
	claimed []claim        // the same, oldest first
}

// claim is what a rule reported: a connection, or an exchange on it.
type claim struct{ connection, exchange uint64 }

// ended is a connection that was over, or of which a rule spoke after that, at a
// moment.
type ended struct {
	connection uint64
	at         capture.Time
}

type held struct {
	rule     *Rule
	instance Instance
	at       capture.Time
}

// groupKey tells the findings apart.
type groupKey struct {
	rule       *Rule
	connection uint64
	client     netip.Addr
	server     netip.AddrPort
}

// NewLedger prepares rules with their options for one capture. Findings are
// handed to tell as soon as they are final: those of a connection when it is over
// and nothing can replace them any more, those of a pair at the end. If it is not
// nil, note hears of each instance once nothing can replace it, with the finding
// that it is part of, which may go on and is borrowed.
func NewLedger(enabled []*Rule, options Values, tell func(*Finding), note func(*Finding, *Instance)) analyze.Listener {
	l := &Ledger{tell: tell, note: note, states: map[*Rule]*ruleState{}, open: map[groupKey]*Finding{}, pending: map[uint64]int{}}
	set := map[*Rule]bool{}
	for _, r := range enabled {
		set[r] = true
	}
	listeners := []analyze.Listener{{Tick: l.tick}}
	for _, r := range enabled {
		if r.Per == PerConnection {
			l.perConnection = append(l.perConnection, r)
		}
		winners, wins := relations(r, set)
		l.states[r] = &ruleState{winners: winners, wins: wins, claims: map[claim]bool{}}
		listeners = append(listeners, r.Listen(&Pass{rule: r, ledger: l, options: options}))
	}
	listeners = append(listeners, analyze.Listener{Closed: l.closed, Finish: l.finish, Health: l.health})
	return analyze.Join(listeners...)
}

// report takes an instance of a rule.
func (l *Ledger) report(r *Rule, i Instance) {
	if i.Cost < 0 {
		return // the capture's clock went backwards in it: none of its times can be relied on
	}
	state := l.states[r]
	if state.wins {
		l.claim(state, claim{connection: i.Connection.ID})
		if id := i.exchange(); id != 0 {
			l.claim(state, claim{i.Connection.ID, id})
		}
	}
	if l.replaced(state, &i) {
		return
	}
	if len(state.winners) > 0 {
		i.letGo()
		l.pending[i.Connection.ID]++
		l.held = append(l.held, held{rule: r, instance: i, at: l.now})
		if len(l.held)-l.head > maxHeld {
			l.early++
			l.release()
		}
		return
	}
	l.add(r, i, l.now)
}

// replaced reports whether a winner has claimed what i is about.
func (l *Ledger) replaced(state *ruleState, i *Instance) bool {
	return slices.ContainsFunc(state.winners, func(w superior) bool {
		about := claim{connection: i.Connection.ID}
		if w.on == sameExchange {
			about.exchange = i.exchange()
		}
		return (w.on == sameConnection || about.exchange != 0) && l.states[w.rule].claims[about]
	})
}

// claim notes that the rule tells of a connection or exchange, in place of its losers.
func (l *Ledger) claim(s *ruleState, c claim) {
	if s.claims[c] {
		return
	}
	s.claims[c] = true
	s.claimed = append(s.claimed, c)
	if len(s.claimed) > maxClaims {
		l.forgotten++
		delete(s.claims, s.claimed[0])
		s.claimed = s.claimed[1:]
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
	l.settled(h.instance.Connection.ID)
	if !l.replaced(l.states[h.rule], &h.instance) {
		l.add(h.rule, h.instance, h.at)
	}
}

// add works an instance that was reported at a moment into its finding.
func (l *Ledger) add(r *Rule, i Instance, at capture.Time) {
	key := keyOf(r, i.Connection)
	f := l.open[key]
	if f == nil {
		f = &Finding{Rule: r}
		l.open[key] = f
		l.order = append(l.order, key)
		if r.Per == PerConnection {
			l.pending[key.connection]++
		}
	}
	f.add(i)
	if l.note != nil {
		l.note(f, &i)
	}
	if r.Per == PerConnection && i.Connection.Over {
		l.end(i.Connection.ID, at)
	}
	for len(l.open) > maxFindings {
		if l.open[l.order[0]] != nil {
			l.early++
		}
		l.conclude(l.order[0])
		l.order = l.order[1:]
	}
}

func keyOf(r *Rule, c *analyze.Connection) groupKey {
	if r.Per == PerConnection {
		return groupKey{rule: r, connection: c.ID}
	}
	return groupKey{rule: r, client: c.Client().Addr(), server: c.Server()}
}

// conclude tells the finding of key, if there is one.
func (l *Ledger) conclude(key groupKey) {
	f := l.open[key]
	if f == nil {
		return
	}
	delete(l.open, key)
	if key.connection != 0 {
		l.settled(key.connection)
	}
	if f.Rule.Conclude != nil {
		f.Rule.Conclude(f)
	}
	l.lastID++
	f.ID = l.lastID
	l.tell(f)
}

// settled takes one away from what is kept of a connection.
func (l *Ledger) settled(connection uint64) {
	if l.pending[connection]--; l.pending[connection] == 0 {
		delete(l.pending, connection)
	}
}

func (l *Ledger) tick(now capture.Time) {
	l.now = max(l.now, now)
	for l.head < len(l.held) && l.held[l.head].at.Add(decisionTime) < l.now {
		l.release()
	}
	n := 0
	for n < len(l.over) && l.over[n].at.Add(decisionTime) < l.now {
		l.concludeAll(l.over[n].connection, func(*ruleState) bool { return true })
		n++
	}
	l.over = slices.Delete(l.over, 0, n)
}

// closed tells the findings of a connection that is over, where nothing can
// replace them any more; the others wait.
func (l *Ledger) closed(c *analyze.Connection) {
	if l.pending[c.ID] == 0 {
		return
	}
	l.concludeAll(c.ID, func(s *ruleState) bool { return len(s.winners) == 0 })
	if len(l.order) > 2*len(l.open)+1024 {
		l.order = slices.DeleteFunc(l.order, func(k groupKey) bool { return l.open[k] == nil })
	}
	if l.pending[c.ID] > 0 {
		l.end(c.ID, l.now)
	}
}

// end makes the findings of a connection final decisionTime after a moment.
func (l *Ledger) end(connection uint64, at capture.Time) {
	l.over = append(l.over, ended{connection, at})
	if len(l.over) > maxOver {
		l.early++
		l.concludeAll(l.over[0].connection, func(*ruleState) bool { return true })
		l.over = l.over[1:]
	}
}

// concludeAll tells the findings of a connection by the rules that which accepts.
func (l *Ledger) concludeAll(connection uint64, which func(*ruleState) bool) {
	for _, r := range l.perConnection {
		if which(l.states[r]) {
			l.conclude(groupKey{rule: r, connection: connection})
		}
	}
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
	for _, key := range l.order {
		l.conclude(key)
	}
	l.order, l.over = nil, nil
}
