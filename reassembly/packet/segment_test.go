package packet

import (
	"net/netip"
	"testing"
)

func TestEndpoint(t *testing.T) {
	for _, text := range []string{"10.1.2.3:80", "[2001:db8::1]:40000"} {
		want := netip.MustParseAddrPort(text)
		e := NewEndpoint(want)
		if e.AddrPort() != want || e.Addr() != want.Addr() || e.Port() != want.Port() {
			t.Errorf("%v became %v", want, e.AddrPort())
		}
		if host := e.Host(); host.Addr() != want.Addr() || host.Port() != 0 {
			t.Errorf("the host of %v is %v", want, host.AddrPort())
		}
	}
}

func TestEndpointCompare(t *testing.T) {
	ordered := []string{"10.0.0.1:80", "10.0.0.1:443", "10.0.0.2:1", "[2001:db8::1]:1"}
	for i, a := range ordered {
		for j, b := range ordered {
			got := NewEndpoint(netip.MustParseAddrPort(a)).Compare(NewEndpoint(netip.MustParseAddrPort(b)))
			if (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%s to %s: %d", a, b, got)
			}
		}
	}
}

func TestSegmentEnd(t *testing.T) {
	tests := []struct {
		segment Segment
		want    uint32
	}{
		{Segment{Seq: 10, Flags: ACK}, 10},
		{Segment{Seq: 10, Flags: SYN}, 11},
		{Segment{Seq: 10, Length: 5, Flags: FIN | ACK}, 16},
		{Segment{Seq: 1<<32 - 3, Length: 5, Flags: PSH | ACK}, 2},
	}
	for _, tt := range tests {
		if got := tt.segment.End(); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.segment, got, tt.want)
		}
	}
}
