package reassembly

// State is a connection state (RFC 9293 §3.3.2), or "reset".
type State uint8

// The states, as the client's end goes through them.
const (
	SynSent State = iota
	SynReceived
	Established
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWait
	Closed
	ResetState
)

var stateNames = [...]string{
	"syn-sent", "syn-received", "established", "fin-wait-1", "fin-wait-2", "close-wait",
	"closing", "last-ack", "time-wait", "closed", "reset",
}

func (s State) String() string { return stateNames[s] }

// State is the connection's state as the client's end has it, as far as the
// capture shows.
func (c *Connection) State() State {
	server := &c.ends[c.client.Other()]
	clientFIN, serverFIN := c.hasFIN(c.client), c.hasFIN(c.client.Other())
	clientDone := clientFIN && server.acknowledges(c.ending.finSeq[c.client]+1)
	switch {
	case c.ending != nil && !c.ending.rst.IsZero():
		return ResetState
	case !c.synchronised:
		if server.hasISN && !c.syns().latest.IsZero() && c.synAck.IsZero() {
			return SynReceived
		}
		return SynSent
	case clientFIN && serverFIN:
		return c.closingState(clientDone)
	case clientFIN && clientDone:
		return FinWait2
	case clientFIN:
		return FinWait1
	case serverFIN:
		return CloseWait
	}
	return Established
}

func (c *Connection) closingState(clientDone bool) State {
	switch {
	case c.ending.firstFIN != c.client && !c.ending.crossed && clientDone:
		return Closed
	case c.ending.firstFIN != c.client && !c.ending.crossed:
		return LastAck
	case clientDone:
		return TimeWait
	}
	return Closing
}

// acknowledges reports whether e, as a receiver, acknowledged up to seq.
func (e *end) acknowledges(seq uint32) bool {
	return e.sentACK && int32(e.ack-seq) >= 0
}
