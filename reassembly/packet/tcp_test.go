package packet

import (
	"testing"

	"wirelag/reassembly/capture"
)

// withOptions is plainTCP with options, a multiple of 4 bytes.
func withOptions(options []byte) []byte {
	offset := byte(5+len(options)/4) << 4
	return join(plainTCP[:12], []byte{offset}, plainTCP[13:20], options, plainTCP[20:])
}

func TestOptions(t *testing.T) {
	timestamps := Options{HasTimestamps: true, TSVal: 1, TSEcr: 2}
	tests := []struct {
		name    string
		options string
		want    Options
	}{
		{"none", ``, Options{}},
		{"timestamps", `0101 080a 00000001 00000002`, timestamps},
		{"timestamps first", `080a 00000001 00000002 0101`, timestamps},
		{"syn of linux", `0204 05b4 0402 080a 00000001 00000000 01 030307`,
			Options{MSS: 1460, SACKPermitted: true, HasTimestamps: true, TSVal: 1, HasWindowScale: true, WindowScale: 7}},
		{"window scale too large", `01 0303 0f`, Options{HasWindowScale: true, WindowScale: 14}},
		{"one sack block", `0101 080a 00000001 00000002 0101 050a 0000000a 00000014`,
			Options{HasTimestamps: true, TSVal: 1, TSEcr: 2, SACKCount: 1, SACK: [4]Block{{10, 20}}}},
		{"four sack blocks", `0101 0522 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008`,
			Options{SACKCount: 4, SACK: [4]Block{{1, 2}, {3, 4}, {5, 6}, {7, 8}}}},
		{"fast open request", `2202 0101`, Options{FastOpen: true}},
		{"fast open cookie", `220a 0102030405060708 0101`, Options{FastOpen: true}},
		{"experimental fast open", `fe04 f989`, Options{FastOpen: true}},
		{"experimental fast open, other kind", `fd08 f989 01020304`, Options{FastOpen: true}},
		{"other experiment", `fe04 1234`, Options{}},
		{"multipath", `1e0c 0081 0000000000000000 0204 05b4`, Options{MSS: 1460}},
		{"end of list", `00 0204 05b4 000000`, Options{}},
		{"length 0", `0204 05b4 0800 0000`, Options{MSS: 1460}},
		{"length 1", `0801 0204 05b4 0101`, Options{}},
		{"length beyond the end", `0204 05b4 080a 0000`, Options{MSS: 1460}},
		{"kind without a length", `0101 0108`, Options{}},
		{"wrong lengths", `0203 01 0304 0102 0803 01 0503 01 0101 0101`, Options{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := unhex(tt.options)
			for len(options)%4 != 0 {
				options = append(options, 0)
			}
			// What was in the Segment before must not show.
			s := Segment{Options: Options{MSS: 9, FastOpen: true, SACKCount: 4, SACK: [4]Block{{8, 9}}}}
			var d Decoder
			kind := d.Decode(frame(capture.LinkTypeRaw, ipv4(protocolTCP, withOptions(options))), &s)
			if kind != TCP || string(s.Payload) != "GET /" {
				t.Fatalf("kind %d, payload %q", kind, s.Payload)
			}
			if s.Options != tt.want {
				t.Errorf("got  %+v\nwant %+v", s.Options, tt.want)
			}
		})
	}
}

// The snaplen often ends among the options: the segment counts all the same.
func TestOptionsCut(t *testing.T) {
	whole := frame(capture.LinkTypeRaw, ipv4(protocolTCP, withOptions(unhex(`0204 05b4 0101 080a 00000001 00000002`))))
	for n := 40; n < 56; n++ {
		var d Decoder
		var s Segment
		p := snap(whole, n)
		kind := d.Decode(p, &s)
		check(t, p, kind, &s)
		if kind != TCP || s.Length != 5 || !s.Cut || s.Seq != 1000 || s.Options.HasTimestamps {
			t.Errorf("cut at %d: kind %d, length %d, cut %v, %+v", n, kind, s.Length, s.Cut, s.Options)
		}
		if (s.Options.MSS == 1460) != (n >= 44) {
			t.Errorf("cut at %d: MSS %d", n, s.Options.MSS)
		}
		if got := d.Stats(); got.CutHeaders != 1 || len(got.Undecodable) != 0 {
			t.Errorf("cut at %d: %d cut headers, undecodable %v", n, got.CutHeaders, got.Undecodable)
		}
	}
}

func TestChecksum(t *testing.T) {
	// 10.1.2.3 and 10.4.5.6 add up to 0x1b0e, the protocol and 25 bytes to 0x1f:
	// that is the pseudo header's sum. The segment adds 0x9c40 + 0x0050 + 0x03e8 +
	// 0x07d0 + 0x5018 + 0x01f4 + 0x4745 + 0x5420 + 0x2f00 = 0x1c4b9.
	tests := []struct {
		name     string
		checksum string
		want     Checksum
	}{
		{"good", `2018`, ChecksumGood},
		{"off by one", `2019`, ChecksumBad},
		{"offload", `1b2d`, ChecksumPartial},
		{"offload, complemented", `e4d2`, ChecksumBad},
		{"offload, nothing written", `0000`, ChecksumPartial},
		{"all ones", `ffff`, ChecksumBad},
	}
	for _, tt := range tests {
		segment := join(plainTCP[:16], unhex(tt.checksum), plainTCP[18:])
		var d Decoder
		var s Segment
		d.Decode(frame(capture.LinkTypeRaw, ipv4(protocolTCP, segment)), &s)
		if s.Checksum != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, s.Checksum, tt.want)
		}
		stats := d.Stats()
		if stats.VerifiedChecksums != 1 || (stats.BadChecksums == 1) != (tt.want == ChecksumBad) ||
			(stats.PartialChecksums == 1) != (tt.want == ChecksumPartial) {
			t.Errorf("%s: %+v", tt.name, stats)
		}
	}
}

// Where the sum is zero, both of its forms are right.
func TestChecksumZero(t *testing.T) {
	for _, checksum := range []string{`0000`, `ffff`} {
		// The window makes up for what is missing to 0xffff.
		segment := join(plainTCP[:14], unhex(`220c`), unhex(checksum), plainTCP[18:])
		var d Decoder
		var s Segment
		d.Decode(frame(capture.LinkTypeRaw, ipv4(protocolTCP, segment)), &s)
		if s.Checksum != ChecksumGood {
			t.Errorf("%s: %d", checksum, s.Checksum)
		}
	}
}

func TestChecksumUnverified(t *testing.T) {
	long := ipv4(protocolTCP, join(plainTCP, make([]byte, maxVerified)))
	var d Decoder
	var s Segment
	d.Decode(frame(capture.LinkTypeRaw, long), &s)
	if s.Checksum != ChecksumUnverified {
		t.Errorf("long segment: %d", s.Checksum)
	}
	d.Decode(snap(frame(capture.LinkTypeRaw, innerIPv4), len(innerIPv4)-1), &s)
	if s.Checksum != ChecksumUnverified {
		t.Errorf("cut segment: %d", s.Checksum)
	}
	if n := d.Stats().VerifiedChecksums; n != 0 {
		t.Errorf("%d verified", n)
	}
}
