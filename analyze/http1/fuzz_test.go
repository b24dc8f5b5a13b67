package http1

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

func addSeeds(f *testing.F) {
	for _, c := range allParseCases() {
		f.Add([]byte(c.input), uint64(len(c.input)))
	}
}

// streamOf lets a fuzzed number choose how to read.
func streamOf(seed uint64) stream {
	s := stream{role: Role(seed & 1), simple: seed&6 == 6, ending: Ending(seed >> 3 & 3 % 3)}
	for n := seed >> 5; s.role == Response && n > 0; n /= 4 {
		s.methods = append(s.methods, [...]string{"", "GET", "HEAD", "CONNECT"}[n%4])
	}
	return s
}

// FuzzSplit: however the bytes are cut into segments, the messages are the same, and
// every byte is told of once (which read checks).
func FuzzSplit(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		s := streamOf(seed)
		whole := s.read(t, input)
		random := rand.New(rand.NewPCG(seed, 1))
		compareSplit(t, whole, s.read(t, singleBytes(input)...))
		compareSplit(t, whole, s.read(t, randomPieces(input, random)...))
	})
}

// FuzzGap: with holes, hunts and tunnels anywhere every byte fed is still told of once, what is
// told stays within the limits, and a message that lost bytes is not complete.
func FuzzGap(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		s := streamOf(seed)
		r := &recorder{t: t, methods: s.methods, simple: s.simple}
		p := NewParser(s.role, r, new(Arena))
		random := rand.New(rand.NewPCG(seed, 2))
		total := 0
		var lost uint64
		for _, piece := range randomPieces(input, random) {
			switch random.IntN(24) {
			case 0, 1, 2:
				n := uint64(random.IntN(100))
				p.Gap(n, packet(2))
				lost += n
			case 3:
				p.Hunt()
			case 4:
				if random.IntN(4) == 0 {
					p.StartTunnel()
				}
			}
			p.Feed(slices.Clone(piece), packet(1))
			total += len(piece)
		}
		p.Finish(s.ending, packet(3))
		if n := r.accounted(); n != int64(total) || !p.Idle() {
			t.Fatalf("%d bytes fed, %d accounted for, idle %v", total, n, p.Idle())
		}
		var told uint64
		for _, m := range r.messages {
			checkMessage(t, m)
			told += m.Lost
		}
		if told > lost {
			t.Errorf("%d bytes lost, %d told", lost, told)
		}
	})
}

func checkMessage(t *testing.T, m *Message) {
	if m.Complete && m.Lost > 0 {
		t.Error("complete though bytes were lost")
	}
	if m.HeaderBytes+m.BodyBytes > m.WireBytes {
		t.Errorf("head %d + body %d > %d", m.HeaderBytes, m.BodyBytes, m.WireBytes)
	}
	if m.Framing == ContentLength && m.Complete != (m.BodyBytes == m.Length) {
		t.Errorf("complete %v with %d of %d", m.Complete, m.BodyBytes, m.Length)
	}
	if (m.Framing == ContentLength) != (m.Length >= 0) {
		t.Errorf("%v with length %d", m.Framing, m.Length)
	}
	if m.Framing != Chunked && m.Trailers != nil {
		t.Error("trailers without chunks")
	}
	if (m.FieldsCut > 0 || m.BytesCut > 0) != m.Problems.Has(HeadCut) {
		t.Errorf("cut %d %d, but %v", m.FieldsCut, m.BytesCut, m.Problems)
	}
}

// FuzzRequest: where net/http takes the input for requests and we see no fault,
// both see the same; and what it takes, we read.
func FuzzRequest(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, input []byte, _ uint64) {
		reader := bufio.NewReader(bytes.NewReader(input))
		got := stream{}.read(t, input)
		for i := 0; ; i++ {
			theirs, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			body, err := io.ReadAll(theirs.Body)
			if i >= len(got.messages) {
				if i == 0 && theirs.Method != "PRI" && len(theirs.Method) <= maxMethod {
					t.Fatalf("net/http reads %s %s, we %q", theirs.Method, theirs.RequestURI, got.lines())
				}
				return
			}
			m := got.messages[i]
			if err != nil || m.Problems != 0 || theirs.ProtoMajor > 1 {
				return
			}
			if m.Method != theirs.Method || m.Target != theirs.RequestURI ||
				int(m.Version.Major) != theirs.ProtoMajor || int(m.Version.Minor) != theirs.ProtoMinor {
				t.Fatalf("net/http: %s %s %s, we: %s", theirs.Method, theirs.RequestURI, theirs.Proto, got.ended[i])
			}
			theirs.Header["Host"] = []string{theirs.Host}
			compareFields(t, &m.Fields, theirs.Header)
			compareBody(t, m, got.ended[i], body)
			compareFields(t, m.Trailers, theirs.Trailer)
		}
	})
}

// FuzzResponse is FuzzRequest for responses to GET.
func FuzzResponse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		reader := bufio.NewReader(bytes.NewReader(input))
		got := stream{role: Response}.read(t, input)
		for i := 0; i < len(got.messages); i++ {
			theirs, err := http.ReadResponse(reader, nil)
			if err != nil {
				return
			}
			body, err := io.ReadAll(theirs.Body)
			m := got.messages[i]
			if err != nil || m.Problems != 0 || m.Framing == Tunnel || theirs.ProtoMajor > 1 {
				return
			}
			// They keep the white space at the end, we that at the start.
			if m.Status != theirs.StatusCode || !strings.HasSuffix(strings.TrimRight(theirs.Status, " \t"), strings.TrimLeft(m.Reason, " \t")) ||
				int(m.Version.Major) != theirs.ProtoMajor || int(m.Version.Minor) != theirs.ProtoMinor {
				t.Fatalf("net/http: %s %s, we: %s", theirs.Proto, theirs.Status, got.ended[i])
			}
			compareFields(t, &m.Fields, theirs.Header)
			compareBody(t, m, got.ended[i], body)
			compareFields(t, m.Trailers, theirs.Trailer)
		}
	})
}

// reframed are the fields that net/http takes out, adds or changes.
var reframed = []string{"Host", "Transfer-Encoding", "Content-Length", "Trailer", "Connection", "Pragma", "Cache-Control"}

func compareFields(t *testing.T, ours *Fields, theirs http.Header) {
	t.Helper()
	byName := http.Header{}
	for _, f := range ours.All() {
		byName.Add(textproto.CanonicalMIMEHeaderKey(f.Name), f.Value)
	}
	for name, values := range byName {
		if !slices.Contains(reframed, name) && theirs != nil && !slices.Equal(values, theirs[name]) {
			t.Fatalf("%s: we have %q, net/http %q", name, values, theirs[name])
		}
	}
	for name, values := range theirs {
		if !slices.Contains(reframed, name) && !slices.Equal(values, byName[name]) {
			t.Fatalf("%s: net/http has %q, we %q", name, values, byName[name])
		}
	}
}

func compareBody(t *testing.T, m *Message, ended string, body []byte) {
	t.Helper()
	if !m.Complete || m.BodyBytes != int64(len(body)) {
		t.Fatalf("net/http reads a body of %d bytes: %q, we: %s", len(body), body, ended)
	}
}
