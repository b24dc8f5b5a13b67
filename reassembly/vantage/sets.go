package vantage

// sets are disjoint sets of numbers, each named by its least.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// first is the least number of the set that i is in.
func (s sets) first(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

func (s sets) join(i, j int) {
	i, j = s.first(i), s.first(j)
	s[max(i, j)] = min(i, j)
}
