package live

import (
	"fmt"
	"net"
	"net/netip"

	"wirelag/reassembly/capture"
)

// Interface is an interface that can be listened on.
type Interface struct {
	Name        string
	Description string // on Windows, where names are not for people
	Index       int    // 0: all of them
	Up          bool
	Loopback    bool
	Addresses   []netip.Prefix
	LinkType    capture.LinkType
}

// Hardware is a kind of interface, by its ARPHRD_ number (Linux), with what the
// packets begin with that it hands on.
type Hardware struct {
	Number   uint16
	LinkType capture.LinkType
}

// Interfaces lists what can be listened on, by number, and at last [Any] where
// the system knows that.
func Interfaces() ([]Interface, error) {
	found, err := systemInterfaces()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	return found, nil
}

// plainInterfaces are the interfaces as package net knows them.
func plainInterfaces() ([]Interface, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []Interface
	for i := range list {
		found = append(found, describe(&list[i]))
	}
	return found, nil
}

func describe(in *net.Interface) Interface {
	d := Interface{
		Name: in.Name, Index: in.Index, LinkType: capture.LinkTypeEthernet,
		Up: in.Flags&net.FlagUp != 0, Loopback: in.Flags&net.FlagLoopback != 0,
	}
	addresses, err := in.Addrs()
	if err != nil {
		return d // it went away
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok {
			if address, ok := netip.AddrFromSlice(network.IP); ok {
				ones, _ := network.Mask.Size()
				d.Addresses = append(d.Addresses, netip.PrefixFrom(address.Unmap(), ones))
			}
		}
	}
	return d
}
