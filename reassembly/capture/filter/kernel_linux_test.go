package filter

import (
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The kernel takes the programs and gives their verdicts, on datagrams between two
// sockets: those need no privilege.
func TestKernel(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	const snaplen = 60
	buffer := make([]byte, 1<<16)
	for _, linkType := range linkTypes {
		frames := framesOf(linkType)
		for _, text := range expressionsFor(t, linkType) {
			e, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			inFiles := compiled(t, text, linkType)
			attach(t, fds[1], inFiles.Live(snaplen), text)
			for _, f := range frames[:120] {
				if len(f.data) == 0 {
					continue
				}
				if err := unix.Send(fds[0], f.data, 0); err != nil {
					t.Fatal(err)
				}
				n, _, err := unix.Recvfrom(fds[1], buffer, 0)
				kept := err == nil
				if kept != inFiles.Match(f.data, uint32(len(f.data))) || kept && n != min(len(f.data), snaplen) {
					t.Errorf("%s, %q: frame %x: kept %v, %d bytes", linkType, text, f.data, kept, n)
					break
				}
			}
			if code, err := e.Live(linkType, snaplen); err == nil {
				attach(t, fds[1], code, text)
			}
		}
	}
}

func attach(t *testing.T, fd int, code []bpf.RawInstruction, text string) {
	t.Helper()
	filters := make([]unix.SockFilter, len(code))
	for i, in := range code {
		filters[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	program := unix.SockFprog{Len: uint16(len(filters)), Filter: &filters[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		t.Fatalf("%q: the kernel does not take %d instructions: %v", text, len(code), err)
	}
}
