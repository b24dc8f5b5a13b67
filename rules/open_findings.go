package rules

import "container/list"

// openFinding is a finding that is not final.
type openFinding struct {
	Finding
	state      *ruleState
	connection uint64        // of a rule about one
	pair       pair          // of a rule about pairs
	at         *list.Element // of all that are open
	next       *openFinding  // of the connection, in the order of the rules
}

// openFindings are all that are not final, in the order in which they began.
type openFindings struct{ list.List }

// begin is a new finding of a rule.
func (l *openFindings) begin(s *ruleState) *openFinding {
	f := &openFinding{Finding: Finding{Rule: s.rule}, state: s}
	f.at = l.PushBack(f)
	return f
}

// oldest is the one that began first; nil without any.
func (l *openFindings) oldest() *openFinding {
	if at := l.Front(); at != nil {
		return at.Value.(*openFinding)
	}
	return nil
}

func (l *openFindings) remove(f *openFinding) { l.Remove(f.at) }

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
