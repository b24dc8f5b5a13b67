package generate

// Truth is what a generated capture holds, counted while it was made.
type Truth struct {
	Kind    string `json:"kind"`
	Seed    uint64 `json:"seed"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"` // of the frames

	TCPPackets uint64 `json:"tcp_packets"`
	UDPPackets uint64 `json:"udp_packets"`
	// Connections counts TCP connections: SYNs that are not repeated.
	Connections     uint64 `json:"connections"`
	HTTPConnections uint64 `json:"http_connections"` // those that carry HTTP
	Closed          uint64 `json:"closed"`           // by FIN on both sides

	Requests          uint64 `json:"requests"`
	Responses         uint64 `json:"responses"`
	RequestBodyBytes  uint64 `json:"request_body_bytes"`
	ResponseBodyBytes uint64 `json:"response_body_bytes"` // without chunk framing

	// Retransmissions counts segments that were sent again after the capture
	// saw them and the network behind it lost them.
	Retransmissions uint64 `json:"retransmissions"`
	// OutOfOrder counts segments that were captured once, after others that
	// follow them in the stream.
	OutOfOrder uint64 `json:"out_of_order"`
}
