package analyze

import (
	"strings"
	"testing"

	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/packet"
)

// TestHealth checks that each thing that can be wrong with a capture is told
// under its name, with its number, and alone.
func TestHealth(t *testing.T) {
	type inputs struct {
		file  capture.File
		p     packet.Stats
		table reassembly.Stats
		own   Stats
		other others
	}
	tests := []struct {
		kind string
		set  func(*inputs)
	}{
		{"dropped", func(i *inputs) { i.file.Dropped = 7 }},
		{"snaplen", func(i *inputs) { i.file.CutPackets = 7 }},
		{"clock-backwards", func(i *inputs) { i.file.ClockBackward = 7 }},
		{"timeless", func(i *inputs) { i.file.Timeless = 7 }},
		{"filtered", func(i *inputs) { i.file.Filtered = 7 }},
		{"unfilterable", func(i *inputs) { i.file.Unfilterable, i.file.UnfilterableWhy = 7, "because" }},
		{"acked-unseen", func(i *inputs) { i.table.AckedUnseen = 7 }},
		{"unfilled", func(i *inputs) { i.table.Unfilled = 7 }},
		{"one-sided", func(i *inputs) { i.table.OneSided = 7 }},
		{"mid-stream", func(i *inputs) { i.table.MidStream = 7 }},
		{"open-at-end", func(i *inputs) { i.table.OpenAtEnd = 7 }},
		{"duplicate", func(i *inputs) { i.table.Copies = 7 }},
		{"offload", func(i *inputs) { i.table.Offload = 7 }},
		{"checksum", func(i *inputs) { i.table.BadChecksum, i.table.PartialChecksum = 3, 4 }},
		{"overlap-conflict", func(i *inputs) { i.table.OverlapConflicts = 7 }},
		{"reset-text", func(i *inputs) { i.table.ResetTexts = 7 }},
		{"late", func(i *inputs) { i.table.Late = 7 }},
		{"undecodable", func(i *inputs) { i.p.Undecodable = map[string]uint64{"link type usb": 7} }},
		{"ip-fragments", func(i *inputs) { i.p.IncompleteDatagrams = 7 }},
		{"not-tcp", func(i *inputs) { i.p.Frames[packet.UDP], i.p.Frames[packet.NotIP] = 5, 2 }},
		{"encrypted", func(i *inputs) { i.own.Encrypted = 7 }},
		{"http2", func(i *inputs) { i.own.HTTP2 = 7 }},
		{"quic", func(i *inputs) { i.own.QUIC = 7 }},
		{"not-http", func(i *inputs) {
			for range 7 {
				i.other.add(22)
			}
		}},
		{"limit-fragments", func(i *inputs) { i.p.EvictedDatagrams = 7 }},
		{"limit-prefix", func(i *inputs) { i.own.PrefixLimit = 7 }},
		{"limit-interim", func(i *inputs) { i.own.InterimLimit = 7 }},
		{"limit-connections", func(i *inputs) { i.table.EvictedConnections = 7 }},
		{"limit-reassembly", func(i *inputs) { i.table.EvictedHoles = 7 }},
		{"limit-unanswered", func(i *inputs) { i.own.UnansweredLimit = 7 }},
		{"limit-trails", func(i *inputs) { i.own.TrailsLimit = 7 }},
		{"limit-head", func(i *inputs) { i.own.HeadsCut = 7 }},
		{"limit-blocks", func(i *inputs) { i.file.Limits = map[string]uint64{"blocks": 7} }},
	}
	for _, test := range tests {
		var i inputs
		test.set(&i)
		items := health(&Capture{Files: []*capture.File{&i.file}}, i.p, i.table, i.own, &i.other)
		if len(items) != 1 || items[0].Kind != test.kind || items[0].Count != 7 || items[0].Meaning == "" {
			t.Errorf("%s: %+v", test.kind, items)
		}
	}
}

// TestHealthOfDamage: a cut input is one input, and its damage is told.
func TestHealthOfDamage(t *testing.T) {
	whole, cut := &capture.File{}, &capture.File{Damage: "it ends inside packet 9"}
	items := health(&Capture{Files: []*capture.File{whole, cut}}, packet.Stats{}, reassembly.Stats{}, Stats{}, &others{})
	if len(items) != 1 || items[0].Kind != "cut-record" || items[0].Count != 1 || !strings.Contains(items[0].Meaning, cut.Damage) {
		t.Errorf("%+v", items)
	}
}

func TestOthersNameTheirPorts(t *testing.T) {
	var o others
	for _, port := range []uint16{22, 22, 40000} {
		o.add(port)
	}
	if got, want := o.describe(), "port 22 (ssh?) 2, port 40000 (unknown?) 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for port := range uint16(4 * maxOtherPorts) {
		o.add(port)
	}
	if len(o.byPort) > maxOtherPorts || o.connections != 3+4*maxOtherPorts {
		t.Errorf("%d ports are kept of %d connections", len(o.byPort), o.connections)
	}
}
