package rules

import "time"

// precedence says which finding replaces which: one cause is told once. Of two
// rules that report the same connection, the loser's instance is dropped when
// the winner is enabled and has reported it.
var precedence = []struct {
	winner, loser *Rule
	why           string
}{
	{connectFailed, synRetransmission, "a connection that never came about has no delay besides its failure"},
	{portReuseInTimeWait, synRetransmission, "the SYN was repeated because the server refused the port's reuse"},
	{connectionNotReused, handshakeOverhead, "the handshakes are the cost of not reusing the connection"},
}

// decisionTime is how long after an instance of a loser its winner may still
// come, in capture time: connectionNotReused learns of a sequence when the third
// connection of it is over.
const decisionTime = time.Minute

// beats returns the losers among enabled rules that r replaces, and the winners
// that replace it.
func relations(r *Rule, enabled map[*Rule]bool) (losers, winners []*Rule) {
	for _, p := range precedence {
		if p.winner == r && enabled[p.loser] {
			losers = append(losers, p.loser)
		}
		if p.loser == r && enabled[p.winner] {
			winners = append(winners, p.winner)
		}
	}
	return losers, winners
}
