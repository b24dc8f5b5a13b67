package rules

// All is the catalogue, in the order in which it is shown.
var All = []*Rule{
	handshakeOverhead,
	synRetransmission,
	connectFailed,
	dnsDelay,
	nagleDelayedACK,
	nagleHold,
	delayedACK,
	smallSegments,
	slowStart,
	slowStartAfterIdle,
	retransmissionStall,
	receiveWindowStall,
	serverThinkTime,
	timeWaitAccumulation,
	portReuseInTimeWait,
	connectionNotReused,
}
