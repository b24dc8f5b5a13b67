package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"wirelag/analyze"
	"wirelag/analyze/http1"
	"wirelag/reassembly"
	"wirelag/reassembly/capture"
	"wirelag/rules"
)

// The shape of an exchange, as a program that reads it would declare it.
type (
	jsonExchange struct {
		ID       uint64       `json:"id"`
		Stream   uint32       `json:"stream"`
		Request  *jsonRequest `json:"request"`
		Response *jsonAnswer  `json:"response"`
		Interim  []int        `json:"interim"`
		Timing   jsonTiming   `json:"timing"`
	}
	jsonRequest struct {
		Method string `json:"method"`
		Target string `json:"target"`
		Host   string `json:"host"`
		jsonMessage
	}
	jsonAnswer struct {
		Status int    `json:"status"`
		Reason string `json:"reason"`
		jsonMessage
	}
	jsonMessage struct {
		Version        string      `json:"version"`
		Headers        [][2]string `json:"headers"`
		Trailers       [][2]string `json:"trailers"`
		HeadersCut     int         `json:"headers_cut"`
		HeaderBytesCut int64       `json:"header_bytes_cut"`
		HeaderBytes    int64       `json:"header_bytes"`
		BodyBytes      int64       `json:"body_bytes"`
		Framing        string      `json:"framing"`
		Complete       bool        `json:"complete"`
		LostBytes      uint64      `json:"lost_bytes"`
		Problems       []string    `json:"problems"`
		Start          *time.Time  `json:"start"`
		End            *time.Time  `json:"end"`
		File           *int        `json:"file"`
		LastFile       *int        `json:"last_file"`
		FirstFrame     uint64      `json:"first_frame"`
		LastFrame      uint64      `json:"last_frame"`
	}
	jsonTiming struct {
		Blocked float64            `json:"blocked"`
		DNS     float64            `json:"dns"`
		Connect float64            `json:"connect"`
		SSL     float64            `json:"ssl"`
		Send    float64            `json:"send"`
		Wait    float64            `json:"wait"`
		Receive float64            `json:"receive"`
		Total   float64            `json:"total"`
		Causes  map[string]float64 `json:"causes"`
	}
)

const startTime = capture.Time(1_767_323_045_006_000_789) // 2026-01-02 03:04:05.006000789 UTC

func markAt(file int, number uint64, offset time.Duration) capture.Mark {
	return capture.Mark{Time: startTime.Add(offset), Frame: capture.NewFrame(file, number)}
}

func fullExchange() *analyze.Exchange {
	request := &http1.Message{
		Role: http1.Request, Version: http1.HTTP11, Method: "POST", Target: "/a?token=abc",
		Fields:    http1.FieldsOf([]http1.Field{{Name: "Host", Value: "www.example"}, {Name: "Cookie", Value: "sid=abc"}, {Name: "X", Value: "\xff\\\x1b"}}),
		Trailers:  new(http1.FieldsOf([]http1.Field{{Name: "Digest", Value: "x"}})),
		FieldsCut: 2, BytesCut: 345, HeaderBytes: 80, BodyBytes: 5, Framing: http1.Chunked, Complete: true,
		Problems: http1.BareLF | http1.HeadCut,
		First:    markAt(0, 4, 0), Last: markAt(1, 5, 250*time.Millisecond),
		Start: capture.Span{At: markAt(0, 4, 0)}, End: capture.Span{At: markAt(1, 5, 250*time.Millisecond)},
	}
	response := &http1.Message{
		Role: http1.Response, Version: http1.HTTP10, Status: 200, Reason: "OK", HeaderBytes: 20, Lost: 7,
		Framing: http1.UntilClose, First: markAt(1, 6, time.Second), Last: markAt(1, 6, time.Second),
		Start: capture.Span{At: markAt(1, 6, time.Second)}, End: capture.Span{At: markAt(1, 6, time.Second)},
	}
	return &analyze.Exchange{
		ID: 7, Stream: 3, Request: request, Response: response, Interim: []*http1.Message{{Status: 100}, {Status: 103}},
		Timing: analyze.Timing{
			Blocked: 0, DNS: analyze.Unknown, Connect: 50_200_001, SSL: analyze.Unknown,
			Send: 1, Wait: 2 * time.Second, Receive: 100_000,
			Causes: analyze.Causes{Nagle: 40 * time.Millisecond, Window: 1},
		},
	}
}

func TestExchangeInJSON(t *testing.T) {
	zero, one := 0, 1
	start := startTime.UTC()
	sent, answered := start.Add(250*time.Millisecond), start.Add(time.Second)
	want := jsonExchange{
		ID: 7, Stream: 3,
		Request: &jsonRequest{"POST", "/a?token=***", "www.example", jsonMessage{
			Version: "1.1", Headers: [][2]string{{"Host", "www.example"}, {"Cookie", "sid=***"}, {"X", "\\xff\\\\\x1b"}},
			Trailers: [][2]string{{"Digest", "x"}}, HeadersCut: 2, HeaderBytesCut: 345, HeaderBytes: 80, BodyBytes: 5,
			Framing: "chunked", Complete: true, Problems: []string{"bare-lf", "head-cut"},
			Start: &start, End: &sent, File: &zero, LastFile: &one, FirstFrame: 4, LastFrame: 5,
		}},
		Response: &jsonAnswer{200, "OK", jsonMessage{
			Version: "1.0", Headers: [][2]string{}, HeaderBytes: 20, Framing: "close", LostBytes: 7,
			Start: &answered, End: &answered, File: &one, LastFile: &one, FirstFrame: 6, LastFrame: 6,
		}},
		Interim: []int{100, 103},
		Timing: jsonTiming{
			Blocked: 0, DNS: -1, Connect: 50.200001, SSL: -1, Send: 0.000001, Wait: 2000, Receive: 0.1, Total: 2050.300002,
			Causes: map[string]float64{"nagle": 40, "delayed_ack": 0, "slow_start": 0, "retransmission": 0, "window": 0.000001},
		},
	}
	e := newEncoder(Options{SeveralFiles: true})
	if got := decodeExchange(t, &e, fullExchange()); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %s\nwant %s", reencode(t, got), reencode(t, want))
	}
}

func TestAbsentMessagesInJSON(t *testing.T) {
	unknown := analyze.Timing{
		Blocked: analyze.Unknown, DNS: analyze.Unknown, Connect: analyze.Unknown, SSL: analyze.Unknown,
		Send: analyze.Unknown, Wait: analyze.Unknown, Receive: analyze.Unknown,
	}
	e := newEncoder(Options{})
	got := decodeExchange(t, &e, &analyze.Exchange{ID: 1, Request: &http1.Message{}, Timing: unknown})
	if got.Response != nil || got.Interim == nil || got.Timing.Total != -1 || got.Timing.Wait != -1 {
		t.Errorf("unanswered: %s", reencode(t, got))
	}
	if m := got.Request.jsonMessage; m.Start != nil || m.File != nil {
		t.Errorf("without marks and with one file: %s", reencode(t, got))
	}
	got = decodeExchange(t, &e, &analyze.Exchange{ID: 1, Response: &http1.Message{Version: http1.Version{Major: 2}}, Timing: unknown})
	if got.Request != nil || got.Response.Version != "2" {
		t.Errorf("response alone: %s", reencode(t, got))
	}
}

func decodeExchange(t *testing.T, e *encoder, x *analyze.Exchange) (decoded jsonExchange) {
	t.Helper()
	encoded := append(e.exchange([]byte{'{'}, x), '}')
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&decoded); err != nil {
		t.Fatalf("%s: %v", encoded, err)
	}
	return decoded
}

func reencode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMilliseconds(t *testing.T) {
	for _, c := range []struct {
		in   time.Duration
		want string
	}{
		{0, "0"}, {1, "0.000001"}, {10, "0.00001"}, {999_999, "0.999999"}, {1_000_000, "1"}, {1_500_000, "1.5"},
		{41_200_000, "41.2"}, {time.Hour, "3600000"}, {analyze.Unknown, "-1"}, {1<<63 - 1, "9223372036854.775807"},
	} {
		if got := string(appendMillis(nil, c.in)); got != c.want {
			t.Errorf("%d ns: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestDigitsInJSON(t *testing.T) {
	for width, power := 1, uint64(10); width < 20; width, power = width+1, power*10 {
		for _, n := range []uint64{0, 1, 9, power / 10, power/2 + 7, power - 1} {
			if n >= power {
				continue
			}
			if got, want := string(appendDigits([]byte("t"), n, width)), fmt.Sprintf("t%0*d", width, n); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
}

// A head is told the same whatever came before it.
func TestHeadsInJSONDoNotDependOnEachOther(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	of := func(list ...string) string { return list[random.IntN(len(list))] }
	for _, o := range []Options{{}, {ShowSecrets: true}, {RedactHosts: true, RedactKey: []byte("k")}} {
		e := newEncoder(o)
		for range 2000 {
			m := &http1.Message{Role: http1.Role(random.IntN(2))}
			var fields []http1.Field
			for range random.IntN(40) {
				fields = append(fields, http1.Field{
					Name:  of("Host", "Cookie", "cookie", "X", "", "a.example", "Cookie "),
					Value: of("", "a=b", "a.example", "\"\x00\xff", strings.Repeat("long", 300)),
				})
			}
			m.Fields = http1.FieldsOf(fields)
			fresh := newEncoder(o)
			if got, want := string(e.headers(nil, m)), string(fresh.headers(nil, m)); got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
		}
	}
}

func TestTimesInJSON(t *testing.T) {
	var e encoder
	const day = capture.Time(24 * time.Hour)
	for _, at := range []capture.Time{
		0, 1, -1, startTime, startTime + 999_999_211, -1 << 63, 1<<63 - 1, startTime, startTime + day, startTime + day + 1, -day, -day - 1, day - 1, day,
	} {
		want := `"` + at.UTC().Format("2006-01-02T15:04:05.000000000Z") + `"`
		if got := string(e.time(nil, at)); got != want {
			t.Errorf("%d: got %s, want %s", at, got, want)
		}
	}
}

func TestHostOfARequest(t *testing.T) {
	for _, c := range []struct{ target, field, want string }{
		{"/", "a.example", "a.example"},
		{"/http://b.example/", "a.example", "a.example"},
		{"http://b.example/", "a.example", "b.example"},
		{"http://u:p@b.example:8080?x", "", "b.example:8080"},
		{"b.example:443", "b.example:443", "b.example:443"},
		{"*", "", ""},
	} {
		m := &http1.Message{Target: c.target}
		if c.field != "" {
			m.Fields = http1.FieldsOf([]http1.Field{{Name: "host", Value: c.field}})
		}
		if got := hostOf(m); got != c.want {
			t.Errorf("%q with %q: got %q, want %q", c.target, c.field, got, c.want)
		}
	}
}

// typicalExchange is what browsers and servers send.
func typicalExchange() *analyze.Exchange {
	x := fullExchange()
	x.Connection = &analyze.Connection{Connection: &reassembly.Connection{ID: 1}}
	x.Interim = nil
	for _, m := range []*http1.Message{x.Request, x.Response} {
		m.Problems, m.Trailers = 0, nil
		var fields []http1.Field
		for _, name := range []string{"Host", "User-Agent", "Accept", "Accept-Language", "Cookie", "Referer", "Cache-Control", "Date"} {
			fields = append(fields, http1.Field{Name: name, Value: strings.Repeat("value; ", 5)})
		}
		m.Fields = http1.FieldsOf(fields)
	}
	return x
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	x := typicalExchange()
	for _, f := range Formats {
		w := f.New(io.Discard, options())
		for _, s := range spoolsOf(w) {
			s.records = make([]byte, 0, 1<<20)
			s.entries = make([]spoolEntry, 0, 1<<10)
		}
		report := func() {
			if w.Exchange(x) != nil || w.Connection(x.Connection) != nil {
				t.Errorf("%s: cannot write", f.Name)
			}
		}
		for range 100 {
			report()
		}
		if allocations := testing.AllocsPerRun(100, report); allocations != 0 {
			t.Errorf("%s: %v allocations for an exchange and a connection", f.Name, allocations)
		}
	}
}

// smallExchange is a small file that a benchmark's client fetched from a server,
// one of many on the connection.
func smallExchange() *analyze.Exchange {
	x := fullExchange()
	x.Connection = &analyze.Connection{Connection: &reassembly.Connection{ID: 1}}
	x.ID, x.Stream, x.Interim = 1_234_567, 0, nil
	*x.Request = http1.Message{
		Role: http1.Request, Version: http1.HTTP11, Method: "GET", Target: "/small.bin", HeaderBytes: 84, Complete: true,
		Fields: http1.FieldsOf([]http1.Field{{Name: "Host", Value: "10.77.0.1"}, {Name: "User-Agent", Value: "ApacheBench/2.3"}, {Name: "Accept", Value: "*/*"}}),
		First:  markAt(0, 4_000_004, 0), Last: markAt(0, 4_000_004, 0),
		Start: capture.Span{At: markAt(0, 4_000_004, 0)}, End: capture.Span{At: markAt(0, 4_000_004, 0)},
	}
	*x.Response = http1.Message{
		Role: http1.Response, Version: http1.HTTP11, Status: 200, Reason: "OK", HeaderBytes: 252, BodyBytes: 200, Length: 200,
		Framing: http1.ContentLength, Complete: true,
		Fields: http1.FieldsOf([]http1.Field{
			{Name: "Server", Value: "nginx/1.22.1"}, {Name: "Date", Value: "Thu, 26 Nov 2026 01:49:33 GMT"},
			{Name: "Content-Type", Value: "application/octet-stream"}, {Name: "Content-Length", Value: "200"},
			{Name: "Last-Modified", Value: "Thu, 26 Nov 2026 01:49:28 GMT"}, {Name: "Connection", Value: "keep-alive"},
			{Name: "ETag", Value: `"6b079028-c8"`}, {Name: "Accept-Ranges", Value: "bytes"},
		}),
		First: markAt(0, 4_000_006, time.Millisecond), Last: markAt(0, 4_000_007, time.Millisecond),
		Start: capture.Span{At: markAt(0, 4_000_006, time.Millisecond)}, End: capture.Span{At: markAt(0, 4_000_007, time.Millisecond)},
	}
	x.Timing = analyze.Timing{
		DNS: analyze.Unknown, Connect: analyze.Unknown, SSL: analyze.Unknown, Blocked: 412_000, Wait: 1_361_000, Receive: 15_000,
	}
	return x
}

// withFirst are the fields of m with another first one.
func withFirst(m *http1.Message, first http1.Field) http1.Fields {
	fields := []http1.Field{first}
	for i := 1; i < m.Fields.Len(); i++ {
		fields = append(fields, m.Fields.At(i))
	}
	return http1.FieldsOf(fields)
}

func BenchmarkExchange(b *testing.B) {
	for name, x := range map[string]*analyze.Exchange{"typical": typicalExchange(), "small": smallExchange()} {
		b.Run(name, func(b *testing.B) {
			e := newEncoder(Options{})
			other := [2]http1.Fields{
				withFirst(x.Request, http1.Field{Name: "Host", Value: "www.example"}),
				withFirst(x.Response, http1.Field{Name: "Server", Value: "other/1.0"}),
			}
			buf := e.exchange(nil, x)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				for _, m := range []*http1.Message{x.Request, x.Response} {
					m.Start.At.Time += 1_234_567
					m.End.At.Time += 1_234_567
					m.Fields, other[m.Role] = other[m.Role], m.Fields
				}
				buf = e.exchange(buf[:0], x)
			}
		})
	}
}

func BenchmarkFinding(b *testing.B) {
	f := typicalFinding()
	f.Rule = rules.Find("port-reuse-in-time-wait")
	f.Detail = "Client port 3275 was used again 46.6 ms after its last connection to the server had closed, and accepted at once."
	f.Advice = f.Rule.Doc.Cure
	for i, what := range []string{"end of the connection before", "SYN on the same ports", "SYN/ACK"} {
		f.Evidence = append(f.Evidence, rules.Evidence{Mark: markAt(0, uint64(14_165+i), time.Duration(i)*time.Microsecond), What: what})
	}
	e := newEncoder(Options{})
	buf := e.finding(nil, f)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = e.finding(buf[:0], f)
	}
}
