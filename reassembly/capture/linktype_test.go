package capture

import "testing"

func TestLinkTypeNames(t *testing.T) {
	for link, want := range map[LinkType]string{
		0: "null", 1: "ethernet", 9: "ppp", 12: "raw", 14: "raw", 50: "ppp-hdlc", 51: "pppoe", 101: "raw", 104: "c-hdlc",
		105: "ieee802-11", 108: "loop", 113: "linux-sll", 119: "ieee802-11-prism", 127: "ieee802-11-radiotap",
		163: "ieee802-11-avs", 228: "ipv4", 229: "ipv6", 239: "nflog", 276: "linux-sll2", 146: "linktype-146", 65535: "linktype-65535",
	} {
		if got := link.String(); got != want {
			t.Errorf("link type %d is %q, want %q", link, got, want)
		}
	}
}
