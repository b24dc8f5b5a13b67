package live

import (
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

// linkTypeOf says what the packets of an interface begin with: Ethernet,
// wireless LAN, or IP where the device has another link layer, or none, which is left out then.
func linkTypeOf(hardware uint16) capture.LinkType {
	switch hardware {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return capture.LinkTypeEthernet
	case unix.ARPHRD_IEEE80211:
		return capture.LinkTypeIEEE80211
	case unix.ARPHRD_IEEE80211_PRISM:
		return capture.LinkTypeIEEE80211Prism
	case unix.ARPHRD_IEEE80211_RADIOTAP:
		return capture.LinkTypeIEEE80211Radio
	}
	return capture.LinkTypeRaw
}
