package reports

import (
	"testing"
	"time"

	"wirelag/reassembly/vantage"
)

func TestVantages(t *testing.T) {
	got := string(new(encoder).vantages(nil, &vantage.Connection{
		Vantages: []vantage.Vantage{
			{File: 0, Interface: "eth0", Packets: 12, Leads: true, ClockOffset: -200*time.Millisecond - 500*time.Nanosecond},
			{File: 3, Interface: "a\"b", Packets: 10},
		},
		ClockOffset: -200*time.Millisecond - 500*time.Nanosecond,
	}))
	want := `,"vantages":[{"file":0,"interface":"eth0","clock_offset_ms":-200.0005,"packets":12,"leads":true},` +
		`{"file":3,"interface":"a\"b","clock_offset_ms":0,"packets":10,"leads":false}],"clock_offset_ms":-200.0005`
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
