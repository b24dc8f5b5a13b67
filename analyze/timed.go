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
)

// Timed reports whether a timer of the application explains the pauses better
// than the acknowledgements that seem to have ended them: there are several, and
// the lags behind the acknowledgements vary as much as the pauses do.
func Timed(pauses []Pause) bool {
	if len(pauses) < timedMin {
		return false
	}
	lag, lagSpread := spread(pauses, func(p *Pause) time.Duration { return p.Lag })
	_, waitSpread := spread(pauses, func(p *Pause) time.Duration { return p.Waited })
	return (lagSpread > timedSpread || lag.Abs() > timedLag) && float64(lagSpread) >= timedShare*float64(waitSpread)
}

// spread returns the median of what f gives of the pauses, and the median of the
// distances from it, which a single late one does not change.
func spread(pauses []Pause, f func(*Pause) time.Duration) (median, deviation time.Duration) {
	values := make([]time.Duration, len(pauses))
	for i := range pauses {
		values[i] = f(&pauses[i])
	}
	slices.Sort(values)
	median = values[len(values)/2]
	for i, v := range values {
		values[i] = (v - median).Abs()
	}
	slices.Sort(values)
	return median, values[len(values)/2]
}
