package reports

import (
	"cmp"
	"slices"
	"time"

	"wirelag/rules"
)

// story is what text shows as one: the findings of a rule between a client and
// a server, told by the worst of them.
type story struct {
	worst    *rules.Finding
	severity rules.Severity
	findings int
	known    int // of them
	count    int
	cost     time.Duration
	lost     int64            // bytes
	others   []*rules.Finding // than the worst, the first of them
}

type storyKey struct {
	rule *rules.Rule
	pairKey
}

// stories gathers findings for text, in bounded memory.
type stories struct {
	least  rules.Severity
	others int // findings of a story that are kept beside the worst
	all    map[storyKey]*story
	order  []*story
	more   findingSums // findings beyond maxStories
	under  findingSums // findings that are less than least
	found  findingSums // all of them but
	known  findingSums // those that are known
}

// maxStories is how many stories are told apart.
const maxStories = 4096

func (s *stories) add(f *rules.Finding) {
	if f.Known {
		s.known.add(f)
	} else {
		s.found.add(f)
	}
	if f.Severity < s.least {
		s.under.add(f)
		return
	}
	key := storyKey{f.Rule, keyOf(f.Connection.Connection)}
	told := s.all[key]
	if told == nil {
		if len(s.all) >= maxStories {
			s.more.add(f)
			return
		}
		if s.all == nil {
			s.all = map[storyKey]*story{}
		}
		told = &story{worst: f}
		s.all[key] = told
		s.order = append(s.order, told)
	}
	told.add(f, s.others)
}

// add works f in and keeps up to others of those that are not the worst.
func (t *story) add(f *rules.Finding, others int) {
	t.findings++
	if f.Known {
		t.known++
	}
	t.count += f.Count
	t.cost += max(f.Cost, 0)
	t.lost += f.BytesLost
	t.severity = max(t.severity, f.Severity)
	other := f
	if worstFirst(f, t.worst) < 0 {
		t.worst, other = f, t.worst
	}
	if other != t.worst && len(t.others) < others {
		t.others = append(t.others, other)
	}
}

// times is how often it happened, and on how many connections where each finding is
// about one of its own; "" when it was once.
func (t *story) times() string {
	switch {
	case t.findings > 1 && t.worst.Rule.Per == rules.PerConnection:
		return count(uint64(t.count)) + " times on " + count(uint64(t.findings)) + " connections"
	case t.count > 1:
		return count(uint64(t.count)) + " times"
	}
	return ""
}

// newness orders stories with something new in them (0) before those without (1).
func (t *story) newness() int {
	if t.known == t.findings {
		return 1
	}
	return 0
}

// sorted returns the stories, the most severe and costly first, and those last
// of which all is known.
func (s *stories) sorted() []*story {
	slices.SortFunc(s.order, func(a, b *story) int {
		return cmp.Or(cmp.Compare(a.newness(), b.newness()), cmp.Compare(b.severity, a.severity), cmp.Compare(b.cost, a.cost),
			cmp.Compare(b.lost, a.lost), cmp.Compare(a.worst.ID, b.worst.ID))
	})
	return s.order
}

// whereMore says where to find what is not told. Those beyond maxStories no table has.
func (s *stories) whereMore() string {
	if s.more.total() > 0 {
		return "--top, --format json"
	}
	return "--top"
}

// toldStory is a story that is told, and how many others of the same rule and
// severity, between other clients and servers, are only summed up with it.
type toldStory struct {
	*story
	alike, alikeCount int
	alikeCost         time.Duration
	alikeLost         int64
}

// mostAlike is how many stories of one rule are told one by one.
const mostAlike = 3

// chapters chooses which stories to tell, rows of them at most, so that no rule
// crowds out the others; hidden counts the findings of those not told.
func chapters(sorted []*story, rows int) (told []toldStory, hidden findingSums) {
	type kind struct {
		rule     *rules.Rule
		severity rules.Severity
		newness  int
	}
	of := map[kind]int{}
	last := map[kind]int{} // index of the latest that is told
	for _, s := range sorted {
		k := kind{s.worst.Rule, s.severity, s.newness()}
		switch {
		case of[k] == mostAlike:
			told[last[k]].sumUp(s)
		case len(told) == rows:
			hidden.of[s.severity] += uint64(s.findings)
		default:
			of[k]++
			last[k] = len(told)
			told = append(told, toldStory{story: s})
		}
	}
	return told, hidden
}

func (t *toldStory) sumUp(s *story) {
	t.alike++
	t.alikeCount += s.count
	t.alikeCost += s.cost
	t.alikeLost += s.lost
}
