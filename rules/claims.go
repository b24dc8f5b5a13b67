package rules

import "slices"

// ruleState is an enabled rule, and what precedence needs to know of it.
type ruleState struct {
	rule    *Rule
	order   int // among the enabled ones
	winners []superior
	// connections and exchanges are those that it reported, as far as it has losers
	// that ask; nil where it has none.
	connections, exchanges *claims
	pairs                  map[pair]*openFinding
}

// superior is a rule that replaces another, where both report the same.
type superior struct {
	*ruleState
	on scope
}

// statesOf are the enabled rules, with those among them that replace each.
func statesOf(enabled []*Rule) []*ruleState {
	states := make([]*ruleState, len(enabled))
	of := map[*Rule]*ruleState{}
	for i, r := range enabled {
		states[i] = &ruleState{rule: r, order: i, pairs: map[pair]*openFinding{}}
		of[r] = states[i]
	}
	for _, p := range precedence {
		winner, loser := of[p.winner], of[p.loser]
		if winner == nil || loser == nil {
			continue
		}
		loser.winners = append(loser.winners, superior{winner, p.on})
		if claimed := winner.claimed(p.on); *claimed == nil {
			*claimed = &claims{of: map[uint64]struct{}{}}
		}
	}
	return states
}

// claimed are what the rule reported, for losers on a scope.
func (s *ruleState) claimed(on scope) **claims {
	if on == sameExchange {
		return &s.exchanges
	}
	return &s.connections
}

// claim notes that the rule tells of a connection or exchange, in place of its
// losers; forgot: an older claim made room.
func (s *ruleState) claim(i *Instance) (forgot bool) {
	if s.connections != nil {
		forgot = s.connections.add(i.Connection.ID)
	}
	if id := i.exchange(); s.exchanges != nil && id != 0 {
		forgot = s.exchanges.add(id) || forgot
	}
	return forgot
}

// replaced reports whether a winner has claimed what i is about.
func (s *ruleState) replaced(i *Instance) bool {
	return slices.ContainsFunc(s.winners, func(w superior) bool {
		if w.on == sameExchange {
			return w.exchanges.has(i.exchange())
		}
		return w.connections.has(i.Connection.ID)
	})
}

// claims are the latest numbers of connections, or of exchanges.
type claims struct {
	of     map[uint64]struct{}
	oldest int // in latest, when that is full
	latest []uint64
}

func (c *claims) has(id uint64) bool {
	_, ok := c.of[id]
	return ok
}

// add takes a number; forgot: the oldest made room.
func (c *claims) add(id uint64) (forgot bool) {
	if c.has(id) {
		return false
	}
	c.of[id] = struct{}{}
	if len(c.latest) < maxClaims {
		c.latest = append(c.latest, id)
		return false
	}
	delete(c.of, c.latest[c.oldest])
	c.latest[c.oldest] = id
	c.oldest = (c.oldest + 1) % maxClaims
	return true
}
