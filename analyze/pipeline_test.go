package analyze_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"wirelag/analyze"
	"wirelag/reassembly/capture"
	"wirelag/reassembly/capture/script"
)

// piecemeal gives out packets a few at a time, and none at times; then it ends
// with an error. Each batch has memory of its own, which is overwritten when the
// batch is read into again, as the packets of files are.
type piecemeal struct {
	packets []capture.Packet
	memory  map[*capture.Batch][]byte
	reads   int
	ahead   func(reads int)
	end     error
}

func (p *piecemeal) Files() []*capture.File { return nil }
func (p *piecemeal) Close() error           { return nil }

func (p *piecemeal) Read(b *capture.Batch) error {
	if p.reads++; p.ahead != nil {
		p.ahead(p.reads)
	}
	b.Packets, b.Now = b.Packets[:0], 0
	memory := p.memory[b]
	for i := range memory {
		memory[i] = 0xee
	}
	memory = memory[:0]
	n := min(p.reads%4, len(p.packets))
	for _, packet := range p.packets[:n] {
		memory = append(memory, packet.Data...)
	}
	p.memory[b] = memory
	for _, packet := range p.packets[:n] {
		packet.Data, memory = memory[:len(packet.Data)], memory[len(packet.Data):]
		b.Packets = append(b.Packets, packet)
	}
	if p.packets = p.packets[n:]; len(p.packets) == 0 {
		return p.end
	}
	return nil
}

// toldBy is what a Run tells of exchanges and connections, in order.
func toldBy(t *testing.T, ctx context.Context, src capture.Source, jobs int) (told []string, c *analyze.Capture, err error) {
	t.Helper()
	listener := analyze.Listener{
		Exchange: func(x *analyze.Exchange) { told = append(told, x.Request.Target) },
		Closed:   func(*analyze.Connection) { told = append(told, "closed") },
		Finish:   func() { told = append(told, "finished") },
	}
	c, err = analyze.Run(ctx, src, listener, analyze.Options{Jobs: jobs})
	return told, c, err
}

func exchanges(t *testing.T) []capture.Packet {
	t.Helper()
	s, err := script.Parse(`
c 10.0.0.1:40000 > 10.0.0.2:80
d 10.0.0.1:40001 > 10.0.0.2:80
e 10.0.0.1:40002 > 10.0.0.2:80
0ms    c > SYN
1ms    d > SYN
2ms    e > SYN
40ms   c < SYN ACK
41ms   d < SYN ACK
42ms   e < SYN ACK
43ms   c > "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
44ms   d > "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"
45ms   e > "GET /c HTTP/1.1\r\nHost: h\r\n\r\n"
85ms   e < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
86ms   d < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
87ms   c < "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
90ms   e > ACK
91ms   d > ACK
92ms   c > ACK
`)
	if err != nil {
		t.Fatal(err)
	}
	return s.Packets
}

// What was read is told in the same order however many goroutines work, and all of
// it where reading fails; the error is that of reading.
func TestReadingThatFails(t *testing.T) {
	broken := errors.New("broken")
	want := []string{"/c", "/b", "/a", "closed", "closed", "closed", "finished"}
	for jobs := range 9 {
		for _, end := range []error{io.EOF, broken} {
			src := &piecemeal{packets: exchanges(t), memory: map[*capture.Batch][]byte{}, end: end}
			told, c, err := toldBy(t, context.Background(), src, jobs)
			if !slices.Equal(told, want) {
				t.Errorf("%d jobs, %v: told %q, want %q", jobs, end, told, want)
			}
			if (err == nil) != (end == io.EOF) || err != nil && err != broken {
				t.Errorf("%d jobs, %v: the error is %v", jobs, end, err)
			}
			if c.Packets != 15 || c.Interrupted {
				t.Errorf("%d jobs, %v: %d packets, interrupted %v", jobs, end, c.Packets, c.Interrupted)
			}
		}
	}
}

// A run that is interrupted tells what it had read.
func TestInterruptedReading(t *testing.T) {
	for jobs := range 9 {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		src := &piecemeal{packets: exchanges(t), memory: map[*capture.Batch][]byte{}, end: io.EOF}
		src.ahead = func(reads int) {
			if reads == 7 { // of twelve packets, the last the response to c
				cancel()
			}
		}
		told, c, err := toldBy(t, ctx, src, jobs)
		if err != nil || !c.Interrupted || src.reads != 7 {
			t.Errorf("%d jobs: error %v, interrupted %v, %d reads", jobs, err, c.Interrupted, src.reads)
		}
		want := []string{"/a", "closed", "/b", "closed", "/c", "closed", "finished"}
		if !slices.Equal(told, want) || c.Packets != 12 || c.Responses != 3 {
			t.Errorf("%d jobs: told %q of %d packets and %d responses, want %q", jobs, told, c.Packets, c.Responses, want)
		}
	}
}
