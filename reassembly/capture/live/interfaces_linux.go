package live

import (
	"slices"

	"golang.org/x/sys/unix"

	"wirelag/reassembly/capture"
)

// systemInterfaces lists the interfaces of the network namespace.
func systemInterfaces() ([]Interface, error) {
	found, err := plainInterfaces()
	if err != nil {
		return nil, err
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	for i := range found {
		found[i].LinkType = linkTypeOf(hardwareType(socket, found[i].Name))
	}
	return append(found, Interface{Name: Any, Up: true, LinkType: capture.LinkTypeEthernet}), nil
}

// hardwareType is the ARPHRD_ number of the interface called name.
func hardwareType(socket int, name string) uint16 {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return unix.ARPHRD_VOID
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCGIFHWADDR, request); err != nil {
		return unix.ARPHRD_VOID
	}
	return request.Uint16() // the family of the address
}

// hardware are the kinds of interfaces whose link layer is handed on.
var hardware = []Hardware{
	{unix.ARPHRD_ETHER, capture.LinkTypeEthernet},
	{unix.ARPHRD_LOOPBACK, capture.LinkTypeEthernet},
	{unix.ARPHRD_IEEE80211, capture.LinkTypeIEEE80211},
	{unix.ARPHRD_IEEE80211_PRISM, capture.LinkTypeIEEE80211Prism},
	{unix.ARPHRD_IEEE80211_RADIOTAP, capture.LinkTypeIEEE80211Radio},
}

// withoutHeader are the kinds that have no link layer: packets begin with IP.
var withoutHeader = []uint16{
	unix.ARPHRD_NONE, unix.ARPHRD_RAWIP, unix.ARPHRD_PPP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT, unix.ARPHRD_IPGRE,
}

// linkTypeOf says what the packets of an interface begin with, as they are handed
// on: IP, where it has no link layer or one that is not known.
func linkTypeOf(number uint16) capture.LinkType {
	for _, h := range hardware {
		if h.Number == number {
			return h.LinkType
		}
	}
	return capture.LinkTypeRaw
}

// Kinds are the kinds of interfaces that filters can be made for.
func Kinds() []Hardware {
	kinds := slices.Clone(hardware)
	for _, number := range withoutHeader {
		kinds = append(kinds, Hardware{number, capture.LinkTypeRaw})
	}
	return kinds
}
