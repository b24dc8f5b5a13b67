package reports

import (
	"wirelag/analyze"
	"wirelag/reassembly/capture"
)

// silence is the step that tells of the time before segment i, where that is long.
func (s *sketch) silence(i int) (step, bool) {
	if i == 0 || s.segments[i].Skipped > 0 {
		return step{}, false
	}
	from, to := s.segments[i-1].Time, s.segments[i].Time
	waited := to.Sub(from)
	if waited < analyze.TrailPause {
		return step{}, false
	}
	cause := s.cause(from, to)
	rtt, _ := s.drawing.connection.RTT()
	if cause == "" && waited < rtt*6/5 {
		return step{}, false
	}
	gap := step{Kind: "stall", Text: duration(waited) + ": " + cause}
	if cause == "" {
		what, busy := s.doing(from, to)
		gap.Kind, gap.Text = "wait", duration(waited)+": "+what
		if !busy {
			gap.Kind = "idle"
		}
	}
	return gap, true
}

// cause is what TCP did between two moments; "" where it did nothing of note.
func (s *sketch) cause(from, to capture.Time) string {
	for _, stall := range s.stalls {
		if min(to, stall.to).Sub(max(from, stall.from)) > to.Sub(from)/2 {
			return stall.name
		}
	}
	return ""
}

// doing is what an exchange waited for between two moments; busy is false when
// there was none.
func (s *sketch) doing(from, to capture.Time) (what string, busy bool) {
	for _, x := range s.drawing.exchanges {
		switch {
		case x.Request == nil || from < x.Request.Start.At.Time:
		case x.Response == nil && to <= s.drawing.connection.Last().Time:
			return "no response", true
		case x.Response == nil:
		case to <= x.Response.Start.At.Time && from >= x.Request.End.At.Time:
			return "waiting for the response", true
		case to <= x.Response.Start.At.Time:
			return "the request pauses", true
		case to <= x.Response.End.At.Time:
			return "the response pauses", true
		}
	}
	if s.drawing.connection.Synchronised() {
		return "idle", false
	}
	return "no answer", true
}
