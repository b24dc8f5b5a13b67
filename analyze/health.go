package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"wirelag/analyze/dns"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// health lists what the capture lost, cut or could not show, in a fixed order.
func health(c *Capture, p packet.Stats, t reassembly.Stats, a Stats, o *others) []HealthItem {
	h := healthList{}
	h.files(c.Files)
	h.clock(&a.Steps)
	h.filtered(c.Files)
	h.table(t)
	h.packets(p)
	h.add("undecodable", a.DNS.Malformed, "DNS messages could not be read: lookups may be missing")
	h.add("encrypted", a.Encrypted, "connections use TLS and no keys were given: verdicts are about TCP alone")
	h.add("http2", a.HTTP2, "connections speak HTTP/2, whose exchanges are not read: verdicts are about TCP alone")
	h.add("not-http", o.connections, "connections carry no HTTP that is known, by what their ports suggest: "+o.describe())
	other := p.Frames[packet.UDP] + p.Frames[packet.OtherIP] + p.Frames[packet.NotIP]
	h.add("not-tcp", other, fmt.Sprintf("packets are not TCP (%d UDP, %d other IP, %d not IP): of them only DNS was looked at",
		p.Frames[packet.UDP], p.Frames[packet.OtherIP], p.Frames[packet.NotIP]))
	h.add("quic", a.QUIC, "UDP datagrams of port 443 look like QUIC (HTTP/3): nothing of what they carry was analysed")
	h.limits(c.Files, p, t, a)
	return h
}

type healthList []HealthItem

func (h *healthList) add(kind string, count uint64, meaning string) {
	if count > 0 {
		*h = append(*h, HealthItem{kind, count, meaning})
	}
}

func (h *healthList) files(files []*capture.File) {
	var dropped, cut, backwards, timeless, damaged uint64
	damage := ""
	for _, f := range files {
		dropped += f.Dropped
		cut += f.CutPackets
		backwards += f.ClockBackward
		timeless += f.Timeless
		if f.Damage != "" {
			damaged++
			damage = f.Damage
		}
	}
	h.add("dropped", dropped, "packets the capturing system dropped before they were written: what is missing may be its loss, not the network's")
	h.add("cut-record", damaged, "inputs end early ("+damage+"): everything before was analysed, nothing after is known")
	h.add("snaplen", cut, "packets were cut when captured: bytes of their bodies are counted as missing, verdicts that need them are silent")
	h.add("clock-backwards", backwards, "packets have an earlier time than the one before them: by less than 1 ms they are put in order; durations around the others are not reliable")
	h.add("timeless", timeless, "packets have no time in their file (simple packet blocks) and count as simultaneous with the one before them: no duration is to be believed there")
}

// clock tells of one that is too coarse to show what was released by what.
func (h *healthList) clock(s *steps) {
	if by := s.by(); by > 0 {
		h.add("clock-coarse", s.still, fmt.Sprintf("packets have the time of the one before, and others come %v later at least: times are not known better than that, and waits for acknowledgements go untold, or are likely at most", by))
	}
}

// filtered tells what a filter left out.
func (h *healthList) filtered(files []*capture.File) {
	var filtered, tagged, unfilterable uint64
	why := ""
	for _, f := range files {
		filtered += f.Filtered
		tagged += f.FilteredTags
		unfilterable += f.Unfilterable
		why = cmp.Or(why, f.UnfilterableWhy)
	}
	meaning := "packets were left out by the filter and not looked at; what it left out of a connection counts as lost to the capture"
	if tagged > 0 {
		meaning += fmt.Sprintf("; %d of them have a VLAN tag: for those begin the filter with vlan and", tagged)
	}
	h.add("filtered", filtered, meaning)
	h.add("unfilterable", unfilterable, "packets were left out because the filter does not go with their link type: "+why)
}

func (h *healthList) table(t reassembly.Stats) {
	h.add("acked-unseen", t.AckedUnseen, fmt.Sprintf("holes (%d bytes) were acknowledged by their receiver: the capture lost those packets, the network did not", t.AckedUnseenBytes))
	h.add("unfilled", t.Unfilled, fmt.Sprintf("holes (%d bytes) were never filled nor acknowledged in the capture: whether they were lost is unknown", t.UnfilledBytes))
	h.add("one-sided", t.OneSided, "connections were captured in one direction only: nothing can be said of their waits")
	h.add("mid-stream", t.MidStream, "connections were open before the capture began: their handshake and earlier requests are unknown")
	h.add("open-at-end", t.OpenAtEnd, "connections were still open when the capture ended: what is unfinished there is no fault")
	h.add("duplicate", t.Copies, "packets are in the capture more than once (mirror port, several interfaces or capture points): the copies were ignored")
	h.add("offload", t.Offload, "segments are larger than the path allows: the adapter splits or joins them outside the capture's view")
	h.add("checksum", t.BadChecksum+t.PartialChecksum, fmt.Sprintf("segments have a wrong TCP checksum, %d of them because the adapter fills it in later: all were analysed", t.PartialChecksum))
	h.add("overlap-conflict", t.OverlapConflicts, "bytes were sent again with different content: the first copy was taken")
	h.add("reset-text", t.ResetTexts, "resets carry bytes, which are no part of the stream but may tell why they were sent: look at them")
	h.add("late", t.Late, "segments came for connections that had been over for long: they were ignored")
}

func (h *healthList) packets(p packet.Stats) {
	for _, name := range slices.Sorted(maps.Keys(p.Undecodable)) {
		h.add("undecodable", p.Undecodable[name], "frames could not be decoded: "+name)
	}
	h.add("ip-fragments", p.IncompleteDatagrams, "fragmented IP datagrams are incomplete in the capture: their segments are missing")
}

func (h *healthList) lookups(d dns.Stats) {
	h.add("limit-lookups", d.Evicted, "DNS queries and answers were forgotten because there were too many: connections after them show no lookup")
	h.add("limit-dns-records", d.Records, "DNS messages have more answers than are read")
	h.add("limit-dns-streams", d.Streams, "TCP streams of DNS were given up because too much waited for the rest of its message")
}

func (h *healthList) limits(files []*capture.File, p packet.Stats, t reassembly.Stats, a Stats) {
	h.add("limit-fragments", p.EvictedDatagrams, "fragmented IP datagrams were given up because too many were incomplete at once")
	h.add("limit-closed", t.ForgottenClosed, "closed connections were forgotten early because there were too many: that their ports were used again too soon may go untold")
	h.add("limit-connections", t.EvictedConnections, "connections were given up because too many were open at once, or too much was kept for them")
	h.add("limit-reassembly", t.EvictedHoles, "holes were given up because too much waited behind them, or for too long")
	h.add("limit-vantages", t.Unplanned, "packets were left out when looking for connections that several points captured: copies of them are known by their looks alone")
	h.add("limit-unanswered", a.UnansweredLimit, "exchanges were given up because too many waited for their response, or for its acknowledgement")
	h.add("limit-hops", a.HopsLimit, "exchanges were no longer compared with those on the other side of a proxy because too many waited: links between the two sides may be missing")
	h.add("limit-history", a.Forgotten, "segments, acknowledgements or losses of much that was under way at once were forgotten: losses and waits there may go untold")
	h.add("limit-failed-requests", a.FailuresLimit, "requests that got no response were forgotten because there were too many: repeats of them are not found")
	h.add("limit-prefix", a.PrefixLimit, "streams were taken for no HTTP because too many had not shown yet what they are")
	h.add("limit-interim", a.InterimLimit, "interim responses (1xx) were not kept because there were too many before one final response")
	h.add("limit-trails", a.TrailsLimit, "connections are told without their segments because too many were open at once to keep those of all")
	h.add("limit-head", a.HeadsCut, "message heads were larger than what is kept of them")
	h.lookups(a.DNS)
	total := map[string]uint64{}
	for _, f := range files {
		for name, n := range f.Limits {
			total[name] += n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(total)) {
		h.add("limit-"+name, total[name], "parts of the input were skipped because of this bound of the reader")
	}
}
