package rules

import "time"

// precedence says which finding replaces which: one cause is told once. Of two
// rules that report the same connection, or the same exchange, the loser's
// instance is dropped when the winner is enabled and has reported it.
var precedence = []struct {
	winner, loser *Rule
	on            scope
	why           string
}{
	{connectFailed, synRetransmission, sameConnection, "a connection that never came about has no delay besides its failure"},
	{portReuseInTimeWait, synRetransmission, sameConnection, "the SYN was repeated because the server refused the port's reuse"},
	{connectionNotReused, handshakeOverhead, sameConnection, "the handshakes are the cost of not reusing the connection"},
	{persistentWithoutLength, missingContentLength, sameExchange, "on a kept connection the missing length is worse than a truncation nobody notices"},
	{idleCloseRace, resetLostData, sameConnection, "the reset answers the request that crossed the close"},
	{idleCloseRace, pipelineAborted, sameConnection, "what was pipelined behind the request met the same close"},
	{idleCloseRace, requestRetried, sameExchange, "the race tells of the repeat"},
	{idleCloseRace, unannouncedClose, sameConnection, "the race is what came of the close"},
	{idleCloseRace, truncatedBody, sameExchange, "the body was cut by the reset that answered the race"},
	{pipelineAborted, requestRetried, sameConnection, "the aborted pipeline tells of the repeats"},
	{pipelineAborted, headOfLineBlocking, sameConnection, "that responses waited is little beside those that never came"},
	{resetLostData, earlyResponseClose, sameExchange, "the risk that the one warns of has come about"},
	{truncatedBody, resetLostData, sameExchange, "the reset is what cut the response"},
	{lengthMismatch, truncatedBody, sameExchange, "where the body should end is not known"},
	{ambiguousFraming, lengthMismatch, sameExchange, "the framing was read in one of its ways"},
	{responseOrderSuspect, lengthMismatch, sameConnection, "bodies stand behind the wrong heads"},
	{responseOrderSuspect, responseWithoutRequest, sameConnection, "bodies stand behind the wrong heads"},
	{responseOrderSuspect, truncatedBody, sameConnection, "bodies stand behind the wrong heads"},
	{halfClosedLinger, closeNotHonoured, sameConnection, "the side that keeps its half open is the one that did not close"},
	{dumbProxyHang, hopByHopSuspected, sameConnection, "the relay that passed the field on is the one that hangs"},
}

// decisionTime is how long after an instance of a loser its winner may still
// come, in capture time: connectionNotReused learns of a sequence when the third
// connection of it is over.
const decisionTime = time.Minute

// scope is what two findings must have in common for one to replace the other.
type scope uint8

const (
	sameConnection scope = iota
	sameExchange
)
