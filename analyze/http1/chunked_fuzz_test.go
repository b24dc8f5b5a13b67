package http1

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
)

const (
	chunkedHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunkedNext = "GET /next HTTP/1.1\r\n\r\n"
	// excess is how much framing net/http takes besides what the data justifies.
	excess = 16 << 10
)

// FuzzChunked builds bodies in chunks, sound and broken, cuts them anywhere, and compares
// what is read with what was built, and with what net/http reads where it takes the body.
func FuzzChunked(f *testing.F) {
	for _, program := range [][]byte{
		{}, {3, 'a', 'b', 'c'}, {0, 5, 1, 40, lastChunk}, {0, 9, lastChunk, 3},
		{lfBehindSize, 3, lfBehindData, 4, spaceBeforeSize, 5, lastChunk, 1},
		{0, 1, hugeSize, 0, 0, 1}, {hugeSize, 1}, {noSize, 0}, {noSize, 5, 0, 1}, {0, 1, longestSize, 0, 7, 0, 1}, {wrongEnd, 4, 1},
		append([]byte{rawBytes, 15}, "2;a=\"\r\"\r\nab\r\n0\r\n\r\n"...),
	} {
		for seed := range uint64(4) {
			f.Add(program, seed)
		}
	}
	f.Fuzz(func(t *testing.T, program []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 3))
		body := buildChunks(program, random)
		input := slices.Concat([]byte(chunkedHead), body.wire)
		if body.state == complete {
			input = append(input, chunkedNext...)
		}
		got := stream{ending: Finished}.read(t, input)
		compareSplit(t, got, stream{}.read(t, singleBytes(input)...))
		compareSplit(t, got, stream{}.read(t, randomPieces(input, random)...))
		m := got.messages[0]
		checkMessage(t, m)
		if !body.raw {
			body.check(t, got)
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body.wire)))
		switch {
		case err == nil && m.Problems == 0 && !(m.Complete && isBody(m, theirs)):
			t.Fatalf("net/http reads %q of %q, we: %s", theirs, body.wire, got.ended[0])
		case err != nil && m.Problems == 0 && m.Complete && !body.raw && !body.forgiven && len(body.wire) < excess:
			t.Fatalf("net/http says %v of %q, we: %s", err, body.wire, got.ended[0])
		}
	})
}

// What a program may ask for besides a sound chunk, by its first byte.
const (
	lfBehindSize = 16 + iota
	lfBehindData
	spaceBeforeSize
	hugeSize    // 2⁶³ and more
	longestSize // 2⁶³−1
	noSize
	wrongEnd
	lastChunk
	rawBytes
	kinds
)

// bodyState is how far the model of a body got.
type bodyState int

const (
	inChunks bodyState = iota
	endless            // all that comes is in a chunk without an end
	broken             // where the next chunk is cannot be known
	complete
)

// chunkedBody is a body as it is sent and what must be read of it.
type chunkedBody struct {
	wire     []byte
	read     int // bytes of wire up to where the framing breaks
	data     []byte
	trailers []Field
	problems Problem
	state    bodyState
	forgiven bool // something that net/http does not take is no problem to us
	raw      bool // nothing is known of what must be read
	random   *rand.Rand
}

// buildChunks builds what program asks for; the spelling of it is random.
func buildChunks(program []byte, random *rand.Rand) *chunkedBody {
	b := &chunkedBody{random: random}
	program = program[:min(len(program), 40)]
	next := func() (n byte) {
		if len(program) > 0 {
			n, program = program[0], program[1:]
		}
		return n
	}
	for len(program) > 0 && b.state != complete {
		switch kind := next() % kinds; kind {
		default:
			b.chunk(kind, int(next()))
		case hugeSize:
			b.send(fmt.Sprintf([...]string{"8%015x\r\n", "1%016x\r\n", "f%030x\r\n"}[next()%3], next()))
			b.breaks(BadChunkSize)
		case longestSize:
			b.send("7fffffffffffffff" + b.extension() + "\r\n")
			if b.state == inChunks {
				b.state = endless
			}
		case noSize:
			b.send([...]string{"\r\n", "0x5\r\n", ";a\r\n", "-1\r\n", "g\r\n", "5 5\r\n", "5,\r\n"}[next()%7])
			b.breaks(BadChunkSize)
		case lastChunk:
			b.last(int(next()))
		case rawBytes:
			n := min(int(next()), len(program))
			b.wire, b.raw = append(b.wire, program[:n]...), true
			program = program[n:]
		}
	}
	return b
}

// send sends bytes of the framing, or of a chunk that has no end.
func (b *chunkedBody) send(s string) {
	b.wire = append(b.wire, s...)
	switch b.state {
	case endless:
		b.data = append(b.data, s...)
		fallthrough
	case inChunks:
		b.read = len(b.wire)
	}
}

// breaks ends what is known of the body.
func (b *chunkedBody) breaks(why Problem) {
	if b.state == inChunks {
		b.state = broken
		b.problems |= why
	}
}

func (b *chunkedBody) problem(why Problem) {
	if b.state == inChunks {
		b.problems |= why
	}
}

// chunk sends one of a length that n chooses.
func (b *chunkedBody) chunk(kind byte, n int) {
	behindSize, behindData := "\r\n", "\r\n"
	switch kind {
	case lfBehindSize:
		behindSize = "\n"
		b.problem(BareLFInChunk)
	case lfBehindData:
		behindData = "\n"
		b.problem(BareLFInChunk)
	case spaceBeforeSize:
		b.send(" \t"[b.random.IntN(2):])
		b.problem(BadChunkSize)
	case wrongEnd:
		behindData = [...]string{"x\r\n", "\r\r\n", "\rx", "0"}[b.random.IntN(4)]
	}
	data := strings.Repeat("d\r\n0"[b.random.IntN(4):], 1+n%64)
	b.send(b.size(len(data)) + b.extension() + behindSize)
	if b.state == inChunks {
		b.data = append(b.data, data...)
	}
	b.send(data)
	if kind != wrongEnd {
		b.send(behindData)
		return
	}
	if b.state == inChunks { // what is wrong is not read any more, but a CR
		b.send(behindData[:strings.Count(behindData[:1], "\r")])
		behindData = behindData[strings.Count(behindData[:1], "\r"):]
	}
	b.breaks(BadChunkEnd)
	b.send(behindData)
}

// last sends the last chunk, trailers, and the empty line.
func (b *chunkedBody) last(trailers int) {
	b.send(b.size(0) + b.extension() + "\r\n")
	for i := range trailers % 5 {
		field := Field{Name: fmt.Sprintf("T%d", i), Value: strings.Repeat("v", i*7)}
		b.send(field.Name + ": " + field.Value + "\r\n")
		b.trailers = append(b.trailers, field)
	}
	b.send("\r\n")
	if b.state == inChunks {
		b.state = complete
	}
}

func (b *chunkedBody) size(n int) string {
	zeros := []int{0, 0, 0, 1, 13, 40}[b.random.IntN(6)]
	if zeros > 13 { // more digits than a size needs
		b.forgiven = true
	}
	format := "%x"
	if b.random.IntN(2) == 0 {
		format = "%X"
	}
	return strings.Repeat("0", zeros) + fmt.Sprintf(format, n)
}

func (b *chunkedBody) extension() string {
	all := []string{"", "", "", " ", "\t ", ";a", ";a=b;c", `;a="b;c"`, ";" + strings.Repeat("x", 3*chunkLineMax), " ;a"}
	n := b.random.IntN(len(all))
	if n == len(all)-1 { // white space inside
		b.forgiven = true
	}
	return all[n]
}

// check compares what was read with what was built.
func (b *chunkedBody) check(t *testing.T, got *recorder) {
	t.Helper()
	m := got.messages[0]
	whole, read := b.state == complete, m.WireBytes-m.HeaderBytes
	if m.Problems != b.problems || m.Complete != whole || !isBody(m, b.data) || read != int64(b.read) {
		t.Fatalf("built %q: %d bytes of body in %d, complete %v, %v\n got %s", b.wire, len(b.data), b.read, whole, b.problems, got.ended[0])
	}
	if !whole {
		return
	}
	var trailers []Field
	for _, f := range m.Trailers.All() {
		trailers = append(trailers, f)
	}
	if !slices.Equal(trailers, b.trailers) || len(got.messages) != 2 || got.messages[1].Target != "/next" {
		t.Fatalf("built %q with trailers %q\n got %q", b.wire, b.trailers, got.lines())
	}
}

func isBody(m *Message, data []byte) bool {
	return m.BodyBytes == int64(len(data)) && m.BodySum == crc32.ChecksumIEEE(data)
}
