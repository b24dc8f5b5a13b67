package live

import (
	"net"
	"strconv"

	"golang.org/x/sys/unix"

	"wirelag/reassembly/capture"
)

// maxOrigins bounds the interfaces that a capture on all of them tells apart.
const maxOrigins = 4096

// origins are the interfaces that packets came from.
type origins struct {
	file *capture.File
	all  bool
	one  *capture.Interface // unless all
	byID map[origin]*capture.Interface
}

type origin struct {
	index int32
	link  capture.LinkType
}

// snaplen is that of a capture which cuts nothing: no frame is longer.
const snaplen = 1 << 18

func newOrigins(in Interface, file *capture.File) *origins {
	o := &origins{file: file, all: in.Index == 0, byID: map[origin]*capture.Interface{}}
	if !o.all {
		o.one = o.add(in.Name, in.LinkType)
	}
	return o
}

func (o *origins) add(name string, link capture.LinkType) *capture.Interface {
	in := &capture.Interface{Index: o.file.Interfaces, Name: name, LinkType: link, Snaplen: snaplen}
	o.file.AddInterface(in)
	return in
}

// of returns the interface of a packet, nil where the packet is left out: it is
// no IP on an interface whose link layer is not known, or it is the second copy
// of what goes out through a loopback interface.
func (o *origins) of(a *unix.RawSockaddrLinklayer) *capture.Interface {
	link := linkTypeOf(a.Hatype)
	switch protocol := networkOrder(a.Protocol); {
	case link == capture.LinkTypeRaw && protocol != unix.ETH_P_IP && protocol != unix.ETH_P_IPV6:
		return nil
	case !o.all:
		return o.one
	case a.Hatype == unix.ARPHRD_LOOPBACK && a.Pkttype == unix.PACKET_OUTGOING:
		return nil
	}
	id := origin{a.Ifindex, link}
	in := o.byID[id]
	if in == nil {
		in = o.meet(id)
	}
	return in
}

// meet describes an interface that was not seen before.
func (o *origins) meet(id origin) *capture.Interface {
	if len(o.byID) >= maxOrigins {
		id.index = 0 // the rest is one
		if in := o.byID[id]; in != nil {
			return in
		}
	}
	name := Any
	if id.index != 0 {
		name = "interface " + strconv.Itoa(int(id.index))
		if in, err := net.InterfaceByIndex(int(id.index)); err == nil {
			name = in.Name
		}
	}
	in := o.add(name, id.link)
	o.byID[id] = in
	return in
}
