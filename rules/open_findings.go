package rules

// openFinding is a finding that is not final.
type openFinding struct {
	Finding
	state        *ruleState
	connection   uint64       // of a rule about one
	pair         pair         // of a rule about pairs
	older, newer *openFinding // of all that are open
	next         *openFinding // of the connection, in the order of the rules
}

// openFindings are all that are not final, in the order in which they began.
type openFindings struct {
	oldest, newest *openFinding
	count          int
}

// begin is a new finding of a rule.
func (l *openFindings) begin(s *ruleState) *openFinding {
	f := &openFinding{Finding: Finding{Rule: s.rule}, state: s}
	l.count++
	if f.older = l.newest; f.older == nil {
		l.oldest = f
	} else {
		f.older.newer = f
	}
	l.newest = f
	return f
}

func (l *openFindings) remove(f *openFinding) {
	l.count--
	if f.older == nil {
		l.oldest = f.newer
	} else {
		f.older.newer = f.newer
	}
	if f.newer == nil {
		l.newest = f.older
	} else {
		f.newer.older = f.older
	}
	f.older, f.newer = nil, nil
}

// of is the finding of a rule, nil without one.
func (a *account) of(s *ruleState) *openFinding {
	for f := a.first; f != nil; f = f.next {
		if f.state == s {
			return f
		}
	}
	return nil
}

func (a *account) add(f *openFinding) {
	at := &a.first
	for *at != nil && (*at).state.order < f.state.order {
		at = &(*at).next
	}
	f.next, *at = *at, f
}

func (a *account) remove(f *openFinding) {
	at := &a.first
	for *at != f {
		at = &(*at).next
	}
	*at, f.next = f.next, nil
}

// each calls f with the findings, which it may remove.
func (a account) each(f func(*openFinding)) {
	for at := a.first; at != nil; {
		next := at.next
		f(at)
		at = next
	}
}
