package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"wirelag/reassembly/capture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inNamespace runs f in a network namespace of its own, in which the loopback is
// up. It must stay in its goroutine, whose thread alone is in there.
func inNamespace(t testing.TB, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, for a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip (iproute2)")
	}
	done := make(chan struct{})
	var unable error
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			unable = err
			return
		}
		ip(t, "link set lo up")
		f()
	}()
	<-done
	if unable != nil {
		t.Skipf("needs network namespaces: %v", unable)
	}
}

func ip(t testing.TB, command string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v: %s", command, err, out)
	}
}

func open(t testing.TB, name string, o Options) *Source {
	t.Helper()
	s, err := Open(name, o)
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	return s
}

// received is a packet that was read, with a copy of its data.
type received struct {
	capture.Packet
	data []byte
}

// readUntil reads until enough is true of what was read, or the source ends.
func readUntil(t testing.TB, s *Source, enough func([]received) bool) (all []received, err error) {
	t.Helper()
	var b capture.Batch
	for deadline := time.Now().Add(20 * time.Second); !enough(all); {
		if err := s.Read(&b); err != nil {
			return all, err
		}
		for _, p := range b.Packets {
			all = append(all, received{p, bytes.Clone(p.Data)})
		}
		if time.Now().After(deadline) {
			t.Errorf("only %d packets after 20 s", len(all))
			return all, nil
		}
	}
	return all, nil
}

func count(n int) func([]received) bool {
	return func(all []received) bool { return len(all) >= n }
}

// send sends a datagram to an address.
func send(t testing.TB, address, payload string) {
	t.Helper()
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	if _, err := c.Write([]byte(payload)); err != nil && !errors.Is(err, unix.ECONNREFUSED) {
		t.Error(err)
	}
}

// udpOnly accepts UDP over IPv4 over Ethernet, and keeps so many bytes of it.
func udpOnly(t testing.TB, keep uint32) []bpf.RawInstruction {
	t.Helper()
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0800, SkipFalse: 3},
		bpf.LoadAbsolute{Off: 23, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 17, SkipFalse: 1},
		bpf.RetConstant{Val: keep},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// Each packet of the loopback comes once, in order, whole, with its time.
func TestLoopback(t *testing.T) {
	inNamespace(t, func() {
		s := open(t, "lo", Options{Filter: udpOnly(t, 1<<18)})
		defer s.Close()
		began := now()
		for i := range 100 {
			send(t, "127.0.0.1:9", fmt.Sprintf("packet %d", i))
		}
		send(t, "127.0.0.1:9", strings.Repeat("x", 60_000))
		all, _ := readUntil(t, s, count(101))
		for i, p := range all {
			want := fmt.Sprintf("packet %d", i)
			if i == 100 {
				want = strings.Repeat("x", 60_000)
			}
			if !bytes.HasSuffix(p.data, []byte(want)) || int(p.Length) != len(p.data) || p.Frame != capture.NewFrame(0, uint64(i+1)) {
				t.Errorf("packet %v: %d of %d bytes, want %.20q", p.Frame, len(p.data), p.Length, want)
			}
			if p.Time < began || p.Time > now() || p.Interface.Name != "lo" || p.Interface.LinkType != capture.LinkTypeEthernet {
				t.Errorf("packet %v: at %v on %+v", p.Frame, p.Time.UTC(), p.Interface)
			}
		}
		if c := s.Counters(); c.Packets != 101 || c.Dropped != 0 || s.Files()[0].Packets != 101 {
			t.Errorf("counted %+v, %+v", c, s.Files()[0])
		}
	})
}

// The filter's verdict is how much is kept of a packet.
func TestFilterCuts(t *testing.T) {
	inNamespace(t, func() {
		s := open(t, "lo", Options{Filter: udpOnly(t, 50), Packets: 2})
		defer s.Close()
		for range 3 {
			send(t, "127.0.0.1:9", strings.Repeat("x", 1000))
		}
		all, err := readUntil(t, s, count(3))
		if len(all) != 2 || err != io.EOF {
			t.Fatalf("%d packets, %v", len(all), err)
		}
		if p := all[0]; len(p.data) != 50 || p.Length != 14+20+8+1000 || s.Files()[0].CutPackets != 2 {
			t.Errorf("%d of %d bytes, %d cut", len(p.data), p.Length, s.Files()[0].CutPackets)
		}
	})
}

// wire makes two interfaces that are connected.
func wire(t testing.TB) {
	t.Helper()
	ip(t, "link add wl0 type veth peer name wl1")
	for _, name := range []string{"wl0", "wl1"} {
		ip(t, "link set "+name+" up")
	}
	ip(t, "addr add 10.9.9.1/24 dev wl0")
	ip(t, "neigh add 10.9.9.2 lladdr 02:00:00:00:00:02 dev wl0 nud permanent")
}

// sendFrame sends a frame as it is.
func sendFrame(t testing.TB, name string, frame []byte) {
	t.Helper()
	in, err := net.InterfaceByName(name)
	if err != nil {
		t.Error(err)
		return
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(socket)
	if err := unix.Sendto(socket, frame, 0, &unix.SockaddrLinklayer{Ifindex: in.Index}); err != nil {
		t.Error(err)
	}
}

// On all interfaces each packet comes with the name of its own, and that of the
// loopback once.
func TestAny(t *testing.T) {
	inNamespace(t, func() {
		wire(t)
		s := open(t, Any, Options{Filter: udpOnly(t, 1<<18)})
		defer s.Close()
		send(t, "127.0.0.1:9", "looped")
		send(t, "10.9.9.2:9", "wired")
		all, _ := readUntil(t, s, count(3))
		var got []string
		for _, p := range all {
			got = append(got, p.Interface.Name+" "+string(p.data[42:]))
		}
		slices.Sort(got)
		if want := []string{"lo looped", "wl0 wired", "wl1 wired"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// The kernel takes VLAN tags off; they are put back.
func TestTags(t *testing.T) {
	inNamespace(t, func() {
		wire(t)
		s := open(t, "wl1", Options{})
		defer s.Close()
		var frames [][]byte
		for _, kind := range []uint16{0x8100, 0x88a8} {
			frame := append([]byte{2, 0, 0, 0, 0, 2}, 2, 0, 0, 0, 0, 1)
			frame = binary.BigEndian.AppendUint16(frame, kind)
			frame = append(frame, 0x60, 7, 0x88, 0xb5) // priority 3, VLAN 7; an experimental ethertype
			frames = append(frames, append(frame, "tagged, and then sixty bytes long, as the least frame has to be"...))
			sendFrame(t, "wl0", frames[len(frames)-1])
		}
		all, _ := readUntil(t, s, func(all []received) bool { return len(frames) == found(all, frames) })
		for _, p := range all {
			if i := slices.IndexFunc(frames, func(f []byte) bool { return bytes.Equal(f, p.data) }); i >= 0 && int(p.Length) != len(p.data) {
				t.Errorf("frame %d: length %d of %d", i, p.Length, len(p.data))
			}
		}
	})
}

// found is how many of frames are among what was received.
func found(all []received, frames [][]byte) (n int) {
	for _, f := range frames {
		if slices.ContainsFunc(all, func(p received) bool { return bytes.Equal(f, p.data) }) {
			n++
		}
	}
	return n
}

// A silent link tells the time, and Stop is heeded in the middle of that.
func TestSilence(t *testing.T) {
	inNamespace(t, func() {
		s := open(t, "lo", Options{Filter: udpOnly(t, 1<<18)})
		defer s.Close()
		send(t, "127.0.0.1:9", "one")
		all, _ := readUntil(t, s, count(1))
		var b capture.Batch
		for b.Now == 0 {
			if err := s.Read(&b); err != nil || len(b.Packets) > 0 {
				t.Fatalf("%d packets, %v", len(b.Packets), err)
			}
		}
		if b.Now <= all[0].Time || b.Now > now() {
			t.Errorf("told %v, behind %v", b.Now.UTC(), all[0].Time.UTC())
		}
		timer := time.AfterFunc(50*time.Millisecond, s.Stop)
		defer timer.Stop()
		for range 2 {
			_, err := readUntil(t, s, count(1))
			if err != io.EOF {
				t.Errorf("ended with %v", err)
			}
		}
	})
}

// What was captured before Stop is read, what came later is not.
func TestStopDrains(t *testing.T) {
	inNamespace(t, func() {
		s := open(t, "lo", Options{Filter: udpOnly(t, 1<<18)})
		defer s.Close()
		send(t, "127.0.0.1:9", "before")
		s.Stop()
		send(t, "127.0.0.1:9", "after")
		all, err := readUntil(t, s, count(3))
		if len(all) != 1 || err != io.EOF {
			t.Errorf("%d packets, %v", len(all), err)
		}
	})
}

// An interface that is deleted ends the capture, one that is down does not.
func TestInterfaceGoesAway(t *testing.T) {
	inNamespace(t, func() {
		wire(t)
		s := open(t, "wl0", Options{Filter: udpOnly(t, 1<<18), Promiscuous: true})
		defer s.Close()
		ip(t, "link set wl0 down")
		var b capture.Batch
		for range 2 {
			if err := s.Read(&b); err != nil {
				t.Fatal("down: ", err)
			}
		}
		ip(t, "link set wl0 up")
		ip(t, "neigh replace 10.9.9.2 lladdr 02:00:00:00:00:02 dev wl0 nud permanent")
		send(t, "10.9.9.2:9", "up again")
		if all, err := readUntil(t, s, count(1)); len(all) != 1 || err != nil {
			t.Errorf("%d packets, %v", len(all), err)
		}
		ip(t, "link del wl0")
		_, err := readUntil(t, s, count(1))
		if f := s.Files()[0]; err != io.EOF || f.Damage != "the interface went away" || f.DamageAt != 1 {
			t.Errorf("%v, damage %q after %d", err, f.Damage, f.DamageAt)
		}
	})
}

// What does not fit into the ring is counted, and told by the packets behind it.
func TestDrops(t *testing.T) {
	inNamespace(t, func() {
		s := open(t, "lo", Options{Filter: udpOnly(t, 1<<18), Buffer: leastBlocks * leastBlockBytes})
		defer s.Close()
		var sent uint64
		send := func(n int) {
			c, err := net.Dial("udp", "127.0.0.1:9")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			payload := make([]byte, 1400)
			for i := range n {
				if _, err := c.Write(payload); err == nil { // else that of the one before was refused
					sent++
				}
				if i%256 == 255 { // what the loopback's own queue has no room for, nobody counts
					time.Sleep(time.Millisecond)
				}
			}
		}
		send(8000)
		time.Sleep(3 * retireMillis * time.Millisecond)
		var b capture.Batch
		var packets, told uint64
		for range 10_000 {
			if b.Now != 0 && told > 0 {
				break
			}
			if err := s.Read(&b); err != nil {
				t.Fatal(err)
			}
			for _, p := range b.Packets {
				packets, told = packets+1, told+uint64(p.Dropped)
			}
			if b.Now != 0 {
				send(1)
			}
		}
		dropped := s.Counters().Dropped
		if dropped == 0 || told != dropped || s.Files()[0].Dropped != dropped || sent+2-packets-dropped > 4 { // the last may be on its way
			t.Errorf("%d sent, %d packets, %d dropped, %d of them told by packets, %d in the file", sent, packets, dropped, told, s.Files()[0].Dropped)
		}
	})
}

// Several batches may be under way at once, with the smallest of buffers, too: what one
// holds stays while others are read.
func TestBatchesKeepTheirPackets(t *testing.T) {
	inNamespace(t, func() {
		s := open(t, "lo", Options{Filter: udpOnly(t, 1<<18), Buffer: 1})
		defer s.Close()
		var batches [leastBlocks - 1]capture.Batch
		for i := range 3 * leastBlocks {
			b := &batches[i%len(batches)]
			text := fmt.Sprintf("number %02d", i)
			send(t, "127.0.0.1:9", text)
			for b.Packets = nil; len(b.Packets) == 0; {
				if err := s.Read(b); err != nil {
					t.Fatal(err)
				}
			}
			for j := max(0, i-len(batches)+1); j <= i; j++ {
				if p := batches[j%len(batches)].Packets[0]; !bytes.HasSuffix(p.Data, []byte(fmt.Sprintf("number %02d", j))) {
					t.Errorf("after %d: batch %d holds %q", i, j, p.Data)
				}
			}
		}
	})
}

// Who may not capture learns that; who has CAP_NET_RAW alone may.
func TestPermission(t *testing.T) {
	if os.Getenv("WIRELAG_TEST_PERMITTED") != "" {
		fmt.Println(errors.Is(Permitted(), fs.ErrPermission), Permitted() == nil)
		_, err := Open("lo", Options{Buffer: leastBlocks * leastBlockBytes})
		fmt.Println(errors.Is(err, fs.ErrPermission), err == nil)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, to give up rights")
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("needs setpriv (util-linux)")
	}
	for capability, want := range map[string]string{"-all": "true false", "-all,+net_raw": "false true"} {
		cmd := exec.Command("setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps", capability, "--ambient-caps", capability,
			"--bounding-set", capability, "/proc/self/fd/3", "-test.run", "^TestPermission$")
		binary, err := os.Open("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		cmd.ExtraFiles = []*os.File{binary}
		cmd.Env = append(os.Environ(), "WIRELAG_TEST_PERMITTED=1")
		out, err := cmd.CombinedOutput()
		binary.Close()
		if err != nil || strings.Count(string(out), want) != 2 {
			t.Errorf("%s: %v\n%s", capability, err, out)
		}
	}
}

func TestInterfaces(t *testing.T) {
	all, err := Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	last := all[len(all)-1]
	i := slices.IndexFunc(all, func(in Interface) bool { return in.Loopback })
	if last.Name != Any || last.Index != 0 || i < 0 || all[i].LinkType != capture.LinkTypeEthernet {
		t.Errorf("%+v", all)
	}
	var unknown *UnknownError
	if _, err := Open("wl-none", Options{}); !errors.As(err, &unknown) || !slices.Contains(unknown.Known, all[i].Name) {
		t.Errorf("%v", err)
	}
}

// Where the ring says again and again that there were losses, several blocks tell
// of them.
func TestShare(t *testing.T) {
	r := &ring{owed: 9}
	var got []uint32
	for _, losing := range []bool{true, true, false, false} {
		got = append(got, r.share(losing))
	}
	if want := []uint32{5, 2, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("%d, want %d", got, want)
	}
}

// BenchmarkStop says how long a capture on a silent link takes to end.
func BenchmarkStop(b *testing.B) {
	inNamespace(b, func() {
		var took time.Duration
		for range b.N {
			s := open(b, "lo", Options{Buffer: leastBlocks * leastBlockBytes})
			stopped := make(chan time.Time, 1)
			time.AfterFunc(20*time.Millisecond, func() {
				stopped <- time.Now()
				s.Stop()
			})
			var batch capture.Batch
			for s.Read(&batch) == nil {
			}
			took += time.Since(<-stopped)
			s.Close()
		}
		b.ReportMetric(float64(took.Microseconds())/1000/float64(b.N), "ms/stop")
	})
}
