package capture

import "strconv"

// LinkType says which link-layer header a packet begins with, by the numbers
// of the LINKTYPE_ registry (https://www.tcpdump.org/linktypes.html).
type LinkType uint16

// The link types that can carry IP and that are met in practice. The others
// have a name (see [LinkType.String]) but no constant.
const (
	LinkTypeNull             LinkType = 0   // BSD loopback: address family in the capturing host's byte order
	LinkTypeEthernet         LinkType = 1   // IEEE 802.3
	LinkTypeTokenRing        LinkType = 6   // IEEE 802.5
	LinkTypePPP              LinkType = 9   // RFC 1661, with or without HDLC framing
	LinkTypeFDDI             LinkType = 10  // ANSI INCITS 139
	LinkTypeRawBSD           LinkType = 12  // raw IP: DLT_RAW of most systems, written by mistake
	LinkTypeRawOpenBSD       LinkType = 14  // raw IP: DLT_RAW of OpenBSD, written by mistake
	LinkTypePPPHDLC          LinkType = 50  // PPP in HDLC-like framing, RFC 1662
	LinkTypePPPoE            LinkType = 51  // PPPoE session packets, RFC 2516 §4
	LinkTypeATM              LinkType = 100 // RFC 1483 LLC/SNAP
	LinkTypeRaw              LinkType = 101 // raw IP, version by its first nibble
	LinkTypeCiscoHDLC        LinkType = 104
	LinkTypeIEEE80211        LinkType = 105 // wireless LAN
	LinkTypeFrameRelay       LinkType = 107
	LinkTypeLoop             LinkType = 108 // OpenBSD loopback: address family in network byte order
	LinkTypeEnc              LinkType = 109 // OpenBSD IPsec
	LinkTypeLinuxSLL         LinkType = 113 // Linux "cooked", version 1
	LinkTypePFLog            LinkType = 117
	LinkTypeIEEE80211Prism   LinkType = 119
	LinkTypeIEEE80211Radio   LinkType = 127 // radiotap
	LinkTypeIEEE80211AVS     LinkType = 163
	LinkTypePPPD             LinkType = 166 // PPP with a direction byte
	LinkTypePPI              LinkType = 192
	LinkTypePPPWithDirection LinkType = 204
	LinkTypeIPv4             LinkType = 228
	LinkTypeIPv6             LinkType = 229
	LinkTypeNFLog            LinkType = 239
	LinkTypePktap            LinkType = 258 // macOS
	LinkTypeLinuxSLL2        LinkType = 276 // Linux "cooked", version 2
)

// linkTypeMask takes the link type out of a pcap header's field of 32 bits: the
// upper half says whether, and how much, frame check sequence ends each frame
// (draft-ietf-opsawg-pcap §4).
const linkTypeMask = 1<<16 - 1

// String returns the registry's name in lower case and with hyphens, e.g.
// "linux-sll2", or "linktype-N" for a number that has none.
func (t LinkType) String() string {
	if name, ok := linkTypeNames[t]; ok {
		return name
	}
	return "linktype-" + strconv.Itoa(int(t))
}

var linkTypeNames = map[LinkType]string{
	LinkTypeNull:             "null",
	LinkTypeEthernet:         "ethernet",
	2:                        "exp-ethernet",
	3:                        "ax25",
	4:                        "pronet",
	5:                        "chaos",
	LinkTypeTokenRing:        "ieee802-5",
	7:                        "arcnet-bsd",
	8:                        "slip",
	LinkTypePPP:              "ppp",
	LinkTypeFDDI:             "fddi",
	LinkTypeRawBSD:           "raw",
	LinkTypeRawOpenBSD:       "raw",
	LinkTypePPPHDLC:          "ppp-hdlc",
	LinkTypePPPoE:            "pppoe",
	99:                       "symantec-firewall",
	LinkTypeATM:              "atm-rfc1483",
	LinkTypeRaw:              "raw",
	LinkTypeCiscoHDLC:        "c-hdlc",
	LinkTypeIEEE80211:        "ieee802-11",
	LinkTypeFrameRelay:       "frelay",
	LinkTypeLoop:             "loop",
	LinkTypeEnc:              "enc",
	LinkTypeLinuxSLL:         "linux-sll",
	114:                      "ltalk",
	LinkTypePFLog:            "pflog",
	LinkTypeIEEE80211Prism:   "ieee802-11-prism",
	122:                      "ip-over-fc",
	123:                      "sunatm",
	LinkTypeIEEE80211Radio:   "ieee802-11-radiotap",
	129:                      "arcnet-linux",
	138:                      "apple-ip-over-ieee1394",
	139:                      "mtp2-with-phdr",
	140:                      "mtp2",
	141:                      "mtp3",
	142:                      "sccp",
	143:                      "docsis",
	144:                      "linux-irda",
	147:                      "user0",
	148:                      "user1",
	149:                      "user2",
	150:                      "user3",
	151:                      "user4",
	152:                      "user5",
	153:                      "user6",
	154:                      "user7",
	155:                      "user8",
	156:                      "user9",
	157:                      "user10",
	158:                      "user11",
	159:                      "user12",
	160:                      "user13",
	161:                      "user14",
	162:                      "user15",
	LinkTypeIEEE80211AVS:     "ieee802-11-avs",
	165:                      "bacnet-ms-tp",
	LinkTypePPPD:             "ppp-pppd",
	169:                      "gprs-llc",
	170:                      "gpf-t",
	171:                      "gpf-f",
	177:                      "linux-lapd",
	182:                      "mfr",
	187:                      "bluetooth-hci-h4",
	189:                      "usb-linux",
	LinkTypePPI:              "ppi",
	195:                      "ieee802-15-4-withfcs",
	196:                      "sita",
	197:                      "erf",
	201:                      "bluetooth-hci-h4-with-phdr",
	202:                      "ax25-kiss",
	203:                      "lapd",
	LinkTypePPPWithDirection: "ppp-with-dir",
	205:                      "c-hdlc-with-dir",
	206:                      "frelay-with-dir",
	209:                      "ipmb-linux",
	215:                      "ieee802-15-4-nonask-phy",
	220:                      "usb-linux-mmapped",
	224:                      "fc-2",
	225:                      "fc-2-with-frame-delims",
	226:                      "ipnet",
	227:                      "can-socketcan",
	LinkTypeIPv4:             "ipv4",
	LinkTypeIPv6:             "ipv6",
	230:                      "ieee802-15-4-nofcs",
	231:                      "dbus",
	235:                      "dvb-ci",
	236:                      "mux27010",
	237:                      "stanag-5066-d-pdu",
	LinkTypeNFLog:            "nflog",
	240:                      "netanalyzer",
	241:                      "netanalyzer-transparent",
	242:                      "ipoib",
	243:                      "mpeg-2-ts",
	244:                      "ng40",
	245:                      "nfc-llcp",
	247:                      "infiniband",
	248:                      "sctp",
	249:                      "usbpcap",
	250:                      "rtac-serial",
	251:                      "bluetooth-le-ll",
	252:                      "wireshark-upper-pdu",
	253:                      "netlink",
	254:                      "bluetooth-linux-monitor",
	255:                      "bluetooth-bredr-bb",
	256:                      "bluetooth-le-ll-with-phdr",
	257:                      "profibus-dl",
	LinkTypePktap:            "pktap",
	259:                      "epon",
	260:                      "ipmi-hpm-2",
	261:                      "zwave-r1-r2",
	262:                      "zwave-r3",
	263:                      "wattstopper-dlm",
	264:                      "iso-14443",
	265:                      "rds",
	266:                      "usb-darwin",
	268:                      "sdlc",
	270:                      "loratap",
	271:                      "vsock",
	272:                      "nordic-ble",
	273:                      "docsis31-xra31",
	274:                      "ethernet-mpacket",
	275:                      "displayport-aux",
	LinkTypeLinuxSLL2:        "linux-sll2",
	277:                      "sercos-monitor",
	278:                      "openvizsla",
	279:                      "ebhscr",
	280:                      "vpp-dispatch",
	281:                      "dsa-tag-brcm",
	282:                      "dsa-tag-brcm-prepend",
	283:                      "ieee802-15-4-tap",
	284:                      "dsa-tag-dsa",
	285:                      "dsa-tag-edsa",
	286:                      "elee",
	287:                      "z-wave-serial",
	288:                      "usb-2-0",
	289:                      "atsc-alp",
	290:                      "etw",
	292:                      "zboss-ncp",
	293:                      "usb-2-0-low-speed",
	294:                      "usb-2-0-full-speed",
	295:                      "usb-2-0-high-speed",
	296:                      "auerswald-log",
	297:                      "zwave-tap",
	298:                      "silabs-debug-channel",
	299:                      "fira-uci",
}
