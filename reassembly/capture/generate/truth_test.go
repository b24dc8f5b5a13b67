package generate

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"wirelag/reassembly/capture"
)

// tuple is the addresses and ports of a direction, as gopacket has them.
type tuple struct{ network, transport gopacket.Flow }

func (k tuple) reverse() tuple { return tuple{k.network.Reverse(), k.transport.Reverse()} }

// direction is what one side of a connection sent.
type direction struct {
	isn     uint32
	started bool
	data    []byte
	have    []bool
	top     int // bytes up to the highest seen
	hasFIN  bool
}

// observer counts what a capture holds in a plain way: it keeps all the bytes.
type observer struct {
	t       *testing.T
	open    map[tuple]*direction
	clients []tuple // of the connections that are open, in order of their SYNs
	truth   Truth
	last    capture.Time
}

func (o *observer) packet(p *capture.Packet) {
	o.truth.Packets++
	o.truth.Bytes += uint64(len(p.Data))
	if p.Time < o.last {
		o.t.Fatalf("packet %v: the clock goes backwards", p.Frame)
	}
	o.last = p.Time
	decoded := gopacket.NewPacket(p.Data, layers.LinkTypeEthernet, gopacket.DecodeOptions{NoCopy: true})
	ip, _ := decoded.NetworkLayer().(*layers.IPv4)
	if ip == nil || decoded.TransportLayer() == nil {
		o.t.Fatalf("packet %v: not decoded: %v", p.Frame, decoded)
	}
	o.checksums(p, ip, decoded.TransportLayer())
	switch l := decoded.TransportLayer().(type) {
	case *layers.UDP:
		o.truth.UDPPackets++
		if decoded.Layer(layers.LayerTypeDNS) == nil || decoded.ErrorLayer() != nil {
			o.t.Errorf("packet %v: no DNS message", p.Frame)
		}
	case *layers.TCP:
		o.truth.TCPPackets++
		o.segment(p, tuple{ip.NetworkFlow(), l.TransportFlow()}, l)
	}
}

// checksums verifies them by the definition, two bytes at a time.
func (o *observer) checksums(p *capture.Packet, ip *layers.IPv4, transport gopacket.TransportLayer) {
	body := ip.Payload
	pseudo := append(append([]byte{}, ip.SrcIP...), ip.DstIP...)
	pseudo = append(pseudo, 0, byte(ip.Protocol), byte(len(body)>>8), byte(len(body)))
	for name, b := range map[string][]byte{"IP": ip.Contents, "transport": append(pseudo, body...)} {
		total := 0
		for i, octet := range b {
			total += int(octet) << (8 * (1 - i%2))
		}
		if total%0xffff != 0 {
			o.t.Fatalf("packet %v: wrong %s checksum", p.Frame, name)
		}
	}
}

func (o *observer) segment(p *capture.Packet, key tuple, tcp *layers.TCP) {
	if tcp.SYN && !tcp.ACK {
		o.truth.Connections++
		o.finish(key)
		o.open[key], o.open[key.reverse()] = &direction{}, &direction{}
		o.clients = append(o.clients, key)
	}
	d, other := o.open[key], o.open[key.reverse()]
	if d == nil {
		o.t.Fatalf("packet %v: a connection without SYN", p.Frame)
	}
	if tcp.SYN {
		d.isn, d.started = tcp.Seq, true
	}
	if tcp.ACK && int32(tcp.Ack-(other.isn+1+uint32(other.top))) > 1 {
		o.t.Fatalf("packet %v: acknowledges what was not captured", p.Frame)
	}
	if len(tcp.Payload) > 0 {
		o.payload(d, int(tcp.Seq-d.isn-1), tcp.Payload)
	}
	if tcp.FIN {
		d.hasFIN = true
		if other.hasFIN {
			o.truth.Closed++
		}
	}
}

func (o *observer) payload(d *direction, offset int, payload []byte) {
	end := offset + len(payload)
	if grow := end - len(d.data); grow > 0 {
		d.data = append(d.data, make([]byte, grow)...)
		d.have = append(d.have, make([]bool, grow)...)
	}
	switch {
	case d.have[offset]:
		o.truth.Retransmissions++
		if !bytes.Equal(d.data[offset:end], payload) {
			o.t.Errorf("a retransmission with other bytes")
		}
	case offset < d.top:
		o.truth.OutOfOrder++
	}
	copy(d.data[offset:], payload)
	for i := offset; i < end; i++ {
		d.have[i] = true
	}
	d.top = max(d.top, end)
}

// finish reads the messages of a connection with net/http.
func (o *observer) finish(key tuple) {
	toServer, toClient := o.open[key], o.open[key.reverse()]
	if toServer == nil || !toClient.started {
		return
	}
	for _, d := range []*direction{toServer, toClient} {
		if slices.Contains(d.have, false) {
			o.t.Errorf("%v: bytes are missing", key)
		}
	}
	if key.transport.Dst().String() != "80" {
		return
	}
	o.truth.HTTPConnections++
	requests := bufio.NewReader(bytes.NewReader(toServer.data))
	responses := bufio.NewReader(bytes.NewReader(toClient.data))
	for {
		request, err := http.ReadRequest(requests)
		if err == io.EOF {
			break
		}
		if err != nil {
			o.t.Fatalf("%v: request: %v", key, err)
		}
		o.truth.Requests++
		o.truth.RequestBodyBytes += o.drain(request.Body)
		response, err := http.ReadResponse(responses, request)
		if err != nil {
			o.t.Fatalf("%v: response: %v", key, err)
		}
		o.truth.Responses++
		o.truth.ResponseBodyBytes += o.drain(response.Body)
	}
	if rest, _ := io.ReadAll(responses); len(rest) > 0 {
		o.t.Errorf("%v: %d bytes behind the last response", key, len(rest))
	}
}

func (o *observer) drain(body io.ReadCloser) uint64 {
	n, err := io.Copy(io.Discard, body)
	if err != nil {
		o.t.Fatalf("body: %v", err)
	}
	return uint64(n)
}

// TestTruth compares the truth with what gopacket's layers and net/http find in
// the packets.
func TestTruth(t *testing.T) {
	for _, kind := range allKinds {
		t.Run(kind.String(), func(t *testing.T) {
			options := Options{Kind: kind, Seed: 11, Size: 6 << 20}
			if kind == Mixed {
				options.Size = 24 << 20
			}
			source, err := NewSource(options)
			if err != nil {
				t.Fatal(err)
			}
			o := &observer{t: t, open: map[tuple]*direction{}}
			var batch capture.Batch
			for source.Read(&batch) == nil {
				for i := range batch.Packets {
					o.packet(&batch.Packets[i])
				}
			}
			for _, key := range lastOf(o.clients) {
				o.finish(key)
			}
			want := source.Truth()
			o.truth.Kind, o.truth.Seed = want.Kind, want.Seed
			if o.truth != want {
				t.Errorf("found %+v\ntruth %+v", o.truth, want)
			}
			if problem := missing(kind, want); problem != "" {
				t.Errorf("%s in %+v", problem, want)
			}
		})
	}
}

// lastOf removes repeated keys: their earlier connections were finished already.
func lastOf(keys []tuple) (last []tuple) {
	seen := map[tuple]bool{}
	for _, k := range keys {
		if !seen[k] {
			last = append(last, k)
		}
		seen[k] = true
	}
	return last
}

// missing says what a kind is for and does not have.
func missing(kind Kind, truth Truth) string {
	clean := truth.Retransmissions == 0 && truth.OutOfOrder == 0
	switch {
	case kind == Mixed && (truth.Retransmissions < 5 || truth.OutOfOrder < 5 || truth.UDPPackets < 5):
		return "too little variety"
	case kind == Mixed && truth.HTTPConnections == truth.Connections:
		return "no other TCP"
	case kind == Short && truth.Requests != truth.Connections:
		return "no exchange, or several, on a connection"
	case kind == KeepAlive && truth.Requests < 50*truth.Connections:
		return "few exchanges on a connection"
	case kind == Bulk && truth.ResponseBodyBytes < truth.Responses<<20:
		return "small bodies"
	case kind == Open && truth.Closed > 0, kind == SYNFlood && truth.Requests > 0:
		return "more than was to be"
	case kind == OutOfOrder && truth.OutOfOrder*10 < truth.TCPPackets*9:
		return "too much order"
	case kind != Mixed && kind != OutOfOrder && !clean:
		return "a loss"
	}
	return ""
}

// TestPortsAreReused checks that a capture of short connections has 4-tuples that
// come back, each time with a higher initial sequence number.
func TestPortsAreReused(t *testing.T) {
	source, err := NewSource(Options{Kind: Short, Connections: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]uint32{}
	reused := 0
	var batch capture.Batch
	for source.Read(&batch) == nil {
		for _, p := range batch.Packets {
			decoded := gopacket.NewPacket(p.Data, layers.LinkTypeEthernet, gopacket.NoCopy)
			tcp := decoded.TransportLayer().(*layers.TCP)
			if !tcp.SYN || tcp.ACK {
				continue
			}
			key := fmt.Sprint(decoded.NetworkLayer().NetworkFlow(), tcp.TransportFlow())
			if isn, seen := last[key]; seen {
				reused++
				if int32(tcp.Seq-isn) <= 0 {
					t.Fatalf("packet %v: initial sequence number %d after %d", p.Frame, tcp.Seq, isn)
				}
			}
			last[key] = tcp.Seq
		}
	}
	if want := 10_000 - 4096; reused != want {
		t.Errorf("%d 4-tuples were used again, want %d", reused, want)
	}
}
