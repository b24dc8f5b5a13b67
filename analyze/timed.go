package analyze

import (
	"slices"
	"time"
)

// How pauses that acknowledgements ended look: a sender that waits for one goes on
// as soon as it comes, however late that is. A timer of the application does
// not care for it.
const (
	timedMin    = 4                      // pauses that tell
	timedSpread = 200 * time.Microsecond // of the lags, more than what a sender's reaction varies by
	timedLag    = 500 * time.Microsecond // more than what a sender needs
	timedShare  = 0.8                    // of the spread of the pauses that the lags have at least
	timedAlike  = 1.5                    // times as long, or as short, are pauses by the same timer at most,
	timedOthers = 4                      // and one that no acknowledgement ended is enough for so many that one did
)

// Timed reports whether a timer of the application explains the pauses better
// than the acknowledgements that seem to have ended them: there are several, the
// lags behind the acknowledgements vary, or most are longer than what a sender needs,
// at least behind the fastest, and the pauses do not vary more than the lags.
func Timed(pauses []Pause) bool {
	if len(pauses) < timedMin {
		return false
	}
	lags := sorted(pauses, func(p *Pause) time.Duration { return p.Lag })
	fastest := lags[1] // but one, which a single early one does not change
	lag, lagSpread := spread(lags)
	_, waitSpread := spread(sorted(pauses, waited))
	late := max(lag.Abs(), lag-fastest) > timedLag || lagSpread > timedSpread
	return late && (waitSpread <= timedSpread || float64(lagSpread) >= timedShare*float64(waitSpread))
}

// timerShows reports whether the application paused for about as long as the holds
// of the message so often that a timer is the better explanation of these, too.
func (t *Transfer) timerShows(holds []Pause) bool {
	if len(holds) == 0 {
		return false
	}
	typical, _ := spread(sorted(holds, waited))
	alike := 0
	for i := range t.Pauses {
		p := &t.Pauses[i]
		if ratio := float64(p.Waited) / float64(typical); p.Cause == ByApplication && ratio < timedAlike && ratio > 1/timedAlike {
			alike++
		}
	}
	return alike*timedOthers >= len(holds)
}

func waited(p *Pause) time.Duration { return p.Waited }

// sorted are what f gives of the pauses, the least first.
func sorted(pauses []Pause, f func(*Pause) time.Duration) []time.Duration {
	values := make([]time.Duration, len(pauses))
	for i := range pauses {
		values[i] = f(&pauses[i])
	}
	slices.Sort(values)
	return values
}

// spread returns the median of sorted values, and the median of the distances
// from it, which a single late one does not change. It needs the values no more.
func spread(values []time.Duration) (median, deviation time.Duration) {
	median = values[len(values)/2]
	for i, v := range values {
		values[i] = (v - median).Abs()
	}
	slices.Sort(values)
	return median, values[len(values)/2]
}
