package rules

import "slices"

// idSet tells whether a finding has named a connection or an exchange before. It is
// exact for the ids that are listed, and for each other one that comes again before
// maxSpans spans of ids have come after it: ids that lie close together, as those of
// one connection or of one client do, share a span. What is beyond that is forgotten
// and taken for new, so that a finding does not grow with the capture.
type idSet struct {
	young, old map[uint64]uint64 // bits of the ids of a span, by id / spanIDs; nil while all ids are listed
}

const (
	spanIDs  = 64
	maxSpans = 256 // spans in each of the two maps
)

// add notes id and reports whether it is new. listed are the ids that came first.
func (s *idSet) add(id uint64, listed []uint64) bool {
	if slices.Contains(listed, id) {
		return false
	}
	if len(listed) < maxListed {
		return true
	}
	span, bit := id/spanIDs, uint64(1)<<(id%spanIDs)
	bits, isYoung := s.young[span]
	if !isYoung {
		if len(s.young) >= maxSpans {
			s.young, s.old = nil, s.young
		}
		if s.young == nil {
			s.young = map[uint64]uint64{}
		}
		bits = s.old[span]
	}
	s.young[span] = bits | bit
	return bits&bit == 0
}
